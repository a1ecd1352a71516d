"""A decision with everything on record about its application, as whoever acts on it finds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.access import Deed
from roadworthy.casework.acting import is_text
from roadworthy.errors import Gone, NotFound, Refused
from roadworthy.records import (
    Application,
    Decision,
    FinalAnswer,
    HumanReview,
    Override,
    Record,
    decode_payload,
    metadata,
    whose,
)

__all__ = ["FINAL_ANSWERS", "Case", "Conclusion", "grants", "take_case"]

FINAL_ANSWERS = ("approve", "decline", "counter_offer", "withdrawn", "incomplete", "expired")
"""What an applicant can have got in the end."""
_records = metadata.tables["records"]
_applications = metadata.tables["applications"]


def grants(answer: str) -> bool | None:
    """Whether an answer lends, or declines to; None where it is neither: withdrawn, incomplete, expired.

    >>> grants("counter_offer"), grants("decline"), grants("withdrawn")
    (True, False, None)
    """
    return {"approve": True, "counter_offer": True, "decline": False}.get(answer)


class Conclusion(Struct, frozen=True):
    """A person's answer to a decision, by the record that gives it."""

    record_id: str
    answer: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Case:
    """A decision, its application as it stands, and all records about that application in their order."""

    record: Record
    decision: Decision
    application: Application
    history: tuple[Record, ...]

    @property
    def decision_id(self) -> str:
        """The id of the decision's record."""
        return self.record.record_id

    @cached_property
    def latest_id(self) -> str:
        """The id of the last decision on the application."""
        return [record.record_id for record in self.history if record.kind == "decision"][-1]

    @cached_property
    def conclusions(self) -> tuple[Conclusion, ...]:
        """Every answer that people gave to this decision, the last of which stands."""
        found = []
        for record in self.history:
            match record.kind:
                case "final_answer":
                    said: FinalAnswer | Override | HumanReview = decode_payload(record.payload, FinalAnswer)
                case "override":
                    said = decode_payload(record.payload, Override)
                case "human_review":
                    said = decode_payload(record.payload, HumanReview)
                case _:
                    continue
            if said.decision_id == self.decision_id and said.answer is not None:
                found.append(Conclusion(record.record_id, said.answer, record.actor, record.at))
        return tuple(found)

    @property
    def whose(self) -> str:
        """Whose key seals what is recorded about the application."""
        return whose(self.application.applicant_id, self.record.subject)

    @property
    def standing(self) -> Conclusion | None:
        """The answer of a person that stands; None where nobody answered."""
        return self.conclusions[-1] if self.conclusions else None

    @property
    def final_answer(self) -> str | None:
        """What the applicant got: a person's answer before the policy's own; None for a referral nobody answered."""
        if self.standing is not None:
            return self.standing.answer
        return None if self.decision.answer == "refer" else self.decision.answer

    @cached_property
    def review(self) -> HumanReview | None:
        """The request for human review that nobody has answered yet, of this decision or one that it followed."""
        waiting = None
        for record in self.history:
            if record.kind == "human_review":
                review = decode_payload(record.payload, HumanReview)
                waiting = review if review.step == "requested" else None
        return waiting

    def demand_open(self) -> None:
        """Refused where nothing can be done about this decision any more; Gone where it was erased."""
        if self.application.status == "erased":
            raise Gone(where=self.decision_id)
        if self.latest_id != self.decision_id:
            raise Refused(
                "this decision was corrected, so it is not the one that counts",
                where=self.decision_id,
                mend=f"act on the decision that followed it: {self.latest_id}",
            )

    def demand_no_review(self) -> None:
        """Refused where a review is asked for: it is answered with its words, and does not end on the side."""
        if self.review is not None:
            raise Refused(
                "the applicant asked for a person to look again", where=self.decision_id, mend="answer the review"
            )

    def demand_replaced(self, replaces: str | None) -> None:
        """Refused unless `replaces` names the answer that stands, or there is none."""
        standing = self.standing
        if standing is None and replaces is not None:
            raise Refused("there is no answer to replace", where=self.decision_id, mend="leave `replaces` out")
        if standing is not None and replaces != standing.record_id:
            raise Refused(
                f"it has its final answer: {standing.answer}, by {standing.by}",
                where=self.decision_id,
                mend=f"where yours replaces it, say so: replaces {standing.record_id}",
            )

    def demand_policy_kept(self, answer: str) -> None:
        """Refused where `answer` goes against the policy, and no override that stands went there before."""
        if self.decision.answer == "refer" or grants(answer) in (None, grants(self.decision.answer)):
            return
        if self.standing is not None and grants(self.standing.answer) == grants(answer):
            return
        raise Refused(
            f"the policy says {self.decision.answer}, so {answer} is an override",
            where=self.decision_id,
            mend="override it, with a reason" if answer != "counter_offer" else "override it first, then offer",
        )


def take_case(deed: Deed, connection: Connection, decision_id: str, permission: str, *, to_act: bool = False) -> Case:
    """The case of a decision, for whoever has the permission in its branch.

    With `to_act` its application is kept from other writers until this transaction ends. NotAllowed: no permission.
    NotFound: no such decision among those that the actor sees, in the same words whether it exists or not.
    """
    deed.demand(permission)
    record = _find_decision(connection, decision_id)
    decision = None if record is None else decode_payload(record.payload, Decision)
    if record is None or decision is None or not deed.by.branches.hold(decision.branch):
        raise NotFound.unseen()
    wanted = select(_applications).where(_applications.c.application_id == record.subject)
    found = connection.execute(wanted.with_for_update() if to_act else wanted).one()
    about = select(*_records.columns).where(_records.c.subject == record.subject).order_by(_records.c.nth)
    history = tuple(Record(*each) for each in connection.execute(about))
    return Case(record, decision, Application(*found), history)


def find_branch(connection: Connection, decision_id: str) -> str | None:
    """The branch that a decision was made for; None where it names none."""
    record = _find_decision(connection, decision_id)
    return None if record is None else decode_payload(record.payload, Decision).branch


def _find_decision(connection: Connection, decision_id: str) -> Record | None:
    wanted = select(*_records.columns).where(_records.c.record_id == decision_id, _records.c.kind == "decision")
    row = connection.execute(wanted).one_or_none() if is_text(decision_id) else None
    return None if row is None else Record(*row)
