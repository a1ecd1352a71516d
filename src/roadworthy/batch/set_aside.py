"""Rows that broke the contract, as they came, with what they broke: to be mended and sent again (R5)."""

from __future__ import annotations

import pyarrow as pa

from roadworthy.contract import SetAside

__all__ = ["describe_set_aside"]

_OWN = ("set_aside_row", "set_aside_because")


def describe_set_aside(table: pa.Table, set_aside: SetAside, before: int = 0) -> pa.Table:
    """One line a set-aside row of `table`: its number counted from 1, the rules it broke, and the row itself.

    `before` is how many rows of the file came before `table`. A file of such rows can be mended and read again: the two
    columns in front are replaced, not doubled.
    """
    said: dict[int, list[str]] = {}
    for row, violation in zip(set_aside.row.tolist(), set_aside.violations(), strict=True):
        said.setdefault(row, []).append(f"{violation.rule} at {violation.path}: {violation.message}")
    rows = set_aside.rows
    kept = table.take(pa.array(rows))
    kept = kept.select([name for name in kept.column_names if name not in _OWN])
    numbers = pa.array(rows + before + 1, pa.int64())
    why = pa.array(["; ".join(said[row]) for row in rows.tolist()], pa.string())
    return kept.add_column(0, _OWN[0], numbers).add_column(1, _OWN[1], why)
