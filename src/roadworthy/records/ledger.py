"""The ledger: facts appended in chains, under the route's epoch, once for each key.

What every store shares is here; a store adds how it claims keys and holds a slot (see `stores`). Every append is one
transaction:

1. wait out a change of route, then read epoch and trial flag: a batch of another epoch goes no further;
2. claim the keys: who comes second gets what was recorded first, and leaves no gap;
3. take the slot's head, number and chain the rows, write them, and let the projections follow;
4. write the head, commit, and only then return.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from msgspec import structs
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from roadworthy.errors import Gone, StaleEpoch, UsageError
from roadworthy.records.chain import chain_entry
from roadworthy.records.connections import Connections, Verdict
from roadworthy.records.entry import (
    Appended,
    Conflict,
    Entry,
    Erased,
    Head,
    Once,
    Page,
    Record,
    Recorded,
    Replayed,
    Result,
    check_entry,
)
from roadworthy.records.keys import ApplicantKeys, Sealed, Taken, digest_under, plain_of
from roadworthy.records.kinds import SlotOpened, encode_payload
from roadworthy.records.moments import to_us
from roadworthy.records.projections import project
from roadworthy.records.route import Live, Route, RouteChange, read_route
from roadworthy.records.schema import applications, heads, once, records, route, route_history, store
from roadworthy.records.wrapping import WrappingKeys

__all__ = ["Ledger"]


class Ledger(ABC):
    """Append-only records of one store, the route they are made under, and the heads of their chains."""

    def __init__(self, connections: Connections, wrapping: WrappingKeys | None) -> None:
        self._connections = connections
        self.keys = ApplicantKeys(connections, wrapping)

    # What a store adds.

    @abstractmethod
    def _claim(self, connection: Connection, claims: Sequence[tuple[str, Once]]) -> set[str]:
        """Write record ids under their keys, in this order; the ids of those whose key was taken."""

    @abstractmethod
    def _slot(self, connection: Connection) -> int:
        """The slot that this connection writes."""

    @abstractmethod
    def _take_head(self, connection: Connection, slot: int) -> Head:
        """The slot's head, kept from others until this transaction ends; (slot, 0, GENESIS) where it is new."""

    # What callers use.

    def append(self, batch: Sequence[Entry], *, epoch: int | None = None, within: Connection | None = None) -> Appended:
        """Record a batch, whole or not at all (except what was recorded before); durable when this returns.

        epoch   the route's epoch the batch was decided under; None for what does not depend on the route
        within  the connection of a `transact`: then it is durable when that returns, and not before

        StaleEpoch: the route moved; nothing was recorded. OutcomeUnknown: ask again with the same keys. StoreError:
        nothing was recorded. UsageError: an entry cannot be kept as it is, or a record id was used before. Gone: a
        decision is about an application whose applicant's data were erased; its `subjects` say which.
        """
        flat = _flatten(batch)
        for entry in flat:
            check_entry(entry)
        if len({entry.record_id for entry in flat}) < len(flat):
            raise UsageError("two entries of a batch have the same record id", mend="give every record its own")
        if within is not None:
            return self._append(within, batch, epoch)
        return self._connections.transact(lambda connection: self._append(connection, batch, epoch))

    def change_route(self, change: RouteChange, *, expected_epoch: int, within: Connection | None = None) -> Live:
        """Compare-and-swap: where the route is at `expected_epoch`, it becomes `change.route` at the next epoch.

        The change is recorded in the same transaction. StaleEpoch: someone was quicker, and nothing changed.
        """
        for entry in _flatten([change.entry(expected_epoch + 1)]):
            check_entry(entry)
        if within is not None:
            return self._change(within, change, expected_epoch)
        return self._connections.transact(lambda connection: self._change(connection, change, expected_epoch))

    def epoch(self) -> int:
        """The route's epoch now."""
        return self.live().epoch

    def live(self) -> Live:
        """The route now, with its epoch."""
        with self._connections.reading() as connection:
            row = connection.execute(select(route.c.epoch, route.c.state)).one()
        return Live(row.epoch, read_route(row.state))

    def who_was_live(self, at: datetime) -> Live:
        """The route in force at a moment: of the changes recorded by then, the one with the highest epoch."""
        latest = (
            select(route_history.c.epoch, route_history.c.state)
            .where(route_history.c.at_us <= to_us(at))
            .order_by(route_history.c.epoch.desc())
            .limit(1)
        )
        with self._connections.reading() as connection:
            row = connection.execute(latest).one_or_none()
        return Live(0, Route()) if row is None else Live(row.epoch, read_route(row.state))

    def heads(self) -> tuple[Head, ...]:
        """The last row of every slot that was ever written."""
        with self._connections.reading() as connection:
            return read_heads(connection)

    def read(self, after: Mapping[int, int] | None = None, *, limit: int = 1000) -> Page:
        """Up to `limit` records behind a cursor, slot by slot, each in its order.

        Give each page's cursor to the next call. Slots commit beside each other: only a cursor for each misses nothing.
        """
        cursor = dict(after or {})
        found: list[Record] = []
        with self._connections.reading() as connection:
            for head in read_heads(connection):
                done = cursor.get(head.slot, 0)
                if done < head.seq and len(found) < limit:
                    found += read_slot(connection, head.slot, done, limit - len(found))
                    cursor[head.slot] = found[-1].seq
        return Page(tuple(found), cursor)

    def find(self, record_id: str) -> Record | None:
        """The record with this id."""
        return next(iter(self.find_all([record_id])), None)

    def find_all(self, record_ids: Collection[str]) -> list[Record]:
        """The records with these ids, in no order."""
        with self._connections.reading() as connection:
            return self._find(connection, record_ids)

    def find_once(self, caller: str, key: str) -> Record | None:
        """What was recorded under a caller's key."""
        wanted = select(once.c.record_id).where(once.c.caller == caller, once.c.key == key)
        with self._connections.reading() as connection:
            record_id = connection.execute(wanted).scalar_one_or_none()
            return None if record_id is None else self._find(connection, [record_id])[0]

    def unseal(self, records: Sequence[Sealed]) -> list[bytes | None]:
        """What each record seals, in its place; None where it seals nothing, or the applicant's data were erased.

        One read for all of them, so many are opened together. StoreError where the store lacks a key, or was changed.
        """
        return self.keys.open(records)

    def seen(self, mine: Once) -> Replayed | Conflict | Erased | None:
        """What an append under this key would give if anything was recorded under it; None where nothing was.

        It is an acknowledgement, so it is the writer that looks: what it finds is on disk.
        """
        taken = select(once.c.record_id).where(once.c.caller == mine.caller, once.c.key == mine.key)

        def look(connection: Connection) -> Replayed | Conflict | Erased | None:
            return None if connection.execute(taken).one_or_none() is None else self._first(connection, mine)

        return self._connections.transact(look)

    def history(self, subject: str) -> list[Record]:
        """Every record about a subject, in the order they were made, whatever the clocks said."""
        wanted = select(*records.columns).where(records.c.subject == subject).order_by(records.c.nth)
        with self._connections.reading() as connection:
            return [to_record(row) for row in connection.execute(wanted)]

    # One append.

    def _append(self, connection: Connection, batch: Sequence[Entry], epoch: int | None) -> Appended:
        self._connections.keep_route(connection)
        now, trial = _read_terms(connection)
        if epoch is not None and epoch != now:
            raise StaleEpoch(asked=epoch, epoch=now)
        taken = self.keys.take(connection, _flatten(batch))
        promised = {entry.record_id: entry.once for entry in batch if entry.once is not None}
        claims = {entry.record_id: taken.claim(entry, entry.once) for entry in batch if entry.once is not None}
        # In one order everywhere, so that two batches that share keys wait for each other and never in a circle.
        order = sorted(claims.items(), key=lambda claim: (claim[1].caller, claim[1].key))
        second = self._claim(connection, order) if order else set()
        first = [entry for entry in batch if entry.record_id not in second]
        rows = self._write(connection, first, epoch, trial, taken)
        results: dict[str, Result] = {
            row.record_id: Recorded(row.record_id, row.slot, row.seq, row.hash) for row in rows
        }
        for record_id in second:
            results[record_id] = self._first(connection, promised[record_id])
        return Appended(tuple(results[entry.record_id] for entry in batch))

    def _first(self, connection: Connection, mine: Once) -> Replayed | Conflict | Erased:
        """What was recorded under the key, by an earlier batch or earlier in this one."""
        taken = connection.execute(
            select(once.c.digest, once.c.record_id).where(once.c.caller == mine.caller, once.c.key == mine.key)
        ).one()
        (record,) = self._find(connection, [taken.record_id])
        digest = mine.digest
        if record.key_id is not None:
            secret = self.keys.secrets(connection, [record.key_id])[record.key_id]
            if secret is None:
                return Erased(record)
            digest = digest_under(secret, digest)
        return Replayed(record) if hmac.compare_digest(taken.digest, digest) else Conflict(record)

    def _change(self, connection: Connection, change: RouteChange, expected: int) -> Live:
        self._connections.keep_still(connection)
        now, trial = _read_terms(connection)
        if now != expected:
            raise StaleEpoch(asked=expected, epoch=now)
        epoch = now + 1
        connection.execute(update(route).values(epoch=epoch, state=encode_payload(change.route)))
        entry = change.entry(epoch)
        self._write(connection, [entry], epoch, trial, self.keys.take(connection, _flatten([entry])))
        return Live(epoch, change.route)

    def _write(
        self, connection: Connection, entries: Sequence[Entry], epoch: int | None, trial: bool, taken: Taken
    ) -> list[Record]:
        """Chain the entries behind the slot's head, write them and the head, and let the projections follow."""
        if not entries:
            return []
        flat = _flatten(entries)
        self.keys.keep(connection, taken, flat)
        flat = [taken.seal(entry) for entry in flat]
        head = self._take_head(connection, self._slot(connection))
        if head.seq == 0:
            flat.insert(0, _open_slot(connection, head.slot, flat[0]))
        nth = self._last_nth(connection, sorted({entry.subject for entry in flat}))
        self._refuse_erased(connection, [entry for entry in flat if entry.kind == "decision" and entry.subject in nth])
        rows = []
        for entry in flat:
            number = nth.get(entry.subject, 0) + 1
            nth[entry.subject] = number
            row = chain_entry(head, entry, number, epoch, trial)
            head = Head(row.slot, row.seq, row.hash)
            rows.append(row)
        try:
            self._connections.insert(connection, records, [structs.astuple(row) for row in rows])
        except IntegrityError as error:
            if self._connections.judge(error.orig or error) is Verdict.AGAIN:
                raise
            raise UsageError(f"a record id was used before: {error.orig}", mend="give every record its own") from error
        project(self._connections, connection, rows, lambda row: plain_of(taken, self.keys, connection, row))
        connection.execute(update(heads).where(heads.c.slot == head.slot).values(seq=head.seq, hash=head.hash))
        return rows

    def _refuse_erased(self, connection: Connection, again: Sequence[Entry]) -> None:
        """Gone where an application is decided again that was erased: nothing more is kept about it."""
        if not again:
            return
        asked = sorted({entry.subject for entry in again})
        if erased := [row[0] for row in self._connections.select_in(connection, _ERASED, asked)]:
            raise Gone(erased)

    def _last_nth(self, connection: Connection, subjects: Sequence[str]) -> dict[str, int]:
        """How many records there are about each subject that has any."""
        return dict(self._connections.select_in(connection, _LAST_NTH, subjects))

    def _find(self, connection: Connection, record_ids: Collection[str]) -> list[Record]:
        return [to_record(row) for row in self._connections.select_in(connection, _FIND, list(record_ids))]


