"""The facts of one column."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.contract.number_text import Decimal
from roadworthy.contract.schema import ColumnType

__all__ = ["ColumnFacts"]


@dataclass(frozen=True)
class ColumnFacts:
    """What one column of a table holds.

    type                the contract type that its values suggest
    distinct            how many different values, missing not counted
    missing             share of rows without a value, 0..1
    minimum, maximum    of numbers, integers and booleans; of dates in days since 1970-01-01; else None
    values              of a category: its values by falling frequency, then by name
    unreadable          how many values are not of `type`: at most 5% of those present
    format, decimal     how dates and numbers kept as text are written; empty where nothing need be said
    ambiguous           day and month cannot be told apart, so the day is taken to come first
    constant            one value throughout, or none
    nearly_unique       more than 20 different values, and they are 90% or more of those present
    """

    name: str
    type: ColumnType
    distinct: int
    missing: float
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    unreadable: int = 0
    format: str = ""
    decimal: Decimal = ""
    ambiguous: bool = False
    constant: bool = False
    nearly_unique: bool = False
