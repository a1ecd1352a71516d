"""A backup made while the store serves restores into either kind of store, equal, or not at all (R10, R28)."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import MetaData, select

from roadworthy.errors import Refused, StoreError
from roadworthy.records import (
    Conflict,
    Proposal,
    Recorded,
    Store,
    backup,
    create_store,
    keep_content,
    open_store,
    propose,
    read_content,
    read_manifest,
    restore,
    verify_chain,
)
from roadworthy.testing.entries import Entries
from tests.stores import MADE, another_store_url


def fill(store: Store) -> None:
    entries = Entries(5)
    store.ledger.change_route(entries.route_change(), expected_epoch=0)
    for _ in range(5):
        batch = [entries.decision(key=entries.record_id()) for _ in range(50)]
        store.ledger.append([*batch, *(entries.final_answer(entry) for entry in batch[:10])])
    proposal = Proposal(
        proposal_id="P-1", kind="release", subject="1", digest="d", author="ana", author_credential="a", at=MADE
    )
    store.transact(lambda connection: propose(connection, proposal))
    store.transact(lambda connection: keep_content(connection, bytes(range(256)) * 100, "application/x-test"))


def read_everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.reading() as connection:
        found = MetaData()
        found.reflect(connection)
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in found.sorted_tables
        }


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_restores_into_either_store_with_every_row(
    store: Store, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fill(store)
    manifest = backup(store, tmp_path / "b.zip", at=MADE)
    target = another_store_url(kind, request, tmp_path)
    assert restore(tmp_path / "b.zip", target) == manifest == read_manifest(tmp_path / "b.zip")
    with open_store(target) as restored:
        assert read_everything(restored) == read_everything(store)
        assert {table.name: table.rows for table in manifest.tables}["records"] == verify_chain(restored).records == 302
        digest = next(row[0] for row in read_everything(restored)["contents"])
        with restored.reading() as connection:
            content = read_content(connection, digest)
        assert content is not None
        assert content.data == bytes(range(256)) * 100
        # It goes on where the other one stood: its epoch, its keys, its chain.
        assert restored.ledger.live() == store.ledger.live()
        taken = next(row for row in read_everything(store)["once"])
        again = Entries(6).decision(key=taken[1], body="another")
        assert isinstance(restored.ledger.append([again, Entries(7).decision()], epoch=1).results[0], Conflict)
        assert verify_chain(restored)


def test_a_backup_is_its_owners_alone(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "b.zip", at=MADE)
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600


def test_a_backup_made_while_others_write_is_the_store_at_one_moment(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    fill(store)
    stop = threading.Event()
    written: list[Recorded] = []

    def write() -> None:
        entries = Entries(99)
        with open_store(store_url) as own:
            while not stop.is_set():
                written.extend(own.ledger.append([entries.decision()]).recorded)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not written:
            pass
        before = len(written)
        manifest = backup(store, tmp_path / "b.zip", at=MADE)
        after = len(written)
    finally:
        stop.set()
        writer.join()
    restore(tmp_path / "b.zip", f"sqlite:///{tmp_path / 'restored.db'}")
    with open_store(f"sqlite:///{tmp_path / 'restored.db'}") as restored:
        there = sum(restored.ledger.find(one.record_id) is not None for one in written)
        assert before <= there <= after + 1
        rows = {table.name: table.rows for table in manifest.tables}
        assert rows["applications"] == 250 + there
        assert verify_chain(restored).records == rows["records"]


def test_nothing_is_written_over(store: Store, store_url: str, tmp_path: Path) -> None:
    backup(store, tmp_path / "b.zip", at=MADE)
    with pytest.raises(Refused, match="already"):
        backup(store, tmp_path / "b.zip", at=MADE)
    with pytest.raises(Refused, match="already"):
        restore(tmp_path / "b.zip", store_url)
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("part", ["records.parquet", "applications.parquet", "manifest.json"])
def test_a_flipped_byte_anywhere_is_refused_and_nothing_is_restored(tmp_path: Path, part: str) -> None:
    with create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE) as store:
        fill(store)
        backup(store, tmp_path / "b.zip", at=MADE)
    spoil(tmp_path / "b.zip", part, lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:])
    with pytest.raises(StoreError):
        restore(tmp_path / "b.zip", f"sqlite:///{tmp_path / 'c.db'}")
    with pytest.raises(StoreError, match="no store"):
        open_store(f"sqlite:///{tmp_path / 'c.db'}")


def test_a_backup_with_other_heads_than_its_rows_is_refused(tmp_path: Path) -> None:
    """Whoever changes rows and hashes in the file still meets the chain."""
    with create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE) as store:
        fill(store)
        manifest = backup(store, tmp_path / "b.zip", at=MADE)
    ((slot, seq, _),) = manifest.heads
    forged = msgspec.structs.replace(manifest, heads=((slot, seq, "00" * 32),))
    spoil(tmp_path / "b.zip", "manifest.json", lambda _: msgspec.json.encode(forged))
    with pytest.raises(StoreError, match="does not verify"):
        restore(tmp_path / "b.zip", f"sqlite:///{tmp_path / 'c.db'}")
    with pytest.raises(StoreError, match="no store"):
        open_store(f"sqlite:///{tmp_path / 'c.db'}")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE) as store,
        pytest.raises(StoreError, match="cannot be written"),
    ):
        backup(store, tmp_path / "file" / "b.zip", at=MADE)
    with pytest.raises(StoreError, match="no whole backup"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("data", [b"", b"PK", b"no backup at all" * 100])
def test_what_is_no_backup_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(StoreError, match="no whole backup"):
        restore(tmp_path / "b.zip", f"sqlite:///{tmp_path / 'c.db'}")
    with pytest.raises(StoreError, match="no whole backup"):
        read_manifest(tmp_path / "nowhere.zip")


def test_a_zip_without_a_table_or_of_another_format_is_refused(tmp_path: Path) -> None:
    with create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE) as store:
        manifest = backup(store, tmp_path / "b.zip", at=MADE)
    target = f"sqlite:///{tmp_path / 'c.db'}"
    later = msgspec.json.encode(msgspec.structs.replace(manifest, format=2))
    spoil(tmp_path / "b.zip", "manifest.json", lambda _: later)
    with pytest.raises(StoreError, match="format 2"):
        restore(tmp_path / "b.zip", target)
    spoil(tmp_path / "b.zip", "manifest.json", lambda _: msgspec.json.encode(manifest))
    spoil(tmp_path / "b.zip", "heads.parquet", lambda _: None)
    with pytest.raises(StoreError, match=r"heads\.parquet is missing"):
        restore(tmp_path / "b.zip", target)


def test_a_backup_of_a_newer_version_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    with create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE) as store:
        manifest = backup(store, tmp_path / "b.zip", at=MADE)
    newer = msgspec.json.encode(msgspec.structs.replace(manifest, revisions=("records_99",)))
    spoil(tmp_path / "b.zip", "manifest.json", lambda _: newer)
    with pytest.raises(StoreError, match="of a newer version: they are at records_99"):
        restore(tmp_path / "b.zip", f"sqlite:///{tmp_path / 'c.db'}")
    with pytest.raises(StoreError, match="no store"):
        open_store(f"sqlite:///{tmp_path / 'c.db'}")


def spoil(path: Path, part: str, change: Any) -> None:
    """Write the archive again with one member changed, or left out where `change` gives None."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[part] = change(members[part])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)
