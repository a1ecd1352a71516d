"""Many applications as JSON bodies: checked column by column, each as `check_body` checks it alone."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.contract.batch import Batch
from roadworthy.contract.body import check_body
from roadworthy.contract.check import Violation, find_faults
from roadworthy.contract.date_text import read_dates
from roadworthy.contract.reading import (
    LONGEST_TEXT,
    NO_MOMENT,
    Mask,
    Reading,
    moment_of,
    read_dates_as,
    read_floats,
    read_texts,
    read_words,
)
from roadworthy.contract.schema import ENVELOPE, RESERVED, Column, Contract
from roadworthy.contract.words import trim_word

__all__ = ["CheckedBodies", "check_bodies"]

_KNOWN = frozenset((*RESERVED, "inputs"))
_PLAIN_TIME = re.compile(
    r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}(T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)
_LARGEST = 2**1000  # a whole number that float64 holds, and far beyond any that a contract takes


@dataclass(frozen=True)
class CheckedBodies:
    """The bodies that keep to the contract, where they stood (int64, rising), and the violations of each other one."""

    batch: Batch
    rows: NDArray[np.int64]
    violations: Mapping[int, list[Violation]]


def check_bodies(contract: Contract, bodies: Sequence[Any]) -> CheckedBodies:
    """Check decoded JSON bodies; what `check_body` says of each alone, it says here.

    Bodies whose every cell is plainly of its column's type go through together; any other is checked by itself.

    >>> contract = Contract(name="credit", columns=(Column(name="age", type="integer"),))
    >>> checked = check_bodies(contract, [{"inputs": {"age": 41}}, {"inputs": {"age": "41"}}])
    >>> checked.batch.columns["age"], checked.rows
    (array([41.]), array([0]))
    >>> checked.violations[1][0].message
    'is not a whole number'
    """
    plain = [row for row, body in enumerate(bodies) if _is_shaped(contract, body)]
    together = _Together(len(plain))
    envelope = [together.read(column, [bodies[row].get(column.name) for row in plain]) for column in ENVELOPE]
    inputs = [bodies[row]["inputs"] for row in plain]
    columns = {
        column.name: together.read(column, [body.get(column.name) for body in inputs]) for column in contract.columns
    }
    batch = Batch(contract, columns, *envelope)
    if len(plain) == len(bodies) and together.kept.all():
        return CheckedBodies(batch, np.arange(len(bodies), dtype=np.int64), {})
    parts, rows = [batch.take(together.kept)], [np.asarray(plain, dtype=np.int64)[together.kept]]
    violations: dict[int, list[Violation]] = {}
    for row in sorted(set(range(len(bodies))) - set(rows[0].tolist())):
        alone = check_body(contract, bodies[row])
        if isinstance(alone, Batch):
            parts.append(alone)
            rows.append(np.array([row], dtype=np.int64))
        else:
            violations[row] = alone
    return _in_order(contract, parts, np.concatenate(rows), violations)


def _in_order(
    contract: Contract, parts: list[Batch], rows: NDArray[np.int64], violations: dict[int, list[Violation]]
) -> CheckedBodies:
    def join(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    columns = {
        column.name: np.concatenate([part.columns[column.name] for part in parts]) for column in contract.columns
    }
    batch = Batch(contract, columns, *(join(name) for name in RESERVED))
    order = np.argsort(rows)
    return CheckedBodies(batch.take(order), rows[order], violations)


def _is_shaped(contract: Contract, body: Any) -> bool:
    """Whether the body has the shape of an application, and no name that the contract does not know."""
    if type(body) is not dict or not _KNOWN.issuperset(body):
        return False
    inputs = body.get("inputs")
    return type(inputs) is dict and contract.positions.keys() >= inputs.keys()


class _Together:
    """Cells of n bodies, read a column at a time; `kept` (n,) are those in which nothing was found so far."""

    def __init__(self, n: int) -> None:
        self.kept = np.ones(n, dtype=bool)

    def read(self, column: Column, cells: list[Any]) -> NDArray[Any]:
        reading, odd = _READERS[column.type](column, cells)
        self.kept[odd] = False
        for fault in find_faults(column, reading, ""):
            self.kept &= ~fault.mask
        return reading.values


def _read_numbers(column: Column, cells: list[Any]) -> tuple[Reading, list[int]]:
    plain = (int, float, bool) if column.type == "boolean" else (int, float)
    odd, values = [], []
    for row, cell in enumerate(cells):
        if cell is None:
            values.append(math.nan)
        elif type(cell) in plain and -_LARGEST < cell < _LARGEST:
            values.append(float(cell))
        else:
            odd.append(row)
            values.append(math.nan)
    return read_floats(column, np.array(values, dtype=np.float64)), odd


def _read_categories(column: Column, cells: list[Any]) -> tuple[Reading, list[int]]:
    words, odd = _words(cells)
    places: dict[str | None, int] = {}
    place = np.array([places.setdefault(word, len(places)) for word in words], dtype=np.int64)
    return read_words(column, list(places), place), odd


def _read_text(_column: Column, cells: list[Any]) -> tuple[Reading, list[int]]:
    words, odd = _words(cells)
    kept = np.empty(len(words), dtype=object)
    kept[:] = [None if word is None or trim_word(word) is None else word for word in words]
    too_long = np.array([word is not None and len(word) > LONGEST_TEXT for word in words], dtype=bool)
    return read_texts(kept, _is_none(kept), too_long), odd


def _read_dates(column: Column, cells: list[Any]) -> tuple[Reading, list[int]]:
    dated = {row: moment_of(cell) for row, cell in enumerate(cells) if isinstance(cell, dt.date)}
    words, odd = _words([None if row in dated else cell for row, cell in enumerate(cells)] if dated else cells)
    trimmed = [None if word is None else trim_word(word) for word in words]
    values = np.array([_moment(word) for word in trimmed], dtype="datetime64[us]")
    other = np.flatnonzero([word is not None and np.isnat(value) for word, value in zip(trimmed, values, strict=True)])
    if len(other):
        values[other] = read_dates(pa.array([trimmed[row] for row in other], type=pa.large_string()), column.format)
    absent = np.array([word is None for word in trimmed], dtype=bool)
    if dated:
        values[list(dated)] = list(dated.values())
        absent[list(dated)] = False
    return read_dates_as(values, absent), odd


def _moment(word: str | None) -> np.datetime64:
    """A date or time in the one way of writing that programs use, in UTC; NaT for any other."""
    if word is not None and _PLAIN_TIME.fullmatch(word):
        with suppress(ValueError):
            return moment_of(dt.datetime.fromisoformat(word))
    return NO_MOMENT


_READERS = {
    "number": _read_numbers,
    "integer": _read_numbers,
    "boolean": _read_numbers,
    "category": _read_categories,
    "text": _read_text,
    "date": _read_dates,
}


def _words(cells: list[Any]) -> tuple[list[str | None], list[int]]:
    """The cells that are text or missing, and where the others stand; half a surrogate pair is no text."""
    odd, words = [], []
    for row, cell in enumerate(cells):
        if cell is None or (type(cell) is str and (cell.isascii() or _encodes(cell))):
            words.append(cell)
        else:
            odd.append(row)
            words.append(None)
    return words, odd


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_none(values: NDArray[np.object_]) -> Mask:
    return np.array([value is None for value in values], dtype=bool)
