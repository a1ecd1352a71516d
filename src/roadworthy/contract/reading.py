"""Values as a `Batch` holds them, with a mask of what is missing and of what is not of the column's type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract.batch import MISSING, UNSEEN
from roadworthy.contract.schema import Column
from roadworthy.contract.words import LARGEST_INTEGER, SPACES, trim_word

__all__ = [
    "LONGEST_TEXT",
    "NO_MOMENT",
    "Mask",
    "Reading",
    "moment_of",
    "nothing",
    "read_dates_as",
    "read_floats",
    "read_texts",
    "read_words",
    "refuse",
]

Mask = NDArray[np.bool_]

LONGEST_TEXT = 4096
"""Characters of a text or a category; what is longer was never meant to be one value."""

NO_MOMENT = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class Reading:
    """One column of n rows: its values and what is wrong with them so far, arrays of length n.

    `unread` are cells that hold something which is not of the column's type; they are not missing. `too_long` are texts
    of more than LONGEST_TEXT characters; `not_text` those that hold a NUL, which not every store can keep. `fits` says
    whether the cells are of a kind that can be read as the column's type at all.
    """

    values: NDArray[Any]
    missing: Mask
    unread: Mask
    too_long: Mask
    not_text: Mask | None = None
    fits: bool = True


def read_floats(column: Column, values: NDArray[np.float64], unread: Mask | None = None) -> Reading:
    """A number, integer or boolean column from float64 values; NaN is missing, unless `unread` says otherwise."""
    missing = np.isnan(values)
    none = np.zeros(len(values), dtype=bool)
    if unread is None:
        unread = none
    else:
        missing &= ~unread
    if column.type == "integer":
        wrong = np.isfinite(values) & ((values != np.floor(values)) | (np.abs(values) > LARGEST_INTEGER))
        unread = unread | wrong
    elif column.type == "boolean":
        unread = unread | ~(missing | (values == 0.0) | (values == 1.0))
    return Reading(values, missing, unread, too_long=none)


def read_words(column: Column, distinct: Sequence[str | None], place: NDArray[Any]) -> Reading:
    """A category column from its distinct words and the place of each row's word among them.

    A word that is not allowed as it stands is looked up without the space around it.
    """
    codes = np.array([_code(column, word) for word in distinct], dtype=np.int32)
    long = np.array([word is not None and len(word) > LONGEST_TEXT for word in distinct], dtype=bool)
    values = codes[place]
    none = np.zeros(len(values), dtype=bool)
    nul = _holds_nul(distinct)
    return Reading(
        values,
        values == MISSING,
        none,
        too_long=long[place] if long.any() else none,
        not_text=None if nul is None else nul[place],
    )


def moment_of(value: dt.date) -> np.datetime64:
    """A date, or a time in UTC; none where its offset carries it beyond the calendar."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        try:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        except OverflowError:
            return NO_MOMENT
    return np.datetime64(value, "us")


def read_dates_as(values: NDArray[np.datetime64], missing: Mask) -> Reading:
    """A date column from datetime64[us] values; NaT that is not missing is unread."""
    return Reading(values, missing, unread=np.isnat(values) & ~missing, too_long=np.zeros(len(values), dtype=bool))


def read_texts(values: NDArray[np.object_], missing: Mask, too_long: Mask) -> Reading:
    """A text column from text, None where `missing`."""
    none = np.zeros(len(values), dtype=bool)
    return Reading(values, missing, unread=none, too_long=too_long, not_text=_holds_nul(values))


def _holds_nul(texts: Iterable[str | None]) -> Mask | None:
    """Which texts hold a NUL; None where none does, as ever."""
    found = [text is not None and "\0" in text for text in texts]
    return np.array(found, dtype=bool) if any(found) else None


def nothing(column: Column, n: int) -> Reading:
    """`n` missing values."""
    return _empty(column, np.ones(n, dtype=bool), fits=True)


def refuse(column: Column, missing: Mask) -> Reading:
    """Cells of another kind altogether: all unread but those that are missing."""
    return _empty(column, missing, fits=False)


def _empty(column: Column, missing: Mask, *, fits: bool) -> Reading:
    n = len(missing)
    values: NDArray[Any]
    match column.type:
        case "category":
            values = np.full(n, MISSING, dtype=np.int32)
        case "date":
            values = np.full(n, np.datetime64("NaT"), dtype="datetime64[us]")
        case "text":
            values = np.full(n, None, dtype=object)
        case _:
            values = np.full(n, np.nan)
    return Reading(values, missing, unread=~missing, too_long=np.zeros(n, dtype=bool), fits=fits)


def _code(column: Column, word: str | None) -> int:
    if word is None:
        return MISSING
    code = column.codes.get(word)
    if code is None:
        trimmed = word.strip(SPACES)
        code = column.codes.get(trimmed)
    if code is None:
        code = MISSING if trim_word(word) is None else UNSEEN
    return code
