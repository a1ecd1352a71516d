"""PostgreSQL: many writers, each with a slot of its own. `synchronous_commit` is set by us, whatever the server says.

Appends share an advisory lock that a change of route takes alone: reading the epoch and then committing would race
otherwise. A connection holds a writer slot by a session lock, so that writers do not wait for one another's heads;
where all slots are held two share one, which is slower and as correct. A replica that freezes inside a transaction is
cut off after five seconds by the server; where it was handing over rows, which the server knows no time-out for, by who
waits for it, after ten. No transaction-level pooler between us and the server: session locks do not survive it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import URL, BigInteger, Connection, Engine, Table, create_engine, event, exc
from sqlalchemy.exc import IntegrityError

from roadworthy.errors import MissingExtra, UsageError
from roadworthy.records.chain import GENESIS
from roadworthy.records.connections import Connections, Verdict
from roadworthy.records.entry import Head, Once
from roadworthy.records.ledger import Ledger
from roadworthy.records.stores import Adapter

try:
    import psycopg
except ImportError as error:
    raise MissingExtra.of("psycopg", "postgres") from error

__all__ = ["ADAPTER", "PostgresConnections", "PostgresLedger"]

SLOTS = 64
_ROUTE_LOCK = "7610, 1"
_SLOT_LOCKS = 7611
_POOL = 8
_WRITER = (
    "SET synchronous_commit = on",
    "SET default_transaction_isolation = 'read committed'",
    "SET idle_in_transaction_session_timeout = '5s'",
    "SET lock_timeout = '10s'",
)
_NETWORK = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""A server whose machine vanishes says nothing more: whoever waits for it hears so within some 25 seconds. In libpq's
units; what the store's own address says goes before."""
_READER = ("SET default_transaction_isolation = 'repeatable read'", "SET default_transaction_read_only = on")


