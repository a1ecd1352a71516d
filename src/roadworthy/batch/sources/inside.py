"""The process apart that reads an uploaded file. `apart.py` starts it and asks it, one line at a time; it answers in
frames: a letter, a length, and so many bytes.

    open              O  format, rows, notes and schema
    begin ROWS        E  the rows come anew, in tables of so many
    next              T  a table in Arrow's stream format; E where there is none left
    (any)             X  what is wrong with the file
"""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

from roadworthy.errors import DataError
from roadworthy.guard import give_up, leave_network, limit_resources

__all__ = ["FRAME", "main"]

FRAME = struct.Struct(">cQ")
SECONDS = 300
MEMORY = 2 << 30


def main(path: Path) -> None:
    """Answer what is asked of the file at `path`, until nobody asks."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    leave_network()
    limit_resources(SECONDS, MEMORY)
    file = _File(path)
    give_up(path.parent)
    for line in sys.stdin.buffer:
        try:
            letter, body = file.answer(line.decode().split())
        except DataError as error:
            letter, body = b"X", _say(error)
        except MemoryError:
            letter, body = b"X", _say(DataError("takes more memory than there is for one file", where=path))
        except RecursionError:
            letter, body = b"X", _say(DataError("is nested too deeply", where=path))
        except Exception as fault:  # noqa: BLE001  # a stranger's file may raise anything; what it says may quote it
            letter, body = b"X", _say(DataError(f"cannot be read ({type(fault).__name__})", where=path))
        answers.write(FRAME.pack(letter, len(body)))
        answers.write(body)
        answers.flush()


class _File:
    """The file, and where in it we are."""

    def __init__(self, path: Path) -> None:
        # The reader alone: the door of the room brings all that decides, which takes seconds and is not for strangers.
        room = find_spec("roadworthy.batch")
        assert room is not None  # noqa: S101  # it is where this file is
        sys.modules["roadworthy.batch"] = module_from_spec(room)
        import pyarrow as pa

        from roadworthy.batch.sources import open_table

        self._arrow, self._open, self._path = pa, open_table, path
        self._source: Any = None
        self._tables: Iterator[Any] = iter(())

    def answer(self, asked: list[str]) -> tuple[bytes, bytes]:
        match asked:
            case ["open"]:
                source = self._source = self._open(self._path)
                schema = base64.b64encode(source.schema.serialize()).decode()
                told = {"format": source.format, "rows": source.rows, "notes": source.notes, "schema": schema}
                return b"O", json.dumps(told).encode()
            case ["begin", rows]:
                self._tables = self._source.batches(int(rows))
                return b"E", b""
            case _:
                table = next(self._tables, None)
                return (b"E", b"") if table is None else (b"T", self._write(table))

    def _write(self, table: Any) -> bytes:
        sink = self._arrow.BufferOutputStream()
        with self._arrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        written: bytes = sink.getvalue().to_pybytes()
        return written


def _say(error: DataError) -> bytes:
    told = {"message": error.message, "where": error.where, "available": error.available, "mend": error.mend}
    return json.dumps(told).encode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
