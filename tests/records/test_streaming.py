"""Very many rows are read a part at a time, within the one snapshot of their transaction (R11)."""

from __future__ import annotations

from sqlalchemy import select

from roadworthy.records import Store, metadata, read_parts
from roadworthy.testing.entries import Entries

APPLICATIONS = metadata.tables["applications"]


def test_every_row_comes_once_in_parts_and_none_that_was_written_meanwhile(store: Store) -> None:
    entries = Entries()
    store.ledger.append([entries.decision() for _ in range(7)])
    wanted = select(APPLICATIONS.c.application_id, APPLICATIONS.c.pd).where(APPLICATIONS.c.answer != "it's none")
    with store.reading() as connection:
        parts = read_parts(connection, wanted, at_once=3)
        read = list(next(parts))
        store.ledger.append([entries.decision() for _ in range(4)])
        rest = list(parts)
        assert [len(part) for part in rest] == [3, 1]
        told = connection.execute(wanted).all()
    assert sorted(row for part in (read, *rest) for row in part) == sorted(tuple(row) for row in told)
    with store.reading() as connection:
        assert sum(len(part) for part in read_parts(connection, wanted)) == 11
