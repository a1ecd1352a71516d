"""API keys: shown once, kept as a hash, with some of their account's roles, expiring, rotating, revocable."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from roadworthy.access.accounts import (
    Account,
    authorise,
    check_roles,
    read_account,
    read_roles,
    take_account,
    write_roles,
)
from roadworthy.access.act import Act
from roadworthy.access.actor import CONSOLE, Actor
from roadworthy.access.schema import accounts, api_keys
from roadworthy.access.secret import RandomBytes, digest_secret, make_secret, name_secret, refuse_entry, same_digest
from roadworthy.errors import NotAllowed, NotFound, Refused, UsageError
from roadworthy.records import Store, moment, to_us

__all__ = ["KEY_LIFE", "Key", "KeyRing", "NewKey", "actor_by_key", "add_key", "list_keys", "revoke_key", "rotate_key"]

KEY_LIFE = timedelta(days=365)
"""How long a key lasts where nobody says otherwise; it is also the longest."""
_KEY_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Key:
    """What is known of a key: all but the key."""

    key_id: str
    account: str
    roles: frozenset[str]
    made_by: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def opens(self, now: datetime) -> bool:
        """Whether it lets anybody in, if its account does."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class NewKey:
    """A key just made. `secret` is shown now and never again; it is not in the representation."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        return f"NewKey(key={self.key!r})"


def add_key(
    act: Act, account: str, *, random: RandomBytes, roles: Collection[str] | None = None, life: timedelta = KEY_LIFE
) -> NewKey:
    """A new key of an account, with `roles` out of the account's; None is all it has now.

    People make their own keys, signed in by password or link: a key makes no other key of its account. An admin makes
    those of programs (accounts whose one role is service): whoever makes the key of another person can act as that
    person. Who sits at the store itself makes any, and the record says so. NotAllowed, Refused or UsageError otherwise.
    """
    authorise(act, "self.change" if account == act.by.account else "key.change")
    if account == act.by.account and act.by.came_by_key:
        raise NotAllowed("a key makes no other key", mend="sign in by password or link, or rotate this key")
    owner = take_account(act, account)
    new = _make_key(act, owner, owner.roles if roles is None else check_roles(roles), random, life)
    act.record("key_added", f"account:{account}", **_facts(new.key))
    return new


def rotate_key(
    act: Act, key_id: str, *, random: RandomBytes, overlap: timedelta = timedelta(), life: timedelta = KEY_LIFE
) -> NewKey:
    """A new key in the place of one that still opens, with its roles; the old one opens for `overlap` longer.

    Who may: as for `add_key`, and whoever comes with the key itself.
    """
    old = _take_key(act, key_id)
    if act.by.came_by_key and old.account == act.by.account and act.by.credential != f"key:{key_id}":
        raise NotAllowed("a key rotates itself only", mend="sign in by password or link")
    owner = take_account(act, old.account)
    if not old.opens(act.now):
        raise Refused(f"the key {key_id} opens no more", mend="add a new one")
    if overlap < timedelta():
        raise UsageError(f"an overlap of {overlap} is none", mend="0 or more")
    new = _make_key(act, owner, old.roles & owner.roles, random, life)
    ends = min(old.expires_at, act.now + overlap)
    values = {"expires_us": to_us(ends)} if overlap else {"revoked_us": act.now_us}
    act.connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(**values))
    act.record("key_rotated", f"account:{owner.name}", instead_of=key_id, that_ends=ends, **_facts(new.key))
    return new


def revoke_key(act: Act, key_id: str) -> None:
    """The key opens no more, from the next request. Its own account may do it, and who keeps keys."""
    key = _take_key(act, key_id)
    if key.revoked_at is None:
        act.connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_us=act.now_us))
        act.record("key_revoked", f"account:{key.account}", key=key_id)


def list_keys(connection: Connection, account: str | None = None) -> list[Key]:
    """Every key, or those of one account, the newest last."""
    wanted = select(api_keys).order_by(api_keys.c.made_us, api_keys.c.key_id)
    if account is not None:
        wanted = wanted.where(api_keys.c.account == account)
    return [_read_key(row) for row in connection.execute(wanted)]


def actor_by_key(connection: Connection, secret: str, now: datetime) -> Actor:
    """Who comes with this key. NotSignedIn, always in the same words, for a key that lets nobody in."""
    return _read_actor(connection, digest_secret(secret), now)[0]


class KeyRing:
    """Who comes with which key, without asking the store each time: what it said is believed for `keep`.

    So a key that was revoked opens for as long at most; one that expires, expires on time. For doors where a look into
    the store costs more than the work itself. One for a store; any thread may use it.
    """

    def __init__(self, store: Store, *, keep: timedelta = timedelta(seconds=1), most: int = 10_000) -> None:
        self._store = store
        self._keep = keep
        self._most = most
        self._known: dict[str, tuple[Actor, datetime, datetime]] = {}

    def actor(self, secret: str, now: datetime) -> Actor:
        """Who comes with this key; NotSignedIn as `actor_by_key`."""
        known = self.known(secret, now)
        if known is not None:
            return known
        digest = digest_secret(secret)
        with self._store.reading() as connection:
            actor, expires_at = _read_actor(connection, digest, now)
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[digest] = (actor, now, expires_at)
        return actor

    def known(self, secret: str, now: datetime) -> Actor | None:
        """Who comes with this key as far as is believed now; None where the store has to be asked."""
        found = self._known.get(digest_secret(secret))
        if found is None or not found[1] <= now < min(found[2], found[1] + self._keep):
            return None
        return found[0]


def _read_actor(connection: Connection, digest: str, now: datetime) -> tuple[Actor, datetime]:
    """Who comes with the key of this digest, and until when; NotSignedIn."""
    row = connection.execute(_KEY_AND_ACCOUNT.where(api_keys.c.digest == digest)).one_or_none()
    if row is None or not same_digest(row.digest, digest) or not row.active:
        raise refuse_entry()
    if row.revoked_us is not None or to_us(now) >= row.expires_us:
        raise refuse_entry()
    return read_account(row).actor(f"key:{row.key_id}", read_roles(row.key_roles)), moment(row.expires_us)


_KEY_AND_ACCOUNT = select(
    api_keys.c.digest, api_keys.c.key_id, api_keys.c.expires_us, api_keys.c.revoked_us,
    api_keys.c.roles.label("key_roles"), accounts,
).join_from(api_keys, accounts)  # fmt: skip


def _make_key(act: Act, owner: Account, roles: frozenset[str], random: RandomBytes, life: timedelta) -> NewKey:
    if not roles or not roles <= owner.roles:
        raise Refused(f"{owner.name} has no such role", available=sorted(owner.roles))
    if owner.name != act.by.account and owner.roles != {"service"} and act.by.account != CONSOLE:
        raise NotAllowed(f"{owner.name} is a person, who makes keys alone", mend="give them a link to sign in with")
    if not timedelta() < life <= KEY_LIFE:
        raise UsageError(f"a key lasts up to {KEY_LIFE.days} days, not {life}")
    secret = make_secret("rwk", random)
    digest = digest_secret(secret)
    same = select(api_keys.c.key_id).where(api_keys.c.key_id == name_secret(digest))
    if act.connection.execute(same).first() is not None:
        raise Refused("this key exists already", mend="mend the source of randomness before anything else")
    key = Key(
        key_id=name_secret(digest),
        account=owner.name,
        roles=roles,
        made_by=act.by.account,
        made_at=act.now,
        expires_at=act.now + life,
        revoked_at=None,
    )
    act.connection.execute(
        insert(api_keys).values(
            digest=digest,
            key_id=key.key_id,
            account=key.account,
            roles=write_roles(roles),
            made_by=key.made_by,
            made_us=act.now_us,
            expires_us=to_us(key.expires_at),
        )
    )
    return NewKey(key, secret)


def _take_key(act: Act, key_id: str) -> Key:
    """The key, for whoever may change it; who may not learns only that there is none of theirs."""
    authorise(act, "self.change")
    wanted = select(api_keys).where(api_keys.c.key_id == key_id)
    row = act.connection.execute(wanted).one_or_none() if _KEY_ID.fullmatch(key_id) else None
    if row is None or row.account != act.by.account:
        try:
            authorise(act, "key.change")
        except NotAllowed:
            raise NotFound.unseen("key") from None
    if row is None:
        raise NotFound(f"there is no key {key_id!r}", mend="`roadworthy key list` shows their ids")
    return _read_key(row)


def _read_key(row: Row[Any]) -> Key:
    return Key(
        key_id=row.key_id,
        account=row.account,
        roles=read_roles(row.roles),
        made_by=row.made_by,
        made_at=moment(row.made_us),
        expires_at=moment(row.expires_us),
        revoked_at=None if row.revoked_us is None else moment(row.revoked_us),
    )


def _facts(key: Key) -> dict[str, Any]:
    """What a record says of a key."""
    return {"key": key.key_id, "roles": sorted(key.roles), "expires": key.expires_at}
