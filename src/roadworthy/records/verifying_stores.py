"""The check of a store itself, in one snapshot while it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from hashlib import sha256

from sqlalchemy import Connection, select

from roadworthy.records.chain import Verified
from roadworthy.records.connections import Connections
from roadworthy.records.entry import Head
from roadworthy.records.ledger import read_heads
from roadworthy.records.marks import Marker
from roadworthy.records.rows import Rows, list_rows, list_slots, read_rows
from roadworthy.records.runs import Run, check_run, chunk_rows, say_id
from roadworthy.records.schema import contents, once, records
from roadworthy.records.schema import store as store_table
from roadworthy.records.signing import SignedHeads
from roadworthy.records.store import Store
from roadworthy.records.stores import find_adapter
from roadworthy.records.streaming import read_parts
from roadworthy.records.verifying import OnceRow, Source, verify_source

__all__ = ["verify_chain", "verify_within"]

_AT_ONCE = 20_000


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
