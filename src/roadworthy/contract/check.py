"""The rules, over columns: which cells break one, which rows are set aside, and what the rest looks like as a batch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.contract.arrow import name_columns
from roadworthy.contract.arrow_reading import find_writing, read_column
from roadworthy.contract.batch import UNSEEN, Batch
from roadworthy.contract.reading import LONGEST_TEXT, Mask, Reading
from roadworthy.contract.schema import ENVELOPE, RESERVED, Column, Contract

__all__ = [
    "Checked",
    "Fault",
    "Rule",
    "SetAside",
    "Violation",
    "check_table",
    "column_of",
    "describe_range",
    "find_faults",
    "find_writings",
    "outside",
    "place_of",
]

Rule = Literal[
    "missing", "unknown_column", "type", "range", "allowed", "not_finite", "text_too_long", "not_text", "date"
]

_PLAIN = re.compile(r"[^\W\d]\w*")
_PLACE = re.compile(r"\$(?:\.inputs)?(?:\.(?P<plain>[^\W\d]\w*)|\['(?P<quoted>.*)'\])", re.DOTALL)
_SHOWN = 10


@dataclass(frozen=True)
class Violation:
    """One rule broken at one place.

    `path` is a JSONPath (`$.inputs.age`, `$.inputs['net income']`); `message` never holds the value itself, so that it
    may be logged.
    """

    path: str
    rule: Rule
    message: str


@dataclass(frozen=True)
class Fault:
    """One rule broken in one column, by the rows of `mask`."""

    path: str
    rule: Rule
    message: str
    mask: Mask


@dataclass(frozen=True)
class SetAside:
    """Every violation of a table, one line each, ordered by row; arrays of one length.

    row       int64, position in the table that was checked
    path      object, str
    rule      object, str
    message   object, str
    """

    row: NDArray[np.int64]
    path: NDArray[np.object_]
    rule: NDArray[np.object_]
    message: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows that were set aside, each once, rising."""
        return np.unique(self.row)

    def violations(self) -> list[Violation]:
        """The lines as values."""
        return [Violation(*line) for line in zip(self.path, self.rule, self.message, strict=True)]


@dataclass(frozen=True)
class Checked:
    """The rows that keep to the contract, where they stood in the table (int64), and the violations of the others."""

    batch: Batch
    rows: NDArray[np.int64]
    set_aside: SetAside


def place_of(name: str, *, inside: str = "$.inputs") -> str:
    """The JSONPath of a column.

    >>> place_of("age"), place_of("net income")
    ('$.inputs.age', "$.inputs['net income']")
    """
    if _PLAIN.fullmatch(name):
        return f"{inside}.{name}"
    return f"{inside}['{name.translate({39: chr(92) + chr(39), 92: chr(92) * 2})}']"


def column_of(path: str) -> str:
    """The column's own name that a JSONPath of an application or of a row is about; what is of neither stays as it is.

    >>> [column_of(path) for path in ("$.inputs.age", "$.inputs['net income']", "$.applied_at", "$.outcomes[3].at")]
    ['age', 'net income', 'applied_at', '$.outcomes[3].at']
    """
    found = _PLACE.fullmatch(path)
    if found is None:
        return path
    return found["plain"] or re.sub(r"\\(.)", r"\1", found["quoted"])


def check_table(
    contract: Contract,
    table: pa.Table,
    *,
    unknown: Literal["set_aside", "ignore"] = "set_aside",
    writings: Mapping[str, str] | None = None,
) -> Checked:
    """Check every row of `table` and keep those that break no rule.

    `application_id`, `applicant_id` and `applied_at` are columns by these names and may be absent; an absent contract
    column counts as missing in every row. A column that the contract does not know is a violation of every row, as it
    is of a single body, unless `unknown` is "ignore". Text is read as `writings` says (`find_writings`); without them
    the table's own values decide, so give them where the table is a part of a larger one. Two columns of one name raise
    DataError.

    >>> contract = Contract(name="credit", columns=(Column(name="age", type="integer"),))
    >>> checked = check_table(contract, pa.table({"age": ["41", "abc", "3.0"]}))
    >>> checked.batch.columns["age"], checked.rows
    (array([41.,  3.]), array([0, 2]))
    >>> checked.set_aside.violations()
    [Violation(path='$.inputs.age', rule='type', message='is not a whole number')]
    """
    cells = name_columns(table)
    n = table.num_rows
    absent = pa.chunked_array([pa.nulls(n)])
    faults: list[Fault] = []

    def read(column: Column, path: str) -> NDArray[Any]:
        found = cells.get(column.name, absent)
        writing = find_writing(column, found) if writings is None else writings.get(column.name, "")
        reading = read_column(column, found, writing)
        faults.extend(find_faults(column, reading, path))
        return reading.values

    envelope = [read(column, place_of(column.name, inside="$")) for column in ENVELOPE]
    values = {column.name: read(column, place_of(column.name)) for column in contract.columns}
    if unknown == "set_aside":
        everywhere = np.ones(n, dtype=bool)
        faults += (
            Fault(place_of(name), "unknown_column", "is not a column of the contract", everywhere)
            for name in cells
            if name not in contract and name not in RESERVED
        )
    batch = Batch(contract, values, *envelope)
    set_aside = _list_violations(faults)
    if not len(set_aside):
        return Checked(batch, np.arange(n, dtype=np.int64), set_aside)
    kept = np.ones(n, dtype=bool)
    kept[set_aside.row] = False
    rows = np.flatnonzero(kept).astype(np.int64)
    return Checked(batch.take(rows), rows, set_aside)


