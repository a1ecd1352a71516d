"""What a table's columns hold: the facts that a contract is guessed from and that warnings rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.contract.arrow import kind_of, name_columns
from roadworthy.contract.arrow_reading import as_dates, as_floats, as_text
from roadworthy.contract.facts import ColumnFacts
from roadworthy.contract.profile_text import profile_eight_digits, profile_text, profile_words
from roadworthy.contract.schema import ColumnType
from roadworthy.contract.words import LARGEST_INTEGER

__all__ = ["profile_columns"]

_UNIQUE_FROM = 20
_NEARLY = 0.9


def profile_columns(table: pa.Table) -> list[ColumnFacts]:
    """The facts of each column of `table`, in its order.

    A text column is read for what it spells: numbers, dates, true and false. In a table of nothing but text, as a CSV
    file is, whole numbers are integers; beside columns that have types of their own, ten or fewer whole numbers kept as
    text are codes and make a category. `yes` and `no` stay the words that they are, as a category.

    >>> age, region = profile_columns(pa.table({"age": [41, 19, None, 33], "region": ["S", "N", "S", "-"]}))
    >>> age.type, age.minimum, age.maximum, age.missing
    ('integer', 19.0, 41.0, 0.25)
    >>> region.type, region.values, region.missing
    ('category', ('S', 'N'), 0.25)
    """
    untyped = all(kind_of(type_) in ("text", "nothing") for type_ in table.schema.types)
    facts = []
    for name, cells in name_columns(table).items():
        found = _profile(name, cells, untyped=untyped)
        present = round((1.0 - found.missing) * len(cells))
        facts.append(
            replace(
                found,
                constant=found.distinct == 0 or (found.distinct == 1 and found.missing == 0.0),
                nearly_unique=found.distinct > _UNIQUE_FROM and found.distinct >= _NEARLY * present,
            )
        )
    return facts


def _profile(name: str, cells: pa.ChunkedArray, *, untyped: bool) -> ColumnFacts:
    declared = pa.types.is_dictionary(cells.type)
    if declared:
        cells = cells.cast(cells.type.value_type)
    match kind_of(cells.type):
        case "boolean":
            return _profile_floats(name, "boolean", as_floats(cells))
        case "text" | "number" if declared:
            return profile_words(name, as_text(cells), declared=True)
        case "number":
            return _profile_numbers(name, cells)
        case "time":
            return _profile_dates(name, as_dates(cells))
        case "text":
            return profile_text(name, as_text(cells), untyped=untyped)
    return ColumnFacts(name, "text", distinct=0, missing=1.0)  # a column without a type holds nothing


def _profile_numbers(name: str, cells: pa.ChunkedArray) -> ColumnFacts:
    values = as_floats(cells)
    if not pa.types.is_integer(cells.type):
        return _profile_floats(name, "number", values)
    low, high = np.nanmin(values, initial=np.inf), np.nanmax(values, initial=-np.inf)
    if max(-low, high) > LARGEST_INTEGER:
        return profile_words(name, as_text(cells), declared=False)
    if 1e7 <= low <= high < 1e8:
        dates = profile_eight_digits(name, as_text(cells))
        if dates is not None:
            return dates
    return _profile_floats(name, "integer", values)


def _profile_floats(name: str, type_: ColumnType, values: NDArray[np.float64]) -> ColumnFacts:
    present = values[~np.isnan(values)]
    finite = present[np.isfinite(present)]
    return ColumnFacts(
        name,
        type_,
        distinct=int(pc.count_distinct(pa.array(present)).as_py()),
        missing=1.0 - len(present) / max(len(values), 1),
        minimum=float(finite.min()) if len(finite) else None,
        maximum=float(finite.max()) if len(finite) else None,
        unreadable=len(present) - len(finite),
    )


def _profile_dates(name: str, values: NDArray[np.datetime64]) -> ColumnFacts:
    days = (values - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return _profile_floats(name, "date", np.where(np.isnat(values), np.nan, days))
