"""The user's own `preprocess`, which may leave rows out and nothing else.

It runs before training and never when an application is decided: a value that it changed would be learned from one way
and sent another.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.contract import RESERVED
from roadworthy.errors import DataError, ProductError
from roadworthy.pipeline.workspace import Workspace

__all__ = ["ROW", "leave_out", "refuse_our_names"]

_OURS = "rw:"
ROW = "rw:row"
"""The column that tells `preprocess` which row of the file, counted from 1, a row is."""


def refuse_our_names(table: pa.Table) -> None:
    """DataError for a column called as those are that are added to past applications on their way."""
    taken = [name for name in table.column_names if name.startswith(_OURS)]
    if taken:
        raise DataError(
            f"a column is called {taken[0]!r}: names that begin with {_OURS!r} are kept for what is added to a row",
            mend=f"call it {taken[0].removeprefix(_OURS)!r} in the file",
        )


def leave_out(workspace: Workspace, source: pa.Table) -> tuple[pa.Table, NDArray[np.int64]]:
    """The rows of `source` that `preprocess` keeps, and their numbers in the file, counted from 1 (int64).

    Columns that only tell how an application turned out may be made or changed; DataError where a column that callers
    send was, where rows cannot be told any more, or where one was doubled.
    """
    numbers = np.arange(1, source.num_rows + 1, dtype=np.int64)
    preprocess = getattr(workspace.stages, "preprocess", None)
    if preprocess is None:
        return source, numbers
    where = workspace.directory / "stages.py"
    kept = preprocess(source.append_column(ROW, pa.array(numbers)))
    if not isinstance(kept, pa.Table) or ROW not in kept.column_names:
        raise ProductError(
            f"preprocess must return an Arrow table that still has the column {ROW!r}, the rows' numbers in the file",
            where=where,
            mend="leave rows out with table.filter(...) and every column as it is",
        )
    numbers = _read_numbers(kept[ROW])
    if len(np.unique(numbers)) < len(numbers) or not np.isin(numbers, np.arange(1, source.num_rows + 1)).all():
        raise DataError(
            f"preprocess doubled rows or made some: {ROW!r} says so", where=where, mend="only leave rows out"
        )
    before = source.take(pa.array(numbers - 1))
    for name in _sent_columns(workspace):
        there = [name in table.column_names for table in (before, kept)]
        if there == [False, False]:
            continue
        if not all(there) or not _same(before[name], kept[name]):
            raise DataError(
                f"preprocess {'changes' if all(there) else 'makes' if there[1] else 'drops'} {name!r}: it does not run "
                "when an application is decided, so a value made here is one that no caller can send",
                where=where,
                mend="put it into the pipeline that `train` returns, so that it travels with the model",
            )
    return kept.drop_columns([ROW]), numbers


def _sent_columns(workspace: Workspace) -> list[str]:
    """The source's names of all that an application is made of."""
    mapping = workspace.mapping
    reserved = [getattr(mapping, name) or name for name in RESERVED]
    return reserved + [mapping.columns.get(column.name, column.name) for column in workspace.contract.columns]


def _read_numbers(cells: pa.ChunkedArray) -> NDArray[np.int64]:
    try:
        return np.asarray(cells.cast(pa.int64()).fill_null(0).to_numpy(), dtype=np.int64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"preprocess changed {ROW!r}, the rows' numbers in the file", mend="leave it as it is"
        ) from None


def _same(before: pa.ChunkedArray, after: pa.ChunkedArray) -> bool:
    """Whether every value is the same, however it is stored: a missing number may come back as NaN."""
    before, after = _plain(before), _plain(after)
    try:
        after = after.cast(before.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    equal = pc.if_else(pc.is_null(before), pc.is_null(after), pc.fill_null(pc.equal(before, after), False))
    return bool(pc.all(equal, min_count=0).as_py())


def _plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    return pc.if_else(pc.is_nan(cells), None, cells) if pa.types.is_floating(cells.type) else cells
