"""What is SQLite's own: how it is set, and how it fails (R28)."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as driver
from sqlalchemy import text

from roadworthy.errors import StoreError, UsageError
from roadworthy.records import Store, create_store, open_store, verify_chain
from roadworthy.records.stores import sqlite
from roadworthy.testing.entries import Entries
from tests.stores import MADE


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with create_store(url, store_id="a", at=MADE) as made:
        yield made


def test_a_commit_is_on_disk_before_it_returns(store: Store) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0, "cache_size": -65536, "foreign_keys": 1}

    def look(connection: object) -> dict[str, object]:
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in wanted}  # type: ignore[attr-defined]

    assert store.transact(look) == wanted
    with store.reading() as connection:
        assert look(connection) == wanted
        assert connection.execute(text("PRAGMA query_only")).scalar() == 1


def test_only_the_owner_may_read_the_file(store: Store, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


def test_an_old_library_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "sqlite_version_info", (3, 51, 2))
    with pytest.raises(StoreError, match="can damage a log"):
        open_store(url)


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="keeps nothing"):
        create_store(address, store_id="a", at=MADE)


@pytest.mark.parametrize("address", ["", "store.db", "mysql://here/x", "http://here"])
def test_what_is_no_address_is_refused_with_those_that_are(address: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_store(address)
    assert refused.value.available == ["postgresql", "sqlite"]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError):
        open_store(f"sqlite:///{path}")
    with pytest.raises(StoreError):
        create_store(f"sqlite:///{path}", store_id="a", at=MADE)
    assert path.read_bytes() == b"no database " * 1000


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made"):
        create_store(f"sqlite:///{tmp_path / 'file' / 'store.db'}", store_id="a", at=MADE)


def test_a_transaction_inside_a_transaction_is_named_and_not_waited_for_in_vain(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.connections.writer.pool, "_timeout", 0.05)
    entries = Entries()

    def work(_: object) -> None:
        store.ledger.append([entries.decision()])

    with pytest.raises(StoreError, match="in use"):
        store.transact(work)
    store.ledger.append([entries.decision()])
    assert verify_chain(store).records == 2


WRITER = """
import resource, signal, sys
from roadworthy.errors import OutcomeUnknown
from roadworthy.records import open_store
from roadworthy.testing.entries import Entries
url, limit = sys.argv[1], int(sys.argv[2])
entries = Entries(int(sys.argv[3]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(url)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
while True:
    entry = entries.decision(key=entries.record_id())
    try:
        store.ledger.append([entry])
    except OutcomeUnknown:
        break
    print("kept", entry.record_id)
print("broke", entry.record_id)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print("after", store.ledger.append([entry]).results[0].__class__.__name__)
"""


@pytest.mark.parametrize("room", [700_000, 1_000_001])
def test_a_disk_that_takes_no_more_breaks_nothing_that_was_kept(url: str, store: Store, room: int) -> None:
    """A real fault of the file system at a write of the log: what was acknowledged is there, the key settles it."""
    limit = (Path(url.removeprefix("sqlite:///") + "-wal")).stat().st_size + room
    done = subprocess.run(
        [sys.executable, "-c", WRITER, url, str(limit), "5"], capture_output=True, text=True, check=True
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    kept = [line[1] for line in lines if line[0] == "kept"]
    (broke,) = [line[1] for line in lines if line[0] == "broke"]
    assert len(kept) > 3
    assert lines[-1] == ["after", "Recorded"]
    assert [row.record_id for row in store.ledger.read().records[1:]] == [*kept, broke]
    assert verify_chain(store)


def test_a_store_kept_busy_is_named_and_nothing_is_written(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_SETTINGS", (*sqlite._SETTINGS[:-1], "PRAGMA busy_timeout = 100"))
    entries = Entries()
    with open_store(url) as other:

        def hold(_: object) -> None:
            with pytest.raises(StoreError, match="another writer") as busy:
                other.ledger.append([entries.decision()])
            assert busy.type is StoreError

        store.transact(hold)
        other.ledger.append([entries.decision()])
    assert len(store.ledger.read().records) == 2
