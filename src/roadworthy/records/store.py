"""A store: the ledger, and the transactions in which other rooms keep tables of their own beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from roadworthy.errors import Refused, StoreError
from roadworthy.records.connections import Connections
from roadworthy.records.keys import check_keys
from roadworthy.records.kinds import encode_payload
from roadworthy.records.ledger import Ledger
from roadworthy.records.migrating import check_revision, read_revisions, run_migrations
from roadworthy.records.moments import moment, to_us
from roadworthy.records.route import Route
from roadworthy.records.schema import route, store
from roadworthy.records.stores import find_adapter
from roadworthy.records.wrapping import WrappingKeys

__all__ = [
    "Store",
    "StoreFacts",
    "connect_store",
    "create_store",
    "make_store",
    "migrate_store",
    "no_keys",
    "open_store",
]

T = TypeVar("T")


class StoreFacts(Struct, frozen=True):
    """What a store says of itself."""

    store_id: str
    created_at: datetime
    trial: bool


class Store:
    """One store. Close it, or use it in a `with`; any thread may use it, and none may carry it over a fork."""

    def __init__(self, url: str, connections: Connections, ledger: Ledger) -> None:
        self.url = url
        self.connections = connections
        self.ledger = ledger

    def reading(self) -> AbstractContextManager[Connection]:
        """A read-only transaction: one snapshot for as long as it is open."""
        return self.connections.reading()

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, durable when this returns; it may run more than once: see `Connections`."""
        return self.connections.transact(work)

    def facts(self) -> StoreFacts:
        """Id, age and whether it is a trial."""
        with self.reading() as connection:
            row = connection.execute(select(store)).one()
        return StoreFacts(row.store_id, moment(row.created_us), row.trial)

    def declare_trial(self) -> None:
        """Make this a trial store, for good. Refused by the database once anything is recorded."""

        def declare(connection: Connection) -> None:
            self.connections.keep_still(connection)
            connection.execute(update(store).values(trial=True))

        try:
            self.transact(declare)
        except IntegrityError as error:
            raise Refused(
                "the store has records: it cannot become a trial", mend="start a trial in an empty store"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self.connections.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


no_keys: WrappingKeys | None = None
"""For a store whose particulars are not encrypted, and for what never looks at them."""


def open_store(url: str, *, keys: WrappingKeys | None = no_keys) -> Store:
    """A store as it is. `keys` open what is sealed in it; a store without any keeps them from its next record on.

    StoreError: there is none, it cannot be reached, its tables are not of this version, or its particulars are
    encrypted and these are not the keys that open them. UsageError: no address.
    """
    opened = connect_store(url, keys, create=False)
    try:
        with opened.reading() as connection:
            check_revision(connection)
            check_keys(connection, keys)
    except BaseException:
        opened.close()
        raise
    return opened


def create_store(
    url: str, *, store_id: str, at: datetime, trial: bool = False, keys: WrappingKeys | None = no_keys
) -> Store:
    """A new store: a file that is made, or an empty database. Killed at any step, it can be created again.

    `keys`: what says something about a person is encrypted in it, and it opens with them alone. Refused where there is
    a store already.
    """
    opened = connect_store(url, keys, create=True)

    def make(connection: Connection) -> None:
        make_store(connection, store_id=store_id, at=at, trial=trial)
        opened.ledger.keys.begin(connection)

    try:
        opened.transact(make)
    except BaseException:
        opened.close()
        raise
    return opened


def make_store(connection: Connection, *, store_id: str, at: datetime, trial: bool = False) -> None:
    """Make the tables of a store and its first rows. Refused where there is a store already."""
    if read_revisions(connection):
        raise Refused("there is a store already", mend="open it, or choose another place")
    run_migrations(connection)
    connection.execute(insert(store).values(one=1, store_id=store_id, created_us=to_us(at), trial=trial))
    connection.execute(insert(route).values(one=1, epoch=0, state=encode_payload(Route())))


def migrate_store(url: str) -> tuple[str, ...]:
    """Bring a store's tables to this version, whole or not at all; the revisions it is at then."""
    with connect_store(url, no_keys, create=False) as opened:

        def migrate(connection: Connection) -> tuple[str, ...]:
            if not read_revisions(connection):
                raise StoreError("there is no store to migrate", where=url, mend="create it first")
            run_migrations(connection)
            return read_revisions(connection)

        return opened.transact(migrate)


def connect_store(url: str, keys: WrappingKeys | None, *, create: bool) -> Store:
    adapter, address = find_adapter(url)
    connections = adapter.connect(address, create)
    return Store(url, connections, adapter.ledger(connections, keys))