class PostgresConnections(Connections):
    """A pool that writes and one that reads."""

    driver_error = psycopg.Error

    def judge(self, error: BaseException) -> Verdict:
        state = getattr(error, "sqlstate", None) or ""
        if state.startswith("40"):
            return Verdict.AGAIN
        if state == "23505" and isinstance(error, psycopg.Error) and error.diag.constraint_name in _RACES:
            return Verdict.AGAIN  # another replica was quicker: about the same subject, or with the same key
        if state in ("55P03", "57014"):
            return Verdict.BUSY
        if state == "53100":  # its disk is full. Where the log has no room for a commit the server dies: that is BROKEN
            return Verdict.UNWRITABLE
        if state[:2] in ("22", "23", "42", "P0") or isinstance(error, psycopg.ProgrammingError | psycopg.DataError):
            return Verdict.REFUSED
        return Verdict.BROKEN

    def keep_route(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_ROUTE_LOCK})")

    def keep_still(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ROUTE_LOCK})")

    def clear_way(self) -> bool:
        try:
            with self.reader.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                return any(connection.exec_driver_sql(_CUT_OFF).scalars())
        except (exc.DBAPIError, exc.TimeoutError, self.driver_error):
            return False

    def scrub(self) -> str | None:
        try:
            with self.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("SET lock_timeout = 0")
                connection.exec_driver_sql(f"VACUUM {_PERSONAL}")
                connection.exec_driver_sql("RESET lock_timeout")
        except (exc.DBAPIError, self.driver_error):
            return "VACUUM did not run: dead rows stay in the server's files until it does"
        return (
            "the free space of the server's table files keeps it until it is written over (at once: VACUUM FULL), "
            "the write-ahead log, its archive and base backups until they are recycled"
        )

    def insert(self, connection: Connection, table: Table, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
        if conflict:  # COPY knows none, and text arrays cost several times as much
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.exec_driver_sql(_insert_sql(table, conflict), tuple(columns))
            return
        raw: Any = connection.connection.driver_connection
        words, types = _copy_sql(table)
        try:
            with raw.cursor() as cursor, cursor.copy(words) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
        except psycopg.IntegrityError as error:
            raise IntegrityError(words, None, error) from error

    def select_in(self, connection: Connection, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        found = connection.exec_driver_sql(sql.format(values="SELECT unnest(%s::text[])"), (list(values),))
        return [tuple(row) for row in found]


_RACES = frozenset({"uq_records_subject_nth", "uq_applicant_keys_who", "pk_key_wrapping"})


class PostgresLedger(Ledger):
    """The ledger on a server, with as many writers as there are slots."""

    def _claim(self, connection: Connection, claims: Sequence[tuple[str, Once]]) -> set[str]:
        columns = zip(
            *((once.caller, once.key, once.digest.hex(), record_id) for record_id, once in claims), strict=True
        )
        won = connection.exec_driver_sql(_CLAIM, tuple(list(column) for column in columns)).scalars()
        return {record_id for record_id, _ in claims}.difference(won)

    def _slot(self, connection: Connection) -> int:
        slot = connection.info.get("slot")
        if slot is None:
            slot = connection.exec_driver_sql(_FREE_SLOT, (SLOTS, _SLOT_LOCKS)).scalar_one_or_none()
            if slot is None:
                slot = connection.exec_driver_sql(f"SELECT pg_backend_pid() % {SLOTS} + 1").scalar_one()
            connection.info["slot"] = slot
        return int(slot)

    def _take_head(self, connection: Connection, slot: int) -> Head:
        row = connection.exec_driver_sql(_HEAD, (slot,)).one_or_none()
        if row is None:
            connection.exec_driver_sql(_NEW_HEAD, (slot, GENESIS))
            row = connection.exec_driver_sql(_HEAD, (slot,)).one()
        return Head(*row)


_PERSONAL = "applications, name_words, outcome_events, applicant_keys, contents"
"""The tables in which erased data may stand as dead rows."""
_CUT_OFF = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND query_start < clock_timestamp() - interval '5 s'
AND state = 'active' AND wait_event = 'ClientRead' AND pid IN (
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND (classid, objid) = ({_ROUTE_LOCK})
)
"""  # noqa: S608  # our own numbers
_HEAD = "SELECT slot, seq, hash FROM heads WHERE slot = %s FOR UPDATE"
_NEW_HEAD = "INSERT INTO heads (slot, seq, hash) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING"
_FREE_SLOT = "SELECT n FROM generate_series(1, %s) n WHERE pg_try_advisory_lock(%s, n) LIMIT 1"
_CLAIM = (
    "INSERT INTO once (caller, key, digest, record_id) "
    "SELECT caller, key, decode(digest, 'hex'), record_id "
    "FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS claim(caller, key, digest, record_id) "
    "ON CONFLICT DO NOTHING RETURNING record_id"
)


@lru_cache(256)
def _insert_sql(table: Table, conflict: str) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind in _types(table))
    return f"INSERT INTO {table.name} ({_names(table)}) SELECT * FROM unnest({arrays}) {conflict}"  # noqa: S608  # ours


@lru_cache(256)
def _copy_sql(table: Table) -> tuple[str, list[str]]:
    return f"COPY {table.name} ({_names(table)}) FROM STDIN (FORMAT BINARY)", _types(table)


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def _types(table: Table) -> list[str]:
    """The server's names for the columns' types."""
    kinds = {str: "text", bytes: "bytea", bool: "bool", float: "float8", int: "int4"}
    return [
        "int8" if isinstance(column.type, BigInteger) else kinds[column.type.python_type] for column in table.columns
    ]


def connect(url: URL, _create: bool) -> PostgresConnections:
    """Connections to a database that exists: making one is the administrator's."""
    if not url.database:
        raise UsageError("a store on PostgreSQL has a database", where=url, mend="postgresql://HOST/NAME")
    return PostgresConnections(_engine(url, _WRITER), _engine(url, _READER))


def _engine(url: URL, settings: Sequence[str]) -> Engine:
    url = url.set(drivername="postgresql+psycopg", query={**_NETWORK, **url.query})
    engine = create_engine(url, pool_size=_POOL, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine, "connect")
    def set_up(connection: psycopg.Connection[Any], _: object) -> None:
        with connection.cursor() as cursor:
            for setting in settings:
                cursor.execute(setting.encode())
        connection.commit()

    return engine


ADAPTER = Adapter(connect, PostgresLedger)
