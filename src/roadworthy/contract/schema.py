"""The declaration: which columns an application has and what each may hold.

Everything else in this room (the batch check, the JSON Schema, the msgspec struct, the documentation) is derived from
these values, so that none of them can disagree with another.
"""

from __future__ import annotations

import math
import re
from functools import cached_property
from typing import Literal

import msgspec

__all__ = ["ENVELOPE", "RESERVED", "Column", "ColumnType", "Contract", "Outside", "Role"]

ColumnType = Literal["number", "integer", "boolean", "category", "text", "date"]
Role = Literal["input", "identity", "money", "time", "group"]
Outside = Literal["refer", "set_aside"]

_SIGNS = tuple("YymbBhdejHIMSpz")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """One column of an application.

    `range` is inclusive at both ends and either end may be open (None). `allowed` is a category's vocabulary, in the
    order that gives the codes of a `Batch`. `missing` says whether a missing value is allowed. `outside` says what
    happens to a value outside `range` or `allowed`: the application is referred to a person, or the row is set aside.
    `format` is how a date is written beside ISO 8601 (strptime signs, `%d/%m/%Y`) and `decimal` the decimal sign of
    numbers written as text; empty means that each table's own values decide. `guessed` lists the fields that were
    inferred from data and that no person has confirmed.

    Fields that contradict each other raise ValueError, which names the field first.
    """

    name: str
    type: ColumnType
    role: Role = "input"
    range: tuple[float | None, float | None] | None = None
    allowed: tuple[str, ...] | None = None
    missing: bool = False
    outside: Outside = "refer"
    format: str = ""
    decimal: Literal["", ".", ","] = ""
    description: str = ""
    reason: str = ""
    guessed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, fault in (
            ("range", self._range_fault()),
            ("allowed", self._allowed_fault()),
            ("format", self._format_fault()),
            ("decimal", "is for numbers only" if self.decimal and self.type not in ("number", "integer") else None),
            ("guessed", self._guessed_fault()),
        ):
            if fault is not None:
                raise ValueError(f"{field} {fault}")

    @cached_property
    def codes(self) -> dict[str, int]:
        """The code of each allowed value."""
        return {value: code for code, value in enumerate(self.allowed or ())}

    @cached_property
    def numeric_codes(self) -> bool:
        """Whether some allowed value is a number written out, so that a number may stand for it."""
        return any(_NUMBER.fullmatch(value) for value in self.allowed or ())

    def _range_fault(self) -> str | None:
        if self.range is None:
            return None
        if self.type not in ("number", "integer"):
            return f"is for numbers and integers, not for a {self.type}"
        low, high = self.range
        if low is None and high is None:
            return "has two open ends; leave it out"
        if any(end is not None and not math.isfinite(end) for end in self.range):
            return "has an end that is not finite; write null for an open end"
        if low is not None and high is not None and low > high:
            return f"is reversed: {low:g} is more than {high:g}"
        return None

    def _allowed_fault(self) -> str | None:
        if self.type != "category":
            return None if self.allowed is None else f"is for categories, not for a {self.type}"
        if not self.allowed:
            return "must list a category's values"
        if len(self.codes) == len(self.allowed):
            return None
        return f"lists twice: {', '.join(sorted(value for value in self.codes if self.allowed.count(value) > 1))}"

    def _format_fault(self) -> str | None:
        if not self.format:
            return None
        if self.type != "date":
            return f"is for dates, not for a {self.type}"
        signs = re.findall(r"%(.?)", self.format.replace(".%f", ""))
        unknown = [sign for sign in signs if sign not in _SIGNS]
        if unknown:
            return f"has an unknown sign, %{unknown[0]}; known are {' '.join(f'%{sign}' for sign in _SIGNS)} and .%f"
        day_of_month = {"d", "e"} & {*signs} and {"m", "b", "B", "h"} & {*signs}
        if {"Y", "y"} & {*signs} and (day_of_month or "j" in signs):
            return None
        return "needs a year, a month and a day in strptime signs, for example %d/%m/%Y"

    def _guessed_fault(self) -> str | None:
        unknown = [field for field in self.guessed if field not in self.__struct_fields__]
        return f"names no field of a column: {', '.join(unknown)}" if unknown else None


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """All columns of an application, in a fixed order; names are unique."""

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        if len(self.positions) != len(self.columns):
            names = [column.name for column in self.columns]
            twice = sorted(name for name in self.positions if names.count(name) > 1)
            raise ValueError(f"columns declared twice: {', '.join(twice)}")

    @cached_property
    def positions(self) -> dict[str, int]:
        """The place of each column among `columns`."""
        return {column.name: position for position, column in enumerate(self.columns)}

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.positions[name]]

    def __contains__(self, name: object) -> bool:
        return name in self.positions

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns the model reads, in order."""
        return tuple(column for column in self.columns if column.role == "input")


ENVELOPE = (
    Column(name="application_id", type="text", role="identity", missing=True),
    Column(name="applicant_id", type="text", role="identity", missing=True),
    Column(name="applied_at", type="date", role="time", missing=True),
)
"""What stands beside the contract's columns in every table and every body."""
RESERVED = tuple(column.name for column in ENVELOPE)
