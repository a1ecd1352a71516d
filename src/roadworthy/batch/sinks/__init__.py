"""Where results go: a CSV, Excel or Parquet file that is there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

from roadworthy.batch.sinks.csv_file import CsvSink
from roadworthy.batch.sinks.excel_file import ExcelSink
from roadworthy.batch.sinks.parquet_file import ParquetSink
from roadworthy.batch.sinks.sink import Sink
from roadworthy.errors import UsageError

__all__ = ["Sink", "open_sink"]


def open_sink(path: Path, *, format: str | None = None) -> Sink:  # noqa: A002 the word users know
    """A sink for `path`: `format` is csv, parquet or xlsx, by default what the name ends with.

    Used as a context manager: tables are written to a temporary file beside `path`, which takes the name at the end. On
    an error or an interrupt the temporary file is removed, and what stood at `path` before is still there.

    >>> import tempfile
    >>> import pyarrow as pa
    >>> path = Path(tempfile.mkdtemp()) / "out.csv"
    >>> with open_sink(path) as sink:
    ...     sink.write(pa.table({"pd": [0.25, -1.5], "name": ["=A1", "Ana"]}))
    >>> print(path.read_text().strip())
    "pd","name"
    0.25,"'=A1"
    -1.5,"Ana"
    """
    chosen = (format or path.suffix.removeprefix(".")).lower()
    for kind in (CsvSink, ParquetSink, ExcelSink):
        if chosen == kind.format:
            return kind(path)
    raise UsageError(
        f"cannot tell what to write to {path.name!r}",
        available=["csv", "parquet", "xlsx"],
        mend="end the name with .csv, .parquet or .xlsx",
    )
