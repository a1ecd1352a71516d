"""Results as CSV."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from roadworthy.batch.formulas import neutralise
from roadworthy.batch.sinks.sink import Sink

__all__ = ["CsvSink"]


class CsvSink(Sink):
    """CSV in UTF-8: text is quoted and neutralised, times are ISO 8601, numbers stay numbers, missing is empty."""

    format = "csv"

    def _begin(self, file: pa.NativeFile, schema: pa.Schema) -> None:
        self._refuse_nested(schema)
        names = neutralise(pa.array(schema.names, pa.string())).to_pylist()
        self._schema_written = pa.schema(
            [(name, _written_type(field.type)) for name, field in zip(names, schema, strict=True)]
        )
        self._writer = pyarrow.csv.CSVWriter(file, self._schema_written)

    def _append(self, table: pa.Table) -> None:
        columns = [_written(column) for column in table.columns]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema_written))

    def _end(self) -> None:
        self._writer.close()


def _written_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return kind
    return pa.string()


def _written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if _written_type(kind).equals(kind) and not pa.types.is_string(kind):
        return column
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
        return pc.strftime(column.cast(pa.timestamp(kind.unit, "UTC")), format="%Y-%m-%dT%H:%M:%SZ")
    return neutralise(column.cast(pa.string()))
