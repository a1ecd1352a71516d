"""The declaration: which columns an application has and what each may hold.

Everything else in this room (the batch check, the JSON Schema, the msgspec struct, the documentation) is derived from
these values, so that none of them can disagree with another.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Column", "ColumnType", "Contract", "Outside", "Role"]

ColumnType = Literal["number", "integer", "boolean", "category", "text", "date"]
Role = Literal["input", "identity", "money", "time", "group"]
Outside = Literal["refer", "set_aside"]


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of an application.

    `range` is inclusive at both ends and either end may be open (None). `allowed` is a category's vocabulary, in the
    order that gives the codes of a `Batch`. `missing` says whether a missing value is allowed. `outside` says what
    happens to a value outside `range` or `allowed`: the application is referred to a person, or the row is set aside.
    `guessed` lists the fields that were inferred from data and that no person has confirmed.
    """

    name: str
    type: ColumnType
    role: Role = "input"
    range: tuple[float | None, float | None] | None = None
    allowed: tuple[str, ...] | None = None
    missing: bool = False
    outside: Outside = "refer"
    description: str = ""
    reason: str = ""
    guessed: tuple[str, ...] = ()


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """All columns of an application, in a fixed order; names are unique."""

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"columns declared twice: {', '.join(twice)}")

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns the model reads, in order."""
        return tuple(column for column in self.columns if column.role == "input")
