"""The check of a whole store: every row hashed again, every head met, every slot tied to those there before it.

What is checked, in this order, up to the first fault:

1. every row has its own hash and follows the row before it, and every slot ends at its head;
2. the heads that a slot's first row names are rows of the store; each signing key was introduced by the one before it;
3. heads that were kept elsewhere (`kept`) are rows of the store: nothing up to them was cut off or hashed anew;
4. the records about each subject are numbered without a gap, and every key once used points at a record;
5. kept contents are what their digests say.

A backup and an archive are checked by the same code (`Source`); ranges of rows are checked in processes of their own.
"""

from __future__ import annotations

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from hashlib import sha256
from secrets import randbits
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from roadworthy.records.chain import GENESIS, Verified
from roadworthy.records.connections import Connections
from roadworthy.records.entry import Head
from roadworthy.records.kinds import SlotOpened, decode_payload
from roadworthy.records.ledger import read_heads
from roadworthy.records.marks import Marker, Marks
from roadworthy.records.rows import Rows, list_rows, list_slots, read_rows
from roadworthy.records.runs import Joining, Noted, Run, check_run, chunk_rows, say_id
from roadworthy.records.schema import contents, once, records
from roadworthy.records.schema import store as store_table
from roadworthy.records.signing import SignedHeads, check_key_changes
from roadworthy.records.store import Store
from roadworthy.records.stores import find_adapter
from roadworthy.records.streaming import read_parts

__all__ = ["Source", "StoreSource", "verify_chain", "verify_source", "verify_within"]

_AT_ONCE = 20_000
OnceRow = tuple[str, str]
"""A caller and the id of the record that one of their keys points at."""


class Source(ABC):
    """A place that holds a ledger: what the check asks of it."""

    store_id: str

    @abstractmethod
    def heads(self) -> tuple[Head, ...]:
        """The heads as the place itself states them."""

    @abstractmethod
    def runs(self, seed: int) -> list[Callable[[], Run]]:
        """Checks of all rows, in order; each can be sent to another process."""

    @abstractmethod
    def runs_by_place(self, seed: int) -> list[Callable[[], Run]] | None:
        """The same, by slot and number, where `runs` takes the rows as they lie; else None."""

    @abstractmethod
    def first_rows(self) -> dict[int, int]:
        """The slots that have rows, each with the number of its first."""

    @abstractmethod
    def find_row(self, slot: int, seq: int) -> tuple[str, bytes] | None:
        """The record id and the hash of a row."""

    def read_once(self) -> Iterator[Sequence[OnceRow]]:
        """Callers and the records that their keys point at, some thousands at a time."""
        return iter(())

    def more(self) -> list[Callable[[], str | None]]:
        """Whatever else is checked of such a place: each gives its fault, and can be sent to another process."""
        return []


def verify_chain(store: Store, *, kept: Sequence[SignedHeads] = (), processes: int = 1) -> Verified:
    """Check the whole store, in one snapshot; stops at the first fault and says where it is.

    kept        heads exported earlier and kept elsewhere: what they show is checked first
    processes   how many check at once; more than one pays from some hundred thousand records

    A tail that was cut off or hashed anew together with its head shows only against `kept`.
    """
    with store.reading() as connection:
        return verify_source(StoreSource(connection, store.url if processes > 1 else None), kept, processes)


def verify_within(connection: Connection) -> Verified:
    """`verify_chain` as of this transaction."""
    return verify_source(StoreSource(connection, None))


def verify_source(source: Source, kept: Sequence[SignedHeads] = (), processes: int = 1) -> Verified:
    """Check the ledger that `source` holds."""
    seed = randbits(64)
    heads = source.heads()
    with Marks(sum(head.seq for head in heads)) as marks, _Workers(processes) as workers:
        joined, fault = Joining(), _check_slots(source)
        if fault is None:
            joined, fault = _join(workers.run(source.runs(seed)), marks)
        if joined.ends and fault is not None and (by_place := source.runs_by_place(seed)) is not None:
            with Marks(0) as unused:
                joined, fault = _join(workers.run(by_place), unused)
        fault = (
            fault
            or _check_ends(joined.ends, heads)
            or _check_ties(source, joined.noted)
            or check_key_changes([row for row in joined.noted if row.kind == "signing_key"], source.store_id)
            or _check_kept(source, kept)
            or _check_numbers(source, marks)
            or _check_once(source, marks, Marker(seed))
            or next((found for found in workers.run(source.more()) if found is not None), None)
        )
    return Verified(joined.records, heads, fault)


class _Workers:
    """Runs checks here, or in processes of their own; the results come in the order of the checks."""

    def __init__(self, processes: int) -> None:
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))

    def run(self, checks: Sequence[Callable[[], Any]]) -> Iterator[Any]:
        if self._pool is None:
            return (check() for check in checks)
        return self._pool.map(_call, checks)

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _call(check: Callable[[], Any]) -> Any:
    return check()


def _join(runs: Iterator[Run], marks: Marks) -> tuple[Joining, str | None]:
    joined = Joining()
    for run in runs:
        fault = joined.take(run)
        if fault is not None:
            return joined, fault
        marks.add(run.marks)
    return joined, None


def _check_slots(source: Source) -> str | None:
    known = {head.slot for head in source.heads()}
    for slot, seq in sorted(source.first_rows().items()):
        if slot not in known:
            found = source.find_row(slot, seq)
            return f"slot {slot} has rows and no head; the first is row {seq} ({'' if found is None else found[0]})"
    return None


def _check_ends(ends: dict[int, Head], heads: Sequence[Head]) -> str | None:
    stated = {head.slot: head for head in heads}
    for slot, head in stated.items():
        end = ends.get(slot, Head(slot, 0, GENESIS))
        if end.seq != head.seq:
            return f"slot {slot} ends at row {end.seq}; its head says {head.seq}"
        if end.hash != head.hash:
            return f"slot {slot}: its head is not the hash of its last row"
    return None