_FIND = "SELECT {columns} FROM records WHERE record_id IN ({{values}})".format(  # noqa: S608  # our own names
    columns=", ".join(column.name for column in records.columns)
)
_LAST_NTH = "SELECT subject, max(nth) FROM records WHERE subject IN ({values}) GROUP BY subject"
_ERASED = f"SELECT application_id FROM {applications.name} WHERE status = 'erased' AND application_id IN ({{values}})"  # noqa: S608  # our own name
_TERMS = select(route.c.epoch, store.c.trial).join_from(route, store, route.c.one == store.c.one)


def _read_terms(connection: Connection) -> tuple[int, bool]:
    """The route's epoch, and whether this is a trial."""
    row = connection.execute(_TERMS).one()
    return row.epoch, row.trial


def _flatten(entries: Sequence[Entry]) -> list[Entry]:
    """Each entry, followed by what shares its fate."""
    flat: list[Entry] = []
    for entry in entries:
        flat.append(entry)
        if entry.along:
            flat += _flatten(entry.along)
    return flat


def _open_slot(connection: Connection, slot: int, first: Entry) -> Entry:
    """The first row of a slot, which ties it to all others: signed by the actor and the time of what follows it."""
    known = tuple((head.slot, head.seq, head.hash.hex()) for head in read_heads(connection))
    record_id = str(uuid5(NAMESPACE_OID, f"{first.record_id} opens slot {slot}"))
    payload = encode_payload(SlotOpened(heads=known))
    return Entry(
        record_id=record_id, kind="slot_opened", subject=f"slot:{slot}", actor=first.actor, at=first.at, payload=payload
    )


def read_heads(connection: Connection) -> tuple[Head, ...]:
    """The head of every slot that has rows, as of this transaction."""
    wanted = select(heads.c.slot, heads.c.seq, heads.c.hash).where(heads.c.seq > 0).order_by(heads.c.slot)
    return tuple(Head(*row) for row in connection.execute(wanted))


def read_slot(connection: Connection, slot: int, after: int, limit: int) -> list[Record]:
    """Rows of one slot behind `after`, in order."""
    wanted = (
        select(*records.columns)
        .where(records.c.slot == slot, records.c.seq > after)
        .order_by(records.c.seq)
        .limit(limit)
    )
    return [to_record(row) for row in connection.execute(wanted)]


def to_record(row: Sequence[Any]) -> Record:
    """A row of `records`, every column in its order."""
    record = Record(*row)
    # SQLite's own cursor gives 0 and 1, and who reads a record may write it down again.
    return record if isinstance(record.trial, bool) else structs.replace(record, trial=bool(record.trial))
