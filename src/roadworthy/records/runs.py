"""Runs: rows of the ledger that are checked apart from all others, and how runs are joined into chains.

A row names the hash of the row before it, so it can be checked alone: its own hash over its own fields, and `previous`
beside the hash of its neighbour. What a run cannot know is what stands before its first row; it says where each of its
segments begins and ends, and `Joining` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from struct import Struct as Packing
from struct import error as PackingError  # noqa: N812  # it is one
from typing import Any, NamedTuple

from msgspec import Struct

from roadworthy.records.chain import FORMAT, GENESIS, NONE
from roadworthy.records.entry import Head
from roadworthy.records.marks import Marker

__all__ = ["ROW", "Chunk", "Joining", "Run", "Segment", "check_run", "chunk_rows"]

ROW = (
    "previous", "slot", "seq", "nth", "at_us", "epoch", "trial",
    "record_id", "kind", "subject", "actor", "payload", "key_id", "sealed", "hash",
)  # fmt: skip
"""The columns of a row as `chunk_rows` takes them, texts as bytes."""
NOTED = (b"slot_opened", b"signing_key")
"""Kinds whose payloads the check of a whole store looks into."""
_HEADER = Packing(">3s32sIQQqqB7I").pack
_NO_EPOCH = 1 << 63
"""Cannot be packed: a negative epoch would hash as none does."""


class Chunk(NamedTuple):
    """Some rows in their order, a list a column; `digest` is what each hashes to now, None where it cannot be."""

    slot: Sequence[int]
    seq: Sequence[int]
    nth: Sequence[int]
    record_id: Sequence[bytes]
    kind: Sequence[bytes]
    subject: Sequence[bytes]
    payload: Sequence[bytes]
    previous: Sequence[bytes]
    hash: Sequence[bytes]
    digest: Sequence[bytes | None]


class Segment(Struct, frozen=True):
    """Rows of one slot that follow each other: the first with what it names as `previous`, and the last."""

    slot: int
    first: int
    record_id: str
    previous: bytes
    last: int
    hash: bytes


class Noted(Struct, frozen=True):
    """A row whose payload has a say in the check of the whole."""

    slot: int
    seq: int
    kind: str
    payload: bytes


class Run(Struct, frozen=True):
    """What a run of rows is: its segments, and the first fault within it, in words; rows behind that are not in it."""

    segments: tuple[Segment, ...] = ()
    noted: tuple[Noted, ...] = ()
    marks: bytes = b""
    fault: str | None = None


def chunk_rows(rows: Sequence[tuple[Any, ...]]) -> Chunk:
    """Rows with the columns of `ROW` as a chunk, each hashed again."""
    try:
        digest: list[bytes | None] = [*_hash_rows(rows)]
    except (TypeError, PackingError, OverflowError):  # a field of a type or size that no writer of ours has ever given
        digest = [_try_hash(row) for row in rows]
    previous, slot, seq, nth, _at, _epoch, _trial, record_id, kind, subject, _actor, payload, _key, _sealed, hash_ = (
        zip(*rows, strict=True)
    )
    return Chunk(slot, seq, nth, record_id, kind, subject, payload, previous, hash_, digest)


def _hash_rows(rows: Sequence[tuple[Any, ...]]) -> Iterator[bytes]:
    """`hash_row` over what a store's driver gives: as few steps as there can be, for this is where the time goes."""
    for (
        previous, slot, seq, nth, at_us, epoch, trial,
        record_id, kind, subject, actor, payload, key_id, sealed, _hash,
    ) in rows:  # fmt: skip
        header = _HEADER(
            FORMAT, previous, slot, seq, nth, at_us, -1 if epoch is None else epoch if epoch >= 0 else _NO_EPOCH, trial,
            len(record_id), len(kind), len(subject), len(actor), len(payload),
            NONE if key_id is None else len(key_id), NONE if sealed is None else len(sealed),
        )  # fmt: skip
        fields = (header, record_id, kind, subject, actor, payload, key_id or b"", sealed or b"")
        yield sha256(b"".join(fields)).digest()


def _try_hash(row: tuple[Any, ...]) -> bytes | None:
    try:
        return next(_hash_rows([row]))
    except (TypeError, PackingError, OverflowError):
        return None


