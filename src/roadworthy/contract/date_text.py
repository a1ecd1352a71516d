"""Dates written as text.

Read without being told: ISO 8601 (with or without a time and an offset), `2024/01/31`, `20240131`, `31-Jan-2024`,
`Jan-2024` (its first day). Where the day and the month are both numbers and the year comes last, the column as a whole
decides which is which.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["decide_format", "read_dates"]

_FORMS = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", "%Y/%m/%d"),
    (r"^\d{8}$", "%Y%m%d"),
    (r"^\d{1,2}-\pL{3}-\d{4}$", "%d-%b-%Y"),
    (r"^\d{1,2} \pL{3} \d{4}$", "%d %b %Y"),
)
_MONTH_ONLY = r"^\pL{3}-\d{4}$"
_UNDECIDED = tuple(f"%{first}{mark}%{second}{mark}%Y" for mark in "/.-" for first, second in ("dm", "md"))
_TIME = (
    r"^(?P<day>.*?\S)(?:(?:T| +)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<part>\.\d{1,9})?)?"
    r"\s*(?P<offset>Z|UTC|[+-]\d{2}:?\d{2})?)?$"
)
_FIRST_YEAR = 1000
"""A four-digit year: 24 is a year cut short, not the first century."""


def read_dates(text: pl.Series, format: str = "") -> NDArray[np.datetime64]:  # noqa: A002  the contract's own word
    """Each cell of `text` (trimmed; null where missing) as datetime64[us] in UTC; NaT where there is no date.

    A time without an offset is taken as UTC. `format` (strptime signs) is tried first.

    >>> read_dates(pl.Series(["2024-01-31", "31-JAN-2024", "2024-01-31T09:00:00+02:00", "soon"]))
    array(['2024-01-31T00:00:00.000000', '2024-01-31T00:00:00.000000',
           '2024-01-31T07:00:00.000000',                        'NaT'],
          dtype='datetime64[us]')
    >>> read_dates(pl.Series(["31/01/2024"]), "%d/%m/%Y").astype("datetime64[D]")
    array(['2024-01-31'], dtype='datetime64[D]')
    """
    split = text.str.extract_groups(_TIME).struct
    day = split.field("day")
    dates = _read_days(day, format)
    seconds = (
        split.field("hour").cast(pl.Int64) * 3600
        + split.field("minute").cast(pl.Int64) * 60
        + split.field("second").cast(pl.Int64).fill_null(0)
    )
    micros = seconds * 1_000_000 + (split.field("part").cast(pl.Float64).fill_null(0.0) * 1e6).round(0).cast(pl.Int64)
    out_of_clock = (split.field("hour").cast(pl.Int64) > 23) | (split.field("minute").cast(pl.Int64) > 59)
    out_of_clock = out_of_clock | (split.field("second").cast(pl.Int64).fill_null(0) > 59)
    offset = split.field("offset")
    shift = pl.select(
        pl.when(offset.str.starts_with("+")).then(-1).when(offset.str.starts_with("-")).then(1).otherwise(0)
    ).to_series() * (
        offset.str.slice(1, 2).cast(pl.Int64, strict=False).fill_null(0) * 60
        + offset.str.slice(-2, 2).cast(pl.Int64, strict=False).fill_null(0)
    ).fill_null(0)
    whole = dates.cast(pl.Datetime("us")).cast(pl.Int64) + micros.fill_null(0) + shift.fill_null(0) * 60_000_000
    whole = pl.select(pl.when(~out_of_clock.fill_null(False)).then(whole)).to_series()
    if format:
        told = text.str.to_datetime(format, strict=False, time_unit="us") if _has_time(format) else None
        if told is not None:
            whole = pl.select(pl.coalesce(told.dt.replace_time_zone(None).cast(pl.Int64), whole)).to_series()
    return np.asarray(whole.cast(pl.Datetime("us")).to_numpy(), dtype="datetime64[us]")


def decide_format(text: pl.Series) -> tuple[str, bool]:
    """The format of a column whose dates end in the year, and whether the values settle it.

    Empty where no date of the column needs one. Where day and month stay open, the day comes first and the second value
    is False.

    >>> decide_format(pl.Series(["01/02/2024", "13/02/2024"])), decide_format(pl.Series(["01/02/2024"]))
    (('%d/%m/%Y', True), ('%d/%m/%Y', False))
    """
    days = text.str.extract(_TIME.replace("?P<day>", ""), 1).drop_nulls().unique()
    open_days = days.filter(days.str.contains(r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}$"))
    counts = {form: int(_read_form(open_days, form).is_not_null().sum()) for form in _UNDECIDED}
    best = max(_UNDECIDED, key=lambda form: counts[form])
    if not counts[best]:
        return "", True
    turned = best.translate(str.maketrans("dm", "md"))
    return best, counts[best] != counts[turned]


def _has_time(form: str) -> bool:
    return any(sign in form for sign in ("%H", "%I", "%T", "%X", "%R", "%c", "%s"))


def _read_form(days: pl.Series, form: str) -> pl.Series:
    read = days.str.to_date(form, strict=False)
    return pl.select(pl.when(read.dt.year() >= _FIRST_YEAR).then(read)).to_series()


def _read_days(days: pl.Series, form: str) -> pl.Series:
    dates = _read_form(days, form) if form and not _has_time(form) else pl.Series([None] * len(days), dtype=pl.Date)
    for pattern, known in _FORMS:
        if not dates.is_null().any():
            break
        fitting = pl.select(pl.when(days.str.contains(pattern)).then(days)).to_series()
        dates = pl.select(pl.coalesce(dates, _read_form(fitting, known))).to_series()
    months = pl.select(pl.when(days.str.contains(_MONTH_ONLY)).then("01-" + days)).to_series()
    return pl.select(pl.coalesce(dates, _read_form(months, "%d-%b-%Y"))).to_series()
