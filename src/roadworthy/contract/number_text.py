"""Numbers written as text: thousands separators, decimal commas, signs of currency and of percent.

`83.70%` reads as 83.7: the number as written, never divided by a hundred.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

__all__ = ["decide_decimal", "read_numbers"]

_GROUPS = {
    ".": r"\d{1,3}(?:,\d{2,3})*,\d{3}|\d{1,3}(?:[ \x{a0}\x{202f}]\d{3})+|\d{1,3}(?:['’]\d{3})+",
    ",": r"\d{1,3}(?:\.\d{3})+|\d{1,3}(?:[ \x{a0}\x{202f}]\d{3})+|\d{1,3}(?:['’]\d{3})+",
}
_SEPARATORS = {".": r"[,\s'’]", ",": r"[.\s'’]"}


def read_numbers(text: pl.Series, decimal: Literal["", ".", ","] = "") -> pl.Series:
    """The number in each cell of `text` (trimmed; null where missing) as Float64; null where there is none.

    `decimal` is the decimal sign; empty is the plain reading, a point.

    >>> read_numbers(pl.Series(["1,234.50", "83.70%", "-€ 5", "1 234", "abc"])).to_list()
    [1234.5, 83.7, -5.0, 1234.0, None]
    >>> read_numbers(pl.Series(["1.234,50"]), decimal=",").to_list()
    [1234.5]
    """
    if decimal != ",":
        plain = text.cast(pl.Float64, strict=False)
        unread = plain.is_null() & text.is_not_null()
        if not unread.any():
            return plain
        dressed = _read_dressed(text.filter(unread), ".")
        return plain.scatter(unread.arg_true(), dressed) if dressed.is_not_null().any() else plain
    return _read_dressed(text, ",")


def decide_decimal(text: pl.Series) -> Literal[".", ","]:
    """The decimal sign under which more cells of the column are numbers; a point where both do equally well."""
    with_point = read_numbers(text, ".").is_not_null().sum()
    if with_point == text.is_not_null().sum():
        return "."
    return "," if read_numbers(text, ",").is_not_null().sum() > with_point else "."


def _read_dressed(text: pl.Series, decimal: Literal[".", ","]) -> pl.Series:
    bare = (
        text.str.replace_all("−", "-", literal=True)
        .str.replace(r"\s*%$", "")
        .str.replace(r"^([+-]?)\s*\p{Sc}\s*", "${1}")
        .str.replace(r"\s*\p{Sc}$", "")
    )
    mark = r"\." if decimal == "." else ","
    grouped = bare.str.contains(rf"^[+-]?(?:{_GROUPS[decimal]})(?:{mark}\d*)?$")
    ungrouped = pl.select(
        pl.when(grouped).then(bare.str.replace_all(_SEPARATORS[decimal], "")).otherwise(bare)
    ).to_series()
    if decimal == ",":
        # What still holds a point after the groups are gone is no number with a decimal comma.
        ungrouped = pl.select(pl.when(~ungrouped.str.contains(".", literal=True)).then(ungrouped)).to_series()
        ungrouped = ungrouped.str.replace(",", ".", literal=True)
    return ungrouped.cast(pl.Float64, strict=False)
