"""Deciding other than the policy: within one's authority alone, beyond it with a second person (R20, R25)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection

from roadworthy.access import Actor, Deed, demand_override, within_authority
from roadworthy.casework.acting import Receipt, check_words, record_once
from roadworthy.casework.case import Case, take_case
from roadworthy.errors import Refused, UsageError
from roadworthy.records import Entry, Once, Override

__all__ = ["OVERRIDE_REASONS", "demand_overridable", "enter_override", "make_override", "override"]

OVERRIDE_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "verified_income": "income or assets were verified that the application does not show",
        "known_customer": "the customer's history with the lender says more than the model sees",
        "security": "collateral or a guarantor covers the risk",
        "data_error": "what the decision was made of was wrong, and cannot be corrected in time",
        "changed_circumstances": "the applicant's situation has changed since the data were gathered",
        "policy_exception": "an exception that the credit policy itself provides for",
        "suspected_fraud": "signs of fraud that the model does not see",
        "affordability": "the applicant could not carry the payments, whatever the risk of default",
        "other": "none of these: the words say why",
    }
)
"""Every reason code of an override, with what it means."""


def override(
    deed: Deed,
    decision_id: str,
    answer: str,
    *,
    reason_code: str,
    words: str,
    second: Actor | None = None,
    replaces: str | None = None,
    once: Once | None = None,
) -> Receipt:
    """Approve what the policy declined, or decline what it approved. Permission override.make, in the branch.

    reason_code  one of OVERRIDE_REASONS; `words` say why in this case
    second       who confirms it too, let in by a credential of their own; needed beyond the actor's authority
    replaces     the record id of the answer that stands, where this one takes its place

    Refused: on a referral (a person's answer to it is a final answer), where the policy says the same, beyond authority
    without a second person who may, and as `give_final_answer`. NotAllowed, UsageError.
    """
    deed.demand("override.make")
    said = make_override(decision_id, answer, reason_code, words)

    def make(connection: Connection) -> Entry:
        case = take_case(deed, connection, decision_id, "override.make", to_act=True)
        case.demand_no_review()
        return enter_override(deed, case, said, second=second, replaces=replaces, once=once)

    return record_once(deed, once, make)


def enter_override(
    deed: Deed,
    case: Case,
    said: Override,
    *,
    second: Actor | None,
    replaces: str | None,
    once: Once | None = None,
) -> Entry:
    """The record of an override that the actor may make of this case, alone or with `second`."""
    demand_overridable(case, said.answer, replaces)
    amount, branch = case.application.amount, case.decision.branch
    demand_override(deed.by, amount, branch=branch, second=second, trial=case.record.trial)
    if second is not None and not within_authority(deed.by, amount):
        said = msgspec.structs.replace(said, second=second.account)
    return deed.entry(said, case.record.subject, once=once)


def make_override(decision_id: str, answer: str, reason_code: str, words: str) -> Override:
    """The override, checked by itself; UsageError names what is wrong with it."""
    if answer not in ("approve", "decline"):
        raise UsageError(
            f"an override approves or declines, and {answer!r} is neither", available=["approve", "decline"]
        )
    if reason_code not in OVERRIDE_REASONS:
        raise UsageError(f"{reason_code!r} is no reason code of an override", available=OVERRIDE_REASONS)
    words = check_words("words", words, needed=True)
    return Override(decision_id=decision_id, answer=answer, reason_code=reason_code, words=words)


def demand_overridable(case: Case, answer: str, replaces: str | None) -> None:
    """Refused where an override to `answer` makes no sense as the case stands."""
    case.demand_open()
    if case.decision.answer == "refer":
        raise Refused(
            "the policy left this to a person, so there is nothing to override",
            where=case.decision_id,
            mend="give it its final answer",
        )
    if case.decision.answer == answer:
        raise Refused(
            f"the policy says {answer} itself", where=case.decision_id, mend="record how it ended as a final answer"
        )
    case.demand_replaced(replaces)
