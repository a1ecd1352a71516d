"""SQLite: one file, one writer at a time. Every commit is in the log on disk before it returns.

WAL, synchronous=FULL, no memory map, 64 MB of page cache. A writing transaction takes the file's write lock as it
begins (BEGIN IMMEDIATE), so whatever it reads cannot change under it: that is the whole of the locking. A log that is
found when the file is opened to write is first made sure of (see `settling`). One SQLite
library a process: pysqlite3, whose SQLite has the WAL-reset bug (before 3.51.3) mended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pysqlite3 import dbapi2 as driver
from sqlalchemy import URL, Connection, Engine, QueuePool, Table, create_engine, event, exc

from roadworthy.errors import StoreError, UsageError
from roadworthy.records.chain import GENESIS
from roadworthy.records.connections import Connections, Verdict
from roadworthy.records.entry import Head, Once
from roadworthy.records.ledger import Ledger
from roadworthy.records.settling import sync_folder, write_again
from roadworthy.records.stores import Adapter

__all__ = ["ADAPTER", "SqliteConnections", "SqliteLedger"]

T = TypeVar("T")
_LEAST = (3, 51, 3)
_SLOT = 1
_WAIT_MS = 10_000
_ERROR, _BUSY, _LOCKED, _READONLY, _FULL, _CONSTRAINT, _MISUSE = 1, 5, 6, 8, 13, 19, 21
_READERS = 8
_LARGE_LOG = 128 << 20
"""From this size on, in bytes, the log is not only written back beside readers, but waits for them to begin anew."""
_PATIENCE_MS = 250
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA mmap_size = 0",
    "PRAGMA cache_size = -65536",
    # The log is written back at 32 MB: pages of indexes that change in every commit then move once and not eight times.
    "PRAGMA wal_autocheckpoint = 8192",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA foreign_keys = ON",
    # What is deleted or moved is overwritten with zeros: an erasure reaches what the file's pages would keep.
    "PRAGMA secure_delete = ON",
    f"PRAGMA busy_timeout = {_WAIT_MS}",
)


class SqliteConnections(Connections):
    """One connection that writes, several that read."""

    driver_error = driver.Error

    def __init__(self, writer: Engine, reader: Engine, log: Path) -> None:
        super().__init__(writer, reader)
        self._log = log
        self._large = _LARGE_LOG

    def transact(self, work: Callable[[Connection], T]) -> T:
        done = super().transact(work)
        self._bound_log()
        return done

    def judge(self, error: BaseException) -> Verdict:
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        if primary in (_BUSY, _LOCKED):
            return Verdict.BUSY
        if primary in (_READONLY, _FULL):
            return Verdict.UNWRITABLE
        if primary in (_ERROR, _CONSTRAINT, _MISUSE) or isinstance(error, driver.IntegrityError | driver.DataError):
            return Verdict.REFUSED
        return Verdict.BROKEN

    def keep_route(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE did."""

    def keep_still(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE did."""

    def clear_way(self) -> bool:
        return False  # one process writes, and what freezes is that

    def scrub(self) -> str | None:
        try:
            with self.writer.connect() as connection:
                raw: Any = connection.connection.driver_connection
                busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except (exc.DBAPIError, self.driver_error):
            busy = 1
        return "somebody was reading: the log keeps it until it is next written back" if busy else None

    def _bound_log(self) -> None:
        """Begin the log anew where it has grown large: readers that overlap for ever would never let it be.

        Writers wait for the readers of this moment, a quarter of a second at most. Behind one that takes longer, such
        as a backup, the log grows, and this is tried again each time it has grown by as much again as it may be.
        """
        try:
            size = self._log.stat().st_size
        except OSError:
            return
        if size < self._large:
            return
        try:
            with self.writer.connect() as connection:
                raw: Any = connection.connection.driver_connection
                raw.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
                try:
                    waits = raw.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]
                finally:
                    raw.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
        except (exc.DBAPIError, exc.TimeoutError, self.driver_error):
            waits = 1  # what was committed is durable all the same; a broken disk is told of at the next commit
        self._large = size + _LARGE_LOG if waits else _LARGE_LOG

    def insert(self, connection: Connection, table: Table, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
        connection.exec_driver_sql(_insert_sql(table, conflict), [tuple(row) for row in rows])

    def select_in(self, connection: Connection, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        asked = (json.dumps(list(values)),)
        found = connection.exec_driver_sql(sql.format(values="SELECT value FROM json_each(?)"), asked)
        return [tuple(row) for row in found]


class SqliteLedger(Ledger):
    """The ledger in one file; every process writes the same slot, one after the other."""

    def _claim(self, connection: Connection, claims: Sequence[tuple[str, Once]]) -> set[str]:
        # The driver's own cursor: some microseconds a statement less, which count where there is one a row.
        cursor = connection.connection.cursor()
        return {
            record_id
            for record_id, once in claims
            if cursor.execute(_CLAIM, (once.caller, once.key, once.digest, record_id)).rowcount == 0
        }

    def _slot(self, _connection: Connection) -> int:
        return _SLOT

    def _take_head(self, connection: Connection, slot: int) -> Head:
        row = connection.exec_driver_sql("SELECT slot, seq, hash FROM heads WHERE slot = ?", (slot,)).one_or_none()
        if row is not None:
            return Head(*row)
        connection.exec_driver_sql("INSERT INTO heads (slot, seq, hash) VALUES (?, 0, ?)", (slot, GENESIS))
        return Head(slot, 0, GENESIS)


@lru_cache(256)
def _insert_sql(table: Table, conflict: str) -> str:
    columns = [column.name for column in table.columns]
    places = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places}) {conflict}"  # noqa: S608  # our own names


_CLAIM = "INSERT INTO once (caller, key, digest, record_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


def connect(url: URL, create: bool) -> SqliteConnections:
    """Connections to a file. StoreError: no such file (without `create`), or the SQLite library is too old."""
    if driver.sqlite_version_info < _LEAST:
        raise StoreError(
            f"SQLite {driver.sqlite_version} can damage a log that two connections write back at once",
            mend=f"pip install 'pysqlite3>=0.6.1', which brings SQLite {'.'.join(map(str, _LEAST))} or newer",
        )
    if url.database in (None, "", ":memory:"):
        raise UsageError("a store in memory keeps nothing", where=url, mend="sqlite:///FILE")
    path = Path(url.database)
    if create:
        try:
            _make_file(path)
        except OSError as error:
            raise StoreError(f"the store's file cannot be made: {error.strerror}", where=path) from error
    elif not path.is_file():
        raise StoreError("there is no store", where=path, mend="create it first")
    log = Path(f"{path}-wal")
    return SqliteConnections(_engine(url, "BEGIN IMMEDIATE", 1, log), _engine(url, "BEGIN", _READERS, log), log)


def _make_file(path: Path) -> None:
    """An empty file, with its name on disk: SQLite syncs what it writes, not where the file hangs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    sync_folder(path.parent)


def _engine(url: URL, begin: str, size: int, log: Path) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite"),
        module=driver,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        # Transactions begin by our own words, and a connection may pass from thread to thread, one at a time.
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": _WAIT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: object) -> None:
        for setting in _SETTINGS:
            connection.execute(setting)
        if begin == "BEGIN":
            connection.execute("PRAGMA query_only = ON")
        else:
            _settle(connection, log)

    @event.listens_for(engine, "begin")
    def open_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _settle(connection: Any, log: Path) -> None:
    """Make sure of a log that was found, while nobody writes it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            write_again(log)
        finally:
            connection.execute("ROLLBACK")
    except OSError as error:
        connection.close()
        raise driver.OperationalError(f"its log cannot be made sure of: {error.strerror}") from error
    except driver.Error:
        connection.close()
        raise


ADAPTER = Adapter(connect, SqliteLedger)
