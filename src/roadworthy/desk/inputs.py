"""An application's inputs as a form: a field for each column of the contract, and what was changed in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.contract import Column, Contract, Violation, column_of
from roadworthy.desk.format import number
from roadworthy.desk.visit import Form

__all__ = ["InputField", "list_fields", "read_changed", "show_value", "write_value"]

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLEANS = {"yes": True, "no": False}


@dataclass(frozen=True)
class InputField:
    """A column in a form. `choices` are its words where it has some; `was` is the value as it was recorded."""

    name: str
    column: Column
    value: str
    was: str
    choices: tuple[str, ...]
    fault: str

    @property
    def label(self) -> str:
        """What the column means; its name where nobody has said."""
        return self.column.description or self.column.name

    @property
    def range(self) -> str:
        """Its range in words; empty where it has none."""
        low, high = self.column.range or (None, None)
        if low is None:
            return "" if high is None else f"at most {number(high)}"
        return f"at least {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def write_value(value: object) -> str:
    """A value as a field holds it.

    >>> [write_value(value) for value in (None, True, 24.0, 0.165, "own")]
    ['', 'yes', '24', '0.165', 'own']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


def show_value(value: object) -> str:
    """A value as people read it: whole, its thousands apart.

    >>> [show_value(value) for value in (None, True, 12000.0, 1234.165, 24, "own")]
    ['not given', 'yes', '12,000', '1,234.165', '24', 'own']
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}".removesuffix(".0")
    return write_value(value) or "not given"


def list_fields(
    contract: Contract, inputs: Mapping[str, Any], sent: Form | None = None, faults: Iterable[Violation] = ()
) -> list[InputField]:
    """A field for each column, with the recorded value, or with what was sent and what is wrong with it."""
    told = {column_of(fault.path): fault.message for fault in faults}
    fields = []
    for column in contract.columns:
        was, name = write_value(inputs.get(column.name)), _field(column)
        value = sent[name] if sent is not None and name in sent else was
        choices = tuple(_BOOLEANS) if column.type == "boolean" else column.allowed or ()
        if choices and value and value not in choices:
            choices = (*choices, value)
        fields.append(InputField(name, column, value, was, choices, told.get(column.name, "")))
    return fields


def read_changed(contract: Contract, inputs: Mapping[str, Any], sent: Form) -> dict[str, Any]:
    """The columns that were sent otherwise than recorded, with their values; None is missing.

    What is no number stays the text that it is, so that the contract says what is wrong with it.
    """
    changed = {}
    for column in contract.columns:
        name = _field(column)
        if name in sent and sent[name] != write_value(inputs.get(column.name)):
            changed[column.name] = _read(column, sent[name])
    return changed


def _field(column: Column) -> str:
    return f"in.{column.name}"


def _read(column: Column, text: str) -> Any:
    if not text:
        return None
    match column.type:
        case "boolean":
            return _BOOLEANS.get(text, text)
        case "integer" if _WHOLE.fullmatch(text):
            return int(text)
        case "number" | "integer" if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
    return text
