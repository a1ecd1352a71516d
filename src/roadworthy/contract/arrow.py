"""Any table a caller has, as Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import narwhals as nw
import pyarrow as pa

from roadworthy.contract.words import is_nothing, number_word
from roadworthy.errors import DataError

__all__ = ["Kind", "kind_of", "name_columns", "to_arrow"]

Kind = Literal["nothing", "boolean", "number", "text", "time", "other"]


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
    if nw.dependencies.is_pandas_dataframe(X):
        # By position: pandas allows names that are not text, and two columns of one name.
        return _from_columns(list(X.columns), [X.iloc[:, position] for position in range(X.shape[1])])
    try:
        frame = nw.from_native(X)
    except TypeError:
        raise DataError(
            f"a {type(X).__name__} is not a table", mend="pass a pandas, polars or Arrow table, or a dict of columns"
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    mixed = [name for name, kind in frame.schema.items() if kind == nw.Object]
    table = frame.drop(mixed).to_arrow()
    for name in mixed:
        table = table.add_column(frame.columns.index(name), name, _from_column(name, frame[name].to_list()))
    return table


def name_columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns of `table` by name, each of a kind that a contract knows.

    The byte-order mark that a file may have left on a name is taken off. What no contract type can hold (lists,
    structures, times of day, durations, bytes) becomes text. Raises DataError where two columns have the same name.
    """
    names = [name.removeprefix("\ufeff") for name in table.column_names]
    cells = dict(zip(names, table.columns, strict=True))
    if len(cells) != len(names):
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        raise DataError(f"columns of one name: {', '.join(twice[:10])}", mend="rename or drop all but one of each")
    return {name: _printed(found) if kind_of(found.type) == "other" else found for name, found in cells.items()}


def kind_of(type_: pa.DataType) -> Kind:
    """What a cell of this Arrow type is, seen from a contract."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if pa.types.is_null(type_):
        return "nothing"
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return "text"
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return "time"
    return "other"


def _printed(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return cells.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        try:
            return pa.chunked_array([_text_of(cells.to_pylist())])
        except (ValueError, OverflowError):  # a moment beyond the years that Python knows
            raise _no_text("a cell") from None


def _from_columns(names: Sequence[Any], columns: Sequence[Any]) -> pa.Table:
    arrays = [_from_column(name, cells) for name, cells in zip(names, columns, strict=True)]
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise DataError(f"the columns are of unequal length: {', '.join(map(str, sorted(lengths)))}")
    try:
        return pa.Table.from_arrays(arrays, names=[str(name) for name in names])
    except ValueError:
        raise _no_text("a column's name") from None


def _from_column(name: Any, cells: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(cells, pa.Array | pa.ChunkedArray):
        return cells
    if isinstance(cells, str | bytes) or getattr(cells, "ndim", 1) != 1 or not hasattr(cells, "__iter__"):
        raise DataError(f"column {name!r} is not one value for each row", mend="pass a list, an array or a series")
    values = list(cells) if not hasattr(cells, "__len__") else cells
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError):
        pass
    if hasattr(values, "sparse"):
        return pa.array(values.sparse.to_dense(), from_pandas=True)
    return _text_of(values)


def _text_of(cells: Any) -> pa.Array:
    try:
        return pa.array([_word(cell) for cell in cells], type=pa.large_string())
    except ValueError:
        raise _no_text("a cell") from None


def _no_text(what: str) -> DataError:
    return DataError(
        f"{what} cannot be written down: it holds half a letter, or a number of thousands of digits",
        mend="mend it where the table comes from",
    )


def _word(cell: Any) -> str | None:
    if is_nothing(cell):
        return None
    return number_word(cell) if isinstance(cell, float) else str(cell)
