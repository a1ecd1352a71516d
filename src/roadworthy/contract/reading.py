"""One Arrow column read as what the contract says it is, with a mask of the cells that are missing and of those that
cannot be read.

A table's storage type is an accident of its source, so the kinds that can carry a value are read alike: text is parsed,
whole numbers serve as codes of categories, 0 and 1 as booleans, 20240131 as a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.contract.batch import MISSING, UNSEEN
from roadworthy.contract.date_text import decide_format, read_dates
from roadworthy.contract.number_text import decide_decimal, read_numbers
from roadworthy.contract.schema import Column

__all__ = [
    "LARGEST_INTEGER",
    "LONGEST_TEXT",
    "MISSING_WORDS",
    "TRUTH_WORDS",
    "Reading",
    "as_text",
    "kind_of",
    "number_text",
    "number_word",
    "read_column",
    "refuse_column",
    "trim",
]

Kind = Literal["nothing", "boolean", "number", "text", "time", "other"]
Mask = NDArray[np.bool_]

MISSING_WORDS = frozenset(("", "na", "n/a", "#n/a", "null", "none", "nan", "nat", "<na>", "-", "--", "?", ".", "empty"))
"""Words, in any case, that say there is no value; a category that lists one among its allowed values keeps it."""
TRUTH_WORDS = {"true": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "0": 0.0}
LONGEST_TEXT = 4096
"""Characters of a text or a category; what is longer was never meant to be one value."""
LARGEST_INTEGER = 2.0**53 - 1
"""Whole numbers beyond it cannot all be told apart in float64."""


@dataclass(frozen=True)
class Reading:
    """The values as a `Batch` holds them, and what is wrong with them so far, all of length n.

    `unread` are cells that hold something else than the column's type; they are not missing. `too_long` are texts of
    more than LONGEST_TEXT characters.
    """

    values: NDArray[Any]
    missing: Mask
    unread: Mask
    too_long: Mask


def kind_of(type_: pa.DataType) -> Kind:
    """What a cell of this Arrow type is, seen from a contract."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if pa.types.is_null(type_):
        return "nothing"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return "text"
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return "time"
    return "other"


def read_column(column: Column, cells: pa.ChunkedArray) -> Reading:
    """Read `cells` as `column` says: by its type, and its `decimal` and `format` where it has them."""
    kind = kind_of(cells.type)
    if pa.types.is_dictionary(cells.type) and column.type != "category":
        cells = cells.cast(cells.type.value_type)
    if kind == "nothing":
        everywhere = np.ones(len(cells), dtype=bool)
        return Reading(_nothing(column, len(cells)), everywhere, unread=~everywhere, too_long=~everywhere)
    match column.type:
        case "number" | "integer":
            reading = _read_number(column, cells, kind)
        case "boolean":
            reading = _read_boolean(column, cells, kind)
        case "date":
            reading = _read_date(column, cells, kind)
        case "category":
            reading = _read_category(column, cells, kind)
        case "text":
            reading = _read_text(column, cells, kind)
    return reading


def refuse_column(column: Column, missing: Mask) -> Reading:
    """The reading of cells that hold another kind of value altogether: all unread but those that are missing."""
    return Reading(_nothing(column, len(missing)), missing, unread=~missing, too_long=_none(len(missing)))


def trim(text: pl.Series, words: frozenset[str] = MISSING_WORDS) -> pl.Series:
    """`text` without space around it; null where it is blank or one of the words for a missing value."""
    trimmed = text.str.strip_chars()
    missing = trimmed.str.to_lowercase().is_in(list(words))
    return pl.select(pl.when(~missing).then(trimmed)).to_series() if missing.any() else trimmed


