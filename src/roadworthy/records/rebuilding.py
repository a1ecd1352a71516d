"""Projections thrown away and made again from the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, delete, select, tuple_

from roadworthy.records.entry import Record
from roadworthy.records.projections import PROJECTIONS, project
from roadworthy.records.schema import records
from roadworthy.records.store import Store

__all__ = ["rebuild_projections"]

_AT_ONCE = 5000


def rebuild_projections(store: Store) -> int:
    """Make every projection again, in one transaction that keeps appends waiting; how many records were read."""

    def rebuild(connection: Connection) -> int:
        store.connections.keep_still(connection)
        for table in PROJECTIONS:
            connection.execute(delete(table))
        count = 0
        for rows in _by_subject(connection):
            opened = dict(zip((row.record_id for row in rows), store.ledger.keys.open(rows, connection), strict=True))
            project(store.connections, connection, rows, lambda row, opened=opened: opened[row.record_id])  # type: ignore[misc]  # bound now
            count += len(rows)
        return count

    return store.transact(rebuild)


def _by_subject(connection: Connection) -> Iterator[list[Record]]:
    """The whole ledger, subject by subject, each in its order."""
    place = tuple_(records.c.subject, records.c.nth)
    wanted = select(*records.columns).order_by(records.c.subject, records.c.nth).limit(_AT_ONCE)
    rows = [Record(*row) for row in connection.execute(wanted)]
    while rows:
        yield rows
        behind = wanted.where(place > (rows[-1].subject, rows[-1].nth))
        rows = [Record(*row) for row in connection.execute(behind)]
