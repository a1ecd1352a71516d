"""Results as Parquet."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from roadworthy.batch.sinks.sink import Sink

__all__ = ["ParquetSink"]


class ParquetSink(Sink):
    """Parquet, zstd-compressed, one row group or more a table."""

    format = "parquet"
    flat = False

    def _begin(self, file: pa.NativeFile, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")

    def _append(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def _end(self) -> None:
        self._writer.close()
