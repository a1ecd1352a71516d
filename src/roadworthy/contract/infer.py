"""A contract guessed from data, with every guess marked until a person confirms it."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping
from types import MappingProxyType

import pyarrow as pa

from roadworthy.contract.arrow import name_columns
from roadworthy.contract.facts import ColumnFacts
from roadworthy.contract.profile import profile_columns
from roadworthy.contract.schema import RESERVED, Column, Contract, Role
from roadworthy.errors import DataError

__all__ = ["infer_contract"]

_NO_ROLES: Mapping[str, Role] = MappingProxyType({})
_GENEROUS = 10.0
_PERCENT = 100.0


def infer_contract(
    table: pa.Table, *, name: str, roles: Mapping[str, Role] = _NO_ROLES, drop: Collection[str] = ()
) -> Contract:
    """Guess the contract that the rows of `table` keep to.

    The columns of `drop`, and `application_id`, `applicant_id` and `applied_at`, are left out. `roles` gives the roles
    that are known; otherwise text is identity, dates are time and all else is input. Ranges are plausible bounds, not
    the observed extremes: nothing below 0 where nothing was, and a round number ten times beyond what was seen. A
    missing value is allowed where one was seen. What was guessed is listed in each column's `guessed`.

    Raises DataError where the table is empty, or `roles` or `drop` name a column that it does not have.

    >>> contract = infer_contract(pa.table({"age": [41, 19, 33], "name": ["Ann", "Bo", "Cy"]}), name="credit")
    >>> contract["age"].type, contract["age"].range, contract["age"].guessed
    ('integer', (0.0, 500.0), ('type', 'role', 'range', 'missing'))
    """
    cells = name_columns(table)
    for wanted, option in ((roles, "roles"), (drop, "drop")):
        unknown = sorted(set(wanted) - set(cells))
        if unknown:
            raise DataError(f"{option}: no column {unknown[0]!r}", available=cells)
    left_out = {*drop, *(set(RESERVED) - set(roles))}
    kept = pa.table({column: values for column, values in cells.items() if column not in left_out})
    if not kept.num_columns or not kept.num_rows:
        raise DataError("there is nothing to guess a contract from", mend="give a table with columns and rows")
    return Contract(name=name, columns=tuple(_guess(facts, roles.get(facts.name)) for facts in profile_columns(kept)))


def _guess(facts: ColumnFacts, role: Role | None) -> Column:
    guessed = ["type"] if role is not None else ["type", "role"]
    bounds = _guess_range(facts)
    if bounds is not None:
        guessed.append("range")
    if facts.values:
        guessed.append("allowed")
    guessed.append("missing")
    guessed += [field for field in ("format", "decimal") if getattr(facts, field)]
    return Column(
        name=facts.name,
        type=facts.type,
        role=role or _guess_role(facts),
        range=bounds,
        allowed=facts.values or None,
        missing=facts.missing > 0,
        format=facts.format,
        decimal=facts.decimal,
        description=_describe(facts),
        guessed=tuple(guessed),
    )


def _guess_role(facts: ColumnFacts) -> Role:
    if facts.type == "text":
        return "identity"
    return "time" if facts.type == "date" else "input"


def _guess_range(facts: ColumnFacts) -> tuple[float | None, float | None] | None:
    if facts.type not in ("number", "integer") or facts.minimum is None or facts.maximum is None:
        return None
    low = 0.0 if facts.minimum >= 0 else -_round_up(-facts.minimum * _GENEROUS)
    if facts.maximum > 0:
        return low, _round_up(facts.maximum * _GENEROUS)
    # All zero says nothing about how large it may get; nothing above zero, as of days before today, does.
    return low, None if facts.minimum == 0 else 0.0


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 followed by zeros."""
    if value > 1e300:
        return sys.float_info.max
    power = 10.0 ** math.floor(math.log10(value))
    for step in (1.0, 2.0, 5.0, 10.0):
        if value <= step * power:
            return float(f"{step * power:.1g}")
    return float(f"{10.0 * power:.1g}")


def _describe(facts: ColumnFacts) -> str:
    said = []
    if facts.ambiguous:
        said.append("Day and month cannot be told apart in the data; the day is taken to come first.")
    if facts.unreadable:
        many = "value in the data is" if facts.unreadable == 1 else "values in the data are"
        said.append(f"{facts.unreadable} {many} not of this type.")
    return " ".join(said)
