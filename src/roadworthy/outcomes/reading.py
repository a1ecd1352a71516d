"""What of the records and their projections says how applications turned out, as was known by a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
from msgspec import Struct
from sqlalchemy import Connection, Integer, Select, and_, cast, func, or_, select

from roadworthy.outcomes.row import BARE
from roadworthy.records import decode_payload, metadata, read_parts, to_us

__all__ = ["DECISIONS", "read_decisions", "read_erased", "read_first_booking", "read_recorded", "read_standing"]

_records = metadata.tables["records"]
_events = metadata.tables["outcome_events"]
_applications = metadata.tables["applications"]
_CONCLUDING = ("final_answer", "override", "human_review")
_EVENTS = {
    "application_id": pl.String,
    "event": pl.String,
    "at_us": pl.Int64,
    "known_us": pl.Int64,
    "days": pl.Int64,
    "bad": pl.Int64,
    "corrected": pl.Int64,
}
DECISIONS = {
    "application_id": pl.String,
    "decision_id": pl.String,
    "release": pl.String,
    "assignment": pl.String,
    "answer": pl.String,
    "final_answer": pl.String,
    "branch": pl.String,
    "pd": pl.Float64,
    "score": pl.Float64,
    "decided_us": pl.Int64,
    "applied_us": pl.Int64,
}

_JUDGING = ("booked", "default", "days_past_due", BARE)
"""Events that say whether an application was lent to, or went bad."""


class _Release(Struct):
    id: str


class _Decided(Struct):
    """What of a decision is judged; the rest of its record is passed over unread."""

    answer: str
    pd: float | None
    score: float | None
    release: _Release
    assignment: str = "champion"
    branch: str | None = None
    applied_at: datetime | None = None


class _Concluded(Struct):
    answer: str | None = None


def read_first_booking(connection: Connection) -> int | None:
    """When the first loan was booked, in microseconds since 1970; None where none was."""
    first = select(func.min(_events.c.happened_us)).where(_events.c.event == "booked")
    found: int | None = connection.execute(first).scalar_one()
    return found


def read_last_report(connection: Connection, by_us: int) -> int | None:
    """When anything of any loan became known for the last time by then; None where nothing did."""
    last = select(func.max(_events.c.known_us)).where(_events.c.known_us <= by_us)
    found: int | None = connection.execute(last).scalar_one()
    return found


def read_standing(connection: Connection, as_of_us: int) -> pl.DataFrame:
    """The events known by then that nothing known by then put right, by name or by being told later of the same."""
    later = _events.alias()
    corrected = select(later.c.corrects).where(later.c.corrects.is_not(None), later.c.known_us <= as_of_us)
    columns = (
        _events.c.application_id, _events.c.event, _events.c.happened_us, _events.c.known_us, _events.c.days,
        _events.c.bad, cast(_events.c.record_id.in_(corrected), Integer),
    )  # fmt: skip
    # Payments are many, and judge nobody.
    wanted = select(*columns).where(_events.c.known_us <= as_of_us, _events.c.event.in_(_JUDGING))
    known = _to_frame(connection, wanted, _EVENTS)
    latest = pl.col("known_us") == pl.col("known_us").max().over("application_id", "event", "at_us")
    return known.filter(latest & (pl.col("corrected") == 0))


def read_erased(connection: Connection) -> list[str]:
    return list(
        connection.execute(select(_applications.c.application_id).where(_applications.c.status == "erased")).scalars()
    )


def read_decisions(connection: Connection, as_of_us: int) -> pl.DataFrame:
    """The last decision of each application that was made by then, with the last answer that followed it by then.

    An application that nothing was decided or answered about since is as the projection has it, which is nearly every
    one. What the others were then, only their records say.
    """
    decided, final = _applications.c.decided_us, _applications.c.final_us
    unchanged = select(*(_applications.c[name] for name in DECISIONS)).where(
        decided <= as_of_us, or_(final.is_(None), final <= as_of_us)
    )
    changed = select(_applications.c.application_id).where(
        or_(
            and_(decided <= as_of_us, final > as_of_us),
            and_(decided > as_of_us, _applications.c.decisions > 1),
            _applications.c.status == "erased",
        )
    )
    return pl.concat([_to_frame(connection, unchanged, DECISIONS), read_recorded(connection, changed, as_of_us)])


def _to_frame(connection: Connection, wanted: Select[Any], schema: Mapping[str, Any]) -> pl.DataFrame:
    """The rows as columns, a part at a time, so that a million of them are never all there as objects."""
    parts = [pl.DataFrame(schema=schema)]
    for rows in read_parts(connection, wanted):
        columns = zip(schema.items(), zip(*rows, strict=True), strict=True)
        parts.append(pl.DataFrame([pl.Series(name, values, kind) for (name, kind), values in columns]))
    return pl.concat(parts)


def read_recorded(connection: Connection, ids: Select[tuple[str]], as_of_us: int) -> pl.DataFrame:
    """What the records of these applications say that was decided and answered by then."""
    decided: dict[str, tuple[int, tuple[Any, ...]]] = {}
    concluded: dict[str, tuple[int, str]] = {}
    columns = (_records.c.subject, _records.c.nth, _records.c.kind, _records.c.record_id, _records.c.at_us,
               _records.c.payload)  # fmt: skip
    wanted = select(*columns).where(
        _records.c.subject.in_(ids), _records.c.kind.in_(("decision", *_CONCLUDING)), _records.c.at_us <= as_of_us
    )
    for subject, nth, kind, record_id, at_us, payload in connection.execute(wanted):
        if kind == "decision":
            if subject not in decided or decided[subject][0] < nth:
                decided[subject] = (nth, _decision_row(subject, record_id, at_us, payload))
        elif subject not in concluded or concluded[subject][0] < nth:
            answer = decode_payload(payload, _Concluded).answer
            if answer is not None:
                concluded[subject] = (nth, answer)
    rows = []
    for subject, (nth, row) in decided.items():
        after, answer = concluded.get(subject, (0, None))
        rows.append((*row[:5], answer if after > nth else None, *row[5:]))
    return pl.DataFrame(rows, schema=DECISIONS, orient="row")


def _decision_row(subject: str, record_id: str, at_us: int, payload: bytes) -> tuple[Any, ...]:
    decision = decode_payload(payload, _Decided)
    applied_us = at_us if decision.applied_at is None else to_us(decision.applied_at)
    return (
        subject, record_id, decision.release.id, decision.assignment, decision.answer, decision.branch,
        decision.pd, decision.score, at_us, applied_us,
    )  # fmt: skip
