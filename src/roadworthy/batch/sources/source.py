"""What every source of applications offers, and the rules for names that all formats share."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import pyarrow as pa

from roadworthy.errors import DataError

__all__ = ["BATCH_ROWS", "MOST_COLUMNS", "Format", "Source", "column_names", "in_tables_of", "no_rows"]

Format = Literal["csv", "parquet", "excel"]

BATCH_ROWS = 65_536
"""Rows of one table of `Source.batches`, unless asked otherwise."""
MOST_COLUMNS = 16_384
"""The most columns of a file: as many as a sheet of Excel has."""


class Source(ABC):
    """A file of applications, opened and looked at.

    `schema` names the columns in the file's order; `rows` counts them, or is None where only reading all would tell;
    `notes` says in plain words what was assumed in reading, for the user to see.
    """

    format: Format

    def __init__(self, path: Path, schema: pa.Schema, *, rows: int | None, notes: Sequence[str] = ()) -> None:
        self.path = path
        self.schema = schema
        self.rows = rows
        self.notes = tuple(notes)

    @property
    def columns(self) -> list[str]:
        """The columns' names, in the file's order."""
        return list(self.schema.names)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's bytes, as 64 hex digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
        """The rows in order, as tables of `rows` rows (the last may be shorter), in memory one at a time."""
        if rows < 1:
            raise DataError(f"a batch has at least one row, not {rows}", where=self.path)
        return in_tables_of(rows, self._stream(rows), self.schema)

    def read(self) -> pa.Table:
        """All rows as one table."""
        return pa.concat_tables(self.batches())

    @abstractmethod
    def _stream(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows in order, in batches of about `rows` rows."""


def in_tables_of(rows: int, stream: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The batches of `stream` cut and joined so that every table but the last has exactly `rows` rows."""
    pending: list[pa.RecordBatch] = []
    held = 0
    for arriving in stream:
        batch = arriving
        while batch.num_rows:
            part = batch.slice(0, rows - held)
            pending.append(part)
            held += part.num_rows
            batch = batch.slice(part.num_rows)
            if held == rows:
                yield pa.Table.from_batches(pending, schema)
                pending, held = [], 0
    if pending:
        yield pa.Table.from_batches(pending, schema)


def no_rows(names: Sequence[str], path: Path, sheets: Sequence[str] = ()) -> DataError:
    """What is wrong with a file whose first line is its only one; a single cell is hardly a header.

    >>> print(no_rows(["Dear all, please find attached"], Path("loans.csv")).message)
    holds one line, 'Dear all, please find attached', and no table
    """
    if len(names) > 1:
        return DataError("has a header and no rows", where=path, mend="export it again, with its rows")
    what = "one line" if not sheets else f"one cell on the sheet {sheets[0]!r}" if len(sheets) == 1 else "one cell"
    mend = "a table is a line with the columns' names, and below it a line for each row"
    if len(sheets) > 1:
        mend += ", on the first sheet"
    return DataError(f"holds {what}, {names[0][:40]!r}, and no table", where=path, mend=mend)


def column_names(raw: Sequence[object], path: Path) -> tuple[list[str], list[str]]:
    """The header's cells as names, and notes on what was changed; names given twice raise DataError.

    Spaces around a name go; a column without a name is called `unnamed_` and its position.
    """
    if len(raw) > MOST_COLUMNS:
        mend = f"at most {MOST_COLUMNS:,}: is the delimiter right, or was the table turned on its side?"
        raise DataError(f"has {len(raw):,} columns", where=path, mend=mend)
    names = [str(cell).strip().removeprefix("\ufeff") if cell is not None else "" for cell in raw]
    notes = []
    unnamed = [position for position, name in enumerate(names, start=1) if not name]
    for position in unnamed:
        names[position - 1] = f"unnamed_{position}"
    if unnamed:
        places = ", ".join(map(str, unnamed[:5])) + (" ..." if len(unnamed) > 5 else "")
        notes.append(f"column {places} of the header has no name and is called unnamed_{unnamed[0]}")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) != len(names) else []
    if twice:
        places = "; ".join(
            f"{name!r} in columns {', '.join(str(i) for i, other in enumerate(names, start=1) if other == name)}"
            for name in twice[:5]
        )
        raise DataError(f"two columns of one name: {places}", where=path, mend="rename or delete one of each")
    return names, notes
