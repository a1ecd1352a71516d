"""Every single edit, removal, insertion and exchange of rows is found and named; a cut tail against a head kept."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from roadworthy.records import GENESIS, Head, Record, Store, verify_chain, verify_rows
from roadworthy.records.chain import hash_row
from roadworthy.records.schema import records
from roadworthy.testing.entries import Entries

Deed = Callable[[Store], None]


def fill(store: Store) -> None:
    entries = Entries(11)
    store.ledger.append([entries.decision(f"A-{number}") for number in range(9)])


def by_hand(store: Store, *statements: str) -> None:
    """What somebody with the database's own password can do."""
    with store.connections.writer.connect() as connection:
        connection.begin()
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE records DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER records_no_update"))
            connection.execute(text("DROP TRIGGER records_no_delete"))
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


COLUMNS = ", ".join(column.name for column in records.columns)


INSERT = (
    f"INSERT INTO records ({COLUMNS}) "  # noqa: S608  # our own names
    "SELECT slot, 11, 'forged', kind, 'A-99', nth, actor, at_us, epoch, trial, payload, key_id, sealed, previous, hash "
    "FROM records WHERE seq = 10"
)
EDITED = "row 5 .* is not what was hashed"
MOVED = "row 5 .* does not follow"


def move(old: int, new: int) -> str:
    return f"UPDATE records SET seq = {new} WHERE seq = {old}"  # noqa: S608  # our own numbers


@pytest.mark.parametrize(
    ("fault", "statements"),
    [
        (EDITED, ["UPDATE records SET actor = 'eve' WHERE seq = 5"]),
        (EDITED, ["UPDATE records SET at_us = at_us + 1 WHERE seq = 5"]),
        (EDITED, ["UPDATE records SET trial = NOT trial WHERE seq = 5"]),
        (EDITED, ["UPDATE records SET epoch = 0 WHERE seq = 5"]),
        (EDITED, ["UPDATE records SET sealed = NULL WHERE seq = 5"]),
        (EDITED, ["UPDATE records SET nth = 2 WHERE seq = 5"]),
        (EDITED, ["UPDATE records SET hash = previous WHERE seq = 5"]),
        (MOVED, ["UPDATE records SET previous = hash WHERE seq = 5"]),
        ("row 5 is missing", ["DELETE FROM records WHERE seq = 5"]),
        (MOVED, ["DELETE FROM records WHERE seq = 5", move(6, 5), move(7, 6)]),
        (MOVED, [move(5, 50), move(6, 5), move(50, 6)]),
        ("row 11 .* does not follow", [INSERT]),
        ("ends at row 8; its head says 10", ["DELETE FROM records WHERE seq > 8"]),
        ("its head is not the hash", ["UPDATE heads SET hash = (SELECT previous FROM records WHERE seq = 10)"]),
        ("slot 1 has rows and no head", ["DELETE FROM heads"]),
        ("slot 7 has rows and no head", ["UPDATE records SET slot = 7 WHERE seq = 10"]),
    ],
)
def test_what_is_done_to_the_rows_is_found_and_named(store: Store, fault: str, statements: list[str]) -> None:
    fill(store)
    assert verify_chain(store).records == 10
    by_hand(store, *statements)
    found = verify_chain(store)
    assert not found
    assert found.fault is not None
    assert re.search(fault, found.fault), found.fault


def test_a_tail_cut_off_with_its_head_is_seen_only_against_a_head_kept_elsewhere(store: Store) -> None:
    fill(store)
    (kept,) = store.ledger.heads()
    by_hand(
        store,
        "DELETE FROM records WHERE seq > 8",
        "UPDATE heads SET seq = 8, hash = (SELECT hash FROM records WHERE seq = 8)",
    )
    assert verify_chain(store)
    assert store.ledger.heads() != (kept,)


def test_one_row_is_hashed_as_the_format_says() -> None:
    row = (3, 4, "id", "decision", "A-1", 2, "ana", -5, None, True, b"{}", None, b"")
    expected = b"RW1" + bytes(32) + struct.pack(">IQQqqB", 3, 4, 2, -5, -1, 1)
    expected += struct.pack(">7I", 2, 8, 3, 3, 2, 0xFFFFFFFF, 0) + b"id" + b"decision" + b"A-1" + b"ana" + b"{}"
    assert hash_row(GENESIS, *row) == hashlib.sha256(expected).digest()


ROWS = st.builds(
    Record,
    slot=st.integers(0, 99),
    seq=st.integers(1, 2**63 - 1),
    record_id=st.text(max_size=3),
    kind=st.text(max_size=3),
    subject=st.text(max_size=3),
    nth=st.integers(1, 2**63 - 1),
    actor=st.text(max_size=3),
    at_us=st.integers(-(2**63), 2**63 - 1),
    epoch=st.none() | st.integers(0, 2**63 - 1),
    trial=st.booleans(),
    payload=st.binary(max_size=3),
    key_id=st.none() | st.text(max_size=3),
    sealed=st.none() | st.binary(max_size=3),
    previous=st.binary(min_size=32, max_size=32),
    hash=st.just(b""),
)


def digest(row: Record) -> bytes:
    return hash_row(row.previous, *(getattr(row, name) for name in Record.__struct_fields__[:-2]))


@given(ROWS, ROWS)
def test_rows_that_differ_have_other_hashes(one: Record, other: Record) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@given(ROWS, st.data())
def test_moving_a_byte_from_one_field_to_the_next_changes_the_hash(row: Record, data: st.DataObject) -> None:
    first, second = data.draw(st.sampled_from([("record_id", "kind"), ("kind", "subject"), ("subject", "actor")]))
    text_ = getattr(row, first)
    if text_:
        moved = msgspec.structs.replace(row, **{first: text_[:-1], second: text_[-1] + getattr(row, second)})
        assert digest(moved) != digest(row)


def test_rows_can_be_checked_away_from_a_store(store: Store) -> None:
    fill(store)
    page = store.ledger.read()
    end, count, fault = verify_rows(page.records, Head(page.records[0].slot, 0, GENESIS))
    assert (end, count, fault) == (store.ledger.heads()[0], 10, None)
    end, count, fault = verify_rows(page.records[4:], Head(end.slot, 4, page.records[3].hash))
    assert (count, fault) == (6, None)
    assert "row 1 is missing" in (verify_rows(page.records[4:], Head(end.slot, 0, GENESIS))[2] or "")
