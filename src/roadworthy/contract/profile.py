"""What a table's columns hold: the facts that a contract is guessed from and that warnings rest on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.contract.arrow_reading import as_dates, as_floats, as_text, kind_of, numbers_as_text
from roadworthy.contract.date_text import decide_format, read_dates
from roadworthy.contract.number_text import Decimal, decide_decimal, read_numbers
from roadworthy.contract.schema import ColumnType
from roadworthy.contract.words import LARGEST_INTEGER, MISSING_WORDS, trim

__all__ = ["ColumnFacts", "profile_columns"]

_ENOUGH = 0.95  # of a column's values; what then does not read is taken for faulty cells
_FEW = 10
_MANY = 1000
_LONG = 200
_UNIQUE_FROM = 20
_NEARLY = 0.9
_WORDS_OR_VALUES = frozenset(("none", "empty"))  # missing among numbers, an answer of its own among categories
_LIKE_DATE = r"^\d{1,4}[-/. ]?(?:\d{1,2}|\pL{3})[-/. ]?\d{2,4}(?:\D|$)|^\pL{3}-\d{4}$"
_CENTURIES = (np.datetime64("1900-01-01", "us"), np.datetime64("2100-12-31", "us"))


@dataclass(frozen=True)
class ColumnFacts:
    """What one column of a table holds.

    type                the contract type that its values suggest
    distinct            how many different values, missing not counted
    missing             share of rows without a value, 0..1
    minimum, maximum    of numbers, integers and booleans; of dates in days since 1970-01-01; else None
    values              of a category: its values by falling frequency, then by name
    unreadable          how many values are not of `type`: at most 5% of those present
    format, decimal     how dates and numbers kept as text are written; empty where nothing need be said
    ambiguous           day and month cannot be told apart, so the day is taken to come first
    constant            one value throughout, or none
    nearly_unique       more than 20 different values, and they are 90% or more of those present
    """

    name: str
    type: ColumnType
    distinct: int
    missing: float
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    unreadable: int = 0
    format: str = ""
    decimal: Decimal = ""
    ambiguous: bool = False
    constant: bool = False
    nearly_unique: bool = False


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
    for name, cells in zip(table.column_names, table.columns, strict=True):
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
    match kind_of(cells.type):
        case "boolean":
            return _profile_numbers(name, "boolean", as_floats(cells))
        case "number":
            return _profile_stored_numbers(name, cells)
        case "time":
            return _profile_dates(name, as_dates(cells))
        case "text" if pa.types.is_dictionary(cells.type):
            return _profile_words(name, as_text(cells.cast(cells.type.value_type)), declared=True)
        case "text":
            return _profile_text(name, as_text(cells), untyped=untyped)
    present = len(cells) - cells.null_count
    return ColumnFacts(name, "text", distinct=present, missing=_share(cells.null_count, len(cells)))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _profile_stored_numbers(name: str, cells: pa.ChunkedArray) -> ColumnFacts:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    values = as_floats(cells)
    if not pa.types.is_integer(cells.type):
        return _profile_numbers(name, "number", values)
    if np.nanmax(np.abs(values), initial=0.0) > LARGEST_INTEGER:
        return _profile_words(name, as_text(numbers_as_text(cells)), declared=False)
    if np.nanmin(values, initial=np.inf) >= 1e7 and np.nanmax(values, initial=0.0) < 1e8:
        dates = _profile_eight_digits(name, as_text(numbers_as_text(cells)))
        if dates is not None:
            return dates
    return _profile_numbers(name, "integer", values)


def _profile_numbers(name: str, type_: ColumnType, values: NDArray[np.float64]) -> ColumnFacts:
    present = values[~np.isnan(values)]
    finite = present[np.isfinite(present)]
    return ColumnFacts(
        name,
        type_,
        distinct=pl.Series(present).n_unique(),
        missing=_share(len(values) - len(present), len(values)),
        minimum=float(finite.min()) if len(finite) else None,
        maximum=float(finite.max()) if len(finite) else None,
        unreadable=len(present) - len(finite),
    )


def _profile_dates(name: str, values: NDArray[np.datetime64]) -> ColumnFacts:
    present = values[~np.isnat(values)]
    days = (present - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return ColumnFacts(
        name,
        "date",
        distinct=pl.Series(days).n_unique(),
        missing=_share(len(values) - len(present), len(values)),
        minimum=float(days.min()) if len(days) else None,
        maximum=float(days.max()) if len(days) else None,
    )


def _profile_eight_digits(name: str, text: pl.Series) -> ColumnFacts | None:
    dates = read_dates(text)
    plausible = (dates >= _CENTURIES[0]) & (dates <= _CENTURIES[1])
    present = len(text) - text.null_count()
    if not present or plausible.sum() < _ENOUGH * present:
        return None
    found = _profile_dates(name, dates)
    return replace(
        found, missing=_share(len(text) - present, len(text)), unreadable=int(present - (~np.isnat(dates)).sum())
    )


def _profile_text(name: str, cells: pl.Series, *, untyped: bool) -> ColumnFacts:
    text = trim(cells)
    present = len(text) - text.null_count()
    if not present:
        return ColumnFacts(name, "text", distinct=0, missing=1.0 if len(text) else 0.0)
    numbers = read_numbers(text)
    decimal: Decimal = ""
    if numbers.null_count() > text.null_count():
        decimal = decide_decimal(text)
        numbers = read_numbers(text, decimal)
    read = len(numbers) - numbers.null_count()
    if read >= _ENOUGH * present:
        return _profile_number_text(name, cells, text, numbers, decimal, untyped=untyped)
    if text.str.contains(_LIKE_DATE).sum() >= _ENOUGH * present:
        form, sure = decide_format(text)
        dates = read_dates(text, form)
        if (~np.isnat(dates)).sum() >= _ENOUGH * present:
            return replace(
                _profile_dates(name, dates),
                missing=_share(len(text) - present, len(text)),
                unreadable=int(present - (~np.isnat(dates)).sum()),
                format=form,
                ambiguous=not sure,
            )
    lower = text.str.to_lowercase()
    if lower.is_in(["true", "false"]).sum() == present:
        truth = (lower == "true").cast(pl.Float64).to_numpy()
        return _profile_numbers(name, "boolean", np.asarray(truth, dtype=np.float64))
    return _profile_words(name, cells, declared=False)


def _profile_number_text(
    name: str,
    cells: pl.Series,
    text: pl.Series,
    numbers: pl.Series,
    decimal: Decimal,
    *,
    untyped: bool,
) -> ColumnFacts:
    present = len(text) - text.null_count()
    unreadable = numbers.null_count() - text.null_count()
    values = numbers.to_numpy()
    if text.str.contains(r"^\d{8}$").sum() >= _ENOUGH * present:
        dates = _profile_eight_digits(name, text)
        if dates is not None:
            return dates
    signs = text.str.contains(rf"[%\p{{Sc}}eE{decimal or '.'}]").any()
    whole = not signs and bool(np.all(np.floor(values) == values, where=np.isfinite(values)))
    zeros = text.str.contains(r"^[+-]?0\d").sum() >= (1 - _ENOUGH) * present
    codes = numbers.n_unique() - (numbers.null_count() > 0) <= _FEW and (unreadable or (whole and not untyped))
    too_large = whole and bool(np.nanmax(np.abs(values)) > LARGEST_INTEGER)
    if zeros or codes or too_large:
        return _profile_words(name, cells, declared=False)
    found = _profile_numbers(name, "integer" if whole else "number", np.asarray(values, dtype=np.float64))
    return replace(
        found,
        missing=_share(text.null_count(), len(text)),
        unreadable=found.unreadable + unreadable,
        decimal=decimal,
    )


def _profile_words(name: str, cells: pl.Series, *, declared: bool) -> ColumnFacts:
    missing = trim(cells, MISSING_WORDS - _WORDS_OR_VALUES).is_null()
    words = cells.filter(~missing)
    counts = words.value_counts(sort=False, name="count")
    counts.columns = ["word", "count"]
    distinct = len(counts)
    share = _share(int(missing.sum()), len(cells))
    free = (distinct > _UNIQUE_FROM and distinct > len(words) / 2) or distinct > _MANY
    longest = words.str.len_chars().max()
    if not distinct or (free and not declared) or (isinstance(longest, int) and longest > _LONG):
        return ColumnFacts(name, "text", distinct=distinct, missing=share)
    ordered = counts.sort(["count", "word"], descending=[True, False])["word"]
    return ColumnFacts(name, "category", distinct=distinct, missing=share, values=tuple(ordered.to_list()))
