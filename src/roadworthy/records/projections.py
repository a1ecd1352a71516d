"""What is kept for reading, made of records alone: deletable, and made again at will.

`project` follows every append inside its transaction; `rebuild_projections` runs the same code over the whole ledger,
so that both give the same rows. An application's row is folded from its records in their order, one small function
a kind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, delete

from roadworthy.records.connections import Connections
from roadworthy.records.entry import Record
from roadworthy.records.kinds import (
    Decision,
    FinalAnswer,
    HumanReview,
    OutcomeEvent,
    Override,
    Particulars,
    RouteEvent,
    decode_payload,
    encode_payload,
)
from roadworthy.records.moments import to_us
from roadworthy.records.route import Route
from roadworthy.records.schema import applications, name_words, outcome_events, route_history

__all__ = ["PROJECTIONS", "Application", "Opener", "fold_words", "project"]

PROJECTIONS = (applications, name_words, outcome_events, route_history)

NO_APPLICATION = "key:"
"""Begins the subject of an erasure that reaches no application: a key under which only rows set aside were kept."""
_WORD = re.compile(r"\w+")

# What a record seals; None once its key is destroyed.
Opener = Callable[[Record], bytes | None]


class Application(Struct):
    """An application as the records about it leave it; the columns of `applications`, in their order.

    `status`: open (a person must decide), answered (the policy did), review (the applicant asked for a person), final,
    erased.
    """

    application_id: str
    nth: int = 0
    status: str = ""
    decision_id: str | None = None
    decisions: int = 0
    applicant_id: str | None = None
    names: str | None = None
    branch: str | None = None
    amount: float | None = None
    answer: str | None = None
    pd: float | None = None
    score: float | None = None
    release: str | None = None
    assignment: str | None = None
    final_answer: str | None = None
    final_by: str | None = None
    overridden: bool = False
    applied_us: int | None = None
    decided_us: int | None = None
    final_us: int | None = None
    last_event: str | None = None
    last_event_us: int | None = None
    last_known_us: int | None = None


Fold = Callable[[Application, Record, Opener], None]


def project(connections: Connections, connection: Connection, rows: Sequence[Record], opener: Opener) -> None:
    """Bring every projection up to these records, which are new and in their order."""
    about = [row for row in rows if row.kind in _FOLDS and not row.subject.startswith(NO_APPLICATION)]
    if about:
        _project_applications(connections, connection, about, opener)
    changes = [row for row in rows if row.kind == "route_event"]
    if changes:
        connections.insert(connection, route_history, [_route_row(row) for row in changes])


def _project_applications(
    connections: Connections, connection: Connection, rows: Sequence[Record], opener: Opener
) -> None:
    old = {row.subject for row in rows if row.nth > 1}
    found = {row[0]: Application(*row) for row in _read_applications(connections, connection, sorted(old))}
    known = set(found)
    renamed: dict[str, str | None] = {}
    erased: set[str] = set()
    for row in rows:
        application = found.get(row.subject)
        if application is None:
            application = found[row.subject] = Application(row.subject)
        if application.status == "erased":
            application.nth = row.nth
            continue
        names = application.names
        _FOLDS[row.kind](application, row, opener)
        application.nth = row.nth
        if application.names != names:
            renamed.setdefault(row.subject, names)
        if application.status == "erased":
            erased.add(row.subject)
    touched = [structs.astuple(found[subject]) for subject in sorted(found)]
    if new := [row for row in touched if row[0] not in known]:
        connections.insert(connection, applications, new)
    if changed := [row for row in touched if row[0] in known]:
        connections.insert(connection, applications, changed, _REPLACE)
    for subject in sorted(erased):
        connection.execute(delete(outcome_events).where(outcome_events.c.application_id == subject))
    _project_names(connections, connection, {subject: (was, found[subject].names) for subject, was in renamed.items()})
    events = [_event_row(row) for row in rows if row.kind == "outcome_event" and found[row.subject].status != "erased"]
    if events:
        connections.insert(connection, outcome_events, events)


def _project_names(
    connections: Connections, connection: Connection, renamed: Mapping[str, tuple[str | None, str | None]]
) -> None:
    """Let the words of names follow: what each application was called, and is."""
    for subject, (was, _) in sorted(renamed.items()):
        if was is not None:
            old = name_words.c.word.in_(fold_words(was))
            connection.execute(delete(name_words).where(old, name_words.c.application_id == subject))
    words = [(word, subject) for subject, (_, now) in renamed.items() for word in fold_words(now)]
    if words:
        connections.insert(connection, name_words, sorted(words))


def _read_applications(
    connections: Connections, connection: Connection, subjects: Sequence[str]
) -> list[tuple[Any, ...]]:
    if not subjects:
        return []
    return connections.select_in(connection, _READ, subjects)


_READ = "SELECT {columns} FROM applications WHERE application_id IN ({{values}})".format(  # noqa: S608  # our own names
    columns=", ".join(column.name for column in applications.columns)
)
_REPLACE = "ON CONFLICT (application_id) DO UPDATE SET " + ", ".join(
    f"{column.name} = excluded.{column.name}" for column in applications.columns if not column.primary_key
)


def _fold_decision(application: Application, row: Record, opener: Opener) -> None:
    decision = decode_payload(row.payload, Decision)
    particulars = _open(row, opener)
    application.decision_id = row.record_id
    application.decisions += 1
    if application.status != "review":  # the applicant waits for a person, whatever is decided meanwhile
        application.status = "open" if decision.answer == "refer" else "answered"
    application.answer, application.pd, application.score = decision.answer, decision.pd, decision.score
    application.release, application.assignment = decision.release.id, decision.assignment
    application.final_answer = application.final_by = application.final_us = None
    application.overridden = False
    application.branch = decision.branch
    application.decided_us = row.at_us
    application.applied_us = row.at_us if decision.applied_at is None else to_us(decision.applied_at)
    if particulars is not None:
        # All of it: what an earlier decision under this name was told may be about somebody of another branch.
        application.applicant_id = particulars.applicant_id
        application.names = " ".join(particulars.names) or None
        application.amount = particulars.amount


def _fold_final_answer(application: Application, row: Record, _opener: Opener) -> None:
    _conclude(application, row, decode_payload(row.payload, FinalAnswer).answer)


def _fold_override(application: Application, row: Record, _opener: Opener) -> None:
    _conclude(application, row, decode_payload(row.payload, Override).answer)
    application.overridden = True


def _conclude(application: Application, row: Record, answer: str) -> None:
    application.status = "final"
    application.final_answer, application.final_by, application.final_us = answer, row.actor, row.at_us


def _fold_review(application: Application, row: Record, _opener: Opener) -> None:
    review = decode_payload(row.payload, HumanReview)
    if review.step == "requested":
        application.status = "review"
    elif review.answer is not None:
        _conclude(application, row, review.answer)
    elif application.status == "review":
        application.status = "final" if application.final_answer is not None else "answered"


def _fold_outcome(application: Application, row: Record, _opener: Opener) -> None:
    event = decode_payload(row.payload, OutcomeEvent)
    application.last_event, application.last_event_us = event.event, to_us(event.at)
    application.last_known_us = to_us(event.known_at)


def _fold_erasure(application: Application, _row: Record, _opener: Opener) -> None:
    for name, value in structs.asdict(Application(application.application_id, status="erased")).items():
        setattr(application, name, value)


_FOLDS: Mapping[str, Fold] = {
    "decision": _fold_decision,
    "final_answer": _fold_final_answer,
    "override": _fold_override,
    "human_review": _fold_review,
    "outcome_event": _fold_outcome,
    "erasure": _fold_erasure,
}


def _open(row: Record, opener: Opener) -> Particulars | None:
    if row.sealed is None:
        return None
    plain = row.sealed if row.key_id is None else opener(row)
    return None if plain is None else decode_payload(plain, Particulars)


def fold_words(names: str | None) -> set[str]:
    """The words a name is found by: case folded, accents off.

    >>> sorted(fold_words("Núñez, Ana-María"))
    ['ana', 'maria', 'nunez']
    """
    if not names:
        return set()
    bare = names.lower() if names.isascii() else _bare(names)
    return set(_WORD.findall(bare))


def _bare(names: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", names.casefold()) if not unicodedata.combining(c))


def _event_row(row: Record) -> tuple[Any, ...]:
    event = decode_payload(row.payload, OutcomeEvent)
    happened, known = to_us(event.at), to_us(event.known_at)
    return (
        row.record_id, row.subject, row.nth, event.event, happened, known, event.amount, event.days, event.bad,
        event.corrects,
    )  # fmt: skip


def _route_row(row: Record) -> tuple[Any, ...]:
    event = decode_payload(row.payload, RouteEvent)
    return event.epoch, row.record_id, row.at_us, encode_payload(msgspec.convert(event.route, Route))
