"""One application as a JSON body: its shape and the JSON types here, everything else by the same rules as a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from roadworthy.contract.batch import Batch
from roadworthy.contract.check import Violation, find_faults, place_of
from roadworthy.contract.reading import Reading, read_column, refuse_column
from roadworthy.contract.schema import ENVELOPE, RESERVED, Column, Contract

__all__ = ["check_body"]

_NOTHING = pa.chunked_array([pa.nulls(1)])
_INT64 = range(-(2**63), 2**63)
_UNKNOWN = "is not a column of the contract"


def check_body(contract: Contract, body: Any) -> Batch | list[Violation]:
    """Check one decoded JSON body; gives a batch of one, or every violation.

    `body` is `{"application_id", "applicant_id", "applied_at", "inputs": {...}}`, the first three optional. Values are
    what a JSON decoder makes of them: text is not read as a number or a boolean here, as it is in a table, whose text
    may come from a file that knows nothing else. Python dates are taken too.

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
    return [Violation(place_of(str(name), inside=inside), "unknown_column", _UNKNOWN) for name in names]


def _read(column: Column, value: Any, path: str, violations: list[Violation]) -> Reading:
    cells = _cell(column, value)
    reading = refuse_column(column, np.zeros(1, dtype=bool)) if cells is None else read_column(column, cells)
    violations += (Violation(fault.path, fault.rule, fault.message) for fault in find_faults(column, reading, path))
    return reading


def _cell(column: Column, value: Any) -> pa.ChunkedArray | None:
    """The value as a column of one row; None where its JSON type is not the column's."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        # Text that stands for a number is not a number in JSON.
        return None if column.type in ("number", "integer", "boolean") else pa.chunked_array([pa.array([value])])
    if isinstance(value, int) and value not in _INT64:
        value = _large(column, value)
    if isinstance(value, bool | int | float | str | dt.date):
        return pa.chunked_array([pa.array([value])])
    return None


def _large(column: Column, value: int) -> float | str:
    if column.type in ("text", "category"):
        return str(value)
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
