"""Marks: what shows that no subject's records have a gap and that every key points at a record, in flat memory.

Each record leaves a mark of 36 bytes: hashes of its subject and of its id, its number about its subject, and its place.
Subjects are told apart by 64 bits under a seed that nobody knows beforehand; a gap is looked up before it is said.
Above some millions of marks they go to files, parted by their hash, so that one part at a time is held.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Gap", "Hashes", "Marker", "Marks"]

Bools = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]
Texts: TypeAlias = "Sequence[bytes] | pa.Array"
_MARK = np.dtype([("subject", "u8"), ("record", "u8"), ("nth", "i8"), ("seq", "i8"), ("slot", "i4")])
_AT_ONCE = 4_000_000


class Gap(NamedTuple):
    """A record that is the `nth` about its subject, where the one before it is not there or there are two of it."""

    slot: int
    seq: int
    nth: int


class Marker:
    """Makes the marks of rows. The same seed everywhere in one check."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def mark(
        self,
        slot: Sequence[int],
        seq: Sequence[int],
        nth: Sequence[int],
        subject: Texts,
        record_id: Texts,
    ) -> bytes:
        """The marks of some rows, as bytes."""
        marks = np.empty(len(seq), _MARK)
        marks["slot"], marks["seq"], marks["nth"] = slot, seq, nth
        marks["subject"], marks["record"] = self.hash(subject), self.hash(record_id)
        return marks.tobytes()

    def hash(self, texts: Texts) -> Hashes:
        """64 bits for each text."""
        import polars as pl  # loads on use: most who open a store verify nothing

        column: Any = pl.from_arrow(texts if isinstance(texts, pa.Array) else pa.array(texts, pa.binary()))
        hashed: Hashes = column.hash(self.seed).to_numpy()
        return hashed


class Marks:
    """The marks of `records` rows in all, in memory or in files that go with this object."""

    def __init__(self, records: int) -> None:
        self._parts = max(1, -(-records // _AT_ONCE))
        self._held: list[bytes] = []
        self._stack = ExitStack()
        in_files = self._parts if self._parts > 1 else 0
        self._files: list[IO[bytes]] = [
            self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the stack closes it
            for _ in range(in_files)
        ]

    def add(self, marks: bytes) -> None:
        """Keep marks."""
        if not self._files:
            self._held.append(marks)
            return
        found = np.frombuffer(marks, _MARK)
        part = found["subject"] % np.uint64(self._parts)
        for number, file in enumerate(self._files):
            file.write(found[part == number].tobytes())

    def find_gap(self) -> Gap | None:
        """The first record, by place, about whose subject the one before it is missing or doubled."""
        gaps = [gap for marks in self._read() if (gap := _find_gap(marks)) is not None]
        return min(gaps, default=None)

    def lacks(self, records: Hashes) -> Bools:
        """Of some hashes of record ids, which belong to no record."""
        lacking = np.ones(len(records), np.bool_)
        for marks in self._read():
            if len(marks):
                known = np.sort(marks["record"])
                lacking &= known[np.searchsorted(known[:-1], records)] != records
        return lacking

    def _read(self) -> Iterator[npt.NDArray[Any]]:
        if not self._files:
            yield np.frombuffer(b"".join(self._held), _MARK)
            return
        for file in self._files:
            file.seek(0)
            yield np.frombuffer(file.read(), _MARK)

    def __enter__(self) -> Marks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _find_gap(marks: npt.NDArray[Any]) -> Gap | None:
    order = np.lexsort((marks["nth"], marks["subject"]))
    marks = marks[order]
    begins = np.ones(len(marks), np.bool_)
    begins[1:] = marks["subject"][1:] != marks["subject"][:-1]
    before = np.zeros(len(marks), np.int64)
    before[1:] = np.where(begins[1:], 0, marks["nth"][:-1])
    wrong = marks[marks["nth"] != before + 1]
    if not len(wrong):
        return None
    first = wrong[np.lexsort((wrong["seq"], wrong["slot"]))[0]]
    return Gap(int(first["slot"]), int(first["seq"]), int(first["nth"]))
