"""Legal holds: while one is on an applicant's data, neither an erasure nor the end of their time removes them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy import Connection, delete, insert, select

from roadworthy.access import Deed
from roadworthy.casework import check_words, is_text
from roadworthy.erasure.reach import Whom, find_reach
from roadworthy.errors import NotFound, Refused
from roadworthy.records import NO_APPLICATION, LegalHold, Record, decode_payload, metadata, moment, to_us

__all__ = ["Held", "list_holds", "release_hold", "set_hold"]

_holds, _records = metadata.tables["legal_holds"], metadata.tables["records"]


class Held(Struct, frozen=True, kw_only=True):
    """One legal hold: the record that set it, on what, since when, by whom and why."""

    hold_id: str
    subject: str
    at: datetime
    by: str
    reason: str


def set_hold(deed: Deed, whom: Whom, *, reason: str) -> str:
    """Keep an applicant's data, whatever else would remove them; the id of the record. Permission applicant.hold.

    It is on everything about the applicant, also what comes later. NotFound where nothing is kept about them; Refused
    in a store that is not encrypted: nothing is erased there that a hold could keep.
    """
    deed.demand("applicant.hold")
    whom.check()
    reason = check_words("reason", reason, needed=True)

    def work(connection: Connection) -> str:
        reach = find_reach(deed.store, connection, whom)
        key_id = deed.store.ledger.keys.make(connection, reach.whose, deed.now)
        if key_id is None:
            raise Refused("this store keeps no keys, so no data can be held", mend="roadworthy keys new")
        hold_id = deed.new_id()
        said = LegalHold(step="set", hold_id=hold_id, reason=reason)
        first, *more = reach.application_ids or (f"{NO_APPLICATION}{key_id}",)
        entries = [deed.entry(said, subject) for subject in (first, *more)]
        # The first of the records has the id that the hold is known by.
        entries[0] = structs.replace(entries[0], record_id=hold_id)
        deed.store.ledger.append(entries, within=connection)
        connection.execute(insert(_holds).values(hold_id=hold_id, key_id=key_id, set_us=to_us(deed.now)))
        return hold_id

    return deed.store.transact(work)


def release_hold(deed: Deed, hold_id: str, *, reason: str) -> None:
    """Let a hold go, with why. Permission applicant.hold. NotFound where no such hold is on."""
    deed.demand("applicant.hold")
    reason = check_words("reason", reason, needed=True)

    def work(connection: Connection) -> None:
        there = select(_holds.c.key_id).where(_holds.c.hold_id == hold_id).with_for_update()
        if not is_text(hold_id) or connection.execute(there).one_or_none() is None:
            raise NotFound("no such legal hold is on", mend="`roadworthy hold list` shows those that are")
        set_by = Record(*connection.execute(select(*_records.columns).where(_records.c.record_id == hold_id)).one())
        said = LegalHold(step="released", hold_id=hold_id, reason=reason)
        deed.store.ledger.append([deed.entry(said, set_by.subject)], within=connection)
        connection.execute(delete(_holds).where(_holds.c.hold_id == hold_id))

    deed.store.transact(work)


def list_holds(deed: Deed) -> tuple[Held, ...]:
    """Every hold that is on, the oldest first. Permission applicant.hold."""
    deed.demand("applicant.hold")
    wanted = (
        select(_records.c.record_id, _records.c.subject, _records.c.at_us, _records.c.actor, _records.c.payload)
        .join(_holds, _holds.c.hold_id == _records.c.record_id)
        .order_by(_holds.c.set_us, _holds.c.hold_id)
    )
    with deed.store.reading() as connection:
        rows = connection.execute(wanted).all()
    return tuple(
        Held(hold_id=record_id, subject=subject, at=moment(at_us), by=actor,
             reason=decode_payload(payload, LegalHold).reason)
        for record_id, subject, at_us, actor, payload in rows
    )  # fmt: skip
