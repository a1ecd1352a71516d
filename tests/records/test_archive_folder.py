"""An archive grows with its store, is never written over, and stands by itself (R23, R28)."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from roadworthy.errors import Refused, StoreError
from roadworthy.records import (
    Store,
    archive,
    create_store,
    export_heads,
    make_signing_key,
    read_archive_manifest,
    verify_archive,
    verify_chain,
)
from roadworthy.records import archive_folder as room
from roadworthy.testing.entries import Entries
from tests.stores import MADE


def fill(store: Store, seed: int, count: int = 20) -> None:
    entries = Entries(seed)
    store.ledger.append([entries.decision() for _ in range(count)])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_an_export_goes_on_where_the_one_before_stopped(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PART_ROWS", 8)
    folder = tmp_path / "archive"
    fill(store, 1)
    assert (archive(store, folder, at=MADE).records, len(files(folder))) == (21, 3)
    first = files(folder)
    assert archive(store, folder, at=MADE).records == 0
    fill(store, 2)
    done = archive(store, folder, at=MADE)
    assert done.records == 20
    assert {name: data for name, data in files(folder).items() if name in first} == first
    found = verify_archive(folder)
    assert (found.fault, found.records, found.heads) == (None, 41, verify_chain(store).heads)
    assert pq.read_table(folder / "records").num_rows == 41


@pytest.mark.parametrize("write", ["_write_manifest", "hash_file"])
def test_an_export_that_was_broken_off_goes_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    monkeypatch.setattr(room, "_PART_ROWS", 8)
    folder = tmp_path / "archive"
    fill(store, 1)
    calls = 0
    real = getattr(room, write)

    def die(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(room, write, die)
        with pytest.raises(KeyboardInterrupt):
            archive(store, folder, at=MADE)
    assert verify_archive(folder).fault is None
    assert not read_archive_manifest(folder).whole
    archive(store, folder, at=MADE)
    assert (verify_archive(folder).fault, verify_archive(folder).records) == (None, 21)
    assert len(files(folder)) == 3


def test_an_archive_takes_no_row_that_does_not_verify_and_none_behind_a_row_that_changed(tmp_path: Path) -> None:
    with create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE) as store:
        fill(store, 1)
        archive(store, tmp_path / "archive", at=MADE)
        fill(store, 2)
        with store.connections.writer.connect() as connection:
            connection.begin()
            connection.execute(text("DROP TRIGGER records_no_update"))
            connection.execute(text("UPDATE records SET actor = 'eve' WHERE seq = 30"))
            connection.commit()
        with pytest.raises(StoreError, match=r"does not verify: slot 1, row 30 .* is not what was hashed"):
            archive(store, tmp_path / "archive", at=MADE)
        assert verify_archive(tmp_path / "archive").records == 21
        with store.connections.writer.connect() as connection:
            connection.begin()
            connection.execute(text("UPDATE records SET hash = previous WHERE seq = 21"))
            connection.commit()
        with pytest.raises(Refused, match="row 21, the last that was archived, is another one now"):
            archive(store, tmp_path / "archive", at=MADE)


def test_an_archive_is_of_one_store(store: Store, tmp_path: Path) -> None:
    fill(store, 1)
    archive(store, tmp_path / "archive", at=MADE)
    with (
        create_store(f"sqlite:///{tmp_path / 'b.db'}", store_id="b", at=MADE) as other,
        pytest.raises(Refused, match="of another store: a-store"),
    ):
        archive(other, tmp_path / "archive", at=MADE)


def test_a_part_that_is_missing_damaged_or_outside_is_named(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    fill(store, 1)
    (part,) = archive(store, folder, at=MADE).manifest.parts
    whole = (folder / part.name).read_bytes()
    for damaged in (whole[:-1], b"", whole[:200] + bytes(50) + whole[250:]):
        (folder / part.name).write_bytes(damaged)
        assert part.name in str(verify_archive(folder).fault) or "slot 1" in str(verify_archive(folder).fault)
    (folder / part.name).unlink()
    assert part.name in str(verify_archive(folder).fault)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(part.name, "../outside.parquet"))
    with pytest.raises(StoreError, match="outside"):
        verify_archive(folder)
    with pytest.raises(StoreError, match="no archive"):
        verify_archive(tmp_path)


def test_signed_heads_that_lie_in_an_archive_are_checked_with_it(store: Store, tmp_path: Path) -> None:
    entries = Entries(9)
    make_signing_key(tmp_path / "signing.key")
    fill(store, 1)
    signed = export_heads(store, tmp_path / "signing.key", at=MADE, actor="ana", new_id=entries.record_id)
    archive(store, tmp_path / "archive", at=MADE, signed=signed)
    assert verify_archive(tmp_path / "archive").fault is None
    (kept,) = (tmp_path / "archive" / "heads").iterdir()
    kept.write_text(kept.read_text().replace("a-store", "b-store"))
    with pytest.raises(StoreError, match="signature"):
        verify_archive(tmp_path / "archive")