def check_run(chunks: Iterable[Chunk], marker: Marker) -> Run:
    """Check rows in their order, slot by slot or mixed; stops at the first fault."""
    segments: list[Segment] = []
    noted: list[Noted] = []
    marks: list[bytes] = []
    for chunk in chunks:
        begin = 0
        for slot, rows in groupby(chunk.slot):
            end = begin + sum(1 for _ in rows)
            fits, fault = _check(chunk, begin, end)
            if fits:
                _extend(segments, chunk, slot, begin, begin + fits)
            if fault is not None:
                return Run(tuple(segments), tuple(noted), b"".join(marks), fault)
            begin = end
        noted += _note(chunk)
        marks.append(marker.mark(chunk.slot, chunk.seq, chunk.nth, chunk.subject, chunk.record_id))
    return Run(tuple(segments), tuple(noted), b"".join(marks))


def _check(chunk: Chunk, begin: int, end: int) -> tuple[int, str | None]:
    """How many rows of one slot fit, and what is wrong with the next. Lists are compared whole: that is fast."""
    seq, previous, hashes = chunk.seq[begin:end], chunk.previous[begin:end], chunk.hash[begin:end]
    digest = chunk.digest[begin:end]
    rows = end - begin
    if (
        tuple(digest) == tuple(hashes)
        and None not in digest  # so that `seq` is numbers
        and list(seq) == list(range(seq[0], seq[0] + rows))
        and tuple(previous[1:]) == tuple(hashes[:-1])
    ):
        return rows, None
    slot = chunk.slot[begin]
    for row in range(rows):
        place = f"slot {slot}, row {seq[row]}"
        named = f"{place} ({say_id(chunk.record_id[begin + row])})"
        if row and seq[row] != seq[row - 1] + 1:
            return row, say_missing(slot, seq[row - 1] + 1, slot, seq[row])
        if row and previous[row] != hashes[row - 1]:
            return row, f"{named} does not follow the row before it"
        if digest[row] is None or digest[row] != hashes[row]:
            return row, f"{named} is not what was hashed"
    raise AssertionError("lists that differ have a first difference")


def _extend(segments: list[Segment], chunk: Chunk, slot: int, begin: int, end: int) -> None:
    """Add rows to the run: to its last segment where they follow it, else as a segment of their own."""
    first, last = chunk.seq[begin], chunk.seq[end - 1]
    before = segments[-1] if segments else None
    if before is not None and before.slot == slot and before.last + 1 == first and before.hash == chunk.previous[begin]:
        segments[-1] = Segment(slot, before.first, before.record_id, before.previous, last, chunk.hash[end - 1])
    else:
        segments.append(
            Segment(slot, first, say_id(chunk.record_id[begin]), chunk.previous[begin], last, chunk.hash[end - 1])
        )


def _note(chunk: Chunk) -> Iterator[Noted]:
    for kind in NOTED:
        if kind in chunk.kind:
            for row, found in enumerate(chunk.kind):
                if found == kind:
                    yield Noted(chunk.slot[row], chunk.seq[row], kind.decode(), _plain(chunk.payload[row]))


def _plain(payload: Any) -> bytes:
    return bytes(payload.as_py() if hasattr(payload, "as_py") else payload)


def say_id(record_id: Any) -> str:
    """A record's id as it may be printed, whatever somebody put there."""
    text = record_id.as_py() if hasattr(record_id, "as_py") else record_id
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def say_missing(slot: int, seq: int, other: int, found: int) -> str:
    """The words for a row that is not where it should be."""
    return f"slot {slot}, row {seq} is missing; slot {other}, row {found} stands there"


class Joining:
    """Puts runs together, in the order of their rows, into one chain a slot."""

    def __init__(self) -> None:
        self.ends: dict[int, Head] = {}
        self.records = 0
        self.noted: list[Noted] = []

    def take(self, run: Run) -> str | None:
        """Join one more run; the first fault, in words."""
        for segment in run.segments:
            end = self.ends.get(segment.slot, Head(segment.slot, 0, GENESIS))
            if segment.first != end.seq + 1:
                return say_missing(segment.slot, end.seq + 1, segment.slot, segment.first)
            if segment.previous != end.hash:
                return (
                    f"slot {segment.slot}, row {segment.first} ({segment.record_id}) does not follow the row before it"
                )
            self.ends[segment.slot] = Head(segment.slot, segment.last, segment.hash)
            self.records += segment.last - segment.first + 1
        self.noted += run.noted
        return run.fault
