"""What the decisions of some time state as their reasons, counted: what an odd week shares that others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import select

from roadworthy.access import Deed
from roadworthy.records import StatedReason, decode_payload, metadata, to_us

__all__ = ["Grounds", "tally_grounds"]

_records = metadata.tables["records"]
_applications = metadata.tables["applications"]


class Grounds(Struct, frozen=True, kw_only=True):
    """How many `decisions` were looked at, and how many of them state each reason, by its text; rules' too."""

    decisions: int
    reasons: Mapping[str, int]


class _Reasons(Struct):
    """What of a decision is counted; the rest of its record is passed over unread."""

    reasons: tuple[StatedReason, ...] = ()


def tally_grounds(deed: Deed, start: datetime, end: datetime, answer: str, *, most: int) -> Grounds:
    """The reasons of the `most` latest decisions from `start` until before `end` that gave this answer.

    Of each application the latest decision, in the branches that the actor sees. Permission decision.read.
    """
    deed.demand("decision.read")
    row = _applications.c
    asked = (
        select(_records.c.payload)
        .join(_applications, row.decision_id == _records.c.record_id)
        .where(row.decided_us >= to_us(start), row.decided_us < to_us(end), row.answer == answer)
        .where(deed.by.branches.filter(row.branch))
        .order_by(row.decided_us.desc())
        .limit(most)
    )
    with deed.store.reading() as connection:
        payloads = connection.execute(asked).scalars().all()
    told: Counter[str] = Counter()
    for payload in payloads:
        told.update({reason.text for reason in decode_payload(payload, _Reasons).reasons})
    return Grounds(decisions=len(payloads), reasons=told)
