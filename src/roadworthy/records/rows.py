"""Rows of the ledger as the drivers give them, texts as bytes: for checking very many of them."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, and_, func, select

from roadworthy.records.runs import ROW
from roadworthy.records.schema import records

__all__ = ["Rows", "list_rows", "list_slots", "read_rows"]

_AT_ONCE = 2000
_LARGEST_SLOT, _LARGEST_SEQ = 2**31 - 1, 2**63 - 1
_BYTES = frozenset({"payload", "sealed", "previous", "hash"})
_TEXTS = frozenset({"record_id", "kind", "subject", "actor", "key_id"})


class Rows(Struct, frozen=True):
    """Rows behind `after` up to `upto`: by `seq` of one slot, or as they lie in SQLite's file where `slot` is None."""

    slot: int | None
    after: int
    upto: int


def list_rows(connection: Connection, at_once: int, *, as_they_lie: bool) -> list[Rows]:
    """Every row that is there now, in ranges. As they lie is faster, and slots may stand in any order."""
    if as_they_lie:
        first, last = connection.exec_driver_sql("SELECT min(rowid), max(rowid) FROM records").one()
        return [] if last is None else _split(None, first - 1, last, at_once)
    return [rows for span in list_slots(connection) for rows in _split(span.slot, span.after, span.upto, at_once)]


def list_slots(connection: Connection) -> list[Rows]:
    """Every slot that has rows, from its first row to its last: by a few looks into the index.

    SQLite keeps a text or a fraction where a number should be, if somebody puts it there. Such a row is found as the
    rows are read; here it is passed over, or lies in the range of its neighbours.
    """
    found = []
    any_slot = select(func.min(records.c.slot)).where(records.c.slot <= _LARGEST_SLOT)
    slot = connection.execute(any_slot).scalar_one()
    while slot is not None:
        here = and_(records.c.slot == slot, records.c.seq <= _LARGEST_SEQ)
        first, last = connection.execute(select(func.min(records.c.seq), func.max(records.c.seq)).where(here)).one()
        if first is not None:
            found.append(Rows(slot, floor(first) - 1, ceil(last)))
        slot = connection.execute(any_slot.where(records.c.slot > slot)).scalar_one()
    return found


def _split(slot: int | None, after: int, last: int, at_once: int) -> list[Rows]:
    return [Rows(slot, begin, min(begin + at_once, last)) for begin in range(after, last, at_once)]


def read_rows(connection: Connection, rows: Rows) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, some thousands at a time, with the columns of `ROW`."""
    if not connection.in_transaction():
        connection.begin()
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        cursor = raw.cursor("rows", binary=True)
        columns = [f"convert_to({name}, 'UTF8')" if name in _TEXTS else name for name in ROW]
        place = "slot = %s AND seq > %s AND seq <= %s ORDER BY seq"
    else:
        cursor = raw.cursor()
        columns = [_guard(name) for name in ROW]
        place = "slot = ? AND seq > ? AND seq <= ? ORDER BY seq"
        if rows.slot is None:
            place = "rowid > ? AND rowid <= ? ORDER BY rowid"
    values = (rows.after, rows.upto) if rows.slot is None else (rows.slot, rows.after, rows.upto)
    try:
        cursor.execute(f"SELECT {', '.join(columns)} FROM records WHERE {place}", values)  # noqa: S608  # our own names
        while found := cursor.fetchmany(_AT_ONCE):
            yield found
    finally:
        cursor.close()


def _guard(name: str) -> str:
    """A column as bytes. SQLite keeps a text among bytes, and bytes among texts: they come as what cannot be hashed."""
    if name in _TEXTS:
        return f"iif(typeof({name}) = 'blob', hex({name}), CAST({name} AS BLOB))"
    return f"iif(typeof({name}) = 'text', 0, {name})" if name in _BYTES else name
