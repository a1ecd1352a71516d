"""Parquet files, by row groups, so that memory stays flat whatever the file's size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roadworthy.batch.sources.source import Source, column_names
from roadworthy.errors import DataError

__all__ = ["ParquetSource"]


class ParquetSource(Source):
    """A Parquet file; its columns keep their types."""

    format = "parquet"

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            file.seek(-4, 2)
            whole = file.read() == b"PAR1"
        if not whole:
            raise DataError(
                "is only the beginning of a Parquet file: its end is missing",
                where=path,
                mend="copy or export it again; the part that arrived cannot be used",
            )
        try:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                schema, rows = file.schema_arrow, file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from None
        if not rows:
            raise DataError("has columns and no rows", where=path)
        names, notes = column_names(schema.names, path)
        labels = {key: text for key, text in (schema.metadata or {}).items() if key != b"pandas"}
        fields = list(zip(names, schema.types, strict=True))
        super().__init__(path, pa.schema(fields, metadata=labels or None), rows=rows, notes=notes)

    def _stream(self, rows: int) -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                for batch in file.iter_batches(batch_size=rows):
                    yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.path, error) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, MemoryError):
        mend = "write it with smaller row groups, or cut it into several"
        return DataError("takes more memory than there is", where=path, mend=mend)
    reason = str(error).splitlines()[0]
    return DataError(f"is damaged Parquet: {reason}", where=path, mend="copy or export it again")
