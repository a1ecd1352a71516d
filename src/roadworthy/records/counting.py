"""Counting applications without opening them: by spans of time, and those that wait for a person.

Every count is read from an index alone, so that it stays quick among a million of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, func, literal, select, true, union_all

from roadworthy.records.moments import moment, to_us
from roadworthy.records.schema import WAITING, applications

__all__ = ["Span", "count_spans", "count_waiting", "read_branches", "read_latest_moment"]

_AT_ONCE = 100
"""So many spans are asked for in one statement: SQLite joins no more than 500."""


class Span(Struct, frozen=True, kw_only=True):
    """The applications whose latest decision was made from `start` until before `end`.

    approved, referred and declined are the policy's answers and add up to `decisions`; `mean_pd` is None where no model
    gave a PD; `overridden` went against the policy's answer; `corrected` were decided anew, this being the last time.
    """

    start: datetime
    end: datetime
    decisions: int
    approved: int
    referred: int
    declined: int
    mean_pd: float | None
    overridden: int
    corrected: int


def count_spans(
    connection: Connection, bounds: Sequence[datetime], branches: Collection[str] | None = None
) -> tuple[Span, ...]:
    """The span between each of `bounds` (rising, timezone-aware) and the next; None are the branches of everybody."""
    row = applications.c
    seen = _seen(branches)
    found = []
    edges = list(pairwise(bounds))
    for begin in range(0, len(edges), _AT_ONCE):
        asked = [
            select(
                literal(begin + place),
                func.count(),
                func.count().filter(row.answer == "approve"),
                func.count().filter(row.answer == "refer"),
                func.count().filter(row.answer == "decline"),
                func.avg(row.pd),
                func.count().filter(row.overridden),
                func.count().filter(row.decisions > 1),
            ).where(row.decided_us >= to_us(start), row.decided_us < to_us(end), seen)
            for place, (start, end) in enumerate(edges[begin : begin + _AT_ONCE])
        ]
        found += [tuple(line) for line in connection.execute(union_all(*asked))]
    names = Span.__struct_fields__[2:]
    return tuple(
        Span(start=edges[place][0], end=edges[place][1], **dict(zip(names, counted, strict=True)))
        for place, *counted in sorted(found)
    )


def count_waiting(connection: Connection, branches: Collection[str] | None = None) -> Mapping[str, int]:
    """How many applications wait for a person, by status: "open" are referrals, "review" was asked for.

    A status that nobody waits in is left out.
    """
    status = applications.c.status
    asked = select(status, func.count().label("number")).where(WAITING, _seen(branches)).group_by(status)
    return {row.status: row.number for row in connection.execute(asked)}


def read_latest_moment(connection: Connection, branches: Collection[str] | None = None) -> datetime | None:
    """When the last decision was made that counts; None where there is none."""
    us = connection.execute(select(func.max(applications.c.decided_us)).where(_seen(branches))).scalar_one()
    return None if us is None else moment(us)


def read_branches(connection: Connection) -> tuple[str, ...]:
    """Every branch that an application names, in order."""
    named = applications.c.branch
    asked = select(named).where(named.is_not(None), applications.c.decided_us.is_not(None)).distinct()
    return tuple(sorted(connection.execute(asked).scalars()))


def _seen(branches: Collection[str] | None) -> ColumnElement[bool]:
    return true() if branches is None else applications.c.branch.in_(branches)
