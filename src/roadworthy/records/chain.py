"""The chain: how one row is hashed, and how a slot is checked.

A row's hash is SHA-256 over, in this order and big-endian:

    "RW1"                                  the format
    previous                               32 bytes: the hash of the row before it in its slot; zeros for the first
    slot, seq, nth, at_us, epoch, trial    uint32, uint64, uint64, int64, int64 (-1 for none), uint8
    seven lengths                          uint32 each, 0xffffffff for none
    seven fields                           record_id, kind, subject, actor, payload, key_id, sealed

so that no two different rows have the same encoding. The first row of a slot lists the heads of all slots at that time.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct as Packing

from msgspec import Struct

from roadworthy.records.entry import Entry, Head, Record
from roadworthy.records.moments import to_us

__all__ = ["FORMAT", "GENESIS", "NONE", "Verified", "chain_entry", "hash_row", "verify_rows"]

GENESIS = bytes(32)
FORMAT = b"RW1"
NONE = 0xFFFFFFFF
_HEADER = Packing(">IQQqqB7I")


def hash_row(
    previous: bytes,
    slot: int,
    seq: int,
    record_id: str,
    kind: str,
    subject: str,
    nth: int,
    actor: str,
    at_us: int,
    epoch: int | None,
    trial: bool,
    payload: bytes,
    key_id: str | None,
    sealed: bytes | None,
) -> bytes:
    """The hash of one row behind the row whose hash is `previous`.

    >>> row = (1, 1, "0", "decision", "A-1", 1, "ana", 0, None, False, b"{}", None, None)
    >>> hash_row(GENESIS, *row).hex()[:16]
    '8db64073762a3a9f'
    """
    a, b, c, d = record_id.encode(), kind.encode(), subject.encode(), actor.encode()
    e = b"" if key_id is None else key_id.encode()
    f = b"" if sealed is None else sealed
    header = _HEADER.pack(
        slot, seq, nth, at_us, -1 if epoch is None else epoch, trial,
        len(a), len(b), len(c), len(d), len(payload),
        NONE if key_id is None else len(e), NONE if sealed is None else len(f),
    )  # fmt: skip
    return sha256(b"".join((FORMAT, previous, header, a, b, c, d, payload, e, f))).digest()


def chain_entry(head: Head, entry: Entry, nth: int, epoch: int | None, trial: bool) -> Record:
    """The row that `entry` becomes behind `head`, as the `nth` record about its subject."""
    slot, seq, at_us = head.slot, head.seq + 1, to_us(entry.at)
    digest = hash_row(
        head.hash, slot, seq, entry.record_id, entry.kind, entry.subject, nth, entry.actor, at_us,
        epoch, trial, entry.payload, entry.key_id, entry.sealed,
    )  # fmt: skip
    return Record(
        slot, seq, entry.record_id, entry.kind, entry.subject, nth, entry.actor, at_us,
        epoch, trial, entry.payload, entry.key_id, entry.sealed, head.hash, digest,
    )  # fmt: skip


class Verified(Struct, frozen=True):
    """What a check of the chain found: `fault` is None, or the first difference in words."""

    records: int
    heads: tuple[Head, ...]
    fault: str | None

    def __bool__(self) -> bool:
        return self.fault is None


def verify_rows(rows: Iterable[Record], start: Head) -> tuple[Head, int, str | None]:
    """Check rows of one slot, in order, behind `start`: the head they end at, how many fit, the first fault in words.

    A row that was edited does not have its own hash; a row removed, inserted or moved leaves a step in `seq` or does
    not follow the row before it.
    """
    slot, seq, head = start.slot, start.seq, start.hash
    count = 0
    for row in rows:
        place = f"slot {slot}, row {seq + 1}"
        if row.slot != slot or row.seq != seq + 1:
            return Head(slot, seq, head), count, f"{place} is missing; slot {row.slot}, row {row.seq} stands there"
        if row.previous != head:
            return Head(slot, seq, head), count, f"{place} ({row.record_id}) does not follow the row before it"
        found = hash_row(
            head, slot, row.seq, row.record_id, row.kind, row.subject, row.nth, row.actor, row.at_us,
            row.epoch, row.trial, row.payload, row.key_id, row.sealed,
        )  # fmt: skip
        if found != row.hash:
            return Head(slot, seq, head), count, f"{place} ({row.record_id}) is not what was hashed"
        seq, head = row.seq, found
        count += 1
    return Head(slot, seq, head), count, None
