"""What the applicant got: a person's answer to a referral, or how an answer of the policy ended."""

from __future__ import annotations

import math

from sqlalchemy import Connection

from roadworthy.access import Deed
from roadworthy.casework.acting import Receipt, check_words, record_once
from roadworthy.casework.case import FINAL_ANSWERS, grants, take_case
from roadworthy.errors import UsageError
from roadworthy.records import Entry, FinalAnswer, Once

__all__ = ["give_final_answer", "make_final_answer"]

_LARGEST = 1e15
_MOST_MONTHS = 1_200


def give_final_answer(
    deed: Deed,
    decision_id: str,
    answer: str,
    *,
    amount: float | None = None,
    term: int | None = None,
    rate: float | None = None,
    conditions: str = "",
    note: str = "",
    replaces: str | None = None,
    once: Once | None = None,
) -> Receipt:
    """Record what the applicant got. Permission final_answer.give, in the decision's branch.

    answer     approve, decline, counter_offer (with its amount), withdrawn, incomplete or expired
    amount     in the product's currency, above 0; `term` in months; `rate` a fraction a year
    replaces   the record id of the answer that stands, where this one takes its place
    once       recorded once for this caller and key

    On a referral this is the decision. Where the policy answered, it says how that ended; going against the policy is
    an override, and refused here. Refused also: a second answer that does not say which one it replaces; a decision
    that was corrected; while a human review is asked for; a key used for something else. NotAllowed, UsageError.
    """
    deed.demand("final_answer.give")
    said = make_final_answer(decision_id, answer, amount, term, rate, conditions, note)

    def make(connection: Connection) -> Entry:
        case = take_case(deed, connection, decision_id, "final_answer.give", to_act=True)
        case.demand_open()
        case.demand_no_review()
        case.demand_replaced(replaces)
        case.demand_policy_kept(answer)
        return deed.entry(said, case.record.subject, once=once)

    return record_once(deed, once, make)


def make_final_answer(
    decision_id: str,
    answer: str,
    amount: float | None,
    term: int | None,
    rate: float | None,
    conditions: str,
    note: str,
) -> FinalAnswer:
    """The answer, checked by itself; UsageError names what is wrong with it."""
    if answer not in FINAL_ANSWERS:
        raise UsageError(f"{answer!r} is no final answer", available=FINAL_ANSWERS)
    conditions = check_words("conditions", conditions)
    if not grants(answer) and (amount, term, rate, conditions) != (None, None, None, ""):
        raise UsageError(f"{answer} offers nothing", mend="leave amount, term, rate and conditions out")
    if answer == "counter_offer" and amount is None:
        raise UsageError("a counter-offer says its amount", mend="amount, in the product's currency")
    _check_number("amount", amount, least=math.nextafter(0.0, 1.0), most=_LARGEST)
    _check_number("rate", rate, least=0.0, most=100.0)
    _check_number("term", term, least=1, most=_MOST_MONTHS)
    if term is not None and int(term) != term:
        raise UsageError(f"term is {term}", mend="a whole number of months")
    return FinalAnswer(
        decision_id=decision_id,
        answer=answer,
        amount=None if amount is None else float(amount),
        term=None if term is None else int(term),
        rate=None if rate is None else float(rate),
        conditions=conditions,
        note=check_words("note", note),
    )


def _check_number(name: str, value: float | None, *, least: float, most: float) -> None:
    if value is not None and (isinstance(value, bool) or not least <= value <= most):
        said = f"above 0 and at most {most:,.0f}" if name == "amount" else f"from {least:g} to {most:,.0f}"
        raise UsageError(f"{name} is {value}", mend=f"{name} is {said}")
