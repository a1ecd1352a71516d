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
    if decimal == ",":
        return np.asarray(_undress(_series(text), ",").cast(pl.Float64, strict=False).to_numpy())
    try:
        return np.asarray(text.cast(pa.float64()).to_numpy())
    except pa.ArrowInvalid:
        cells = _series(text)
    plain = cells.cast(pl.Float64, strict=False)
    unread = plain.is_null() & cells.is_not_null()
    dressed = _undress(cells.filter(unread), ".").cast(pl.Float64, strict=False)
    return np.asarray(plain.scatter(unread.arg_true(), dressed).to_numpy())


def decide_decimal(text: pa.ChunkedArray) -> Decimal:
    """The decimal sign under which more cells of the column are numbers; the plain reading where both do as well."""
    if not pc.any(pc.match_substring(text, ",")).as_py():
        return ""
    with_point, with_comma = (int(np.isnan(read_numbers(text, sign)).sum()) for sign in (".", ","))
    return "," if with_comma < with_point else ""


def _series(text: pa.ChunkedArray) -> pl.Series:
    series = pl.from_arrow(text)
    assert isinstance(series, pl.Series)  # noqa: S101  a column becomes a series, never a frame; mypy cannot know
    return series


def _undress(text: pl.Series, decimal: Literal[".", ","]) -> pl.Series:
    """The cells without signs and separators, the decimal sign a point; null where they were no number at all."""
    cell = pl.col("cell")
    bare = (
        cell.str.replace_all("−", "-", literal=True)
        .str.replace(r"\s*%$", "")
        .str.replace(r"^([+-]?)\s*\p{Sc}\s*", "${1}")
        .str.replace(r"\s*\p{Sc}$", "")
    )
    if decimal == ".":
        ungrouped = pl.when(bare.str.contains(_POINT)).then(bare.str.replace_all(r"[,\s'’]", "")).otherwise(bare)
    else:
        spare = bare.str.replace_all(r"[.\s'’]", "").str.replace(",", ".", literal=True)
        ungrouped = pl.when(bare.str.contains(_COMMA)).then(spare)
    return text.to_frame("cell").select(ungrouped).to_series()
