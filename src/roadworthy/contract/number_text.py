"""Numbers written as text: thousands separators, decimal commas, signs of currency and of percent.

`83.70%` reads as 83.7: the number as written, never divided by a hundred.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Decimal", "decide_decimal", "read_numbers"]

Decimal = Literal["", ".", ","]

_SPACED = r"[0-9]{1,3}(?:[ \x{a0}\x{202f}][0-9]{3})+|[0-9]{1,3}(?:['’][0-9]{3})+"
_SPACES = " \u00a0\u202f'’"
_POINT = rf"^[+-]?(?:[0-9]{{1,3}}(?:,[0-9]{{2,3}})*,[0-9]{{3}}|{_SPACED})(?:\.[0-9]*)?$"
_COMMA = rf"^[+-]?(?:[0-9]{{1,3}}(?:\.[0-9]{{3}})+|{_SPACED}|[0-9]*)(?:,[0-9]*)?(?:[eE][+-]?[0-9]+)?$"


def read_numbers(text: pa.ChunkedArray, decimal: Decimal = "") -> NDArray[np.float64]:
    """The number in each cell of `text` (trimmed; null where missing) as float64; NaN where there is none.

    `decimal` is the decimal sign; empty is the plain reading, a point.

    >>> read_numbers(pa.chunked_array([["1,234.50", "83.70%", "-€ 5", "1 234", "abc"]]))
    array([1234.5,   83.7,   -5. , 1234. ,    nan])
    >>> read_numbers(pa.chunked_array([["1.234,50", "7"]]), decimal=",")
    array([1234.5,    7. ])
    """
    if decimal != ",":
        plain = _cast(text)
        if plain.null_count() == text.null_count:
            return np.asarray(plain.to_numpy())
    return np.asarray(_cast(_undress(text, decimal)).to_numpy())


def decide_decimal(text: pa.ChunkedArray) -> Decimal:
    """The decimal sign under which more cells of the column are numbers; the plain reading where both do as well."""
    if not pc.any(pc.match_substring(text, ",")).as_py():
        return ""
    unread = int(np.isnan(read_numbers(text)).sum())
    if unread == text.null_count:
        return ""
    return "," if int(np.isnan(read_numbers(text, ",")).sum()) < unread else ""


def _cast(text: pa.ChunkedArray) -> pl.Series:
    # Arrow's own cast gives up at the first cell that is no number, and is slow to.
    series = pl.from_arrow(text)
    assert isinstance(series, pl.Series)  # noqa: S101  a column becomes a series, never a frame; mypy cannot know
    return series.cast(pl.Float64, strict=False)


def _undress(text: pa.ChunkedArray, decimal: Decimal) -> pa.ChunkedArray:
    """The cells without signs and separators, the decimal sign a point; a cell that is no number stays none."""
    if _shows(text, r"[−%\p{Sc}]"):
        text = pc.replace_substring(text, "−", "-")
        text = pc.replace_substring_regex(text, r"\s*%$", "")
        text = pc.replace_substring_regex(text, r"^([+-]?)\s*\p{Sc}\s*", r"\1")
        text = pc.replace_substring_regex(text, r"\s*\p{Sc}$", "")
    if decimal == ",":
        bare = pc.replace_substring(_drop(text, "." + _SPACES), ",", ".")
        return pc.if_else(pc.match_substring_regex(text, _COMMA), bare, pa.scalar(None, type=text.type))
    return pc.if_else(pc.match_substring_regex(text, _POINT), _drop(text, "," + _SPACES), text)


def _drop(text: pa.ChunkedArray, signs: str) -> pa.ChunkedArray:
    """The cells without `signs`; one plain search for each is several times faster than a pattern of all."""
    for sign in signs:
        if pc.any(pc.match_substring(text, sign)).as_py():
            text = pc.replace_substring(text, sign, "")
    return text


def _shows(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())
