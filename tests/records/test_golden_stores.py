"""Stores and backups of every released version are brought up, whole or not at all, killed at any statement (R10, R28).

`tests/golden/stores` holds what each version wrote: see `tests/golden/make_stores.py`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roadworthy.errors import StoreError
from roadworthy.records import Conflict, Replayed, migrate_store, open_store, restore, verify_backup, verify_chain
from roadworthy.records.archive import load_backup
from roadworthy.records.migrating import read_revisions, wanted_revisions
from roadworthy.records.store import connect_store
from roadworthy.testing.entries import Entries
from tests.stores import another_store_url

GOLDEN = sorted((Path(__file__).resolve().parent.parent / "golden" / "stores").iterdir())
KINDS = ["sqlite", "postgresql"]


class Migrations:
    """The process that forks those that die."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("dying_migration.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def migrate(self, url: str, die_at: int = 0) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"url": url, "die_at": die_at}) + "\n")
        self.process.stdin.flush()
        answered: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answered


@pytest.fixture(scope="module")
def migrations() -> Iterator[Migrations]:
    made = Migrations()
    yield made
    made.process.communicate()


@pytest.fixture(params=GOLDEN, ids=lambda folder: str(folder.name))
def golden(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


@pytest.fixture(params=KINDS)
def old_store(request: pytest.FixtureRequest, golden: Path, tmp_path: Path) -> str:
    """A store as that version left it: its own file, and on PostgreSQL its backup, put back and not brought up."""
    if request.param == "sqlite":
        shutil.copy(golden / "store.db", tmp_path / "old.db")
        return f"sqlite:///{tmp_path / 'old.db'}"
    url = another_store_url("postgresql", request, tmp_path)
    load_backup(golden / "backup.zip", url, migrate=False)
    return url


def facts_of(golden: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((golden / "facts.json").read_bytes())
    return facts


def check_whole(url: str, golden: Path) -> None:
    """Everything is there, the chain holds, keys still answer, and the store goes on."""
    facts = facts_of(golden)
    with open_store(url) as store:
        found = verify_chain(store)
        assert (found.fault, found.records) == (None, facts["records"])
        assert [[head.slot, head.seq, head.hash.hex()] for head in found.heads] == facts["heads"]
        taken = store.ledger.find_once("webshop", "golden")
        assert taken is not None
        again = Entries(6).decision(key="golden", body="another")
        fresh = Entries(9).decision("A-new")
        result, _ = store.ledger.append([again, fresh], epoch=store.ledger.epoch()).results
        assert isinstance(result, Conflict | Replayed)
        assert result.record.record_id == taken.record_id
        assert verify_chain(store).fault is None


def test_an_old_store_is_brought_up(old_store: str, golden: Path) -> None:
    if tuple(facts_of(golden)["revisions"]) != wanted_revisions():
        with pytest.raises(StoreError, match="roadworthy migrate") as told:
            open_store(old_store)
        assert told.value.mend is not None
    assert migrate_store(old_store) == wanted_revisions()
    check_whole(old_store, golden)


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_backup_verifies_and_restores_into_either_store(
    golden: Path, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert verify_backup(golden / "backup.zip").records == facts_of(golden)["records"]
    assert verify_backup(golden / "backup.zip").fault is None
    url = another_store_url(kind, request, tmp_path)
    restore(golden / "backup.zip", url)
    check_whole(url, golden)


def test_a_migration_killed_before_any_statement_left_the_store_as_it_was(
    old_store: str, golden: Path, migrations: Migrations
) -> None:
    """kill -9 of a real process at every statement, one after the other on the same store; then it is brought up."""
    old = tuple(facts_of(golden)["revisions"])
    died = 0
    for step in (-1, *range(1, 1000)):
        ended = migrations.migrate(old_store, die_at=step)
        if not ended["died"]:
            break
        died += 1
        with connect_store(old_store, None, create=False) as store, store.reading() as connection:
            assert read_revisions(connection) == old
    else:
        pytest.fail("a migration that never ends")
    assert died == ended["statements"] + 1
    assert died > 3 or old == wanted_revisions()
    check_whole(old_store, golden)
    assert migrate_store(old_store) == wanted_revisions()
    print(f"{died} kills of a migration, 0 stores broken; up to {3 / died if died else 1:.2%} of kills could (95%)")  # noqa: T201  # the figures are what it is for