def find_writings(contract: Contract, table: pa.Table) -> dict[str, str]:
    """How the text of `table` writes its numbers and dates, where that needs telling and the contract does not tell.

    By column: the decimal sign "," or the format of dates, such as "%d/%m/%Y". A file that is checked in parts is read
    alike throughout when each part is given what the first one showed.

    >>> contract = Contract(name="credit", columns=(Column(name="income", type="number"),))
    >>> find_writings(contract, pa.table({"income": ["1.250,50", "980"], "applied_at": ["31/01/2026", "01/02/2026"]}))
    {'applied_at': '%d/%m/%Y', 'income': ','}
    """
    cells = name_columns(table)
    declared = [column for column in (*ENVELOPE, *contract.columns) if column.name in cells]
    found = {column.name: find_writing(column, cells[column.name]) for column in declared}
    return {name: writing for name, writing in found.items() if writing}


def find_faults(column: Column, reading: Reading, path: str) -> Iterator[Fault]:
    """Every rule that some cell of `reading` breaks."""
    if reading.unread.any():
        if column.type == "date" and reading.fits:
            yield Fault(path, "date", _date_message(column), reading.unread)
        else:
            yield Fault(path, "type", _TYPE_MESSAGES[column.type], reading.unread)
    if not column.missing and reading.missing.any():
        yield Fault(path, "missing", "is missing", reading.missing)
    if reading.too_long.any():
        yield Fault(path, "text_too_long", f"is longer than {LONGEST_TEXT} characters", reading.too_long)
    if reading.not_text is not None:
        yield Fault(path, "not_text", "has a character that is no text", reading.not_text)
    if column.type in ("number", "integer"):
        infinite = np.isinf(reading.values)
        if infinite.any():
            yield Fault(path, "not_finite", "is not finite", infinite)
    if column.outside == "set_aside":
        beyond = _beyond(column, reading.values)
        if beyond is not None:
            beyond = beyond & ~reading.unread & ~reading.too_long
            if column.type == "category" and beyond.any():
                yield Fault(path, "allowed", f"is not one of {_list_allowed(column)}", beyond)
            elif column.type != "category":
                beyond &= np.isfinite(reading.values)
                if beyond.any():
                    yield Fault(path, "range", f"is not {describe_range(column)}", beyond)


def outside(batch: Batch) -> NDArray[np.bool_]:
    """Where a value lies outside its column's range or allowed values and the contract says to refer.

    Shape (n, number of contract columns), in the contract's order. Missing values are inside.

    >>> column = Column(name="age", type="integer", range=(18, 100))
    >>> checked = check_table(Contract(name="credit", columns=(column,)), pa.table({"age": [17, 18]}))
    >>> outside(checked.batch)
    array([[ True],
           [False]])
    """
    found = np.zeros((len(batch), len(batch.contract.columns)), dtype=bool)
    for position, column in enumerate(batch.contract.columns):
        if column.outside == "refer":
            beyond = _beyond(column, batch.columns[column.name])
            if beyond is not None:
                found[:, position] = beyond
    return found


_TYPE_MESSAGES = {
    "number": "is not a number",
    "integer": "is not a whole number",
    "boolean": "is not true or false",
    "category": "is not text",
    "text": "is not text",
    "date": "is not a date",
}


def _beyond(column: Column, values: NDArray[Any]) -> Mask | None:
    if column.type == "category":
        return np.asarray(values == UNSEEN)
    if column.range is None:
        return None
    low, high = column.range
    if low is not None and high is not None:
        return np.asarray((values < low) | (values > high))
    if low is not None:
        return np.asarray(values < low)
    return None if high is None else np.asarray(values > high)


def _list_violations(faults: list[Fault]) -> SetAside:
    rows = [np.flatnonzero(fault.mask) for fault in faults]
    counts = [len(found) for found in rows]
    row = np.concatenate([*rows, np.empty(0, dtype=np.int64)]).astype(np.int64)
    order = np.argsort(row, kind="stable")

    def spread(values: list[str]) -> NDArray[np.object_]:
        return np.repeat(np.array(values, dtype=object), counts)[order]

    return SetAside(
        row=row[order],
        path=spread([fault.path for fault in faults]),
        rule=spread([fault.rule for fault in faults]),
        message=spread([fault.message for fault in faults]),
    )


def _date_message(column: Column) -> str:
    return "is not a date: YYYY-MM-DD" + (f" or {column.format}" if column.format else "")


def _list_allowed(column: Column) -> str:
    allowed = column.allowed or ()
    more = len(allowed) - _SHOWN
    return ", ".join(allowed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def describe_range(column: Column) -> str:
    """The column's range in words; it has one end at least.

    >>> describe_range(Column(name="age", type="integer", range=(18, None)))
    'at least 18'
    """
    low, high = column.range or (None, None)
    if low is None:
        return f"at most {high:.15g}"
    return f"at least {low:.15g}" if high is None else f"between {low:.15g} and {high:.15g}"
