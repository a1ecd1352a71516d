"""What a column of text spells: numbers, dates, true and false, the words of a category, or free text."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.contract.date_text import decide_format, read_dates
from roadworthy.contract.facts import ColumnFacts
from roadworthy.contract.number_text import Decimal, decide_decimal, read_numbers
from roadworthy.contract.schema import ColumnType
from roadworthy.contract.words import LARGEST_INTEGER, MISSING_WORDS, trim

__all__ = ["profile_eight_digits", "profile_text", "profile_words"]

_ENOUGH = 0.95  # of a column's values; what then does not read is taken for faulty cells
_FEW = 10
_MANY = 1000
_LONG = 200
_UNIQUE_FROM = 20
_WORDS_OR_VALUES = frozenset(("none", "empty"))  # missing among numbers, an answer of its own among categories
_LIKE_DATE = (
    r"^[0-9]{1,4}[-/. ](?:[0-9]{1,2}|[A-Za-z]{3})[-/. ][0-9]{2,4}(?:[T ]|$)|^[A-Za-z]{3}[- ][0-9]{4}$|^[0-9]{8}$"
)
_LIKE_NUMBER = r"^[+\-−]?\s*\p{Sc}?\s*[+\-]?[.,]?[0-9]"
_CENTURIES = (np.datetime64("1900-01-01", "us"), np.datetime64("2100-12-31", "us"))


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of a column that are not missing, how often each occurs, and the column's length."""

    name: str
    texts: pa.Array
    counts: NDArray[np.int64]
    rows: int

    @property
    def present(self) -> int:
        return int(self.counts.sum())

    @property
    def missing(self) -> float:
        return 1.0 - self.present / max(self.rows, 1)

    def count(self, chosen: NDArray[np.bool_] | pa.Array) -> int:
        """How many cells hold one of the chosen texts."""
        return int(self.counts[np.asarray(chosen)].sum())

    def most(self, pattern: str) -> bool:
        """Whether the pattern fits nearly every cell."""
        return self.count(pc.match_substring_regex(self.texts, pattern)) >= _ENOUGH * self.present

    def facts(self, type_: ColumnType, values: NDArray[np.float64]) -> ColumnFacts:
        """The facts of the column when each text stands for a value, NaN where it stands for none."""
        read = values[np.isfinite(values)]
        return ColumnFacts(
            self.name,
            type_,
            distinct=len(np.unique(read)),
            missing=self.missing,
            minimum=float(read.min()) if len(read) else None,
            maximum=float(read.max()) if len(read) else None,
            unreadable=self.count(~np.isfinite(values)),
        )


def profile_text(name: str, cells: pa.ChunkedArray, *, untyped: bool) -> ColumnFacts:
    """The facts of a column of large strings; `untyped` where every column of the table is text."""
    column = _count(name, cells, MISSING_WORDS)
    if not column.present:
        return ColumnFacts(name, "text", distinct=0, missing=1.0)
    found = _profile_dates(column) or _profile_numbers(column, untyped=untyped) or _profile_truth(column)
    return found or profile_words(name, cells, declared=False)


def profile_eight_digits(name: str, cells: pa.ChunkedArray) -> ColumnFacts | None:
    """The facts of a column of whole numbers as dates, where nearly all are YYYYMMDD between 1900 and 2100."""
    return _profile_days(_count(name, cells, MISSING_WORDS), "")


def profile_words(name: str, cells: pa.ChunkedArray, *, declared: bool) -> ColumnFacts:
    """The facts of a column as a category, or as text: where nearly all values differ, or one is long.

    A column that its source declares to be a category stays one however many values it has.
    """
    column = _count(name, cells, MISSING_WORDS - _WORDS_OR_VALUES, keep_spaces=True)
    distinct = len(column.texts)
    free = (distinct > _UNIQUE_FROM and distinct > column.present / 2) or distinct > _MANY
    if not distinct or (free and not declared) or pc.max(pc.utf8_length(column.texts)).as_py() > _LONG:
        return ColumnFacts(name, "text", distinct=distinct, missing=column.missing)
    order = np.lexsort((np.array(column.texts.to_pylist()), -column.counts))
    values = tuple(column.texts.take(pa.array(order)).to_pylist())
    return ColumnFacts(name, "category", distinct=distinct, missing=column.missing, values=values)


def _count(name: str, cells: pa.ChunkedArray, missing: frozenset[str], *, keep_spaces: bool = False) -> _Texts:
    counted = pc.value_counts(cells)
    texts, counts = counted.field("values"), np.asarray(counted.field("counts"))
    trimmed = trim(texts, missing)
    valid = trimmed.is_valid()
    chosen = texts if keep_spaces else trimmed
    return _Texts(name, chosen.filter(valid), counts[np.asarray(valid)], len(cells))


def _profile_numbers(column: _Texts, *, untyped: bool) -> ColumnFacts | None:
    if not column.most(_LIKE_NUMBER):
        return None
    decimal: Decimal = ""
    values = read_numbers(pa.chunked_array([column.texts]))
    if np.isnan(values).any():
        decimal = decide_decimal(pa.chunked_array([column.texts]))
        if decimal:
            values = read_numbers(pa.chunked_array([column.texts]), decimal)
    if column.count(~np.isnan(values)) < _ENOUGH * column.present:
        return None
    whole = _are_whole(column, values, decimal)
    if _are_codes(column, values, whole=whole, untyped=untyped):
        return None
    return replace(column.facts("integer" if whole else "number", values), decimal=decimal)


def _are_whole(column: _Texts, values: NDArray[np.float64], decimal: Decimal) -> bool:
    """Whether no number has a decimal sign, even before zeros, or a sign of money, of percent or of an exponent."""
    with np.errstate(invalid="ignore"):
        if (np.isfinite(values) & (np.floor(values) != values)).any():
            return False
    signs = rf"[{decimal or '.'}%eE]|\p{{Sc}}"
    return not pc.any(pc.match_substring_regex(column.texts, signs)).as_py()


def _are_codes(column: _Texts, values: NDArray[np.float64], *, whole: bool, untyped: bool) -> bool:
    """Whether the numbers are names: they begin with a zero, are too long to be counted, or are few among words."""
    if column.count(pc.match_substring_regex(column.texts, "^[+-]?0[0-9]")) >= (1.0 - _ENOUGH) * column.present:
        return True
    if whole and np.nanmax(np.abs(values)) > LARGEST_INTEGER:
        return True
    few = len(np.unique(values[~np.isnan(values)])) <= _FEW
    return few and bool(np.isnan(values).any() or (whole and not untyped))


def _profile_dates(column: _Texts) -> ColumnFacts | None:
    if not column.most(_LIKE_DATE):
        return None
    form, settled = decide_format(column.texts)
    found = _profile_days(column, form)
    return None if found is None else replace(found, format=form, ambiguous=not settled)


def _profile_days(column: _Texts, form: str) -> ColumnFacts | None:
    dates = read_dates(column.texts, form)
    if column.count((dates >= _CENTURIES[0]) & (dates <= _CENTURIES[1])) < _ENOUGH * max(column.present, 1):
        return None
    days = (dates - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return column.facts("date", np.where(np.isnat(dates), np.nan, days))


def _profile_truth(column: _Texts) -> ColumnFacts | None:
    lower = pc.utf8_lower(column.texts)
    if not pc.all(pc.is_in(lower, value_set=pa.array(["true", "false"], type=lower.type))).as_py():
        return None
    return column.facts("boolean", np.asarray(pc.equal(lower, "true")).astype(np.float64))
