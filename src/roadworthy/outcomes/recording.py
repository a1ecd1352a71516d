"""Outcomes taken in: every row is recorded, or was before, or is set aside with why. Nothing is lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.access import Deed
from roadworthy.errors import UsageError
from roadworthy.outcomes.row import BARE, Fault, Outcome, digest_outcome, read_outcome
from roadworthy.outcomes.rules import Known, Loan, find_fault, is_repeated
from roadworthy.records import (
    Application,
    Entry,
    Once,
    OutcomeEvent,
    OutcomeSetAside,
    Particulars,
    Recorded,
    encode_payload,
    metadata,
    moment,
    to_us,
    whose,
)

__all__ = ["AsideOutcome", "OutcomesTaken", "find_zone", "record_outcomes"]

CALLER = "outcomes:"
"""Under this name each fact is recorded once."""
_CHUNK = 1_000
_NOBODY = Fault("$.application_id", "no_such_application", "there is no such application among those you see")
_ERASED = Fault("$.application_id", "erased", "this applicant's data were erased: nothing more is kept about them")
_LARGEST_ROW = 65_536
_applications = metadata.tables["applications"]
_events = metadata.tables["outcome_events"]


class AsideOutcome(Struct, frozen=True):
    """A row that was not taken: its position (from 0), the place in it, the rule it failed, and why."""

    row: int
    path: str
    rule: str
    message: str


class OutcomesTaken(Struct, frozen=True):
    """What became of the rows: `recorded` brought something new, `repeated` nothing new; the rest is set aside."""

    recorded: int
    repeated: int
    set_aside: tuple[AsideOutcome, ...]


@dataclass(frozen=True)
class _Row:
    position: int
    raw: object
    facts: tuple[Outcome, ...]
    faults: Sequence[Fault]

    @property
    def order(self) -> tuple[bool, int, int, int]:
        """Bookings first and then by time, so that the order of a file does not matter."""
        if not self.facts:
            return (True, 0, 0, self.position)
        first = self.facts[0]
        return (first.event != "booked", first.at_us, first.known_us, self.position)


def record_outcomes(deed: Deed, rows: Iterable[Mapping[str, Any]], *, time_zone: str = "UTC") -> OutcomesTaken:
    """Record outcome events, or set rows aside with why; see docs/reference/outcomes.md for every rule.

    rows        application_id, event, at, known_at, amount, days, corrects; or application_id, bad, at, known_at,
                booked_at. Times are datetimes, dates or ISO 8601 texts
    time_zone   the product's: in it are days, and times without an offset

    1,000 rows are one transaction. Cut off in between, the same rows can be sent again: what was recorded is repeated.
    Permission outcome.add; an application of a branch that the actor does not see is nobody's. UsageError: no such time
    zone. Errors of the store as `Ledger.append`.
    """
    deed.demand("outcome.add")
    zone = find_zone(time_zone)
    now_us = to_us(deed.now)
    read = sorted((_read(position, raw, zone, now_us) for position, raw in enumerate(rows)), key=lambda row: row.order)

    @lru_cache(65_536)
    def day(us: int) -> date:
        return moment(us).astimezone(zone).date()

    recorded, aside = 0, []
    for start in range(0, len(read), _CHUNK):
        chunk = read[start : start + _CHUNK]
        new, failed = deed.store.transact(partial(_take, deed, rows=chunk, day=day))
        recorded += new
        aside += failed
    aside.sort(key=lambda failed: failed.row)
    return OutcomesTaken(recorded, len(read) - recorded - len(aside), tuple(aside))


def find_zone(name: str) -> ZoneInfo:
    """The time zone of this name; UsageError where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError, and a folder's name an OSError
        raise UsageError(
            f"there is no time zone {name!r}", available=["UTC", "Europe/Berlin", "America/New_York"]
        ) from None


def _read(position: int, raw: object, zone: ZoneInfo, now_us: int) -> _Row:
    read = read_outcome(raw, zone, now_us)
    return _Row(position, raw, read, ()) if isinstance(read, tuple) else _Row(position, raw, (), read)


def _take(
    deed: Deed, connection: Connection, rows: Sequence[_Row], day: Callable[[int], date]
) -> tuple[int, list[AsideOutcome]]:
    """Record one chunk within a transaction: how many rows are new, and which are set aside."""
    loans = _read_loans(connection, {fact.application_id for row in rows for fact in row.facts})
    entries: list[Entry] = []
    owner: dict[str, int] = {}
    aside: list[AsideOutcome] = []
    for row in rows:
        new, fault = _judge(deed, row, loans, day)
        if fault is not None:
            aside.append(AsideOutcome(row.position, fault.path, fault.rule, fault.message))
            entries.append(_set_aside(deed, row, fault, loans))
            continue
        for fact in new:
            entry = _enter(deed, fact)
            owner[entry.record_id] = row.position
            loans[fact.application_id].known.append(Known(entry.record_id, fact))
            entries.append(entry)
    results = deed.store.ledger.append(entries, within=connection).results
    recorded = {owner[each.record_id] for each in results if isinstance(each, Recorded) and each.record_id in owner}
    return len(recorded), aside


