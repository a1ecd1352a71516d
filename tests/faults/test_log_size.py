"""The log of SQLite stays bounded while somebody is always reading, and nobody waits long for it (R10, R28)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from roadworthy.records import Store, create_store, verify_chain
from roadworthy.records.stores import sqlite
from roadworthy.testing.entries import Entries
from tests.faults.conftest import LONG
from tests.stores import MADE

MEGABYTE = 1 << 20
COMMITS = 5_000 if LONG else 150
Made = Callable[..., Store]


@pytest.fixture
def make_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """A store whose log is written back from 200 KB on, and begun anew from `large` on."""
    made: list[Store] = []

    def make(*, large: int = MEGABYTE) -> Store:
        small = ("PRAGMA wal_autocheckpoint = 50", f"PRAGMA journal_size_limit = {MEGABYTE // 2}")
        monkeypatch.setattr(sqlite, "_SETTINGS", (*sqlite._SETTINGS, *small))
        monkeypatch.setattr(sqlite, "_LARGE_LOG", large)
        made.append(create_store(f"sqlite:///{tmp_path / 'store.db'}", store_id="a-store", at=MADE))
        return made[0]

    yield make
    for store in made:
        store.close()


@contextmanager
def always_read(store: Store) -> Iterator[None]:
    """Four readers, so that there is never a moment at which nobody reads."""
    over = threading.Event()

    def read(seconds: float) -> None:
        while not over.is_set():
            with store.reading() as connection:
                connection.execute(text("SELECT count(*) FROM heads")).scalar_one()
                time.sleep(seconds)

    readers = [threading.Thread(target=read, args=(0.03 + 0.01 * number,)) for number in range(4)]
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        over.set()
        for reader in readers:
            reader.join()


def write(store: Store, tmp_path: Path, commits: int = COMMITS, seed: int = 1) -> int:
    """Append so many times; the largest that the log was."""
    entries, largest = Entries(seed), 0
    for _ in range(commits):
        store.ledger.append([entries.decision(key=entries.record_id()) for _ in range(8)])
        largest = max(largest, (tmp_path / "store.db-wal").stat().st_size)
    return largest


def test_constant_readers_do_not_let_the_log_grow_for_ever(
    make_store: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = make_store()
    with always_read(store):
        largest = write(store, tmp_path)
    with capsys.disabled():
        words = (
            f"{COMMITS} commits among constant readers, the log {largest / MEGABYTE:.1f} MB at most where 1 is meant"
        )
        print(f"\nSQLite: {words}", end="")  # noqa: T201  # the figures are the point
    assert largest < 4 * MEGABYTE
    assert verify_chain(store).fault is None


def test_without_waiting_for_them_it_would(make_store: Made, tmp_path: Path) -> None:
    store = make_store(large=1 << 40)
    with always_read(store):
        assert write(store, tmp_path, 150) > 5 * MEGABYTE


def test_a_reader_that_does_not_end_keeps_nobody_from_writing(make_store: Made, tmp_path: Path) -> None:
    """The log grows behind it, and is small again soon after it has ended."""
    store = make_store()
    log = tmp_path / "store.db-wal"
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM records")).scalar_one() == 0
        write(store, tmp_path, 80)
        assert log.stat().st_size > MEGABYTE
        assert connection.execute(text("SELECT count(*) FROM records")).scalar_one() == 0
    write(store, tmp_path, 80, seed=2)
    assert log.stat().st_size <= MEGABYTE
    assert verify_chain(store).records == 1 + 8 * 160