def _check_ties(source: Source, noted: Sequence[Noted]) -> str | None:
    """Each slot's first row, and no other, opens it, and the heads that it names are rows of this store."""
    opened = {row.slot: row for row in noted if row.kind == "slot_opened" and row.seq == 1}
    for head in source.heads():
        row = opened.get(head.slot)
        if row is None:
            found = source.find_row(head.slot, 1)
            return f"slot {head.slot}, row 1 ({'' if found is None else found[0]}) does not open it"
        for other, seq, digest in decode_payload(row.payload, SlotOpened).heads:
            found = source.find_row(other, seq)
            if found is None or found[1].hex() != digest:
                return f"slot {head.slot} was opened behind slot {other}, row {seq}, which is not the row it was then"
    return None


def _check_kept(source: Source, kept: Sequence[SignedHeads]) -> str | None:
    """What the heads that were kept show; the oldest first, so that a fault names the shortest span."""
    for signed in sorted(kept, key=lambda signed: signed.heads.at):
        then = f"{signed.heads.at:%Y-%m-%d %H:%M} UTC"
        if signed.heads.store_id != source.store_id:
            return f"the heads of {then} are of another store: {signed.heads.store_id}, not {source.store_id}"
        for slot, seq, digest in signed.heads.heads:
            found = source.find_row(slot, seq)
            if found is None:
                last = next((head.seq for head in source.heads() if head.slot == slot), 0)
                return f"slot {slot} had {seq} rows at {then} and ends at row {last}: rows behind it were cut off"
            if found[1].hex() != digest:
                return (
                    f"slot {slot}, row {seq} ({found[0]}) is not the row that stood there at {then}: it, or a row "
                    "before it, was changed and the rest hashed anew"
                )
    return None


def _check_numbers(source: Source, marks: Marks) -> str | None:
    gap = marks.find_gap()
    if gap is None:
        return None
    found = source.find_row(gap.slot, gap.seq)
    named = "" if found is None else f" ({found[0]})"
    return (
        f"slot {gap.slot}, row {gap.seq}{named} is number {gap.nth} about its subject, and number {gap.nth - 1} is not "
        "there once"
    )


def _check_once(source: Source, marks: Marks, marker: Marker) -> str | None:
    for rows in source.read_once():
        lacking = marks.lacks(marker.hash([record_id.encode() for _, record_id in rows]))
        if lacking.any():
            caller, record_id = rows[int(np.argmax(lacking))]
            return f"a key of {caller} points at record {record_id}, which is not there"
    return None


class StoreSource(Source):
    """A store. With an `url` its rows are checked over connections of their own."""

    def __init__(self, connection: Connection, url: str | None) -> None:
        self._connection = connection
        self._url = url
        self.store_id = connection.execute(select(store_table.c.store_id)).scalar_one()
        self._heads = read_heads(connection)

    def heads(self) -> tuple[Head, ...]:
        return self._heads

    def runs(self, seed: int) -> list[Callable[[], Run]]:
        return self._runs(seed, as_they_lie=self._connection.dialect.name == "sqlite")

    def runs_by_place(self, seed: int) -> list[Callable[[], Run]] | None:
        return self._runs(seed, as_they_lie=False) if self._connection.dialect.name == "sqlite" else None

    def _runs(self, seed: int, *, as_they_lie: bool) -> list[Callable[[], Run]]:
        ranges = list_rows(self._connection, _AT_ONCE, as_they_lie=as_they_lie)
        if self._url is not None:
            return [partial(_check_apart, self._url, rows, seed) for rows in ranges]
        return [partial(_check_rows, self._connection, rows, seed) for rows in ranges]

    def first_rows(self) -> dict[int, int]:
        return {span.slot: span.after + 1 for span in list_slots(self._connection) if span.slot is not None}

    def find_row(self, slot: int, seq: int) -> tuple[str, bytes] | None:
        wanted = select(records.c.record_id, records.c.hash).where(records.c.slot == slot, records.c.seq == seq)
        found = self._connection.execute(wanted).first()
        return None if found is None else (say_id(found.record_id), bytes(found.hash))

    def read_once(self) -> Iterator[Sequence[OnceRow]]:
        for rows in read_parts(self._connection, select(once.c.caller, once.c.record_id)):
            yield [(str(caller), str(record_id)) for caller, record_id in rows]

    def more(self) -> list[Callable[[], str | None]]:
        digests = self._connection.execute(select(contents.c.digest).order_by(contents.c.digest)).scalars().all()
        if self._url is not None:
            return [partial(_check_content_apart, self._url, digest) for digest in digests]
        return [partial(_check_content, self._connection, digest) for digest in digests]


def _check_rows(connection: Connection, rows: Rows, seed: int) -> Run:
    return check_run((chunk_rows(part) for part in read_rows(connection, rows)), Marker(seed))


def _check_content(connection: Connection, digest: str) -> str | None:
    data = connection.execute(select(contents.c.bytes).where(contents.c.digest == digest)).scalar_one()
    whole = isinstance(data, bytes | memoryview) and sha256(data).hexdigest() == digest
    return None if whole else f"the content kept as {digest} is something else"


@cache
def _connect(url: str) -> Connections:
    adapter, address = find_adapter(url)
    return adapter.connect(address, False)


def _check_apart(url: str, rows: Rows, seed: int) -> Run:
    with _connect(url).reading() as connection:
        return _check_rows(connection, rows, seed)


def _check_content_apart(url: str, digest: str) -> str | None:
    with _connect(url).reading() as connection:
        return _check_content(connection, digest)
