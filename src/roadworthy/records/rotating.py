"""A new wrapping key: every applicant's key is wrapped anew, while the store serves.

The new key stands in the file before anything is wrapped under it, and the old one leaves it once nothing is: whenever
this is cut off, what is there opens everything, and the same again goes on where it stopped.
"""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, func, select, update

from roadworthy.errors import StoreError, UsageError
from roadworthy.records.keys import NAMING
from roadworthy.records.schema import applicant_keys, key_wrapping
from roadworthy.records.store import Store
from roadworthy.records.wrapping import WrappingKeys, new_wrapping_key, write_wrapping_file

__all__ = ["Rotated", "begin_rotation", "rotate_wrapping_key"]

_AT_ONCE = 1000


class Rotated(Struct, frozen=True):
    """The wrapping key in use now, how many keys were wrapped anew, and the old ones that nothing needs any more."""

    key_id: str
    rewrapped: int
    retired: tuple[str, ...]


def begin_rotation(keys: WrappingKeys) -> str:
    """Put a new key before the old ones in their file; its id. Nothing is wrapped under it yet.

    Where several machines serve, the file then goes to each of them before `rotate_wrapping_key`. UsageError where the
    keys are in no file.
    """
    if keys.path is None:
        raise UsageError(
            "the wrapping key is in the environment, which no command changes",
            where=keys.where,
            mend="put a new key (`roadworthy keys new --print`) and a comma before the old one there, on every machine",
        )
    write_wrapping_file(keys.path, [new_wrapping_key(), *(key.word for key in keys.keys)])
    keys.reread()
    return keys.newest.key_id


def rotate_wrapping_key(store: Store, keys: WrappingKeys) -> Rotated:
    """Wrap every key of the store anew under the newest wrapping key, a thousand at a time; then retire the others.

    Where the file holds one key alone, a new one is put before it first. Cut off at any step, the same again goes on.
    UsageError where the keys are in the environment and only one is there. StoreError where one does not open.
    """
    keys.reread()
    if len(keys.keys) == 1:
        begin_rotation(keys)
    newest = keys.newest

    def turn(connection: Connection) -> None:
        # With everybody else still: whoever appends after this wraps under the new key.
        store.connections.keep_still(connection)
        row = connection.execute(select(key_wrapping.c.naming, key_wrapping.c.wrapping)).one_or_none()
        if row is None:
            store.ledger.keys.begin(connection)
        elif row.wrapping != newest.key_id:
            naming = keys.find(row.wrapping).unwrap(row.naming, NAMING)
            connection.execute(update(key_wrapping).values(naming=newest.wrap(naming, NAMING), wrapping=newest.key_id))

    store.transact(turn)
    rewrapped, after = 0, ""
    while (step := _rewrap(store, keys, after)) is not None:
        after, count = step
        rewrapped += count
    with store.reading() as connection:
        others = applicant_keys.c.wrapping != newest.key_id
        left = connection.execute(select(func.count()).select_from(applicant_keys).where(others)).scalar_one()
    if left:
        raise StoreError(f"{left} keys are still wrapped under another key", mend="rotate again")
    retired = tuple(key.key_id for key in keys.keys if key is not newest)
    if keys.path is not None:
        write_wrapping_file(keys.path, [newest.word])
        keys.reread()
    return Rotated(newest.key_id, rewrapped, retired)


def _rewrap(store: Store, keys: WrappingKeys, after: str) -> tuple[str, int] | None:
    """Wrap the next keys behind `after`: where they end, and how many were new; None where there are no more."""
    newest = keys.newest

    def work(connection: Connection) -> tuple[str, int] | None:
        wanted = (
            select(applicant_keys.c.key_id, applicant_keys.c.wrapped, applicant_keys.c.wrapping)
            .where(applicant_keys.c.key_id > after)
            .order_by(applicant_keys.c.key_id)
            .limit(_AT_ONCE)
        )
        rows = connection.execute(wanted).all()
        count = 0
        for key_id, wrapped, wrapping in rows:
            if wrapped is None or wrapping == newest.key_id:
                continue
            secret = keys.find(wrapping).unwrap(wrapped, key_id)
            # What was erased since it was read stays so.
            same = (applicant_keys.c.key_id == key_id) & (applicant_keys.c.wrapping == wrapping)
            values = {"wrapped": newest.wrap(secret, key_id), "wrapping": newest.key_id}
            connection.execute(update(applicant_keys).where(same).values(**values))
            count += 1
        return (rows[-1].key_id, count) if rows else None

    return store.transact(work)