def number_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers as text: whole ones without a point, whatever their storage (pandas makes 1 into 1.0 beside a gap)."""
    if not pa.types.is_integer(cells.type):
        values = cells.cast(pa.float64())
        whole = pc.and_(pc.equal(pc.floor(values), values), pc.less_equal(pc.abs(values), LARGEST_INTEGER))
        if not pc.all(whole, min_count=0).as_py():
            distinct = values.combine_chunks().dictionary_encode()
            texts = [number_word(value) for value in distinct.dictionary.to_pylist()]
            return pa.chunked_array(
                [pa.DictionaryArray.from_arrays(distinct.indices, pa.array(texts)).cast(pa.string())]
            )
        cells = values.cast(pa.int64())
    return cells.cast(pa.string())


def number_word(value: float | None) -> str | None:
    """One number as text, as `number_text` writes it."""
    if value is None or value != value:  # NaN: nothing there
        return None
    return str(int(value)) if value.is_integer() and abs(value) <= LARGEST_INTEGER else repr(value)


def as_text(cells: pa.ChunkedArray) -> pl.Series:
    """`cells` as a series of text, as they are."""
    series = pl.from_arrow(cells.cast(pa.large_string()))
    assert isinstance(series, pl.Series)  # noqa: S101  a chunked array becomes a series; this tells the type checker
    return series


def _none(n: int) -> Mask:
    return np.zeros(n, dtype=bool)


def _floats(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _nulls(cells: pa.ChunkedArray) -> Mask:
    if not cells.null_count:
        return _none(len(cells))
    return np.asarray(cells.is_null().to_numpy(), dtype=bool)


def _nothing(column: Column, n: int) -> NDArray[Any]:
    match column.type:
        case "category":
            return np.full(n, MISSING, dtype=np.int32)
        case "date":
            return np.full(n, np.datetime64("NaT"), dtype="datetime64[us]")
        case "text":
            return np.full(n, None, dtype=object)
    return np.full(n, np.nan)


def _read_number(column: Column, cells: pa.ChunkedArray, kind: Kind) -> Reading:
    if kind == "number":
        values = _floats(cells)
        missing = np.isnan(values)
        unread = _none(len(values))
    elif kind == "text":
        text = trim(as_text(cells))
        values = read_numbers(text, column.decimal or decide_decimal(text)).to_numpy()
        missing = text.is_null().to_numpy()
        unread = np.isnan(values) & ~missing
    else:
        return refuse_column(column, _nulls(cells))
    if column.type == "integer":
        with np.errstate(invalid="ignore"):
            broken = (values != np.floor(values)) | (np.abs(values) > LARGEST_INTEGER)
        broken &= np.isfinite(values)
        if broken.any():
            unread = unread | broken
    return Reading(values, missing, unread, too_long=_none(len(values)))


def _read_boolean(column: Column, cells: pa.ChunkedArray, kind: Kind) -> Reading:
    if kind == "text":
        text = trim(as_text(cells)).str.to_lowercase()
        values = text.replace_strict(TRUTH_WORDS, default=None, return_dtype=pl.Float64).to_numpy()
        missing = text.is_null().to_numpy()
    elif kind in ("boolean", "number"):
        values = _floats(cells.cast(pa.int8()) if kind == "boolean" else cells)
        missing = np.isnan(values)
    else:
        return refuse_column(column, _nulls(cells))
    unread = ~missing & (values != 0.0) & (values != 1.0)
    return Reading(values, missing, unread, too_long=_none(len(values)))


def _read_date(column: Column, cells: pa.ChunkedArray, kind: Kind) -> Reading:
    if kind == "time":
        values = np.asarray(cells.cast(pa.timestamp("us", getattr(cells.type, "tz", None)), safe=False).to_numpy())
        missing = np.isnat(values)
        none = _none(len(values))
        return Reading(values.astype("datetime64[us]"), missing, unread=none, too_long=none)
    if kind not in ("text", "number"):
        return refuse_column(column, _nulls(cells))
    # Dates repeat: each distinct text is read once.
    distinct = (number_text(cells) if kind == "number" else cells).cast(pa.large_string()).combine_chunks()
    distinct = distinct.dictionary_encode()
    text = trim(as_text(pa.chunked_array([distinct.dictionary])))
    form = column.format or (decide_format(text)[0] if kind == "text" else "")
    known = np.append(read_dates(text, form), np.datetime64("NaT"))
    blank = np.append(text.is_null().to_numpy(), True)
    place = np.asarray(pc.fill_null(distinct.indices, len(text)).to_numpy(zero_copy_only=False))
    values, missing = known[place], blank[place]
    return Reading(values, missing, unread=np.isnat(values) & ~missing, too_long=_none(len(values)))


def _read_category(column: Column, cells: pa.ChunkedArray, kind: Kind) -> Reading:
    if kind not in ("text", "number") or (kind == "number" and not column.numeric_codes):
        return refuse_column(column, _nulls(cells))
    coded = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
    coded = (number_text(coded) if kind == "number" else coded).cast(pa.large_string()).combine_chunks()
    coded = coded.dictionary_encode()
    words = [*coded.dictionary.to_pylist(), None]
    codes = np.array([_code(column, word) for word in words], dtype=np.int32)
    long = np.array([word is not None and len(word) > LONGEST_TEXT for word in words])
    place = np.asarray(pc.fill_null(coded.indices, len(words) - 1).to_numpy(zero_copy_only=False))
    values = codes[place]
    return Reading(values, missing=values == MISSING, unread=_none(len(values)), too_long=long[place])


def _code(column: Column, word: str | None) -> int:
    if word is None:
        return MISSING
    code = column.codes.get(word)
    if code is None:
        trimmed = word.strip()
        code = column.codes.get(trimmed, MISSING if trimmed.lower() in MISSING_WORDS else UNSEEN)
    return code


def _read_text(column: Column, cells: pa.ChunkedArray, kind: Kind) -> Reading:
    if kind not in ("text", "number", "time"):
        return refuse_column(column, _nulls(cells))
    text = number_text(cells) if kind == "number" else cells
    series = as_text(text)
    missing = trim(series).is_null().to_numpy()
    values = np.asarray(series.to_numpy(), dtype=object)
    if missing.any():
        values = values.copy()
        values[missing] = None
    too_long = (series.str.len_chars() > LONGEST_TEXT).fill_null(False).to_numpy()
    return Reading(values, missing, unread=_none(len(values)), too_long=too_long)
