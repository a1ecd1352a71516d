"""Months on book, counted on the calendar.

Month m of a loan ends on the booking day m calendar months later; where that month has no such day, on its last day. A
loan booked on 31 January ends its first month on 28 (or 29) February and its second on 31 March: each is counted from
the booking, never from the month before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.categories import is_missing
from roadworthy.measures.checks import check_rows
from roadworthy.measures.results import Floats, Ints

__all__ = ["PERIODS", "Days", "DaysLike", "check_days", "months_between", "periods_of"]

Days = NDArray[np.datetime64]
DaysLike: TypeAlias = ArrayLike | date | Sequence[date | str | None]
"""One day or many, in any of the forms people hold them in; what is missing is None or NaT."""
PERIODS = ("month", "quarter", "year")
_MEND = "days as datetime64, date objects, or texts like 2026-11-22"


def check_days(values: DaysLike, name: str, n: int | None = None) -> Days:
    """`values` as days (n,); a time of day is dropped, what is missing is NaT."""
    days = _as_days(values, name)
    if days.ndim != 1:
        raise MeasureError(f"{name} is one array of days, and this one has shape {days.shape}", mend=_MEND)
    if n is not None:
        check_rows(days, name, n)
    elif not days.size:
        raise MeasureError(f"{name} is empty", mend="a measure needs at least one application")
    return days


def _as_days(values: Any, name: str) -> Days:
    array: NDArray[Any]
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = _from_objects(array.ravel()).reshape(array.shape)
        if array.dtype.kind not in "MU" and array.size:
            raise TypeError
        return array.astype("datetime64[D]")
    except (TypeError, ValueError, OverflowError):
        raise MeasureError(f"{name} does not hold days", mend=_MEND) from None


def _from_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Nullable columns and lists of dates; a missing one is None, NaN or a library's own sign.

    Arrow reads all values of one type at once; only a mixture of types is read value by value.
    """
    try:
        read = pa.array(array, from_pandas=True)
    except (pa.ArrowException, TypeError, OverflowError):
        plain = [None if is_missing(value) else _without_zone(value) for value in array.tolist()]
        return np.array(plain, dtype="datetime64[D]")
    if pa.types.is_null(read.type):
        return np.full(len(array), "NaT", dtype="datetime64[D]")
    if pa.types.is_timestamp(read.type):  # which Arrow keeps in UTC, whatever the zone
        return np.asarray(read.cast(pa.timestamp(read.type.unit)))
    if pa.types.is_date(read.type):
        return np.asarray(read)
    texts: NDArray[Any] = read.to_numpy(
        zero_copy_only=False
    )  # texts with None; numbers stay numbers, which are no days
    return texts.astype("datetime64[D]") if texts.dtype.kind == "O" else texts


def _without_zone(value: Any) -> Any:
    """A time with a zone as the day it is in UTC."""
    if getattr(value, "tzinfo", None) is not None:
        return (value - value.utcoffset()).replace(tzinfo=None).date()
    return value


def months_between(start: Days, end: Days) -> Floats:
    """Months from `start` to `end`, in whole months and the share of the next one that is over.

    At most m exactly where `end` is at most `start` and m calendar months.

    >>> months_between(np.array(["2024-01-31", "2024-01-31"], "M8[D]"), np.array(["2024-02-29", "2024-03-30"], "M8[D]"))
    array([1.        , 1.96774194])
    """
    whole = end.astype("datetime64[M]") - start.astype("datetime64[M]")
    months = whole.astype(np.int64)
    months -= _after(start, months) > end
    last, following = _after(start, months), _after(start, months + 1)
    share = (end - last).astype(np.float64) / (following - last).astype(np.float64)
    between: Floats = months + share
    return between


def _after(start: Days, months: Ints) -> Days:
    """`months` calendar months after `start`, on the last day of the month where that is shorter."""
    first = start.astype("datetime64[M]")
    day = start - first.astype("datetime64[D]")
    month = first + months.astype("timedelta64[M]")
    last = (month + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    later: Days = np.minimum(month.astype("datetime64[D]") + day, last)
    return later


def periods_of(days: Days, period: str) -> tuple[NDArray[np.int64], list[str]]:
    """For each day the number of its period among those that occur, and the periods' names in order of time."""
    months = days.astype("datetime64[M]").astype(np.int64)
    size = {"month": 1, "quarter": 3, "year": 12}[period]
    numbers, codes = np.unique(months // size, return_inverse=True)
    return codes.astype(np.int64), [_name(int(number), period) for number in numbers]


def _name(number: int, period: str) -> str:
    if period == "year":
        return str(1970 + number)
    if period == "quarter":
        return f"{1970 + number // 4} Q{number % 4 + 1}"
    return f"{1970 + number // 12}-{number % 12 + 1:02}"
