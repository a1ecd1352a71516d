"""Finding applications: by id, applicant, name, branch, status, answer, time; a page at a time, latest first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, TextClause, and_, func, or_, select

from roadworthy.records.moments import to_us
from roadworthy.records.projections import Application, fold_words
from roadworthy.records.schema import WAITING, applications, name_words

__all__ = ["Found", "Wanted", "count_applications", "read_application", "search_applications"]

_LAST_CHARACTER = "\U0010ffff"
_WAITS = frozenset(("open", "review"))


class Wanted(Struct, frozen=True, kw_only=True):
    """What to look for; what is None or empty is not asked. `name`: the beginnings of its words, in any order.

    `branches` limits what may be seen at all: None is every branch, an empty collection is none.
    """

    application_ids: Collection[str] = ()
    applicant_id: str | None = None
    name: str = ""
    branches: Collection[str] | None = None
    statuses: Collection[str] = ()
    answers: Collection[str] = ()
    final_answers: Collection[str] = ()
    releases: Collection[str] = ()
    decided_from: datetime | None = None
    decided_before: datetime | None = None
    amount_from: float | None = None
    amount_to: float | None = None


class Found(Struct, frozen=True):
    """A page of applications, latest decision first, and where the next one goes on: None where this was the last."""

    applications: tuple[Application, ...]
    next: tuple[int, str] | None


def search_applications(
    connection: Connection, wanted: Wanted, *, limit: int = 50, after: tuple[int, str] | None = None
) -> Found:
    """Up to `limit` applications that fit, latest decision first. `after` is the `next` of the page before."""
    asked = select(applications).where(*_conditions(wanted)).limit(limit + 1)
    if after is not None:
        us, application_id = after
        decided = applications.c.decided_us
        # The first condition follows from the second, and is one that an index is entered by.
        asked = asked.where(
            decided <= us, or_(decided < us, and_(decided == us, applications.c.application_id > application_id))
        )
    asked = asked.order_by(applications.c.decided_us.desc(), applications.c.application_id)
    rows = [Application(*row) for row in connection.execute(asked)]
    if len(rows) <= limit:
        return Found(tuple(rows), None)
    last = rows[limit - 1]
    return Found(tuple(rows[:limit]), (last.decided_us or 0, last.application_id))


def count_applications(connection: Connection, wanted: Wanted, *, most: int | None = None) -> int:
    """How many applications fit; where `most` is given, no more are counted: one more than it says that there are."""
    fit = select(applications.c.decided_us).where(*_conditions(wanted))
    if most is not None:
        fit = fit.limit(most + 1)
    return connection.execute(select(func.count()).select_from(fit.subquery())).scalar_one()


def read_application(connection: Connection, application_id: str) -> Application | None:
    """One application as its records leave it."""
    row = connection.execute(select(applications).where(applications.c.application_id == application_id)).one_or_none()
    return None if row is None else Application(*row)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool] | TextClause]:
    # Only what was decided is found: every application begins with a decision.
    found: list[ColumnElement[bool] | TextClause] = [applications.c.decided_us.is_not(None)]
    for column, values in (
        (applications.c.application_id, wanted.application_ids),
        (applications.c.status, wanted.statuses),
        (applications.c.answer, wanted.answers),
        (applications.c.final_answer, wanted.final_answers),
        (applications.c.release, wanted.releases),
    ):
        if values:
            found.append(column.in_(values))
    if wanted.statuses and _WAITS.issuperset(wanted.statuses):
        found.append(WAITING)  # says nothing more, and lets the index of the few that wait be used
    if wanted.branches is not None:
        found.append(applications.c.branch.in_(wanted.branches))
    if wanted.applicant_id is not None:
        found.append(applications.c.applicant_id == wanted.applicant_id)
    if wanted.decided_from is not None:
        found.append(applications.c.decided_us >= to_us(wanted.decided_from))
    if wanted.decided_before is not None:
        found.append(applications.c.decided_us < to_us(wanted.decided_before))
    if wanted.amount_from is not None:
        found.append(applications.c.amount >= wanted.amount_from)
    if wanted.amount_to is not None:
        found.append(applications.c.amount <= wanted.amount_to)
    return found + [applications.c.application_id.in_(asked) for asked in _named(wanted.name)]


def _named(name: str) -> list[Select[tuple[str]]]:
    """One subquery a word: the applications with a word that begins like it."""
    return [
        select(name_words.c.application_id).where(name_words.c.word >= word, name_words.c.word < word + _LAST_CHARACTER)
        for word in sorted(fold_words(name))
    ]
