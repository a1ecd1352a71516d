"""What every file of results shares: it is there whole, or not at all."""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import pyarrow as pa

from roadworthy.errors import DataError, UsageError

__all__ = ["Sink"]


class Sink(ABC):
    """A file being written; `rows` counts what was written so far. A `flat` one holds no lists and no structures."""

    format: ClassVar[str]
    flat: ClassVar[bool] = True

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

    def _refuse_nested(self, schema: pa.Schema) -> None:
        """DataError where a column holds what a flat file cannot."""
        for field in schema:
            if pa.types.is_nested(field.type):
                raise DataError(
                    f"column {field.name!r} holds lists or structures, which {self.format} cannot",
                    where=self.path,
                    mend="write Parquet",
                )

    @abstractmethod
    def _begin(self, file: pa.NativeFile, schema: pa.Schema) -> None: ...

    @abstractmethod
    def _append(self, table: pa.Table) -> None: ...

    @abstractmethod
    def _end(self) -> None: ...
