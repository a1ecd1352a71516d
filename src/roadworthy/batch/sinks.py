"""Where results go: a CSV or Parquet file that is there whole, or not at all."""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from roadworthy.batch.formulas import neutralise
from roadworthy.errors import DataError, UsageError

__all__ = ["Sink", "open_sink"]


def open_sink(path: Path, *, format: str | None = None) -> Sink:  # noqa: A002 the word users know
    """A sink for `path`: `format` is csv or parquet, by default what the name ends with.

    Used as a context manager: tables are written to a temporary file beside `path`, which takes the name at the end. On
    an error or an interrupt the temporary file is removed, and what stood at `path` before is still there.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "out.csv"
    >>> with open_sink(path) as sink:
    ...     sink.write(pa.table({"pd": [0.25, -1.5], "name": ["=A1", "Ana"]}))
    >>> print(path.read_text().strip())
    "pd","name"
    0.25,"'=A1"
    -1.5,"Ana"
    """
    chosen = (format or path.suffix.removeprefix(".")).lower()
    for kind in (CsvSink, ParquetSink):
        if chosen == kind.format:
            return kind(path)
    raise UsageError(
        f"cannot tell what to write to {path.name!r}",
        available=["csv", "parquet"],
        mend="end the name with .csv or .parquet",
    )


class Sink(ABC):
    """A file being written; `rows` counts what was written so far."""

    format: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._temporary: Path | None = None
        self._file: pa.NativeFile | None = None
        self._schema: pa.Schema | None = None

    def __enter__(self) -> Self:
        if self.path.is_dir():
            raise UsageError("is a directory", where=self.path, mend="name a file in it")
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            self._file = pa.OSFile(str(temporary), "wb")
        except FileNotFoundError:
            raise UsageError(
                "its directory does not exist", where=self.path, mend=f"mkdir -p {self.path.parent}"
            ) from None
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=self.path) from None
        self._temporary = temporary
        return self

    def write(self, table: pa.Table) -> None:
        """Append the rows; the first table decides the columns and types of all."""
        if self._file is None:
            raise UsageError("a sink is written inside its `with` block", where=self.path)
        if self._schema is None:
            self._begin(self._file, table.schema)
            self._schema = table.schema
        elif not table.schema.equals(self._schema):
            raise DataError(
                "the columns changed between two tables of one file", where=self.path, available=self._schema.names
            )
        self._append(table)
        self.rows += table.num_rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None  # noqa: S101 entered
        assert self._temporary is not None  # noqa: S101 entered
        try:
            if self._schema is not None:
                self._end()
            self._file.close()
            if kind is None:
                self._publish(self._temporary)
        finally:
            self._file.close()
            self._file = None
            self._temporary.unlink(missing_ok=True)

    def _publish(self, temporary: Path) -> None:
        if self._schema is None:
            raise DataError("nothing was written to it, not even column names", where=self.path)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(self.path)

    @abstractmethod
    def _begin(self, file: pa.NativeFile, schema: pa.Schema) -> None: ...

    @abstractmethod
    def _append(self, table: pa.Table) -> None: ...

    @abstractmethod
    def _end(self) -> None: ...


class ParquetSink(Sink):
    """Parquet, zstd-compressed, one row group or more a table."""

    format = "parquet"

    def _begin(self, file: pa.NativeFile, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")

    def _append(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def _end(self) -> None:
        self._writer.close()


class CsvSink(Sink):
    """CSV in UTF-8: text is quoted and neutralised, times are ISO 8601, numbers stay numbers, missing is empty."""

    format = "csv"

    def _begin(self, file: pa.NativeFile, schema: pa.Schema) -> None:
        for field in schema:
            if pa.types.is_nested(field.type):
                raise DataError(
                    f"column {field.name!r} holds lists or structures, which CSV cannot",
                    where=self.path,
                    mend="write Parquet",
                )
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
