"""Any one row that is edited, removed, put in or moved is found and named: in a store, in a backup and in an archive.

The places hold the same small ledger of three slots. Somebody with every password changes it by hand: rows are read,
changed in Python and written back, past the guards; the files are written anew with manifests to match.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from roadworthy.records import (
    GENESIS,
    Head,
    Record,
    SignedHeads,
    SlotOpened,
    Store,
    Verified,
    archive,
    backup,
    create_store,
    encode_payload,
    export_heads,
    make_signing_key,
    verify_archive,
    verify_backup,
    verify_chain,
)
from roadworthy.records.archive_folder import ArchiveManifest
from roadworthy.records.chain import chain_entry
from roadworthy.records.schema import contents, heads, once, records
from roadworthy.testing.entries import Entries
from tests.faults.conftest import LONG
from tests.stores import MADE, another_store_url

Row = dict[str, Any]
COLUMNS = [column.name for column in records.columns]
SLOTS = 3
ROWS = 4


@dataclass
class Place:
    """Somewhere that holds the ledger: how its rows are read and written by hand, and how it is checked."""

    rows: Callable[[], list[Row]]
    put: Callable[[list[Row]], None]
    verify: Callable[[], Verified]
    kept: SignedHeads


def write_ledger(store: Store) -> None:
    """Three slots of four rows; each slot but the first is tied to those before it."""
    entries = Entries(4)

    def write(connection: Any) -> None:
        ends: list[Head] = []
        for slot in range(1, SLOTS + 1):
            known = tuple((head.slot, head.seq, head.hash.hex()) for head in ends)
            head = Head(slot, 0, GENESIS)
            opened = entries.entry(SlotOpened(heads=known), f"slot:{slot}")
            for entry in (opened, *(entries.decision() for _ in range(ROWS - 1))):
                row = chain_entry(head, entry, 1, None if slot == 2 else 7, trial=False)
                store.connections.insert(connection, records, [msgspec.structs.astuple(row)])
                head = Head(slot, row.seq, row.hash)
                if entry.kind == "decision":
                    connection.execute(
                        insert(once).values(caller="c", key=row.record_id, digest=b"d", record_id=row.record_id)
                    )
            connection.execute(insert(heads).values(slot=slot, seq=head.seq, hash=head.hash))
            ends.append(head)
        data = bytes(range(99))
        kept = {"digest": sha256(data).hexdigest(), "media_type": "x", "size": 99, "bytes": data}
        connection.execute(insert(contents).values(**kept))

    store.transact(write)


def forget_guards(store: Store) -> None:
    with store.connections.writer.connect() as connection:
        connection.begin()
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE records DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER records_no_update"))
            connection.execute(text("DROP TRIGGER records_no_delete"))
        connection.commit()


def in_store(store: Store, kept: SignedHeads) -> Place:
    forget_guards(store)

    def rows() -> list[Row]:
        with store.reading() as connection:
            found = connection.execute(select(records).order_by(records.c.slot, records.c.seq)).mappings()
            return [dict(row) for row in found]

    def put(changed: list[Row]) -> None:
        def write(connection: Any) -> None:
            connection.execute(delete(records))
            connection.execute(insert(records), changed)

        store.transact(write)

    return Place(rows, put, lambda: verify_chain(store, kept=[kept]), kept)


def in_backup(path: Path, kept: SignedHeads) -> Place:
    with ZipFile(path) as archived:
        members = {name: archived.read(name) for name in archived.namelist()}
    schema = pq.read_schema(io.BytesIO(members["records.parquet"]))

    def rows() -> list[Row]:
        found: list[Row] = pq.read_table(io.BytesIO(members["records.parquet"])).to_pylist()
        return found

    def put(changed: list[Row]) -> None:
        data = as_parquet(changed, schema)
        manifest = msgspec.json.decode(members["manifest.json"])
        for table in manifest["tables"]:
            if table["name"] == "records":
                table["sha256"] = sha256(data).hexdigest()
        fresh = members | {"records.parquet": data, "manifest.json": msgspec.json.encode(manifest)}
        with ZipFile(path, "w") as archived:
            for name, content in fresh.items():
                archived.writestr(name, content)

    return Place(rows, put, lambda: verify_backup(path, kept=[kept]), kept)


def in_archive(folder: Path, kept: SignedHeads) -> Place:
    """Rows go into the part of the slot that they name, as somebody would do it who takes care."""
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=ArchiveManifest)
    schema = pq.read_schema(folder / manifest.parts[0].name)

    def rows() -> list[Row]:
        return [row for part in manifest.parts for row in pq.read_table(folder / part.name).to_pylist()]

    def put(changed: list[Row]) -> None:
        parts = []
        for part in manifest.parts:
            mine = [row for row in changed if row["slot"] == part.slot or (part.slot == 1 and row["slot"] > SLOTS)]
            data = as_parquet(mine, schema)
            (folder / part.name).write_bytes(data)
            parts.append(msgspec.structs.replace(part, sha256=sha256(data).hexdigest()))
        (folder / "manifest.json").write_bytes(
            msgspec.json.encode(msgspec.structs.replace(manifest, parts=tuple(parts)))
        )

    return Place(rows, put, lambda: verify_archive(folder, kept=[kept]), kept)


def as_parquet(rows: list[Row], schema: pa.Schema) -> bytes:
    out = io.BytesIO()
    with pq.ParquetWriter(out, schema) as writer:
        for begin in range(0, len(rows), 5):  # several row groups, each of parts of two slots
            writer.write_table(pa.Table.from_pylist(rows[begin : begin + 5], schema))
    return out.getvalue()


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "backup", "archive"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    kind = "postgresql" if request.param == "postgresql" else "sqlite"
    entries = Entries(77)
    with create_store(another_store_url(kind, request, folder), store_id="a", at=MADE) as store:
        write_ledger(store)
        make_signing_key(folder / "signing.key")
        kept = export_heads(store, folder / "signing.key", at=MADE, actor="ana", new_id=entries.record_id)
        if request.param == "backup":
            backup(store, folder / "b.zip", at=MADE)
            yield in_backup(folder / "b.zip", kept)
        elif request.param == "archive":
            archive(store, folder / "archive", at=MADE)
            yield in_archive(folder / "archive", kept)
        else:
            yield in_store(store, kept)


def named(row: Row) -> str:
    return f"slot {row['slot']}, row {row['seq']}"


def check(place: Place, rows: list[Row], changed: list[Row], *said: str) -> None:
    """What was done is found, and the fault names one of the rows `said`; then it is undone."""
    place.put(changed)
    try:
        found = place.verify()
        assert found.fault is not None
        assert any(re.search(rf"{words}\b", found.fault) for words in said), found.fault
    finally:
        place.put(rows)


def others(name: str, value: Any) -> st.SearchStrategy[Any]:
    """Values that a column could have instead."""
    if name in ("payload", "sealed", "previous", "hash"):
        size = 32 if name in ("previous", "hash") else 0
        different: st.SearchStrategy[Any] = st.binary(min_size=size, max_size=max(size, 9))
        if value:
            flips = st.integers(0, 8 * len(value) - 1)
            flipped = flips.map(lambda bit: flip(value, bit))
            different = different | flipped
    elif name == "trial":
        different = st.booleans()
    elif isinstance(value, int) or name == "epoch":
        most = 2**31 - 1 if name == "slot" else 2**63 - 1
        different = st.integers(0 if name in ("slot", "seq", "nth") else -(2**63), most) | st.just(
            -1 if name == "epoch" else 1
        )
    else:
        different = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9)
    if name in ("epoch", "key_id", "sealed"):
        different = different | st.none()
    return different.filter(lambda other: other != value or type(other) is not type(value))


def flip(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


MANY = settings(
    max_examples=400 if LONG else 4, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edit_of_any_column_of_any_row_is_found_and_the_row_is_named(place: Place, column: str) -> None:
    """R23, R28: every row, with a value that hypothesis chooses."""

    @MANY
    @given(st.data())
    def edit(data: st.DataObject) -> None:
        rows = place.rows()
        at = data.draw(st.integers(0, len(rows) - 1))
        other = data.draw(others(column, rows[at][column]))
        moved = rows[at] | {column: other}
        taken = {(row["slot"], row["seq"]) for row in rows}
        if column in ("slot", "seq") and (moved["slot"], moved["seq"]) in taken:
            return  # two rows at one place: no store takes that
        if column == "record_id" and any(row[column] == other for row in rows):
            return
        changed = [dict(row) for row in rows]
        changed[at][column] = other
        if column == "slot" and not 1 <= other <= SLOTS:
            check(place, rows, changed, named(rows[at]), f"slot {other}")
        else:
            # A row that left its place is missed there, or where it is now.
            check(place, rows, changed, named(rows[at]), named(changed[at]), f"slot {rows[at]['slot']}")

    edit()


@pytest.mark.parametrize("number", range(SLOTS * ROWS + 1))
def test_a_row_removed_is_found_and_named(place: Place, number: int) -> None:
    rows = place.rows()
    gone = rows[number]
    check(
        place, rows, rows[:number] + rows[number + 1 :],
        f"{named(gone)} is missing", f"slot {gone['slot']} ends at row {gone['seq'] - 1}",
    )  # fmt: skip


@pytest.mark.parametrize("number", range(SLOTS * ROWS + 1))
def test_a_row_removed_and_the_gap_closed_is_found_and_named(place: Place, number: int) -> None:
    rows = place.rows()
    gone = rows[number]
    closed = [
        row | {"seq": row["seq"] - 1} if row["slot"] == gone["slot"] and row["seq"] > gone["seq"] else row
        for row in rows[:number] + rows[number + 1 :]
    ]
    check(place, rows, closed, named(gone), f"slot {gone['slot']} ends at row {gone['seq'] - 1}")


@pytest.mark.parametrize("number", range(SLOTS * ROWS + 1))
def test_a_row_put_in_is_found_and_named(place: Place, number: int) -> None:
    """A copy of a row, under another id and about something else, pushes the rows behind it on."""
    rows = place.rows()
    copied = rows[number]
    forged = copied | {"seq": copied["seq"] + 1, "record_id": "forged", "subject": "A-forged"}
    pushed = [
        row | {"seq": row["seq"] + 1} if row["slot"] == copied["slot"] and row["seq"] > copied["seq"] else row
        for row in rows
    ]
    at = number + 1
    check(place, rows, [*pushed[:at], forged, *pushed[at:]], f"{named(forged)} .*does not follow")


@pytest.mark.parametrize("number", range(SLOTS * ROWS))
def test_two_rows_that_changed_places_are_found_and_named(place: Place, number: int) -> None:
    rows = place.rows()
    one, other = rows[number], rows[number + 1]
    if one["slot"] != other["slot"]:
        other = rows[number - 1]
    here, there = {"slot": one["slot"], "seq": one["seq"]}, {"slot": other["slot"], "seq": other["seq"]}
    moved = [row | there if row is one else row | here if row is other else row for row in rows]
    moved.sort(key=lambda row: (row["slot"], row["seq"]))
    check(place, rows, moved, named(one), named(other))


def test_the_places_are_whole_before_and_after(place: Place) -> None:
    assert place.verify() == place.verify()
    found = place.verify()
    assert found.fault is None
    assert found.records == SLOTS * ROWS + 1


def rechain(rows: list[Row], begin: int) -> list[Row]:
    """Hash anew from row `begin` of the first slot on, as somebody would who knows the format."""
    from roadworthy.records.chain import hash_row

    done: list[Row] = []
    for number, row in enumerate(rows):
        fresh = dict(row)
        if row["slot"] == 1 and number >= begin:
            fresh["previous"] = done[number - 1]["hash"] if number else GENESIS
            fields = [fresh[name] for name in Record.__struct_fields__[:-2]]
            fresh["hash"] = hash_row(fresh["previous"], *fields)
        done.append(fresh)
    return done


def test_a_tail_hashed_anew_with_its_heads_is_seen_against_heads_kept_elsewhere(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    """The attacker has the database's password and the format, and not the heads that were exported."""
    entries = Entries(8)
    store.ledger.append([entries.decision() for _ in range(6)])
    make_signing_key(tmp_path / "signing.key")
    early = export_heads(store, tmp_path / "signing.key", at=MADE, actor="ana", new_id=entries.record_id)
    store.ledger.append([entries.decision() for _ in range(6)])
    late = export_heads(store, tmp_path / "signing.key", at=entries.now(), actor="ana", new_id=entries.record_id)
    place = in_store(store, late)
    rows = place.rows()
    rows[9]["actor"] = "eve"
    forged = rechain(rows, 9)
    place.put(forged)
    store.transact(lambda connection: connection.execute(update(heads).values(hash=forged[-1]["hash"])))
    assert verify_chain(store).fault is None  # nothing in the store itself shows it
    assert verify_chain(store, kept=[early]).fault is None  # it was not there yet
    found = verify_chain(store, kept=[late, early])
    assert found.fault is not None
    assert f"slot 1, row {late.heads.heads[0][1]} " in found.fault
    assert "hashed anew" in found.fault
    # A backup and an archive of what was forged say the same.
    backup(store, tmp_path / "b.zip", at=MADE)
    archive(store, tmp_path / "archive", at=MADE)
    assert "hashed anew" in str(verify_backup(tmp_path / "b.zip", kept=[late]).fault)
    assert "hashed anew" in str(verify_archive(tmp_path / "archive", kept=[late]).fault)
    # And so does a tail that is cut off with its head.
    place.put(rechain(rows, 99)[:4])
    cut = {"seq": 4, "hash": rows[3]["hash"]}
    store.transact(lambda connection: connection.execute(update(heads).values(**cut)))
    found = verify_chain(store, kept=[early])
    assert "ends at row 4: rows behind it were cut off" in str(found.fault)


