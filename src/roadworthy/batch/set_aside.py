"""Rows that broke the contract, as they came, with what they broke: to be mended and sent again (R5)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from roadworthy.contract import SetAside, column_of

__all__ = ["describe_set_aside"]

_SAME: Mapping[str, str] = MappingProxyType({})
_OWN = ("set_aside_row", "set_aside_because")


def describe_set_aside(
    table: pa.Table, set_aside: SetAside, before: int = 0, names: Mapping[str, str] = _SAME
) -> pa.Table:
    """One line a set-aside row of `table`: its number counted from 1, the rules it broke, and the row itself.

    `before` is how many rows of the file came before `table`; `names` are the file's own for columns of the contract. A
    file of such rows can be mended and read again: the two columns in front are replaced, not doubled.
    """
    said: dict[int, list[str]] = {}
    for row, violation in zip(set_aside.row.tolist(), set_aside.violations(), strict=True):
        column = column_of(violation.path)
        said.setdefault(row, []).append(f"{violation.rule} at {names.get(column, column)}: {violation.message}")
    rows = set_aside.rows
    kept = table.take(pa.array(rows))
    kept = kept.select([name for name in kept.column_names if name not in _OWN])
    numbers = pa.array(rows + before + 1, pa.int64())
    why = pa.array(["; ".join(said[row]) for row in rows.tolist()], pa.string())
    return kept.add_column(0, _OWN[0], numbers).add_column(1, _OWN[1], why)
