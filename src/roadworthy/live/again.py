"""Recorded decisions made again from their records alone: by the release and the tables' versions that they name.

One or very many: they go through `decide` together, grouped by what decided them, as live applications do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from roadworthy.contract import Batch, Violation, check_bodies
from roadworthy.decision import decide
from roadworthy.errors import DataError, RoadworthyError, StoreError, UsageError
from roadworthy.live.current import CurrentRoute, Taken
from roadworthy.live.deciding import NotDecided
from roadworthy.live.describing import STOPPED, describe_decisions
from roadworthy.live.loading import Loaded, Part, find_damage
from roadworthy.records import Decision, Head, Particulars, Record, Route, decode_payload, verify_rows

__all__ = [
    "Again",
    "Lost",
    "NotAgain",
    "decide_again",
    "decide_all_again",
    "decide_changed",
    "is_as_hashed",
    "open_particulars",
]

Lost = Literal["erased"] | Part
"""Of a decision that cannot be made again, what is no more."""


@dataclass(frozen=True)
class Again:
    """A decision as it is made today: `recorded` is what was made then, row `row` of `batch` what both were made of."""

    record: Record
    recorded: Decision
    decision: Decision
    loaded: Loaded
    batch: Batch
    row: int

    @property
    def application(self) -> Batch:
        """The application by itself."""
        return self.batch.take(slice(self.row, self.row + 1))


@dataclass(frozen=True)
class NotAgain:
    """A decision that cannot be made again, and why.

    lost   what is no more: erased with the applicant's key, or which part is not what it was; None where every part is
           as it was and this program can still make nothing of them
    """

    record: Record
    recorded: Decision | None
    lost: Lost | None
    error: RoadworthyError


class _By(Struct, frozen=True):
    """What decided: the release, the tables' versions, and whether the stop switch was on."""

    release: str
    tables: tuple[tuple[str, str], ...]
    stopped: bool


class _Asked(Struct, frozen=True):
    """A decision to be made again: its record, what that says, and the inputs it is made from."""

    record: Record
    recorded: Decision
    particulars: Particulars
    inputs: dict[str, Any]


def decide_again(current: CurrentRoute, record: Record) -> Again:
    """Decide the application of a decision's record by the release, and with the tables' versions, that it names.

    Nothing is recorded. UsageError where the record is no decision. DataError where the applicant's data are erased, or
    no longer keep to the release's own contract. StoreError where the store lacks a part.
    """
    [again] = decide_all_again(current, [record])
    if isinstance(again, NotAgain):
        raise again.error
    return again


def decide_all_again(current: CurrentRoute, records: Sequence[Record]) -> list[Again | NotAgain]:
    """`decide_again` for many at once, each in its place: what cannot be made again does not keep the others.

    UsageError where a record is no decision; StoreError where the store cannot be read, or its keys are not at hand.
    """
    made: dict[int, Again | NotAgain] = {}
    groups: dict[_By, list[tuple[int, _Asked]]] = {}
    for place, asked in enumerate(_ask_all(current, records)):
        if isinstance(asked, NotAgain):
            made[place] = asked
        else:
            groups.setdefault(_by(asked.recorded), []).append((place, asked))
    for by, group in groups.items():
        places, alike = zip(*group, strict=True)
        made |= zip(places, _decide_alike(current, by, alike), strict=True)
    return [made[place] for place in range(len(records))]


def decide_changed(current: CurrentRoute, record: Record, changed: Mapping[str, Any]) -> Again | NotDecided:
    """What would have been decided, had the columns of `changed` come with these values; None is missing.

    By the release and with the tables' versions that decided, as if the stop switch had been open. Nothing is recorded.
    NotDecided where the values break the contract; errors as `decide_again`.
    """
    [asked] = _ask_all(current, [record])
    if isinstance(asked, NotAgain):
        raise asked.error
    taken = _take(current, structs.replace(_by(asked.recorded), stopped=False))
    made, violations = _decide(current, taken, [structs.replace(asked, inputs=asked.inputs | dict(changed))])
    return made[0] if made else NotDecided(tuple(violations[0]))


def open_particulars(current: CurrentRoute, record: Record) -> Particulars | None:
    """What a record seals; None where its key is destroyed or it seals nothing."""
    [plain] = current.store.ledger.unseal([record])
    return None if plain is None else decode_payload(plain, Particulars)


def is_as_hashed(record: Record) -> bool:
    """Whether a record is what was hashed when it was made; whether it is in its place, `verify_chain` tells."""
    return verify_rows([record], Head(record.slot, record.seq - 1, record.previous))[2] is None


def _ask_all(current: CurrentRoute, records: Sequence[Record]) -> list[_Asked | NotAgain]:
    """The applications of decisions' records, as they came."""
    other = next((record for record in records if record.kind != "decision"), None)
    if other is not None:
        raise UsageError(f"the record {other.record_id} is a {other.kind}, not a decision")
    gone = _find_erased(current, [record.subject for record in records if record.key_id is None])
    plains = _unseal(current, records)
    return [
        _ask(record, None if record.key_id is None and record.subject in gone else plain)
        for record, plain in zip(records, plains, strict=True)
    ]


