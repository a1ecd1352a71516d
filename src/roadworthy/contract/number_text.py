"""Numbers written as text: thousands separators, decimal commas, signs of currency and of percent.

`83.70%` reads as 83.7: the number as written, never divided by a hundred.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

__all__ = ["Decimal", "decide_decimal", "read_numbers"]

Decimal = Literal["", ".", ","]

_SPACED = r"[0-9]{1,3}(?:[ \x{a0}\x{202f}][0-9]{3})+|[0-9]{1,3}(?:['’][0-9]{3})+"
_POINT = rf"^[+-]?(?:[0-9]{{1,3}}(?:,[0-9]{{2,3}})*,[0-9]{{3}}|{_SPACED})(?:\.[0-9]*)?$"
_COMMA = rf"^[+-]?(?:[0-9]{{1,3}}(?:\.[0-9]{{3}})+|{_SPACED}|[0-9]*)(?:,[0-9]*)?(?:[eE][+-]?[0-9]+)?$"


def read_numbers(text: pl.Series, decimal: Decimal = "") -> pl.Series:
    """The number in each cell of `text` (trimmed; null where missing) as Float64; null where there is none.

    `decimal` is the decimal sign; empty is the plain reading, a point.

    >>> read_numbers(pl.Series(["1,234.50", "83.70%", "-€ 5", "1 234", "abc"])).to_list()
    [1234.5, 83.7, -5.0, 1234.0, None]
    >>> read_numbers(pl.Series(["1.234,50", "7"]), decimal=",").to_list()
    [1234.5, 7.0]
    """
    if decimal == ",":
        return _undress(text, ",").cast(pl.Float64, strict=False)
    plain = text.cast(pl.Float64, strict=False)
    unread = plain.is_null() & text.is_not_null()
    if not unread.any():
        return plain
    return plain.scatter(unread.arg_true(), _undress(text.filter(unread), ".").cast(pl.Float64, strict=False))


def decide_decimal(text: pl.Series) -> Decimal:
    """The decimal sign under which more cells of the column are numbers; the plain reading where both do as well."""
    unread = text.filter(text.cast(pl.Float64, strict=False).is_null())
    if not unread.str.contains(",", literal=True).any():
        return ""
    with_point, with_comma = (read_numbers(text, sign).null_count() for sign in (".", ","))
    return "," if with_comma < with_point else ""


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
