"""A key for each applicant: what a record seals is ciphertext, opens with its key alone, and is gone with it (R30)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec
import pytest
from sqlalchemy import update

from roadworthy.errors import Gone, StoreError, UsageError
from roadworthy.records import (
    Conflict,
    Entry,
    Erased,
    Erasure,
    Particulars,
    Recorded,
    Replayed,
    Store,
    Wanted,
    WrappingKeys,
    begin_rotation,
    create_store,
    decode_payload,
    make_wrapping_file,
    metadata,
    new_wrapping_key,
    open_store,
    read_wrapping_file,
    read_wrapping_text,
    rebuild_projections,
    rotate_wrapping_key,
    search_applications,
    verify_chain,
    whose,
)
from roadworthy.records import wrapping as wrapping_room
from roadworthy.records.key_files import replace_key_file
from roadworthy.testing.entries import Entries
from tests.stores import MADE

_keys = metadata.tables["applicant_keys"]


@pytest.fixture
def keys(tmp_path: Path) -> WrappingKeys:
    return make_wrapping_file(tmp_path / "wrapping.key")


@pytest.fixture
def sealed_store(store_url: str, keys: WrappingKeys) -> Iterator[Store]:
    with create_store(store_url, store_id="a-store", at=MADE, keys=keys) as store:
        yield store


@pytest.fixture
def entries() -> Entries:
    return Entries(1)


def about(entry: Entry, applicant: str | None) -> Entry:
    """The entry as it is appended for this applicant."""
    assert entry.sealed is not None
    told = msgspec.structs.replace(decode_payload(entry.sealed, Particulars), applicant_id=applicant)
    return msgspec.structs.replace(
        entry, sealed=msgspec.json.encode(told, order="deterministic"), whose=whose(applicant, entry.subject)
    )


def destroy(store: Store, key_id: str, subject: str, entries: Entries) -> None:
    def work(connection: object) -> None:
        gone = {"wrapped": None, "who": None, "wrapping": None, "destroyed_us": 1}
        connection.execute(update(_keys).where(_keys.c.key_id == key_id).values(**gone))  # type: ignore[attr-defined]  # a connection
        store.ledger.append([entries.entry(Erasure(key_ids=(key_id,)), subject)], within=connection)  # type: ignore[arg-type]  # the same

    store.transact(work)


def test_what_is_sealed_is_ciphertext_that_its_own_record_opens(sealed_store: Store, entries: Entries) -> None:
    one, two = about(entries.decision("A-1"), "C-9"), about(entries.decision("A-2"), "C-9")
    other, alone = about(entries.decision("A-3"), "C-8"), about(entries.decision("A-4"), None)
    sealed_store.ledger.append([one, other], epoch=0)
    sealed_store.ledger.append([two, alone], epoch=0)
    records = [sealed_store.ledger.find(each.record_id) for each in (one, two, other, alone)]
    assert all(record is not None for record in records)
    assert list(sealed_store.ledger.unseal(records)) == [  # type: ignore[arg-type]  # all are there
        each.sealed for each in (one, two, other, alone)
    ]
    key_ids = [record.key_id for record in records if record is not None]
    assert key_ids[0] == key_ids[1], "an applicant has one key"
    assert len(set(key_ids)) == 3
    for record, entry in zip(records, (one, two, other, alone), strict=True):
        assert record is not None
        assert record.sealed is not None
        assert entry.sealed is not None
        assert b"column_1" not in record.sealed
        assert len(record.sealed) == len(entry.sealed) + 28
    swapped = msgspec.structs.replace(records[0], sealed=records[1].sealed)  # type: ignore[type-var, union-attr]  # there
    with pytest.raises(StoreError, match="not what was sealed"):
        sealed_store.ledger.unseal([swapped])  # type: ignore[list-item]  # a record
    assert verify_chain(sealed_store).fault is None
    with sealed_store.reading() as connection:
        who = connection.exec_driver_sql("SELECT who FROM applicant_keys").scalars().all()
        assert not any("C-9" in name for name in who)
        assert [one.application_id for one in search_applications(connection, Wanted(applicant_id="C-8")).applications]


def test_projections_are_made_again_from_what_the_keys_open(sealed_store: Store, entries: Entries) -> None:
    sealed_store.ledger.append([about(entries.decision(f"A-{n}"), f"C-{n % 3}") for n in range(6)], epoch=0)

    def find() -> list[str]:
        with sealed_store.reading() as connection:
            return [a.application_id for a in search_applications(connection, Wanted(applicant_id="C-1")).applications]

    before = find()
    assert sorted(before) == ["A-1", "A-4"]
    rebuild_projections(sealed_store)
    assert find() == before


def test_a_repeat_is_told_from_another_body_until_it_is_erased(sealed_store: Store, entries: Entries) -> None:
    first = about(entries.decision("A-1", key="k", body="a"), "C-1")
    (made,) = sealed_store.ledger.append([first], epoch=0).results
    assert isinstance(made, Recorded)
    assert first.once is not None
    with sealed_store.reading() as connection:
        kept = bytes(connection.exec_driver_sql("SELECT digest FROM once").scalar_one())
    assert kept != first.once.digest, "nobody can try bodies against it"
    # The digest is compared under the key of what was recorded, whoever the repeat says it is about.
    for applicant in ("C-1", "C-2"):
        again = about(entries.decision("A-1", key="k", body="a"), applicant)
        (result,) = sealed_store.ledger.append([again], epoch=0).results
        assert isinstance(result, Replayed)
        other = about(entries.decision("A-1", key="k", body="b"), applicant)
        (result,) = sealed_store.ledger.append([other], epoch=0).results
        assert isinstance(result, Conflict)
    with sealed_store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM applicant_keys").scalar_one() == 1
    record = sealed_store.ledger.find(first.record_id)
    assert record is not None
    assert record.key_id is not None
    destroy(sealed_store, record.key_id, "A-1", entries)
    for body in "ab":
        again = about(entries.decision("A-1", key="k", body=body), "C-1")
        (result,) = sealed_store.ledger.append([again], epoch=0).results
        assert isinstance(result, Erased)
        assert again.once is not None
        assert isinstance(sealed_store.ledger.seen(again.once), Erased)
    assert sealed_store.ledger.unseal([record]) == [None]
    assert verify_chain(sealed_store).fault is None
    with pytest.raises(Gone) as gone:
        sealed_store.ledger.append([about(entries.decision("A-1"), "C-1"), about(entries.decision("A-2"), None)])
    assert gone.value.subjects == {"A-1"}
    fresh = about(entries.decision("A-9"), "C-1")
    sealed_store.ledger.append([fresh], epoch=0)
    found = sealed_store.ledger.find(fresh.record_id)
    assert found is not None
    assert found.key_id != record.key_id, "who comes again has a new key"
    rebuild_projections(sealed_store)


def test_races_for_one_applicant_end_in_one_key(store_url: str, keys: WrappingKeys) -> None:
    """The same applicant at the same moment on several replicas, and the same request sent to all of them."""
    create_store(store_url, store_id="a", at=MADE, keys=keys).close()
    replicas = [open_store(store_url, keys=keys) for _ in range(4)]
    barrier = Barrier(4)

    def work(n: int) -> list[object]:
        own = Entries(100 + n)
        results: list[object] = []
        for turn in range(5):
            barrier.wait(60)
            batch = [about(own.decision(f"A-{turn}-{n}-{i}"), f"C-{turn}-{i}") for i in range(3)]
            same = about(own.decision(f"S-{turn}", key=f"k{turn}", body="same"), f"S-{turn}")
            results += replicas[n].ledger.append([same, *batch], epoch=0).results[:1]
        return results

    try:
        with ThreadPoolExecutor(4) as pool:
            results = [result for made in pool.map(work, range(4)) for result in made]
        assert sum(isinstance(result, Recorded) for result in results) == 5
        assert sum(isinstance(result, Replayed) for result in results) == 15
        with replicas[0].reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM applicant_keys").scalar_one() == 20
        records = [record for record in replicas[0].ledger.read(limit=1000).records if record.kind == "decision"]
        assert None not in replicas[1].ledger.unseal(records)
        assert verify_chain(replicas[0]).fault is None
    finally:
        for replica in replicas:
            replica.close()


def test_an_encrypted_store_opens_with_its_key_alone_and_says_which(
    store_url: str, sealed_store: Store, keys: WrappingKeys
) -> None:
    with pytest.raises(StoreError, match="encrypted") as refused:
        open_store(store_url)
    assert keys.newest.key_id in refused.value.message
    assert "wrapping_key_file" in str(refused.value.mend)
    with pytest.raises(StoreError, match=keys.newest.key_id) as wrong:
        open_store(store_url, keys=read_wrapping_text(new_wrapping_key(), "ROADWORTHY_WRAPPING_KEY"))
    assert wrong.value.where == "ROADWORTHY_WRAPPING_KEY"
    open_store(store_url, keys=read_wrapping_text(f"{new_wrapping_key()},{keys.newest.word}", "env")).close()


def test_a_store_from_before_stays_readable_and_is_encrypted_from_then_on(
    store_url: str, keys: WrappingKeys, entries: Entries
) -> None:
    before = about(entries.decision("A-1", key="k", body="a"), "C-1")
    with create_store(store_url, store_id="a", at=MADE) as plain:
        plain.ledger.append([before], epoch=0)
    after = about(entries.decision("A-2"), "C-1")
    with open_store(store_url, keys=keys) as store:
        store.ledger.append([after], epoch=0)
        records = [store.ledger.find(each.record_id) for each in (before, after)]
        assert [record.key_id is None for record in records if record is not None] == [True, False]
        assert store.ledger.unseal(records) == [before.sealed, after.sealed]  # type: ignore[arg-type]  # both are there
        again = about(entries.decision("A-1", key="k", body="a"), "C-1")
        assert isinstance(store.ledger.append([again]).results[0], Replayed)
        assert verify_chain(store).fault is None
    with pytest.raises(StoreError, match="encrypted"):
        open_store(store_url)


def test_a_wrapping_key_is_rotated_while_others_write(store_url: str, keys: WrappingKeys, entries: Entries) -> None:
    assert keys.path is not None
    with (
        create_store(store_url, store_id="a", at=MADE, keys=keys) as store,
        open_store(store_url, keys=read_wrapping_file(keys.path)) as replica,
    ):
        first = [about(entries.decision(f"A-{n}"), f"C-{n}") for n in range(5)]
        store.ledger.append(first, epoch=0)
        replica.ledger.append([about(entries.decision("B-0"), "C-1")], epoch=0)
        old = keys.newest.key_id
        rotated = rotate_wrapping_key(store, keys)
        assert (rotated.rewrapped, rotated.retired) == (5, (old,))
        assert keys.newest.key_id == rotated.key_id != old
        assert len(keys.keys) == 1
        # Who held the old key reads the file again.
        late = about(entries.decision("B-1"), "C-77")
        replica.ledger.append([late], epoch=0)
        records = [record for record in replica.ledger.read(limit=100).records if record.kind == "decision"]
        assert None not in replica.ledger.unseal(records)
        with store.reading() as connection:
            by = set(connection.exec_driver_sql("SELECT wrapping FROM applicant_keys").scalars())
        assert by == {rotated.key_id}


@pytest.mark.parametrize("fails_at", range(6))
def test_a_rotation_cut_off_anywhere_leaves_a_store_that_opens_and_goes_on(
    fails_at: int, tmp_path: Path, keys: WrappingKeys, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write to the file and every transaction of a rotation is a step; each is the one that it dies at."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    assert keys.path is not None
    with create_store(url, store_id="a", at=MADE, keys=keys) as store:
        made = [about(entries.decision(f"A-{n}"), f"C-{n}") for n in range(3)]
        store.ledger.append(made, epoch=0)
        steps = 0

        def count_down() -> None:
            nonlocal steps
            steps += 1
            if steps == fails_at + 1:
                raise KeyboardInterrupt

        transact, replace = store.connections.transact, replace_key_file

        def dying_transact(work: object) -> object:
            count_down()
            return transact(work)  # type: ignore[arg-type]  # whatever it was given

        def dying_replace(path: Path, data: bytes) -> None:
            count_down()
            replace(path, data)

        monkeypatch.setattr(store.connections, "transact", dying_transact)
        monkeypatch.setattr(wrapping_room, "replace_key_file", dying_replace)
        monkeypatch.setattr("roadworthy.records.rotating._AT_ONCE", 2)
        try:
            rotate_wrapping_key(store, keys)
        except KeyboardInterrupt:
            pass
        else:
            assert fails_at >= 6, "a step that nothing was cut off at proves nothing"
        monkeypatch.undo()
    with open_store(url, keys=read_wrapping_file(keys.path)) as store:
        again = about(entries.decision("A-9"), "C-9")
        store.ledger.append([again], epoch=0)
        keys = read_wrapping_file(keys.path)
        rotated = rotate_wrapping_key(store, keys)
        records = [record for record in store.ledger.read(limit=100).records if record.kind == "decision"]
        assert [*store.ledger.unseal(records)] == [each.sealed for each in (*made, again)]
        assert [key.key_id for key in keys.keys] == [rotated.key_id]


def test_a_rotation_begun_is_carried_to_other_machines_before_it_is_done(
    tmp_path: Path, keys: WrappingKeys, entries: Entries
) -> None:
    url, words = f"sqlite:///{tmp_path / 'store.db'}", keys.newest.word
    with create_store(url, store_id="a", at=MADE, keys=keys) as store:
        store.ledger.append([about(entries.decision("A-1"), "C-1")], epoch=0)
        new = begin_rotation(keys)
        assert next(key.key_id for key in keys.keys) == new
        assert rotate_wrapping_key(store, keys).key_id == new
        by_variable = read_wrapping_text(keys.newest.word, "ROADWORTHY_WRAPPING_KEY")
        with pytest.raises(UsageError, match="environment"):
            rotate_wrapping_key(store, by_variable)
    with pytest.raises(StoreError, match=new):
        open_store(url, keys=read_wrapping_text(words, "ROADWORTHY_WRAPPING_KEY"))


@pytest.mark.parametrize("text", ["", "# only a comment\n", "rww_short", "a password", "rww_" + "é" * 43])
def test_a_file_without_a_key_is_said_to_be_one(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrapping.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(StoreError) as error:
        read_wrapping_file(path)
    assert str(path) == error.value.where
    assert text == "" or text not in str(error.value)


def test_a_key_shows_in_no_message(tmp_path: Path) -> None:
    word = new_wrapping_key()
    keys = read_wrapping_text(word, "env")
    assert word not in repr(keys.newest)
    with pytest.raises(StoreError) as error:
        keys.find("another")
    assert word not in str(error.value)
    assert word[4:] not in str(error.value)
    assert os.environ.get("ROADWORTHY_WRAPPING_KEY") is None
    with pytest.raises(StoreError, match="not what was wrapped"):
        keys.newest.unwrap(keys.newest.wrap(b"x" * 32, "one"), "another")
