"""A value swapped for one of another type that reads the same is found and named (R23, R28).

SQLite keeps a text in a column of bytes and a fraction in a column of numbers; a Parquet file may state other types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from roadworthy.records import (
    Store,
    Verified,
    archive,
    create_store,
    new_wrapping_key,
    read_wrapping_text,
    verify_archive,
    verify_chain,
    verifying,
    whose,
)
from roadworthy.records.archive_folder import read_archive_manifest
from roadworthy.records.chain import hash_row
from roadworthy.records.marks import Marker
from roadworthy.records.parquet_rows import _chunk_batch, hash_file
from roadworthy.records.runs import ROW, Chunk, chunk_rows
from roadworthy.testing.entries import Entries
from tests.records.test_chain import ROWS as ANY_ROW
from tests.records.test_tampering import forget_guards
from tests.stores import MADE

TEXTS = ("record_id", "kind", "subject", "actor", "key_id")
BYTES = ("payload", "sealed", "previous", "hash")
NUMBERS = ("slot", "seq", "nth", "at_us", "epoch")
MADE_OF = {**dict.fromkeys(TEXTS, pa.string()), **dict.fromkeys(NUMBERS, pa.int64()), "trial": pa.bool_()}


def fill(store: Store) -> None:
    entries = Entries(11)
    made = [entries.decision(f"A-{number}") for number in range(9)]
    store.ledger.append([msgspec.structs.replace(entry, whose=whose(None, entry.subject)) for entry in made], epoch=0)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    """The opening of the slot and nine decisions with every field."""
    keys = read_wrapping_text(new_wrapping_key(), "the test")
    with create_store(f"sqlite:///{tmp_path / 'a.db'}", store_id="a", at=MADE, keys=keys) as store:
        fill(store)
        yield store


@pytest.mark.parametrize("row", [2, 5, 10])
@pytest.mark.parametrize(
    "change",
    [
        *(f"{name} = CAST({name} AS BLOB)" for name in TEXTS),
        *(f"{name} = CAST({name} AS TEXT)" for name in BYTES),
        *(f"{name} = {name} + 0.5" for name in NUMBERS if name != "at_us"),
        *(f"{name} = 'none'" for name in (*NUMBERS, "trial")),
        *(f"{name} = x'01'" for name in (*NUMBERS, "trial")),
        "trial = 0.5",
        "epoch = NULL",
        "epoch = -1",
        "key_id = NULL",
        "key_id = ''",
        "sealed = NULL",
        "sealed = x''",
        "payload = x''",
    ],
)
def test_a_value_of_another_type_is_found_and_its_row_named(filled: Store, change: str, row: int) -> None:
    assert verify_chain(filled).fault is None
    forget_guards(filled)
    edit(filled, f"UPDATE records SET {change} WHERE rowid = {row}")  # noqa: S608  # our own words
    assert_named(verify_chain(filled), row)


def test_an_opening_of_other_types_is_found_and_named(filled: Store) -> None:
    """The first row of all, with nothing before it that would miss it."""
    forget_guards(filled)
    edit(filled, "UPDATE records SET kind = CAST(kind AS BLOB), seq = 'first' WHERE rowid = 1")
    assert re.search(r"slot 1, row first \(.{36}\) is not what was hashed", str(verify_chain(filled).fault))


def edit(store: Store, statement: str) -> None:
    store.transact(lambda connection: connection.execute(text(statement)))


def assert_named(found: Verified, row: int) -> None:
    assert found.fault is not None
    assert f"row {row} " in found.fault or f"ends at row {row - 1}" in found.fault or "has rows and no" in found.fault


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        *((name, pa.float64()) for name in NUMBERS),
        *((name, pa.uint64()) for name in NUMBERS),
        *((name, pa.binary()) for name in TEXTS),
        ("payload", pa.string()),
        ("trial", pa.int8()),
    ],
)
def test_a_column_of_another_type_in_an_archive_is_found(
    filled: Store, tmp_path: Path, column: str, kind: pa.DataType
) -> None:
    archive(filled, tmp_path / "archive", at=MADE)
    folder = tmp_path / "archive"
    (part,) = read_archive_manifest(folder).parts
    table = pq.read_table(folder / part.name)
    place = table.schema.get_field_index(column)
    changed = table.set_column(place, column, table[column].cast(kind))
    if column == "slot":  # as many bits more as the header of a row has no room for
        values = pa.array([2**32 + 1 if row == 4 else 1 for row in range(10)], pa.int64())
        changed = table.set_column(place, column, values)
    pq.write_table(changed, folder / part.name)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    manifest["parts"][0]["sha256"] = hash_file(folder / part.name)
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    found = verify_archive(folder)
    if kind in (pa.uint64(), pa.int8()) and column != "slot":  # the same numbers, in a file that says so in another way
        assert found.fault is None
    else:
        assert "slot" in str(found.fault)


@given(st.lists(ANY_ROW, min_size=1, max_size=9))
def test_rows_of_a_store_and_of_a_parquet_file_hash_as_the_format_says(rows: list[msgspec.Struct]) -> None:
    """The ways to put together what is hashed, by the field, by the row and by the column, give the same bytes."""
    told = [msgspec.structs.asdict(row) | {"hash": bytes(32)} for row in rows]
    fields = [name for name in ANY if name not in ("previous", "hash")]
    expected = [hash_row(row["previous"], *(row[name] for name in fields)) for row in told]
    given_by_driver = [
        tuple(row[name].encode() if isinstance(row[name], str) else row[name] for name in ROW) for row in told
    ]
    batch = pa.record_batch(
        [pa.array([row[name] for row in told], MADE_OF.get(name, pa.binary())) for name in ROW], list(ROW)
    )
    by_row, by_column = chunk_rows(given_by_driver), _chunk_batch(batch)
    assert by_row.digest == by_column.digest == expected
    for name in ("slot", "seq", "kind", "previous", "hash"):
        assert list(getattr(by_row, name)) == list(getattr(by_column, name))
    assert mark(by_row) == mark(by_column)
    # A slice of a larger batch, as readers give them, is cut where it begins.
    assert _chunk_batch(batch.slice(len(rows) // 2)).digest == expected[len(rows) // 2 :]
    assert list(_chunk_batch(batch.slice(len(rows) // 2)).previous) == list(by_row.previous[len(rows) // 2 :])


ANY = ("slot", "seq", "record_id", "kind", "subject", "nth", "actor", "at_us", "epoch", "trial", "payload", "key_id",
       "sealed", "previous", "hash")  # fmt: skip


def mark(chunk: Chunk) -> bytes:
    return Marker(7).mark(chunk.slot, chunk.seq, chunk.nth, chunk.subject, chunk.record_id)


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_a_key_that_points_at_nothing_is_named_however_many_are_looked_up_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(verifying, "_KEYS_AT_ONCE", at_once)
    entries = Entries(3)
    store.ledger.append([entries.decision(key=f"k-{number}") for number in range(7)])
    assert verify_chain(store).fault is None
    gone = "UPDATE once SET record_id = 'no' WHERE key = 'k-5'"
    store.transact(lambda connection: connection.execute(text(gone)))
    assert verify_chain(store).fault == "a key of webshop points at record no, which is not there"
