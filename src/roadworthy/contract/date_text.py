"""Dates written as text.

Read without being told: ISO 8601 (with or without a time and an offset), `2024/01/31`, `20240131`, `31-Jan-2024`, and
`Jan-2024` for its first day. Where day and month are both numbers and the year comes last, the column as a whole has to
say which is which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["decide_format", "read_dates"]

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]

_WRITTEN = (
    r"^(?:(?P<y1>[0-9]{4})[-/](?P<m1>[0-9]{1,2})[-/](?P<d1>[0-9]{1,2})"
    r"|(?P<y2>[0-9]{4})(?P<m2>[0-9]{2})(?P<d2>[0-9]{2})"
    r"|(?:(?P<d3>[0-9]{1,2})[- ])?(?P<name>[A-Za-z]{3})[- ](?P<y3>[0-9]{4})"
    r"|(?P<first>[0-9]{1,2})[/.-](?P<second>[0-9]{1,2})[/.-](?P<y4>[0-9]{4}))"
    r"(?:(?:T| +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<seconds>[0-9]{2}(?:\.[0-9]{1,9})?))?"
    r" *(?P<offset>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_PLAIN = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?$"
_UNTOLD = r"^[0-9]{1,2}([/.-])[0-9]{1,2}[/.-][0-9]{4}(?:[T ]|$)"
_FIRST = np.datetime64("1000-01-01", "us")  # an earlier year is a year cut short
_LAST = np.datetime64("9999-12-31T23:59:59.999999", "us")  # a later moment, which an offset can make, is none in Python
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: str(month + 1) for month, name in enumerate(_MONTH_NAMES)}
_DAY_AND_MONTH = re.compile(r"%([dm])[/.-]%([dm])[/.-]%Y")


def read_dates(text: pa.Array | pa.ChunkedArray, format: str = "") -> NDArray[np.datetime64]:  # noqa: A002  the contract's own word
    """Each cell of `text` (trimmed; null where missing) as datetime64[us] in UTC; NaT where there is no date.

    A time without an offset is taken as UTC. `format` (strptime signs) says how else a date may be written; without it
    `01/02/2024` is no date.

    >>> read_dates(pa.array(["2024-01-31", "31-JAN-2024", "2024-01-31T09:00:00+02:00", "soon"]))
    array(['2024-01-31T00:00:00.000000', '2024-01-31T00:00:00.000000',
           '2024-01-31T07:00:00.000000',                        'NaT'],
          dtype='datetime64[us]')
    >>> read_dates(pa.array(["01/02/2024"]), "%d/%m/%Y").astype("datetime64[D]")
    array(['2024-02-01'], dtype='datetime64[D]')
    """
    # Most columns are written in one way throughout, and that way is ISO.
    if pc.all(pc.match_substring_regex(text, _PLAIN), min_count=0).as_py():
        try:
            return np.asarray(text.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False), dtype="datetime64[us]")
        except pa.ArrowInvalid:
            pass  # one of them does not exist, as 30 February
    cells = pl.Series(text)
    parts = _Parts.of(cells)
    dates = _within(parts.dates() + parts.times())
    order = _DAY_AND_MONTH.fullmatch(format)
    if order is not None:
        told = _within(parts.told_dates(day_first=order[1] == "d") + parts.times())
    elif format:
        # Python and polars write a fraction of a second in different ways.
        read = cells.str.to_datetime(format.replace(".%f", "%.f"), strict=False, time_unit="us", time_zone="UTC")
        told = np.asarray(read.to_numpy(), dtype="datetime64[us]")
        told = np.where((told >= _FIRST) & (told <= _LAST), told, np.datetime64("NaT"))
    else:
        return dates
    return np.where(np.isnat(told), dates, told)


def _within(dates: Dates) -> Dates:
    return np.where(dates > _LAST, np.datetime64("NaT"), dates)


def decide_format(text: pa.Array | pa.ChunkedArray) -> tuple[str, bool]:
    """How a column whose dates end in the year writes them, and whether its values settle which comes first.

    Empty where no date of the column needs telling. Where more dates are dates with the day first, it comes first;
    where it makes no difference it does too, and the second value is False.

    >>> decide_format(pa.array(["01/02/2024", "13/02/2024"])), decide_format(pa.array(["01/02/2024"]))
    (('%d/%m/%Y', True), ('%d/%m/%Y', False))
    """
    if not pc.any(pc.match_substring_regex(text, _UNTOLD)).as_py():
        return "", True
    cells = pl.Series(text.unique())
    marks = cells.str.extract(_UNTOLD)
    parts = _Parts.of(cells.filter(marks.is_not_null()))
    day_first, month_first = (int((~np.isnat(parts.told_dates(day_first=first))).sum()) for first in (True, False))
    if not day_first and not month_first:
        return "", True
    mark = marks.drop_nulls().mode().sort()[-1]
    order = ("d", "m") if day_first >= month_first else ("m", "d")
    return f"%{order[0]}{mark}%{order[1]}{mark}%Y", day_first != month_first


@dataclass(frozen=True)
class _Parts:
    """The numbers in n texts, as float64 arrays of length n; NaN where a text has no such part."""

    year: Floats
    month: Floats
    day: Floats
    first: Floats
    second: Floats
    hour: Floats
    minute: Floats
    seconds: Floats
    ahead: Floats

    @classmethod
    def of(cls, text: pl.Series) -> _Parts:
        groups = text.str.extract_groups(_WRITTEN).struct.unnest()
        name = pl.col("name").str.to_lowercase()
        month = name.replace_strict(_MONTHS, default=None, return_dtype=pl.String)
        offset = pl.col("offset").str.replace(":", "", literal=True).cast(pl.Int64, strict=False)
        numbers = groups.select(
            pl.coalesce("y1", "y2", "y3", "y4"),
            pl.coalesce("m1", "m2", month),
            pl.coalesce("d1", "d2", "d3", pl.when(name.is_not_null()).then(pl.lit("1"))),
            "first",
            "second",
            "hour",
            "minute",
            "seconds",
            offset.sign() * (offset.abs() // 100 * 60 + offset.abs() % 100),
        )
        return cls(*numbers.cast(pl.Float64).to_numpy().T)

    def dates(self) -> Dates:
        return _date_of(self.year, self.month, self.day)

    def told_dates(self, *, day_first: bool) -> Dates:
        """The dates whose day and month are both numbers, the year last."""
        day, month = (self.first, self.second) if day_first else (self.second, self.first)
        return _date_of(self.year, month, day)

    def times(self) -> NDArray[np.timedelta64]:
        """The time of day less its offset, as a difference; NaT where the clock has no such time."""
        hour, minute, seconds, ahead = (
            np.nan_to_num(part) for part in (self.hour, self.minute, self.seconds, self.ahead)
        )
        exists = (hour < 24) & (minute < 60) & (seconds < 60)
        micros = (hour * 60 + minute - ahead) * 60e6 + np.round(seconds * 1e6)
        return np.where(exists, micros.astype(np.int64).astype("timedelta64[us]"), np.timedelta64("NaT"))


def _date_of(year: Floats, month: Floats, day: Floats) -> Dates:
    """The dates that exist: no 30 February, and none before _FIRST."""
    whole = [np.nan_to_num(part).astype(np.int64) for part in (year, month, day)]
    first = ((whole[0] - 1970) * 12 + (whole[1] - 1)).astype("datetime64[M]")
    dates = first.astype("datetime64[D]") + (whole[2] - 1)
    exists = (whole[0] >= 1000) & (whole[1] >= 1) & (whole[1] <= 12) & (whole[2] >= 1)
    exists &= dates.astype("datetime64[M]") == first
    return np.where(exists, dates, np.datetime64("NaT")).astype("datetime64[us]")
