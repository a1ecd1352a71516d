"""The check of a whole store: every row hashed again, every head met, every slot tied to those there before it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from roadworthy.records.chain import GENESIS, Verified, verify_rows
from roadworthy.records.entry import Head, Record
from roadworthy.records.kinds import SlotOpened, decode_payload
from roadworthy.records.ledger import read_heads, read_slot
from roadworthy.records.schema import records
from roadworthy.records.store import Store

__all__ = ["verify_chain", "verify_within"]

_AT_ONCE = 5000


def verify_chain(store: Store) -> Verified:
    """Hash every row again, slot by slot, in one snapshot; stops at the first difference and says where it is.

    A tail that was cut off together with its head is not seen here: that takes a head kept elsewhere.
    """
    with store.reading() as connection:
        return verify_within(connection)


def verify_within(connection: Connection) -> Verified:
    """`verify_chain` as of this transaction."""
    heads = read_heads(connection)
    slots = set(connection.execute(select(records.c.slot).distinct()).scalars())
    if stray := slots - {head.slot for head in heads}:
        return Verified(0, heads, f"slot {min(stray)} has rows and no head")
    total = 0
    for head in heads:
        end, count, fault = verify_rows(_stream(connection, head.slot), Head(head.slot, 0, GENESIS))
        total += count
        fault = fault or _check_end(end, head) or _check_ties(connection, head.slot)
        if fault is not None:
            return Verified(total, heads, fault)
    return Verified(total, heads, None)


def _stream(connection: Connection, slot: int) -> Iterator[Record]:
    rows = read_slot(connection, slot, 0, _AT_ONCE)
    while rows:
        yield from rows
        rows = read_slot(connection, slot, rows[-1].seq, _AT_ONCE)


def _check_end(end: Head, head: Head) -> str | None:
    if end.seq != head.seq:
        return f"slot {head.slot} ends at row {end.seq}; its head says {head.seq}"
    if end.hash != head.hash:
        return f"slot {head.slot}: its head is not the hash of its last row"
    return None


def _check_ties(connection: Connection, slot: int) -> str | None:
    """The heads that a slot's first row names are rows of this store."""
    first = read_slot(connection, slot, 0, 1)[0]
    if first.kind != "slot_opened":
        return f"slot {slot}, row 1 ({first.record_id}) does not open it"
    for other, seq, digest in decode_payload(first.payload, SlotOpened).heads:
        wanted = select(records.c.hash).where(records.c.slot == other, records.c.seq == seq)
        if connection.execute(wanted).scalar_one_or_none() != bytes.fromhex(digest):
            return f"slot {slot} was opened behind slot {other}, row {seq}, which is not the row it was then"
    return None