def _find_erased(current: CurrentRoute, subjects: Sequence[str]) -> frozenset[str]:
    """Of these applications, those that were erased: what was sealed without a key opens all the same."""
    if not subjects:
        return frozenset()
    with current.store.reading() as connection:
        found = current.store.connections.select_in(connection, _ERASED, sorted(set(subjects)))
    return frozenset(subject for (subject,) in found)


def _unseal(current: CurrentRoute, records: Sequence[Record]) -> list[bytes | StoreError | None]:
    """What each record seals, None where that is gone; the error of a record that was changed."""
    try:
        return list(current.store.ledger.unseal(records))
    except StoreError as error:
        half = len(records) // 2
        if half:
            return _unseal(current, records[:half]) + _unseal(current, records[half:])
        if is_as_hashed(records[0]):
            raise  # the store lacks a key, say: that is no fault of the record
        return [error]


def _ask(record: Record, plain: bytes | StoreError | None) -> _Asked | NotAgain:
    """The application of one decision."""
    recorded = None
    try:
        recorded = decode_payload(record.payload, Decision)
        if isinstance(plain, StoreError):
            return _unread(record, recorded, plain)
        if plain is None:
            erased = DataError("the applicant's data are erased", where=record.record_id)
            return NotAgain(record, recorded, "erased" if is_as_hashed(record) else "data", erased)
        particulars = decode_payload(plain, Particulars)
        return _Asked(record, recorded, particulars, _INPUTS.decode(particulars.inputs))
    except (StoreError, msgspec.MsgspecError) as error:
        return _unread(record, recorded, error)


def _unread(record: Record, recorded: Decision | None, error: Exception) -> NotAgain:
    unread = DataError(f"what was recorded cannot be read: {error}", where=record.record_id)
    return NotAgain(record, recorded, None if is_as_hashed(record) else "data", unread)


def _by(recorded: Decision) -> _By:
    tables = tuple(sorted(recorded.release.tables.items()))
    return _By(recorded.release.id, tables, recorded.assignment == STOPPED)


def _decide_alike(current: CurrentRoute, by: _By, asked: Sequence[_Asked]) -> Iterable[Again | NotAgain]:
    """Applications that the same release decided with the same tables, each in its place."""
    try:
        taken = _take(current, by)
    except RoadworthyError as error:
        lost = _find_lost(current, by)
        return [NotAgain(one.record, one.recorded, lost, error) for one in asked]
    made, violations = _decide(current, taken, asked)
    return [made[row] if row in made else _breaks(one, violations[row][0]) for row, one in enumerate(asked)]


def _breaks(asked: _Asked, first: Violation) -> NotAgain:
    error = DataError(
        f"what was recorded breaks the contract: {first.path} {first.message}", where=asked.record.record_id
    )
    return NotAgain(asked.record, asked.recorded, None, error)


def _take(current: CurrentRoute, by: _By) -> Taken:
    """What decided, as if it were the route."""
    loaded, tables = current.load(by.release), dict(by.tables)
    route = Route(champion=by.release, tables=tables, stopped=by.stopped)
    return Taken(0, route, loaded, current.read_tables(loaded, tables))


def _find_lost(current: CurrentRoute, by: _By) -> Lost | None:
    """Which part cannot be had; None where all bytes are there. StoreError where the store itself cannot be read."""
    with current.store.reading() as connection:
        damaged = find_damage(connection, by.release)
    if damaged is not None:
        return damaged
    try:
        loaded = current.load(by.release)
    except RoadworthyError:
        return None
    try:
        current.read_tables(loaded, dict(by.tables))
    except RoadworthyError:
        return "tables"
    return None


def _decide(
    current: CurrentRoute, taken: Taken, asked: Sequence[_Asked]
) -> tuple[dict[int, Again], Mapping[int, list[Violation]]]:
    """The decisions by row, and the violations of each application that breaks the contract."""
    loaded = taken.require()
    checked = check_bodies(loaded.contract, [{"inputs": one.inputs} for one in asked])
    kept = [asked[row] for row in checked.rows.tolist()]
    if not kept:
        return {}, checked.violations
    batch = Batch(
        contract=loaded.contract,
        columns=checked.batch.columns,
        application_id=_objects([one.record.subject for one in kept]),
        applicant_id=_objects([one.particulars.applicant_id for one in kept]),
        applied_at=np.array([_applied_at(one) for one in kept], dtype="datetime64[us]"),
    )
    described = describe_decisions(
        batch,
        decide(batch, loaded.release, taken.tables),
        loaded,
        taken,
        corrects=[one.recorded.corrects for one in kept],
        languages=[(one.recorded.language,) if one.recorded.language else () for one in kept],
        build=current.build,
    )
    made = {
        row: Again(one.record, one.recorded, now.decision, loaded, batch, place)
        for place, (row, one, now) in enumerate(zip(checked.rows.tolist(), kept, described, strict=True))
    }
    return made, checked.violations


def _applied_at(asked: _Asked) -> datetime:
    """When it was applied for, in UTC, as a batch has it."""
    return (asked.recorded.applied_at or asked.record.at).astimezone(UTC).replace(tzinfo=None)


def _objects(values: Sequence[str | None]) -> NDArray[np.object_]:
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return objects


_ERASED = "SELECT DISTINCT subject FROM records WHERE kind = 'erasure' AND subject IN ({values})"
_INPUTS = msgspec.json.Decoder(dict[str, Any])
