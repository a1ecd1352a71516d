"""A deployment's store, opened with the keys that its settings name; what the list says was erased is erased in it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from roadworthy.erasure.again import erase_again
from roadworthy.erasure.listed import ErasureList
from roadworthy.errors import Refused, StoreError
from roadworthy.records import (
    Store,
    WrappingKeys,
    create_store,
    find_wrapping_keys,
    make_signing_key,
    make_wrapping_file,
    new_id,
    open_store,
    read_wrapping_file,
)
from roadworthy.records.store import connect_store
from roadworthy.settings import Settings

__all__ = ["create_kept_store", "erase_listed", "keys_of", "list_of", "open_kept_store"]

_VARIABLE = "ROADWORTHY_WRAPPING_KEY"


def keys_of(settings: Settings) -> WrappingKeys | None:
    """The wrapping keys that the settings name; None where there is no such file, as for a store that keeps none."""
    return find_wrapping_keys(settings.wrapping_key_file, settings.wrapping_key, _VARIABLE)


def list_of(settings: Settings) -> ErasureList:
    """The list of erasures that lies beside the wrapping key."""
    return ErasureList.beside(settings.wrapping_key_file)


def open_kept_store(settings: Settings, *, now: datetime) -> Store:
    """The store as it is; a backup from before an erasure does not serve before that is done again.

    StoreError as `open_store`: where the key is not there, with the file that it is looked for in.
    """
    keys = keys_of(settings)
    try:
        store = open_store(settings.store, keys=keys)
    except StoreError as error:
        if keys is None and error.where is None and "wrapping_key_file" in (error.mend or ""):
            error.where = str(settings.wrapping_key_file)
        raise
    try:
        _erase_listed(store, settings, now)
    except BaseException:
        store.close()
        raise
    return store


def erase_listed(settings: Settings, *, now: datetime) -> int:
    """Do every erasure on the list again that the store does not know of; how many were. Takes no key."""
    with connect_store(settings.store, None, create=False) as store:
        return _erase_listed(store, settings, now)


def _erase_listed(store: Store, settings: Settings, now: datetime) -> int:
    listed = list_of(settings).read()
    return erase_again(store, listed, now=now, new_id=lambda: new_id(now)) if listed else 0


def create_kept_store(settings: Settings, *, store_id: str, now: datetime) -> Store:
    """A new store that is encrypted from its first record on; the keys outside it are made where there are none."""
    keys = keys_of(settings)
    if keys is None:
        try:
            keys = make_wrapping_file(settings.wrapping_key_file)
        except Refused:  # another command has just made it
            keys = read_wrapping_file(settings.wrapping_key_file)
    made = create_store(settings.store, store_id=store_id, at=now, keys=keys)
    with suppress(Refused):  # it is there already
        make_signing_key(settings.signing_key_file)
    return made
