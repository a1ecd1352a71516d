"""The reply to an application: a pure function of its record, so that a repeat gets the same bytes."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from roadworthy.records import Decision, Record, ReleaseRef, StatedReason, decode_payload

__all__ = ["Reply", "render_reply", "reply_of"]


class Reply(Struct, frozen=True, kw_only=True):
    """What the caller gets.

    `final_answer` is the policy's own answer, or null where a person gives it later. `rules` are the codes that fired.
    `pd_at_reference` is the PD with the columns of the stated reasons as a typical approved applicant has them;
    `adjusted`: these were chosen anew, by how much each lowers the PD, since the largest contributions together did not
    lower it.
    """

    decision_id: str
    application_id: str
    answer: str
    final_answer: str | None
    pd: float | None
    score: float | None
    reasons: tuple[StatedReason, ...]
    pd_at_reference: float | None
    adjusted: bool
    rules: tuple[str, ...]
    release: ReleaseRef
    assignment: str
    trial: bool
    decided_at: datetime
    corrects: str | None = None


def reply_of(record_id: str, application_id: str, at: datetime, decision: Decision, *, trial: bool) -> Reply:
    """The reply to a decision as it is recorded."""
    return Reply(
        decision_id=record_id,
        application_id=application_id,
        answer=decision.answer,
        final_answer=None if decision.answer == "refer" else decision.answer,
        pd=decision.pd,
        score=decision.score,
        reasons=decision.reasons,
        pd_at_reference=decision.pd_at_reference,
        adjusted=decision.adjusted,
        rules=decision.rules,
        release=decision.release,
        assignment=decision.assignment,
        trial=trial,
        decided_at=at,
        corrects=decision.corrects,
    )


def render_reply(record: Record) -> bytes:
    """The JSON that answers the application of this record, the same whenever it is asked for."""
    decision = decode_payload(record.payload, Decision)
    return ENCODER.encode(reply_of(record.record_id, record.subject, record.at, decision, trial=record.trial))


ENCODER = msgspec.json.Encoder()