def test_a_gap_in_the_numbers_about_a_subject_is_found_where_the_chain_itself_holds(store: Store) -> None:
    """A record removed and all behind it hashed anew: those about the same subject still tell."""
    entries = Entries(8)
    decision = entries.decision("A-1")
    store.ledger.append([decision, entries.final_answer(decision), entries.outcome("A-1")])
    place = in_store(store, None)  # type: ignore[arg-type]  # no heads were kept: that is the point
    rows = place.rows()
    gone = [row | {"seq": number + 1} for number, row in enumerate(rows[:2] + rows[3:])]
    forged = rechain(gone, 1)
    place.put(forged)
    store.transact(lambda connection: connection.execute(update(heads).values(seq=3, hash=forged[-1]["hash"])))
    found = verify_chain(store)
    assert f"slot 1, row 3 ({rows[3]['record_id']}) is number 3 about its subject, and number 2" in str(found.fault)


def test_a_key_that_points_at_nothing_and_a_content_that_was_changed_are_found(store: Store, tmp_path: Path) -> None:
    write_ledger(store)
    backup(store, tmp_path / "whole.zip", at=MADE)
    store.transact(lambda connection: connection.execute(update(contents).values(bytes=b"else")))
    backup(store, tmp_path / "content.zip", at=MADE)
    for found in (verify_chain(store), verify_backup(tmp_path / "content.zip")):
        assert re.search(r"the content kept as \w{64} is something else", str(found.fault))
    one = select(once.c.key).limit(1).scalar_subquery()
    store.transact(lambda connection: connection.execute(update(once).where(once.c.key == one).values(record_id="no")))
    backup(store, tmp_path / "once.zip", at=MADE)
    for found in (verify_chain(store), verify_backup(tmp_path / "once.zip")):
        assert found.fault == "a key of c points at record no, which is not there"
    assert verify_backup(tmp_path / "whole.zip").fault is None


def test_more_than_one_process_finds_the_same(store: Store, tmp_path: Path) -> None:
    write_ledger(store)
    archive(store, tmp_path / "archive", at=MADE)
    assert verify_archive(tmp_path / "archive", processes=2) == verify_chain(store)
    forget_guards(store)
    edit = update(records).where(records.c.slot == 2, records.c.seq == 3).values(actor="eve")
    store.transact(lambda connection: connection.execute(edit))
    assert "slot 2, row 3 " in str(verify_chain(store, processes=2).fault)


def test_the_payload_of_an_opening_is_what_ties_slots_together(store: Store) -> None:
    write_ledger(store)
    place = in_store(store, None)  # type: ignore[arg-type]  # the chains alone are asked
    rows = place.rows()
    rows[0]["actor"] = "eve"
    forged = rechain(rows, 0)
    place.put(forged)
    end = next(row for row in forged if row["slot"] == 1 and row["seq"] == ROWS)["hash"]
    store.transact(lambda connection: connection.execute(update(heads).where(heads.c.slot == 1).values(hash=end)))
    assert "slot 2 was opened behind slot 1, row 4, which is not the row it was then" in str(verify_chain(store).fault)
    assert encode_payload(SlotOpened(heads=())) != rows[ROWS]["payload"]
