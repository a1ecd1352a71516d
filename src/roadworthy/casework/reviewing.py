"""Human review: the applicant asks for a person to look again, says why, and is answered by a deadline."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from roadworthy.access import Actor, Deed
from roadworthy.casework.acting import Receipt, check_words, record_once
from roadworthy.casework.case import Case, grants, take_case
from roadworthy.casework.final_answers import make_final_answer
from roadworthy.casework.overriding import enter_override, make_override
from roadworthy.errors import Refused, UsageError
from roadworthy.records import Entry, HumanReview, Once

__all__ = ["ApplicantView", "answer_review", "ask_review"]


class ApplicantView(Struct, frozen=True):
    """What an applicant said when they asked for a review; it is sealed."""

    view: str


def ask_review(deed: Deed, decision_id: str, *, view: str, deadline: datetime, once: Once | None = None) -> Receipt:
    """Record that the applicant asks for a person to look at a decision. Permission review.ask, in its branch.

    view      what the applicant says about it, in their words; sealed
    deadline  by when they are answered: after now, with its time zone

    Refused while one is asked for already, and for a decision that was corrected. NotAllowed, UsageError.
    """
    deed.demand("review.ask")
    if deadline.tzinfo is None or deadline <= deed.now:
        raise UsageError(f"the deadline is {deadline.isoformat()}", mend="a time to come, with its time zone")
    said = ApplicantView(check_words("view", view, needed=True))

    def make(connection: Connection) -> Entry:
        case = take_case(deed, connection, decision_id, "review.ask", to_act=True)
        case.demand_open()
        case.demand_no_review()
        asked = HumanReview(decision_id=decision_id, step="requested", deadline=deadline)
        return deed.entry(asked, case.record.subject, sealed=msgspec.json.encode(said), whose=case.whose, once=once)

    return record_once(deed, once, make)


def answer_review(
    deed: Deed,
    decision_id: str,
    *,
    words: str,
    answer: str | None = None,
    amount: float | None = None,
    term: int | None = None,
    rate: float | None = None,
    conditions: str = "",
    reason_code: str | None = None,
    second: Actor | None = None,
    once: Once | None = None,
) -> Receipt:
    """Answer an applicant who asked for a review. Permission review.answer, in the decision's branch.

    words        what was looked at and found, for the applicant
    answer       a final answer, which takes the place of the one that stands; None: it stands, whatever it is
    amount ...   as in `give_final_answer`
    reason_code  where the answer goes against the policy: it then is an override too, with its authority and, beyond
                 that, its `second` person

    The review and the answer it leads to are recorded together, or not at all. Refused where no review is asked for,
    and for a referral without any answer yet unless this gives one. NotAllowed, UsageError.
    """
    deed.demand("review.answer")
    words = check_words("words", words, needed=True)
    if answer is not None:
        make_final_answer(decision_id, answer, amount, term, rate, conditions, "")
    elif (amount, term, rate, conditions, reason_code) != (None, None, None, "", None):
        raise UsageError("terms and a reason belong to an answer", mend="say the answer, or leave them out")

    def make(connection: Connection) -> Entry:
        case = take_case(deed, connection, decision_id, "review.answer", to_act=True)
        case.demand_open()
        if case.review is None:
            raise Refused("nobody asked for a review of this decision", where=decision_id)
        along: tuple[Entry, ...] = ()
        if answer is None:
            _demand_answered(case)
        elif _is_override(case, answer):
            if reason_code is None:
                case.demand_policy_kept(answer)
            said = make_override(decision_id, answer, reason_code or "", words)
            along = (enter_override(deed, case, said, second=second, replaces=_standing(case)),)
        else:
            final = make_final_answer(decision_id, answer, amount, term, rate, conditions, "")
            along = (deed.entry(final, case.record.subject),)
        done = HumanReview(decision_id=decision_id, step="done", answer=answer, words=words)
        return deed.entry(done, case.record.subject, once=once, along=along)

    return record_once(deed, once, make)


def _is_override(case: Case, answer: str) -> bool:
    """Whether this goes against the policy, and nobody has gone there before."""
    if case.decision.answer == "refer" or grants(answer) in (None, grants(case.decision.answer)):
        return False
    return case.standing is None or grants(case.standing.answer) != grants(answer)


def _standing(case: Case) -> str | None:
    return None if case.standing is None else case.standing.record_id


def _demand_answered(case: Case) -> None:
    if case.final_answer is None:
        raise Refused("this referral has no answer yet", where=case.decision_id, mend="give one with the review")
