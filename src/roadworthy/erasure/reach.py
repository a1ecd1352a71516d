"""What a store keeps about one applicant: what an erasure reaches, a hold keeps, and a dry run lists."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select

from roadworthy.casework import is_text
from roadworthy.errors import NotFound, UsageError
from roadworthy.records import Store, metadata, moment, whose

__all__ = ["Reach", "Whom", "find_reach"]

_applications, _records = metadata.tables["applications"], metadata.tables["records"]
_holds = metadata.tables["legal_holds"]


class Whom(Struct, frozen=True, kw_only=True):
    """An applicant by their id, or by one of their applications; one of the two is given."""

    applicant_id: str | None = None
    application_id: str | None = None

    def check(self) -> Whom:
        """Itself; UsageError where not one of the two is given, or it is no text."""
        given = [one for one in (self.applicant_id, self.application_id) if one]
        if len(given) != 1:
            raise UsageError("whose data?", mend="the id of an applicant, or of an application: one of the two")
        if not is_text(given[0]):
            raise UsageError("the id has a character that is no text")
        return self


class Reach(Struct, frozen=True, kw_only=True):
    """What is there about one applicant.

    key_ids          the keys that open what is sealed about them, and nothing else
    application_ids  their applications
    whose            whom the first of the keys is for
    plain            how many records about them are from before the store was encrypted: nothing makes those unreadable
    held             the legal holds on them, by the records that set them
    since            when the first of the applications was decided
    branches         of the applications
    """

    key_ids: tuple[str, ...]
    application_ids: tuple[str, ...]
    applicant_id: str | None
    whose: str
    plain: int
    held: tuple[str, ...]
    since: datetime | None
    branches: tuple[str | None, ...]

    @property
    def words(self) -> frozenset[str]:
        """What names them in a file: their own id, and their applications'."""
        return frozenset(self.application_ids) | ({self.applicant_id} if self.applicant_id else frozenset())


def find_reach(store: Store, connection: Connection, whom: Whom) -> Reach:
    """What is there about `whom`. An application reaches all of its applicant's, who has one key for all of them.

    NotFound where nothing is kept about them, or not any more.
    """
    applicant_id = whom.applicant_id
    named = select(_applications.c.application_id, _applications.c.applicant_id, _applications.c.branch).where(
        _applications.c.decided_us.is_not(None)
    )
    if whom.application_id is not None:
        one = connection.execute(named.where(_applications.c.application_id == whom.application_id)).one_or_none()
        applicant_id = None if one is None else one.applicant_id
        rows = [] if one is None else [one]
    if applicant_id is not None:
        theirs = named.where(_applications.c.applicant_id == applicant_id)
        rows = list(connection.execute(theirs.order_by(_applications.c.application_id)).all())
    ids = tuple(row.application_id for row in rows)
    # What was kept apart under an application's own name is about them too.
    sealed = [whose(None, name) for name in ids or (() if applicant_id else (whom.application_id or "",))]
    first = whose(applicant_id, whom.application_id or "")
    found = store.ledger.keys.find(connection, {first, *sealed})
    if not found and not ids:
        raise NotFound("nothing is kept about them, or not any more", mend="their id, as it came with an application")
    about = _records.c.subject.in_(ids) & _records.c.key_id.is_(None) & _records.c.sealed.is_not(None)
    decided = select(func.min(_records.c.at_us)).where(_records.c.subject.in_(ids), _records.c.kind == "decision")
    since = connection.execute(decided).scalar_one()
    key_ids = tuple(sorted(found.values()))
    held = select(_holds.c.hold_id).where(_holds.c.key_id.in_(key_ids)).order_by(_holds.c.set_us)
    return Reach(
        key_ids=key_ids,
        application_ids=ids,
        applicant_id=applicant_id,
        whose=first,
        plain=connection.execute(select(func.count()).select_from(_records).where(about)).scalar_one(),
        held=tuple(connection.execute(held).scalars()),
        since=None if since is None else moment(since),
        branches=tuple(sorted({row.branch for row in rows}, key=str)),
    )
