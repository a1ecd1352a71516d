"""Erasures done again in a store that does not know of them: one that was restored from a backup made before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from roadworthy.batch import forget_work, look_through_work
from roadworthy.erasure.erasing import erase_within
from roadworthy.erasure.listed import Listed
from roadworthy.records import NO_APPLICATION, Entry, Erasure, Store, encode_payload, metadata, to_us

__all__ = ["erase_again"]

_keys, _applications = metadata.tables["applicant_keys"], metadata.tables["applications"]
_holds = metadata.tables["legal_holds"]
_AT_ONCE = 500


def erase_again(store: Store, listed: Sequence[Listed], *, now: datetime, new_id: Callable[[], str]) -> int:
    """Do each erasure on the list that this store does not know of again; how many were. Needs no key.

    A legal hold from before an erasure does not keep it, for it was let go since; one that was set later does: then the
    erasure had been begun and not done. Each is one transaction with its record, and with the files of long work that
    hold the applications.
    """
    done = 0
    for start in range(0, len(listed), _AT_ONCE):
        for one in _find_undone(store, listed[start : start + _AT_ONCE]):
            files = look_through_work(store, one.application_ids, since=None, branches=()).holding

            def work(connection: Connection, one: Listed = one, files: Sequence[str] = files) -> None:
                store.connections.keep_still(connection)
                names = _find_readable(connection, one.application_ids)
                # Also where only the key is there: that it is gone must be on record.
                subjects = names or [f"{NO_APPLICATION}{one.key_ids[0]}"]
                erasure = Erasure(key_ids=one.key_ids, ground=f"{one.ground} (done again after a restore)")
                entries = [
                    Entry(
                        record_id=new_id(), kind="erasure", subject=subject, actor=one.by, at=now,
                        payload=encode_payload(erasure),
                    )
                    for subject in subjects
                ]  # fmt: skip
                erase_within(store, connection, one.key_ids, one.application_ids, entries, now)
                forget_work(connection, files)

            store.transact(work)
            done += 1
    if done:
        store.connections.scrub()
    return done


def _find_undone(store: Store, listed: Sequence[Listed]) -> list[Listed]:
    asked_keys = [key_id for one in listed for key_id in one.key_ids]
    asked_names = [name for one in listed for name in one.application_ids]
    with store.reading() as connection:
        alive = select(_keys.c.key_id).where(_keys.c.key_id.in_(asked_keys), _keys.c.destroyed_us.is_(None))
        keys = set(connection.execute(alive).scalars())
        held = connection.execute(select(_holds.c.key_id, _holds.c.set_us).where(_holds.c.key_id.in_(asked_keys))).all()
        names = set(_find_readable(connection, asked_names))
    listed = [
        one
        for one in listed
        if one.at is None or not any(key in one.key_ids and set_us > to_us(one.at) for key, set_us in held)
    ]
    return [one for one in listed if keys.intersection(one.key_ids) or names.intersection(one.application_ids)]


def _find_readable(connection: Connection, application_ids: Sequence[str]) -> list[str]:
    """Of these applications those that are there and not erased."""
    there = select(_applications.c.application_id).where(
        _applications.c.application_id.in_(application_ids), _applications.c.status != "erased"
    )
    return list(connection.execute(there.order_by(_applications.c.application_id)).scalars())
