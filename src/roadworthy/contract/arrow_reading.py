"""One Arrow column read as what the contract says it is.

A table's storage type is an accident of its source, so the kinds that can carry a value are read alike: text is parsed,
numbers serve as the codes of categories, 0 and 1 as booleans, 20240131 as a date.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.contract.arrow import kind_of
from roadworthy.contract.date_text import decide_format, read_dates
from roadworthy.contract.number_text import decide_decimal, read_numbers
from roadworthy.contract.reading import (
    LONGEST_TEXT,
    Mask,
    Reading,
    nothing,
    read_dates_as,
    read_floats,
    read_texts,
    read_words,
    refuse,
)
from roadworthy.contract.schema import Column
from roadworthy.contract.words import LARGEST_INTEGER, TRUTH_WORDS, number_word, trim

__all__ = ["as_dates", "as_floats", "as_text", "find_writing", "numbers_as_text", "read_column"]


def find_writing(column: Column, cells: pa.ChunkedArray) -> str:
    """How the column's text writes its numbers (the decimal sign) or its dates (the format), as its values show.

    Empty where nothing need be told, where the contract tells it, and where day and month cannot be told apart.
    """
    if kind_of(cells.type) != "text":
        return ""
    text = as_text(cells)
    if column.type in ("number", "integer") and not column.decimal and pc.any(pc.match_substring(text, ",")).as_py():
        return decide_decimal(trim(text))
    if column.type == "date" and not column.format and _shows(text, r"[0-9][/.-][0-9]{1,2}[/.-][0-9]{4}"):
        form, settled = decide_format(trim(text))
        return form if settled else ""
    return ""


def read_column(column: Column, cells: pa.ChunkedArray, writing: str = "") -> Reading:
    """Read `cells` as `column` says; `writing` is how its text is written where the contract does not tell."""
    kind = kind_of(cells.type)
    if kind == "nothing":
        return nothing(column, len(cells))
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    match column.type, kind:
        case "number" | "integer" | "boolean", "number":
            return read_floats(column, as_floats(cells))
        case "number" | "integer", "text":
            return _read_number_text(column, as_text(cells), column.decimal or writing)
        case "boolean", "text":
            return _read_truth_text(column, as_text(cells))
        case "boolean", "boolean":
            return read_floats(column, as_floats(cells))
        case "date", "time":
            dates = as_dates(cells)
            return read_dates_as(dates, np.isnat(dates))
        case "date", "text" | "number":
            return _read_date_text(as_text(cells), column.format or writing)
        case "category", "text":
            return _read_words(column, as_text(cells))
        case "category", "number" if column.numeric_codes:
            return _read_words(column, as_text(cells))
        case "text", "text" | "number" | "time":
            return _read_text(as_text(cells))
    return refuse(column, _nulls(cells))


def as_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text, number or date cells as large strings."""
    if kind_of(cells.type) == "number":
        return numbers_as_text(cells)
    return cells.cast(pa.large_string())


def as_floats(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    """Number or boolean cells as float64, NaN where null."""
    if pa.types.is_boolean(cells.type):
        cells = cells.cast(pa.int8())
    return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def as_dates(cells: pa.ChunkedArray) -> NDArray[np.datetime64]:
    """Date or timestamp cells as datetime64[us] in UTC, NaT where null; a time without a zone is taken as UTC."""
    zone = cells.type.tz if pa.types.is_timestamp(cells.type) else None
    return np.asarray(cells.cast(pa.timestamp("us", zone), safe=False).to_numpy(), dtype="datetime64[us]")


def numbers_as_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Number cells as the words that `number_word` makes of them."""
    if not pa.types.is_integer(cells.type):
        values = cells.cast(pa.float64(), safe=False)
        whole = pc.and_(pc.equal(pc.floor(values), values), pc.less_equal(pc.abs(values), LARGEST_INTEGER))
        if not pc.all(whole, min_count=0).as_py():
            distinct = values.combine_chunks().dictionary_encode()
            words = [None if value is None else number_word(value) for value in distinct.dictionary.to_pylist()]
            return pa.chunked_array([pa.array(words, type=pa.large_string()).take(distinct.indices)])
        cells = values.cast(pa.int64())
    return cells.cast(pa.large_string())


def _shows(cells: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(cells, pattern)).as_py())


def _nulls(cells: pa.ChunkedArray) -> Mask:
    return np.asarray(cells.is_null(nan_is_null=True).to_numpy(), dtype=bool)


def _distinct(text: pa.ChunkedArray) -> tuple[pa.Array, NDArray[Any]]:
    """The distinct texts, a null last, and the place of each cell's text among them."""
    coded = text.combine_chunks().dictionary_encode()
    texts = pa.concat_arrays([coded.dictionary, pa.nulls(1, coded.dictionary.type)])
    places = coded.indices.fill_null(len(coded.dictionary)) if coded.indices.null_count else coded.indices
    return texts, np.asarray(places.to_numpy(zero_copy_only=False))


def _read_number_text(column: Column, text: pa.ChunkedArray, decimal: str) -> Reading:
    trimmed = trim(text)
    values = read_numbers(trimmed, "," if decimal == "," else ".")
    return read_floats(column, values, unread=np.isnan(values) & ~_nulls(trimmed))


def _read_truth_text(column: Column, text: pa.ChunkedArray) -> Reading:
    words, places = _distinct(trim(text))
    truth = [None if word is None else TRUTH_WORDS.get(word.lower()) for word in words.to_pylist()]
    values = np.array(truth, dtype=np.float64)
    unread = np.isnan(values) & np.asarray(words.is_valid())
    return read_floats(column, values[places], unread=unread[places])


def _read_date_text(text: pa.ChunkedArray, form: str) -> Reading:
    # Dates repeat: each distinct text is read once.
    words, places = _distinct(trim(text))
    missing = np.asarray(words.is_null())
    return read_dates_as(read_dates(words, form)[places], missing[places])


def _read_words(column: Column, text: pa.ChunkedArray) -> Reading:
    words, places = _distinct(text)
    return read_words(column, words.to_pylist(), places)


def _read_text(text: pa.ChunkedArray) -> Reading:
    blank = _nulls(trim(text))
    values = np.array(text.to_numpy(), dtype=object)
    values[blank] = None
    long = pc.fill_null(pc.greater(pc.utf8_length(text), LONGEST_TEXT), False)
    return read_texts(values, blank, np.asarray(long.to_numpy(), dtype=bool))
