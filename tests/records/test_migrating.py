"""The migrations make what the schema says, whole or not at all, and again after any death (R10)."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError

from roadworthy.errors import OutcomeUnknown, StoreError
from roadworthy.records import create_store, migrate_store, open_store, verify_chain
from roadworthy.records.migrating import read_revisions, wanted_revisions
from roadworthy.records.store import Store, connect_store, make_store, no_keys
from roadworthy.testing.entries import Entries
from tests.stores import MADE


def test_every_constraint_of_the_schema_is_in_both_stores(store: Store) -> None:
    """What autogenerate does not compare: checks, by what they refuse."""
    for statement in (
        "INSERT INTO store (one, store_id, created_us, trial) VALUES (2, 'x', 0, true)",
        "INSERT INTO route (one, epoch, state) VALUES (2, 0, '')",
    ):
        with pytest.raises(IntegrityError, match="one_row"):
            store.transact(partial(Connection.execute, statement=text(statement)))


def test_a_creation_that_dies_at_any_statement_can_be_made_again(store_url: str) -> None:
    steps = count_statements(store_url)
    assert steps > 40
    for step in range(1, steps + 1, 7):
        with pytest.raises(OutcomeUnknown):
            create_dying_at(store_url, step)
        with pytest.raises(StoreError, match="no store"):
            open_store(store_url)
    with create_store(store_url, store_id="a", at=MADE) as made:
        made.ledger.append([Entries().decision()])
        assert verify_chain(made)


def test_a_creation_that_is_killed_can_be_made_again(store_url: str) -> None:
    """kill -9 at some moments of a real process."""
    words = (
        "import sys\nfrom datetime import UTC, datetime\nfrom roadworthy.records import create_store\n"
        "import alembic.command\nprint('go', flush=True)\n"
        "create_store(sys.argv[1], store_id='a', at=datetime.now(UTC))\n"
    )
    for wait in (0.02, 0.06, 0.1):
        process = subprocess.Popen(
            [sys.executable, "-c", words, store_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        try:
            opened = open_store(store_url)
        except StoreError:
            continue
        opened.close()
        break
    else:
        create_store(store_url, store_id="a", at=MADE).close()
    with open_store(store_url) as made:
        made.ledger.append([Entries().decision()])
        assert verify_chain(made)


def test_a_store_of_another_version_is_named_and_not_touched(store: Store, store_url: str) -> None:
    newer = text("UPDATE alembic_version SET version_num = 'records_99' WHERE version_num LIKE 'jobs%'")
    store.transact(lambda connection: connection.execute(newer))
    for touch in (open_store, migrate_store):
        with pytest.raises(StoreError, match="records_99") as told:
            touch(store_url)
        assert "a newer version" in str(told.value)
        for known in wanted_revisions():
            assert known in str(told.value)
        assert "run the version of Roadworthy that made it" in (told.value.mend or "")
    with store.reading() as connection:
        assert "records_99" in read_revisions(connection)


def test_a_store_of_an_older_version_is_told_to_be_migrated(store: Store, store_url: str) -> None:
    older = text("UPDATE alembic_version SET version_num = 'records_1' WHERE version_num LIKE 'records%'")
    store.transact(lambda connection: connection.execute(older))
    with pytest.raises(StoreError, match="records_1") as told:
        open_store(store_url)
    assert "newer" not in str(told.value)
    assert "roadworthy migrate" in (told.value.mend or "")


def test_migrating_what_is_up_to_date_changes_nothing(store: Store, store_url: str) -> None:
    store.ledger.append([Entries().decision()])
    assert migrate_store(store_url) == wanted_revisions()
    assert verify_chain(store).records == 2


def test_there_is_nothing_to_migrate_where_there_is_no_store(store_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        migrate_store(store_url)


def count_statements(url: str) -> int:
    with pytest.raises(OutcomeUnknown):
        create_dying_at(url, 10**6)
    return _SEEN[url]


_SEEN: dict[str, int] = {}


def create_dying_at(url: str, step: int) -> None:
    """Create a store as `create_store` does, over a connection that breaks at the nth statement, or at the commit."""
    with connect_store(url, no_keys, create=True) as opened:
        broken = opened.connections.driver_error("the way to the store broke")

        def count(*_: Any) -> None:
            _SEEN[url] = _SEEN.get(url, 0) + 1
            if _SEEN[url] == step:
                raise broken

        def fail(_: Any) -> None:
            raise broken

        _SEEN[url] = 0
        event.listen(opened.connections.writer, "after_cursor_execute", count)
        opened.connections.writer.dialect.do_commit = fail  # type: ignore[method-assign,assignment]  # the fault put in
        opened.transact(lambda connection: make_store(connection, store_id="a", at=MADE))
