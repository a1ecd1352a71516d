"""What a new version of a table changes, against the rows in force (R14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roadworthy.contract import Batch, Column
from roadworthy.decision import Table

__all__ = [
    "MOST_LISTED",
    "Change",
    "Comparison",
    "Diff",
    "Value",
    "compare_rows",
    "describe_diff",
    "is_missing",
    "latest_rows",
]

MOST_LISTED = 1_000
"""Keys and changes that are listed one by one; more are counted."""

Value = str | float | bool | None


class Change(Struct, frozen=True, kw_only=True):
    """One value of one key that is not what it was. `relative` is (new - old) / |old|; None where that is nothing."""

    key: str
    column: str
    old: Value
    new: Value
    relative: float | None = None


class Diff(Struct, frozen=True, kw_only=True):
    """How many keys are new, absent, changed and unchanged, and which (the first thousand).

    `changes` are ordered by how far a number moved, the furthest first; then come changes that have no such number.
    """

    added: int
    gone: int
    changed: int
    unchanged: int
    added_keys: tuple[str, ...] = ()
    gone_keys: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """The new rows beside those in force: `new_rows[i]` and `old_rows[i]` have one key; the others are in one alone."""

    key: str
    new: Batch
    old: Batch
    new_rows: NDArray[np.int64]
    old_rows: NDArray[np.int64]
    added: NDArray[np.int64]
    gone: NDArray[np.int64]

    def pair(self, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """What a column was and is, for each key that is in both."""
        return self.old.columns[name][self.old_rows], self.new.columns[name][self.new_rows]

    def key_of(self, place: int) -> str:
        """The key of the pair at `place`."""
        return _word(self.new, self.key, int(self.new_rows[place]))


def latest_rows(table: Table) -> Batch:
    """Of every key the row with the latest date."""
    places = table.find(_at(table.rows, table.effective.max()))
    return table.rows.take(np.unique(places))


def compare_rows(new: Batch, table: Table | None, key: str) -> Comparison:
    """The rows of a new version beside the latest of the table as it is; None where there is none yet."""
    if table is None:
        nothing = np.empty(0, dtype=np.int64)
        return Comparison(key, new, new.take(nothing), nothing, nothing, np.arange(len(new)), nothing)
    old = latest_rows(table)
    now = Table(rows=old, key=key, effective=np.zeros(len(old), dtype="datetime64[us]"))
    found = now.find(_at(new, np.datetime64(0, "us")))
    both = np.flatnonzero(found >= 0)
    return Comparison(
        key=key,
        new=new,
        old=old,
        new_rows=both,
        old_rows=found[both],
        added=np.flatnonzero(found < 0),
        gone=np.setdiff1d(np.arange(len(old)), found[both]),
    )


def describe_diff(comparison: Comparison) -> Diff:
    """The comparison counted and listed."""
    contract, key = comparison.new.contract, comparison.key
    differs = {
        column.name: _differ(column, *comparison.pair(column.name)) for column in contract.columns if column.name != key
    }
    changed = np.zeros(len(comparison.new_rows), dtype=np.bool_)
    for mask in differs.values():
        changed |= mask
    return Diff(
        added=len(comparison.added),
        gone=len(comparison.gone),
        changed=int(changed.sum()),
        unchanged=int((~changed).sum()),
        added_keys=_keys(comparison.new, key, comparison.added),
        gone_keys=_keys(comparison.old, key, comparison.gone),
        changes=_list_changes(comparison, differs),
    )


def _list_changes(comparison: Comparison, differs: dict[str, NDArray[np.bool_]]) -> tuple[Change, ...]:
    names = list(differs)
    places = [np.flatnonzero(differs[name]) for name in names]
    relative = [_relative(comparison, name)[at] for name, at in zip(names, places, strict=True)]
    of_column = np.repeat(np.arange(len(names)), [len(at) for at in places])
    place = np.concatenate([*places, np.empty(0, dtype=np.int64)])
    moved = np.concatenate([*relative, np.empty(0)])
    furthest = np.argsort(np.where(np.isnan(moved), np.inf, -np.abs(moved)), kind="stable")[:MOST_LISTED]
    changes = []
    for i in furthest.tolist():
        name = names[of_column[i]]
        column = comparison.new.contract[name]
        old, new = comparison.pair(name)
        changes.append(
            Change(
                key=comparison.key_of(int(place[i])),
                column=name,
                old=_plain(column, old[place[i]]),
                new=_plain(column, new[place[i]]),
                relative=None if np.isnan(moved[i]) else float(moved[i]),
            )
        )
    return tuple(changes)


def _relative(comparison: Comparison, name: str) -> NDArray[np.float64]:
    """(new - old) / |old| of each pair; NaN where there is no such number."""
    old, new = comparison.pair(name)
    if comparison.new.contract[name].type not in ("number", "integer"):
        return np.full(len(old), np.nan)
    with np.errstate(all="ignore"):
        moved = (new - old) / np.abs(old)
    return np.where(np.isfinite(moved), moved, np.nan)


def _differ(column: Column, old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two values are not the same; missing is the same as missing."""
    return np.asarray(old != new, dtype=np.bool_) & ~(is_missing(column, old) & is_missing(column, new))


def is_missing(column: Column, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a column has no value."""
    match column.type:
        case "category":
            return np.asarray(values < 0)
        case "text":
            return np.array([value is None for value in values], dtype=np.bool_)
        case "date":
            return np.asarray(np.isnat(values))
    return np.asarray(np.isnan(values))


def _plain(column: Column, value: Any) -> Value:
    """A cell as JSON has it; None where it is missing."""
    match column.type:
        case "category":
            return (column.allowed or ())[value] if value >= 0 else None
        case "text":
            return None if value is None else str(value)
        case "date":
            return None if np.isnat(value) else str(np.datetime_as_string(value, unit="auto"))
        case "boolean":
            return None if np.isnan(value) else bool(value)
    return None if np.isnan(value) else float(value)


def _keys(batch: Batch, key: str, rows: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(_word(batch, key, row) for row in rows[:MOST_LISTED].tolist())


def _word(batch: Batch, key: str, row: int) -> str:
    """The key of a row as text; a whole number without a point."""
    value = _plain(batch.contract[key], batch.columns[key][row])
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _at(batch: Batch, moment: np.datetime64) -> Batch:
    """The rows as if all were asked for at one moment."""
    return Batch(
        contract=batch.contract,
        columns=batch.columns,
        application_id=batch.application_id,
        applicant_id=batch.applicant_id,
        applied_at=np.full(len(batch), moment, dtype="datetime64[us]"),
    )
