"""Any table a caller has, as Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import pyarrow as pa

from roadworthy.contract.words import number_word
from roadworthy.errors import DataError

__all__ = ["name_columns", "to_arrow"]


def to_arrow(X: Any) -> pa.Table:
    """`X` as an Arrow table: pandas, polars, Arrow, a mapping of columns, or anything narwhals reads.

    Column names become text and the order of columns is kept. A column whose cells are of several types becomes text,
    each cell as Python prints it, but whole numbers without a point. NaN in pandas is a missing value. Raises DataError
    for anything else.

    >>> to_arrow({"age": [41, None], "mixed": [1, "x"]}).to_pydict()
    {'age': [41, None], 'mixed': ['1', 'x']}
    """
    if isinstance(X, pa.Table):
        return X
    if isinstance(X, pa.RecordBatch):
        return pa.Table.from_batches([X])
    if isinstance(X, Mapping):
        return _from_columns(list(X.keys()), list(X.values()))
    try:
        frame = nw.from_native(X)
    except TypeError:
        raise DataError(
            f"a {type(X).__name__} is not a table", mend="pass a pandas, polars or Arrow table, or a dict of columns"
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if frame.implementation.is_pandas():
        return _from_pandas(frame.to_native())
    return frame.to_arrow()


def name_columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns of `table` by name, without the byte-order mark that a file may have left on the first.

    Raises DataError where two have the same name.
    """
    names = [name.removeprefix("\ufeff") for name in table.column_names]
    cells = dict(zip(names, table.columns, strict=True))
    if len(cells) != len(names):
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        raise DataError(f"columns of one name: {', '.join(twice[:10])}", mend="rename or drop all but one of each")
    return cells


def _from_pandas(frame: Any) -> pa.Table:
    # By position: pandas allows names that are not text, and two columns of one name.
    return _from_columns(list(frame.columns), [frame.iloc[:, position] for position in range(frame.shape[1])])


def _from_columns(names: Sequence[Any], columns: Sequence[Any]) -> pa.Table:
    arrays = [_from_column(name, cells) for name, cells in zip(names, columns, strict=True)]
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise DataError(f"the columns are of unequal length: {', '.join(map(str, sorted(lengths)))}")
    return pa.Table.from_arrays(arrays, names=[str(name) for name in names])


def _from_column(name: Any, cells: Any) -> Any:
    if isinstance(cells, pa.Array | pa.ChunkedArray):
        return cells
    if isinstance(cells, str | bytes):
        raise DataError(f"column {name!r} is one text, not a list of values", mend="pass one value for each row")
    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    except TypeError:
        raise DataError(f"column {name!r} is not a list of values", mend="pass one value for each row") from None
    return pa.array([_as_text(cell) for cell in cells], type=pa.string())


def _as_text(cell: Any) -> str | None:
    if cell is None or cell != cell:  # NaN and NaT are not equal to themselves
        return None
    return number_word(cell) if isinstance(cell, float) else str(cell)
