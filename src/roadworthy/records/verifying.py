"""The check of a whole ledger: every row hashed again, every head met, every slot tied to those there before it.

What is checked, in this order, up to the first fault:

1. every row has its own hash and follows the row before it, and every slot ends at its head;
2. the heads that a slot's first row names are rows of the store; each signing key was introduced by the one before it;
3. heads that were kept elsewhere (`kept`) are rows of the store: nothing up to them was cut off or hashed anew;
4. the records about each subject are numbered without a gap, and every key once used points at a record;
5. kept contents are what their digests say.

A backup and an archive are checked by the same code (`Source`); ranges of rows are checked in processes of their own.
"""

from __future__ import annotations

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from secrets import randbits
from typing import Any

import numpy as np

from roadworthy.records.chain import GENESIS, Verified
from roadworthy.records.entry import Head
from roadworthy.records.kinds import SlotOpened, decode_payload
from roadworthy.records.marks import Hashes, Marker, Marks
from roadworthy.records.runs import Joining, Noted, Run
from roadworthy.records.signing import SIGNING_KEY, KeyIntroduced, SignedHeads, check_key_changes

__all__ = ["OnceRow", "Source", "verify_source"]

OnceRow = tuple[str, str]
"""A caller and the id of the record that one of their keys points at."""
_KEYS_AT_ONCE = 4_000_000
"""Keys are looked up among all records together, so many at a time: each look sorts the records anew."""


class Source(ABC):
    """A place that holds a ledger: what the check asks of it."""

    store_id: str
    whole = True

    @abstractmethod
    def heads(self) -> tuple[Head, ...]:
        """The heads as the place itself states them."""

    @abstractmethod
    def runs(self, seed: int) -> list[Callable[[], Run]]:
        """Checks of all rows, in order; each can be sent to another process."""

    def runs_by_place(self, seed: int) -> list[Callable[[], Run]] | None:  # noqa: ARG002  # of those who need it
        """The same, by slot and number, where `runs` takes the rows as they lie; else None."""
        return None

    def first_rows(self) -> dict[int, int]:
        """The slots that have rows, each with the number of its first, where that is easily told."""
        return {}

    @abstractmethod
    def find_row(self, slot: int, seq: int) -> tuple[str, bytes] | None:
        """The record id and the hash of a row."""

    def read_once(self) -> Iterator[Sequence[OnceRow]]:
        """Callers and the records that their keys point at, some thousands at a time."""
        return iter(())

    def more(self) -> list[Callable[[], str | None]]:
        """Whatever else is checked of such a place: each gives its fault, and can be sent to another process."""
        return []


def verify_source(source: Source, kept: Sequence[SignedHeads] = (), processes: int = 1) -> Verified:
    """Check the ledger that `source` holds."""
    seed = randbits(64)
    heads = source.heads()
    with Marks(sum(head.seq for head in heads)) as marks, _Workers(processes) as workers:
        joined, fault = Joining(), _check_slots(source)
        if fault is None:
            joined, fault = _join(workers.run(source.runs(seed)), marks)
        if joined.ends and fault is not None and (by_place := source.runs_by_place(seed)) is not None:
            with Marks(0) as unused:
                joined, fault = _join(workers.run(by_place), unused)
        fault = (
            fault
            or _check_ends(joined.ends, heads)
            or _check_ties(source, joined.noted)
            or check_key_changes([row for row in joined.noted if row.kind == SIGNING_KEY], source.store_id)
            or _check_kept(source, kept, joined.noted)
            or _check_numbers(source, marks)
            or _check_once(source, marks, Marker(seed))
            or next((found for found in workers.run(source.more()) if found is not None), None)
        )
    return Verified(joined.records, heads, fault)


class _Workers:
    """Runs checks here, or in processes of their own; the results come in the order of the checks."""

    def __init__(self, processes: int) -> None:
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))

    def run(self, checks: Sequence[Callable[[], Any]]) -> Iterator[Any]:
        if self._pool is None:
            return (check() for check in checks)
        return self._pool.map(_call, checks)

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _call(check: Callable[[], Any]) -> Any:
    return check()


def _join(runs: Iterator[Run], marks: Marks) -> tuple[Joining, str | None]:
    joined = Joining()
    for run in runs:
        fault = joined.take(run)
        if fault is not None:
            return joined, fault
        marks.add(run.marks)
    return joined, None


def _check_slots(source: Source) -> str | None:
    known = {head.slot for head in source.heads()}
    for slot, seq in sorted(source.first_rows().items()):
        if slot not in known:
            found = source.find_row(slot, seq)
            return f"slot {slot} has rows and no head; the first is row {seq} ({'' if found is None else found[0]})"
    return None


