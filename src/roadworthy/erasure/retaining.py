"""The end of their time: applicants about whom nothing was recorded for long are erased as if it had been asked for."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, or_, select

from roadworthy.access import Deed
from roadworthy.erasure.erasing import erase_within
from roadworthy.erasure.reach import Reach, Whom, find_reach
from roadworthy.errors import NotFound
from roadworthy.records import Erasure, metadata, to_us

__all__ = ["Overdue", "find_overdue", "months_before", "retain"]

_applications, _records = metadata.tables["applications"], metadata.tables["records"]
_AT_ONCE = 500


class Overdue(Struct, frozen=True, kw_only=True):
    """Who is kept longer than they should be, and how many of them a legal hold keeps."""

    before: datetime
    applicants: tuple[Whom, ...]
    held: int


def months_before(now: datetime, months: int) -> datetime:
    """The same day and hour so many calendar months ago; the last day of a month that is shorter.

    >>> from datetime import UTC
    >>> months_before(datetime(2026, 3, 31, tzinfo=UTC), 25).date().isoformat()
    '2024-02-29'
    """
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


def find_overdue(deed: Deed, months: int) -> Overdue:
    """Everybody about whom the last record is older than `months`. Permission applicant.erase.

    All of an applicant's applications count: who applied again is not overdue.
    """
    deed.demand("applicant.erase")
    before = months_before(deed.now, months)
    found, held = [], 0
    with deed.store.reading() as connection:
        for whom in _candidates(connection, to_us(before)):
            try:
                reach = find_reach(deed.store, connection, whom)
            except NotFound:
                continue
            if _last_us(connection, reach) >= to_us(before):
                continue
            if reach.held:
                held += 1
            else:
                found.append(whom)
    return Overdue(before=before, applicants=tuple(found), held=held)


def retain(deed: Deed, months: int) -> int:
    """Erase everybody who is overdue, each in one transaction with its records; how many. Permission applicant.erase.

    Stopped at any point, the same again goes on. They are not put on the list of erasures: a restored store finds them
    overdue by itself.
    """
    overdue = find_overdue(deed, months)
    ground = f"nothing was recorded about them for {months} months"
    done = 0
    for whom in overdue.applicants:

        def work(connection: Connection, whom: Whom = whom) -> bool:
            deed.store.connections.keep_still(connection)
            try:
                reach = find_reach(deed.store, connection, whom)
            except NotFound:
                return False
            if reach.held or _last_us(connection, reach) >= to_us(overdue.before):
                return False
            erasure = Erasure(key_ids=reach.key_ids, ground=ground, plain=reach.plain)
            entries = [deed.entry(erasure, subject) for subject in reach.application_ids]
            erase_within(deed.store, connection, reach.key_ids, reach.application_ids, entries, deed.now)
            return True

        done += deed.store.transact(work)
    if done:
        deed.store.connections.scrub()
    return done


def _candidates(connection: Connection, before_us: int) -> Iterator[Whom]:
    """Whoever has an application that nothing happened to since, each once."""
    table = _applications.c
    old = select(table.application_id, table.applicant_id).where(
        table.decided_us < before_us,
        or_(table.final_us.is_(None), table.final_us < before_us),
        or_(table.last_known_us.is_(None), table.last_known_us < before_us),
    )
    seen: set[str] = set()
    for application_id, applicant_id in connection.execute(old.order_by(table.application_id)):
        if applicant_id is None:
            yield Whom(application_id=application_id)
        elif applicant_id not in seen:
            seen.add(applicant_id)
            yield Whom(applicant_id=applicant_id)


def _last_us(connection: Connection, reach: Reach) -> int:
    """When the last record about any of the applications was made."""
    last = select(func.max(_records.c.at_us)).where(_records.c.subject.in_(reach.application_ids))
    return int(connection.execute(last).scalar_one() or 0)
