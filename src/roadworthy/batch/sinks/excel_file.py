"""Results as an Excel workbook: one sheet, its texts never formulas, its times in UTC."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import xlsxwriter

from roadworthy.batch.formulas import would_run
from roadworthy.batch.sinks.sink import Sink
from roadworthy.errors import DataError

__all__ = ["MOST_ROWS", "ExcelSink"]

MOST_ROWS = 1_048_575
"""What a sheet holds below its heading."""
LONGEST_TEXT = 32_767
"""What a cell holds, in characters."""


class ExcelSink(Sink):
    """An .xlsx of one sheet. A text that a spreadsheet would run, were it edited, is marked as text for good."""

    format = "xlsx"

    def _begin(self, file: pa.NativeFile, schema: pa.Schema) -> None:
        self._refuse_nested(schema)
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True})
        self._text = self._book.add_format({"quote_prefix": True})
        self._time = self._book.add_format({"num_format": 'yyyy-mm-dd hh:mm:ss "UTC"'})
        self._sheet = self._book.add_worksheet("decisions")
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(schema.names):
            self._sheet.write_string(0, place, name, bold)

    def _append(self, table: pa.Table) -> None:
        if self.rows + table.num_rows > MOST_ROWS:
            raise DataError(f"has more than {MOST_ROWS:,} rows, which no sheet holds", mend="write Parquet or CSV")
        risky = {
            place: would_run(column).to_pylist()
            for place, column in enumerate(table.columns)
            if pa.types.is_string(column.type)
        }
        for number, cells in enumerate(zip(*(column.to_pylist() for column in table.columns), strict=True)):
            for place, cell in enumerate(cells):
                marked = place in risky and bool(risky[place][number])
                self._write(self.rows + number + 1, place, cell, marked=marked)

    def _write(self, row: int, place: int, cell: Any, *, marked: bool) -> None:
        match cell:
            case None:
                return
            case bool():
                self._sheet.write_boolean(row, place, cell)
            case int() | float():
                if cell == cell:  # a sheet has no NaN
                    self._sheet.write_number(row, place, cell)
            case str():
                if len(cell) > LONGEST_TEXT:
                    said = f"has a text of more than {LONGEST_TEXT:,} characters in row {row}, which no cell holds"
                    raise DataError(said, where=self.path, mend="write Parquet or CSV")
                self._sheet.write_string(row, place, cell, self._text if marked else None)
            case _:
                self._sheet.write_datetime(row, place, cell.replace(tzinfo=None), self._time)

    def _end(self) -> None:
        self._book.close()
