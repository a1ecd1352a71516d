"""One application as a JSON body: its shape and the JSON types here, everything else by the same rules as a table."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from roadworthy.contract.batch import Batch
from roadworthy.contract.check import Violation, find_faults, place_of
from roadworthy.contract.date_text import read_dates
from roadworthy.contract.reading import (
    LONGEST_TEXT,
    Reading,
    moment_of,
    nothing,
    read_dates_as,
    read_floats,
    read_texts,
    read_words,
    refuse,
)
from roadworthy.contract.schema import ENVELOPE, RESERVED, Column, Contract
from roadworthy.contract.words import is_nothing, number_word, trim_word

__all__ = ["check_body"]

_FIRST = np.zeros(1, dtype=np.int64)
_UNKNOWN = "is not a column of the contract"
_LONGEST_NAME = 60
"""So much is told of a name that the contract does not know."""


def check_body(contract: Contract, body: Any) -> Batch | list[Violation]:
    """Check one decoded JSON body; gives a batch of one, or every violation.

    `body` is `{"application_id", "applicant_id", "applied_at", "inputs": {...}}`, the first three optional. Values are
    what a JSON decoder makes of them, and Python dates. Text is not read as a number or a boolean, nor is `01/02/2024`
    read as a date that the contract has no `format` for: only a table, whose source may know nothing but text, is.

    >>> contract = Contract(name="credit", columns=(Column(name="age", type="integer"),))
    >>> len(check_body(contract, {"application_id": "A-1", "inputs": {"age": 41}}))
    1
    >>> for violation in check_body(contract, {"inputs": {"age": "41", "aeg": 41}}):
    ...     print(violation.path, violation.rule, violation.message)
    $.inputs.age type is not a whole number
    $.inputs.aeg unknown_column is not a column of the contract
    """
    if not isinstance(body, Mapping):
        return [Violation("$", "type", "is not an object")]
    violations: list[Violation] = []
    readings: dict[str, Reading] = {}
    for column in ENVELOPE:
        readings[column.name] = _read(column, body.get(column.name), place_of(column.name, inside="$"), violations)
    inputs = body.get("inputs")
    values = {}
    if isinstance(inputs, Mapping):
        for column in contract.columns:
            values[column.name] = _read(column, inputs.get(column.name), place_of(column.name), violations).values
        violations += _unknown(name for name in inputs if name not in contract.positions)
    elif inputs is None:
        violations.append(Violation("$.inputs", "missing", "is missing"))
    else:
        violations.append(Violation("$.inputs", "type", "is not an object"))
    violations += _unknown((name for name in body if name not in RESERVED and name != "inputs"), inside="$")
    if violations:
        return violations
    return Batch(contract, values, *(readings[name].values for name in RESERVED))


def _unknown(names: Iterable[Any], inside: str = "$.inputs") -> list[Violation]:
    return [Violation(place_of(str(name)[:_LONGEST_NAME], inside=inside), "unknown_column", _UNKNOWN) for name in names]


def _read(column: Column, value: Any, path: str, violations: list[Violation]) -> Reading:
    reading = _read_value(column, value.item() if isinstance(value, np.generic) else value)
    violations += (Violation(fault.path, fault.rule, fault.message) for fault in find_faults(column, reading, path))
    return reading


def _read_value(column: Column, value: Any) -> Reading:
    if is_nothing(value):
        return nothing(column, 1)
    word = _word(value)
    match column.type:
        case "number" | "integer":
            if isinstance(value, int | float) and not isinstance(value, bool):
                return read_floats(column, np.array([_float(value)]))
        case "boolean":
            if isinstance(value, int | float):
                return read_floats(column, np.array([_float(value)]))
        case "category":
            if word is not None and (isinstance(value, str) or column.numeric_codes):
                return read_words(column, [word], _FIRST)
        case "text":
            if word is not None:
                blank = trim_word(word) is None
                kept = np.array([None if blank else word], dtype=object)
                return read_texts(kept, np.array([blank]), np.array([len(word) > LONGEST_TEXT]))
        case "date":
            if isinstance(value, dt.date):
                return read_dates_as(np.array([moment_of(value)]), np.zeros(1, dtype=bool))
            if word is not None:
                trimmed = trim_word(word)
                text = pa.array([trimmed], type=pa.large_string())
                return read_dates_as(read_dates(text, column.format), np.array([trimmed is None]))
    return refuse(column, np.zeros(1, dtype=bool))


def _word(value: Any) -> str | None:
    """Text and numbers as text; None where the value is neither, or cannot be written down."""
    try:
        if isinstance(value, str):
            value.encode()  # half a surrogate pair is no text
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return str(value) if isinstance(value, int) else number_word(value)
    except ValueError:  # the same, or a whole number of more digits than Python prints
        return None


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