def _judge(
    deed: Deed, row: _Row, loans: Mapping[str, Loan], day: Callable[[int], date]
) -> tuple[list[Outcome], Fault | None]:
    """The facts of a row that are new, or the fault that sets it aside."""
    if row.faults:
        first = row.faults[0]
        return [], Fault(first.path, first.rule, "; ".join(fault.message for fault in row.faults))
    loan = loans.get(row.facts[0].application_id)
    if loan is None or not deed.by.branches.hold(loan.application.branch):
        return [], _NOBODY
    if loan.application.status == "erased":
        return [], _ERASED
    new: list[Outcome] = []
    for fact in row.facts:
        if is_repeated(fact, loan) or _is_booked_already(fact, row, loan, day):
            continue
        fault = find_fault(fact, Loan(loan.application, loan.known + [Known("", each) for each in new]), day)
        if fault is not None:
            return [], fault
        new.append(fact)
    return new, None


def _is_booked_already(fact: Outcome, row: _Row, loan: Loan, day: Callable[[int], date]) -> bool:
    """Whether a bare row only says again, in passing, on which day the loan was booked."""
    if fact.event != "booked" or row.facts[-1].event != BARE:
        return False
    return any(known.fact.event == "booked" and day(known.fact.at_us) == day(fact.at_us) for known in loan.standing())


def _read_loans(connection: Connection, ids: Iterable[str]) -> dict[str, Loan]:
    """The applications that were decided, or erased, kept from other writers until this transaction ends."""
    wanted = sorted(ids)
    found = connection.execute(
        select(_applications)
        .where(_applications.c.application_id.in_(wanted))
        .where(_applications.c.decided_us.is_not(None) | (_applications.c.status == "erased"))
        # In one order everywhere, so that two imports wait for each other and never in a circle.
        .order_by(_applications.c.application_id)
        .with_for_update()
    )
    loans = {row[0]: Loan(Application(*row)) for row in found.all()}
    columns = (
        _events.c.record_id, _events.c.application_id, _events.c.event, _events.c.happened_us, _events.c.known_us,
        _events.c.amount, _events.c.days, _events.c.bad, _events.c.corrects,
    )  # fmt: skip
    events = select(*columns).where(_events.c.application_id.in_(list(loans))).order_by(_events.c.nth)
    for row in connection.execute(events).all():
        record_id, application_id, event, at_us, known_us, amount, days, bad, corrects = row
        fact = Outcome(
            application_id=application_id, event=event, at_us=at_us, known_us=known_us,
            amount=amount, days=days, bad=bad, corrects=corrects,
        )  # fmt: skip
        loans[application_id].known.append(Known(record_id, fact))
    return loans


def _enter(deed: Deed, fact: Outcome) -> Entry:
    digest = digest_outcome(fact)
    event = OutcomeEvent(
        event=fact.event, at=moment(fact.at_us), known_at=moment(fact.known_us),
        amount=fact.amount, days=fact.days, bad=fact.bad, corrects=fact.corrects,
    )  # fmt: skip
    return deed.entry(event, fact.application_id, once=Once(CALLER, digest, bytes.fromhex(digest)))


def _set_aside(deed: Deed, row: _Row, fault: Fault, loans: Mapping[str, Loan]) -> Entry:
    """The record of a row that was not taken; for the same sender and the same reason, there is one only."""
    kept = b"{}" if fault is _ERASED else keep_row(row.raw)
    # Whoever sends it too is told of it among their own: what another sent may be of a branch that they do not see.
    digest = sha256(b"\n".join((deed.by.account.encode(), kept, fault.rule.encode(), fault.path.encode()))).digest()
    named = row.facts[0].application_id if row.facts else None
    # About nobody that the actor sees, it must not stand in the history of anybody, or of a release of that name.
    subject = named if named is not None and named in loans and fault is not _NOBODY else "outcomes"
    return deed.entry(
        OutcomeSetAside(path=fault.path, rule=fault.rule, message=fault.message),
        subject,
        sealed=encode_payload(Particulars(inputs=msgspec.Raw(kept))),
        whose=_whose(row, named, loans) or f"row:{digest.hex()}",
        once=Once(CALLER, f"aside:{digest.hex()}", digest),
    )


def _whose(row: _Row, named: str | None, loans: Mapping[str, Loan]) -> str | None:
    """Whose key seals the row: the applicant's, or of whatever application it names; None where it names none."""
    if named is None and isinstance(row.raw, Mapping):
        said = row.raw.get("application_id")
        named = said if isinstance(said, str) else None
    if named is None:
        return None
    loan = loans.get(named)
    return whose(None if loan is None else loan.application.applicant_id, named)


def keep_row(raw: object) -> bytes:
    """A row as it came, as JSON: what JSON has no word for as text, and what is too much for a row cut short."""
    if isinstance(raw, Mapping):
        raw = {str(name): _spell(value) for name, value in raw.items()}
    try:
        kept = msgspec.json.encode(raw, enc_hook=str)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return msgspec.json.encode(f"a {type(raw).__name__} that cannot be written down")
    return kept if len(kept) <= _LARGEST_ROW else msgspec.json.encode(kept[:_LARGEST_ROW].decode(errors="replace"))


def _spell(value: object) -> object:
    """JSON has no word for NaN and the infinities, nor for half a character."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