def _check_ends(ends: dict[int, Head], heads: Sequence[Head]) -> str | None:
    stated = {head.slot: head for head in heads}
    if stray := ends.keys() - stated.keys():
        return f"slot {min(stray)} has rows and no head"
    for slot, head in stated.items():
        end = ends.get(slot, Head(slot, 0, GENESIS))
        if end.seq != head.seq:
            return f"slot {slot} ends at row {end.seq}; its head says {head.seq}"
        if end.hash != head.hash:
            return f"slot {slot}: its head is not the hash of its last row"
    return None


def _check_ties(source: Source, noted: Sequence[Noted]) -> str | None:
    """Each slot's first row, and no other, opens it, and the heads that it names are rows of this store."""
    opened = {row.slot: row for row in noted if row.kind == "slot_opened" and row.seq == 1}
    for head in source.heads():
        row = opened.get(head.slot)
        if row is None:
            found = source.find_row(head.slot, 1)
            return f"slot {head.slot}, row 1 ({'' if found is None else found[0]}) does not open it"
        for other, seq, digest in decode_payload(row.payload, SlotOpened).heads:
            found = source.find_row(other, seq)
            if found is None and not source.whole:
                continue
            if found is None or found[1].hex() != digest:
                return f"slot {head.slot} was opened behind slot {other}, row {seq}, which is not the row it was then"
    return None


def _check_kept(source: Source, kept: Sequence[SignedHeads], noted: Sequence[Noted]) -> str | None:
    """What the heads that were kept show; the oldest first, so that a fault names the shortest span."""
    known = {decode_payload(row.payload, KeyIntroduced).public_key for row in noted if row.kind == SIGNING_KEY}
    for signed in sorted(kept, key=lambda signed: signed.heads.at):
        then = f"{signed.heads.at:%Y-%m-%d %H:%M} UTC"
        if signed.heads.store_id != source.store_id:
            return f"the heads of {then} are of another store: {signed.heads.store_id}, not {source.store_id}"
        for slot, seq, digest in signed.heads.heads:
            found = source.find_row(slot, seq)
            if found is None:
                last = next((head.seq for head in source.heads() if head.slot == slot), 0)
                return f"slot {slot} had {seq} rows at {then} and ends at row {last}: rows behind it were cut off"
            if found[1].hex() != digest:
                return (
                    f"slot {slot}, row {seq} ({found[0]}) is not the row that stood there at {then}: it, or a row "
                    "before it, was changed and the rest hashed anew"
                )
        if signed.public_key not in known:
            return (
                f"the heads of {then} are signed with a key that this store never introduced: {signed.public_key[:16]}"
            )
    return None


def _check_numbers(source: Source, marks: Marks) -> str | None:
    gap = marks.find_gap()
    if gap is None:
        return None
    found = source.find_row(gap.slot, gap.seq)
    named = "" if found is None else f" ({found[0]})"
    return (
        f"slot {gap.slot}, row {gap.seq}{named} is number {gap.nth} about its subject, and number {gap.nth - 1} is not "
        "there once"
    )


def _check_once(source: Source, marks: Marks, marker: Marker) -> str | None:
    lacking = _find_lacking(source, marks, marker)
    return None if lacking is None else _name_key(source, lacking, marker)


def _find_lacking(source: Source, marks: Marks, marker: Marker) -> Hashes | None:
    hashed = (_hash_ids(rows, marker) for rows in source.read_once())
    for some in _gather(hashed, _KEYS_AT_ONCE):
        lacking = some[marks.lacks(some)]
        if len(lacking):
            return lacking
    return None


def _hash_ids(rows: Sequence[OnceRow], marker: Marker) -> Hashes:
    return marker.hash([record_id.encode() for _, record_id in rows])


def _gather(parts: Iterator[Hashes], at_once: int) -> Iterator[Hashes]:
    """The same hashes in parts of `at_once` or a little more."""
    held: list[Hashes] = []
    for part in parts:
        held.append(part)
        if sum(map(len, held)) >= at_once:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def _name_key(source: Source, lacking: Hashes, marker: Marker) -> str:
    """The first key that points at no record: the keys are read again, for none of them is held."""
    for rows in source.read_once():
        found = np.isin(_hash_ids(rows, marker), lacking)
        if found.any():
            caller, record_id = rows[int(np.argmax(found))]
            return f"a key of {caller} points at record {record_id}, which is not there"
    raise AssertionError("the keys are those of the same snapshot")
