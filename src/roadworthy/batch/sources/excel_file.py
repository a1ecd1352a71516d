"""Spreadsheets: .xlsx, .xls, .ods. One sheet, whose first row that is not empty names the columns."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from roadworthy.batch.sources.source import Source, column_names, no_rows
from roadworthy.errors import DataError

__all__ = ["ExcelSource"]

LARGEST_UNPACKED = 1 << 30
"""What a spreadsheet, which is a zip, may say that it unpacks to, in bytes."""


class ExcelSource(Source):
    """One sheet of a spreadsheet. A column of one kind keeps it; a column of mixed kinds becomes text."""

    format = "excel"

    def __init__(self, path: Path, *, sheet: str | None = None) -> None:
        _check_unpacked(path)
        rows, sheets, notes = _rows_of_sheet(path, sheet)
        names, name_notes = column_names(rows[0], path)
        body = [row for row in rows[1:] if any(cell != "" for cell in row)]
        if not body:
            raise no_rows(names, path, sheets)
        columns = [_column(cells) for cells in zip(*body, strict=True)]
        self._table = pa.table(columns, names=names)
        super().__init__(path, self._table.schema, rows=self._table.num_rows, notes=[*notes, *name_notes])

    def _stream(self, rows: int) -> Iterator[pa.RecordBatch]:
        yield from self._table.to_batches(max_chunksize=rows)


def _check_unpacked(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        return  # an .xls is none; of any other whoever opens it says what is wrong
    if size > LARGEST_UNPACKED:
        mend = f"at most {LARGEST_UNPACKED:,}; a larger one as CSV or Parquet"
        raise DataError(f"unpacks to {size:,} bytes", where=path, mend=mend)


def _rows_of_sheet(path: Path, sheet: str | None) -> tuple[list[list[Any]], list[str], list[str]]:
    """The rows, the names of all sheets, and what is to be noted."""
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            names = book.sheet_names
            if sheet is not None and sheet not in names:
                raise DataError(f"no sheet {sheet!r}", where=path, available=names)
            if not names:
                raise DataError("has no sheets", where=path)
            chosen = names[0] if sheet is None else sheet
            rows = book.get_sheet_by_name(chosen).to_python()
    except PasswordError:
        raise DataError("is locked with a password", where=path, mend="save it without one") from None
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(
            f"cannot be read as a spreadsheet: {error}",
            where=path,
            mend="if it was cut off, copy it again; else save it as CSV or .xlsx",
        ) from None
    if not rows:
        raise DataError(f"sheet {chosen!r} is empty", where=path, available=names, mend="name another sheet")
    notes = [f"read sheet {chosen!r} of {', '.join(names)}"] if sheet is None and len(names) > 1 else []
    return rows, names, notes


def _column(cells: Sequence[Any]) -> pa.Array:
    """Cells as one Arrow array; an empty cell is missing. Whole numbers stay whole: Excel itself knows only floats."""
    values = [None if isinstance(cell, str) and not cell.strip() else cell for cell in cells]
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= {int, float}:
        if all(value is None or (float(value).is_integer() and abs(value) < 2**53) for value in values):
            return pa.array([None if value is None else int(value) for value in values], pa.int64())
        return pa.array(values, pa.float64())
    if kinds and kinds <= {dt.date, dt.datetime}:
        moments = [
            dt.datetime(value.year, value.month, value.day) if type(value) is dt.date else value  # noqa: DTZ001 sheets know no zones
            for value in values
        ]
        return pa.array(moments, pa.timestamp("us"))
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)
