"""What waits for a person, and how many were decided when: counted, not opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import select

from roadworthy.access import Branches, Deed
from roadworthy.records import (
    HumanReview,
    Span,
    Wanted,
    count_spans,
    count_waiting,
    decode_payload,
    metadata,
    read_latest_moment,
    search_applications,
)

__all__ = ["WaitingReview", "count_decided", "count_queue", "find_latest_moment", "list_waiting_reviews"]

_records = metadata.tables["records"]


class WaitingReview(Struct, frozen=True, kw_only=True):
    """A human review that an applicant asked for and nobody has answered."""

    application_id: str
    decision_id: str
    deadline: datetime | None


def count_queue(deed: Deed) -> Mapping[str, int]:
    """How many applications wait for a person in the branches the actor sees. Permission decision.read.

    By status: "open" are referrals, "review" was asked for; none of a status, and it is left out.
    """
    deed.demand("decision.read")
    with deed.store.reading() as connection:
        return count_waiting(connection, _names(deed.by.branches))


def count_decided(deed: Deed, bounds: Sequence[datetime]) -> tuple[Span, ...]:
    """What was decided between each of `bounds` and the next, in the branches seen. Permission decision.read."""
    deed.demand("decision.read")
    with deed.store.reading() as connection:
        return count_spans(connection, bounds, _names(deed.by.branches))


def find_latest_moment(deed: Deed) -> datetime | None:
    """When the last decision was made in the branches the actor sees. Permission decision.read."""
    deed.demand("decision.read")
    with deed.store.reading() as connection:
        return read_latest_moment(connection, _names(deed.by.branches))


def list_waiting_reviews(deed: Deed, limit: int = 100) -> tuple[WaitingReview, ...]:
    """Reviews that wait, the earliest deadline first, of the latest `limit` decisions. Permission review.answer."""
    deed.demand("review.answer")
    wanted = Wanted(statuses=("review",), branches=_names(deed.by.branches))
    with deed.store.reading() as connection:
        found = search_applications(connection, wanted, limit=limit).applications
        about = _records.c.subject.in_([one.application_id for one in found]) & (_records.c.kind == "human_review")
        asked = {
            row.subject: decode_payload(row.payload, HumanReview)
            for row in connection.execute(
                select(_records.c.subject, _records.c.payload).where(about).order_by(_records.c.nth)
            )
        }
    reviews = [
        WaitingReview(
            application_id=one.application_id,
            decision_id=one.decision_id or "",
            deadline=asked[one.application_id].deadline,
        )
        for one in found
    ]
    return tuple(sorted(reviews, key=lambda review: (review.deadline is None, review.deadline, review.application_id)))


def _names(branches: Branches) -> tuple[str, ...] | None:
    return None if branches.every else tuple(sorted(branches.names))
