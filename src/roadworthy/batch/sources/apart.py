"""A file that somebody uploaded, read in a process apart, with bounds on its time and memory and no network.

A parser that a file brings down, or makes use of, is not in the process that serves. What comes back is believed no
further than its shape: every table is checked whole.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from roadworthy.batch.sources.inside import FRAME, SECONDS
from roadworthy.batch.sources.source import Format, Source
from roadworthy.errors import DataError
from roadworthy.settings import bare_environment

__all__ = ["LARGEST_TABLE", "LARGEST_UNPACKED", "PATIENCE_SECONDS", "open_apart"]

PATIENCE_SECONDS: Final = 180.0
"""How long one answer may take: opening the file, or its next table."""
LARGEST_TABLE: Final = 512 << 20
"""How large one table may be, in bytes of memory."""
LARGEST_UNPACKED: Final = 4 << 30
"""What a file may unpack to, table by table, in bytes of memory."""
_LARGEST_WORDS = 16 << 20
_PIECE = 1 << 20
_DAMAGED = "copy or export it again; if it is whole, save it as CSV"


class _Told(msgspec.Struct, frozen=True):
    """What was opened."""

    format: Format
    rows: int | None
    notes: tuple[str, ...]
    schema: bytes


class _Fault(msgspec.Struct, frozen=True):
    """What is wrong with the file."""

    message: str
    where: str | None
    available: list[str] | None
    mend: str | None


@contextmanager
def open_apart(path: Path) -> Iterator[Source]:
    """`open_table` in a process apart, which ends with the block. `path` lies in a folder of its own.

    DataError as `open_table`, and where the file takes too long, too much memory, or brings the reader down.
    """
    reader = _Reader(path)
    try:
        yield _ApartSource(path, reader)
    finally:
        reader.close()


class _ApartSource(Source):
    """The source as the process apart sees it."""

    def __init__(self, path: Path, reader: _Reader) -> None:
        told = reader.open()
        self.format = told.format
        self._reader = reader
        super().__init__(path, _read_schema(told.schema, path), rows=told.rows, notes=told.notes)

    def _stream(self, rows: int) -> Iterator[pa.RecordBatch]:
        self._reader.begin(rows)
        left = LARGEST_UNPACKED
        while (table := self._reader.next(self.schema)) is not None:
            left -= max(table.nbytes, table.num_rows * table.num_columns)
            if left < 0:
                raise DataError(
                    f"unpacks to more than {LARGEST_UNPACKED:,} bytes", where=self.path, mend="cut it into several"
                )
            yield from table.to_batches()


class _Reader:
    """The process, which is asked one thing at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = subprocess.Popen(  # noqa: S603  # this program itself, with no shell
            [sys.executable, "-P", str(Path(__file__).with_name("inside.py")), str(path)],
            env=bare_environment(path.parent) | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=path.parent,
        )

    def open(self) -> _Told:
        letter, body = self._ask("open", _LARGEST_WORDS)
        try:
            return msgspec.json.decode(self._expect(letter, b"O", body), type=_Told)
        except msgspec.MsgspecError:
            raise self._broken() from None

    def begin(self, rows: int) -> None:
        """Let the rows come anew, in tables of so many."""
        letter, body = self._ask(f"begin {rows}", _LARGEST_WORDS)
        self._expect(letter, b"E", body)

    def next(self, schema: pa.Schema) -> pa.Table | None:
        """The next table; None at the end."""
        letter, body = self._ask("next", LARGEST_TABLE)
        if letter == b"E":
            return None
        try:
            with pa.ipc.open_stream(self._expect(letter, b"T", body)) as stream:
                table = stream.read_all()
            table.validate(full=True)
        except (pa.ArrowException, OSError):
            raise self._broken() from None
        if not table.schema.equals(schema):
            raise self._broken()
        return table

    def close(self) -> None:
        """Let the process go."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _ask(self, line: str, most: int) -> tuple[bytes, bytes]:
        """The letter and the body of the answer; DataError where it says that something is wrong, or none comes."""
        ends = time.monotonic() + PATIENCE_SECONDS
        assert self._process.stdin is not None  # noqa: S101  # it was asked for
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        letter, size = FRAME.unpack(self._take(FRAME.size, ends))
        if size > most:
            raise DataError(
                f"{'a part of it' if letter == b'T' else 'what its head says'} takes {size:,} bytes", where=self._path,
                mend=f"at most {most:,}: cut it into several, or save it as CSV",
            )  # fmt: skip
        body = self._take(size, ends)
        if letter == b"X":
            try:
                fault = msgspec.json.decode(body, type=_Fault)
            except msgspec.MsgspecError:
                raise self._broken() from None
            raise DataError(fault.message, where=fault.where, available=fault.available, mend=fault.mend)
        return letter, body

    def _take(self, size: int, ends: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101  # it was asked for
        fd = self._process.stdout.fileno()
        ready = select.poll()
        ready.register(fd, select.POLLIN | select.POLLHUP)
        taken = bytearray()
        while len(taken) < size:
            if not ready.poll(max(0.0, ends - time.monotonic()) * 1000):
                raise DataError(f"reading it takes more than {PATIENCE_SECONDS:.0f} seconds", where=self._path)
            piece = os.read(fd, min(_PIECE, size - len(taken)))
            if not piece:
                raise self._ended()
            taken += piece
        return bytes(taken)

    def _expect(self, letter: bytes, expected: bytes, body: bytes) -> bytes:
        if letter != expected:
            raise self._broken()
        return body

    def _ended(self) -> DataError:
        """What its end says of the file."""
        code = self._process.wait()
        if code in (-signal.SIGABRT, -signal.SIGXCPU, -signal.SIGKILL):
            what = f"reading it takes more than {SECONDS} seconds, or more memory than there is for one file"
            return DataError(what, where=self._path, mend="cut it into several; if it is small, it is damaged")
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return DataError(f"whatever reads it ends {how}: it is damaged", where=self._path, mend=_DAMAGED)

    def _broken(self) -> DataError:
        return DataError("whatever reads it answers nonsense: it is damaged", where=self._path, mend=_DAMAGED)


def _read_schema(serialized: bytes, path: Path) -> pa.Schema:
    try:
        return pa.ipc.read_schema(pa.py_buffer(serialized))
    except (pa.ArrowException, OSError):
        raise DataError("names columns that are none", where=path, mend=_DAMAGED) from None
