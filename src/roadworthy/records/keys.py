"""A key for each applicant: what a record seals is readable while that key is there, and gone when it is destroyed.

Keys are 256 random bits, kept in `applicant_keys` wrapped under a key that is not in the store (see `wrapping`). Whom
a key belongs to stands there as an HMAC, under a naming key that is wrapped likewise, so that the table names nobody.
What is sealed is AES-256-GCM under the applicant's key, with the record's id and subject as associated data: it opens
as part of that record alone.

No key outlives the transaction or the reading that it was fetched for: once destroyed it opens nothing, on any replica.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import structs
from sqlalchemy import Connection, insert, select, update

from roadworthy.errors import StoreError
from roadworthy.records.connections import Connections
from roadworthy.records.entry import Entry, Once, Record
from roadworthy.records.ids import new_id
from roadworthy.records.moments import to_us
from roadworthy.records.schema import applicant_keys, key_wrapping
from roadworthy.records.wrapping import WrappingKey, WrappingKeys

__all__ = ["ApplicantKeys", "Sealed", "Taken", "check_keys"]

_NONCE = 12
_SECRET = 32
NAMING = "naming"
_BY_WHO = (
    "SELECT key_id, who, wrapped, wrapping FROM applicant_keys WHERE who IN ({values}) "
    "UNION ALL SELECT NULL, NULL, NULL, wrapping FROM key_wrapping"
)
_IDS = "SELECT key_id, who FROM applicant_keys WHERE who IN ({values})"
_BY_ID = "SELECT key_id, wrapped, wrapping FROM applicant_keys WHERE key_id IN ({values})"


class Sealed(Protocol):
    """What of a record is needed to open what it seals."""

    @property
    def record_id(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def key_id(self) -> str | None: ...
    @property
    def sealed(self) -> bytes | None: ...


class _Key(NamedTuple):
    key_id: str
    secret: bytes
    row: tuple[Any, ...] | None  # to be inserted where it is new


class Taken:
    """The keys of one batch, found or made: digests and seals entries, and knows which of the new ones are used."""

    def __init__(self, keys: Mapping[str, _Key]) -> None:
        self._keys = keys
        self._plain: dict[str, bytes] = {}

    def claim(self, entry: Entry, once: Once) -> Once:
        """The promise as it is kept: its digest under the applicant's own key, where there is one."""
        key = self._find(entry)
        return once if key is None else Once(once.caller, once.key, digest_under(key.secret, once.digest))

    def rows(self, entries: Iterable[Entry]) -> list[tuple[Any, ...]]:
        """The rows of new keys that these entries use, in one order everywhere."""
        used = {key.key_id: key for entry in entries if (key := self._find(entry)) is not None}
        return sorted((key.row for key in used.values() if key.row is not None), key=lambda row: str(row[1]))

    def seal(self, entry: Entry) -> Entry:
        """The entry as it is hashed and kept."""
        key = self._find(entry)
        if key is None or entry.sealed is None:
            return entry
        self._plain[entry.record_id] = entry.sealed
        nonce = os.urandom(_NONCE)
        data = AESGCM(key.secret).encrypt(nonce, entry.sealed, _bind(entry.record_id, entry.subject))
        return structs.replace(entry, key_id=key.key_id, sealed=nonce + data)

    def plain(self, record_id: str) -> bytes | None:
        """What was sealed just now for this record."""
        return self._plain.get(record_id)

    def _find(self, entry: Entry) -> _Key | None:
        return None if entry.whose is None or entry.sealed is None else self._keys.get(entry.whose)


class ApplicantKeys:
    """The applicants' keys of one store. Without wrapping keys it seals nothing, and opens what is plain."""

    def __init__(self, connections: Connections, wrapping: WrappingKeys | None) -> None:
        self._connections = connections
        self.wrapping = wrapping
        self._naming: bytes | None = None

    def take(self, connection: Connection, entries: Sequence[Entry]) -> Taken:
        """The keys that these entries are sealed under, found in one read; those that are not there are made.

        Whoever appends keeps them: `Taken.rows` are to be inserted in the same transaction.
        """
        wanted: dict[str, datetime] = {}
        for entry in entries:
            if entry.whose is not None and entry.sealed is not None:
                wanted.setdefault(entry.whose, entry.at)
        if self.wrapping is None or not wanted:
            return Taken({})
        naming = self._name_by(connection, self.wrapping)
        by_name = {_name(naming, whose): whose for whose in wanted}
        current, found = "", {}
        for key_id, who, wrapped, wrapping in self._connections.select_in(connection, _BY_WHO, list(by_name)):
            if key_id is None:
                current = wrapping
            else:
                secret = self.wrapping.find(wrapping).unwrap(bytes(wrapped), key_id)
                found[by_name[who]] = _Key(key_id, secret, None)
        by = self.wrapping.find(current)
        for who, whose in by_name.items():
            if whose not in found:
                found[whose] = _make(who, by, wanted[whose])
        return Taken(found)

    def keep(self, connection: Connection, taken: Taken, entries: Iterable[Entry]) -> None:
        """Insert the new keys that these entries use, in one statement."""
        if rows := taken.rows(entries):
            self._connections.insert(connection, applicant_keys, rows)

    def open(self, records: Sequence[Sealed], connection: Connection | None = None) -> list[bytes | None]:
        """What each record seals, in its place; None where it seals nothing, or its key is destroyed.

        One read for all of them. StoreError where the store has no such key, or what is sealed was changed.
        """
        ids = sorted({record.key_id for record in records if record.key_id is not None})
        secrets: Mapping[str, bytes | None] = {}
        if ids and connection is not None:
            secrets = self.secrets(connection, ids)
        elif ids:
            with self._connections.reading() as reading:
                secrets = self.secrets(reading, ids)
        return [_open(record, secrets) for record in records]

    def secrets(self, connection: Connection, key_ids: Sequence[str]) -> dict[str, bytes | None]:
        """The keys with these ids; None for one that is destroyed."""
        found: dict[str, bytes | None] = {}
        for key_id, wrapped, wrapping in self._connections.select_in(connection, _BY_ID, key_ids):
            if wrapped is None:
                found[key_id] = None
            elif self.wrapping is None:
                raise _needs_keys(key_id)
            else:
                found[key_id] = self.wrapping.find(wrapping).unwrap(bytes(wrapped), key_id)
        if missing := set(key_ids) - set(found):
            raise StoreError(
                f"the particulars under key {min(missing)} cannot be opened: the store has no such key",
                mend="restore a backup",
            )
        return found

    def name(self, connection: Connection, whose: str) -> str | None:
        """What stands in the table for whom a key belongs to; None in a store without keys."""
        return None if self.wrapping is None else _name(self._name_by(connection, self.wrapping), whose)

    def find(self, connection: Connection, named: Iterable[str]) -> dict[str, str]:
        """The ids of the keys that there are, by whom they are for: see `whose`."""
        by_name = {name: one for one in named if (name := self.name(connection, one)) is not None}
        found = self._connections.select_in(connection, _IDS, list(by_name))
        return {by_name[who]: key_id for key_id, who in found}

    def make(self, connection: Connection, one: str, at: datetime) -> str | None:
        """The id of somebody's key, which is made where there is none; None in a store without keys."""
        key_id = self.find(connection, [one]).get(one)
        if key_id is not None or self.wrapping is None:
            return key_id
        by = self.wrapping.find(connection.execute(select(key_wrapping.c.wrapping)).scalar_one())
        key = _make(_name(self._name_by(connection, self.wrapping), one), by, at)
        self._connections.insert(connection, applicant_keys, [] if key.row is None else [key.row])
        return key.key_id

    def destroy(self, connection: Connection, key_ids: Sequence[str], at: datetime) -> None:
        """Forget these keys for good: what was sealed under them nobody opens any more. Everybody else is still."""
        self._connections.keep_still(connection)
        gone = {"who": None, "wrapped": None, "wrapping": None, "destroyed_us": to_us(at)}
        these = applicant_keys.c.key_id.in_(key_ids) & applicant_keys.c.destroyed_us.is_(None)
        connection.execute(update(applicant_keys).where(these).values(**gone))

    def begin(self, connection: Connection) -> None:
        """Let a store that keeps no keys yet keep them from now on."""
        if self.wrapping is not None:
            self._begin(connection, self.wrapping)

    def _name_by(self, connection: Connection, wrapping: WrappingKeys) -> bytes:
        """The naming key, which stays the same as long as the store is there."""
        if self._naming is None:
            row = connection.execute(select(key_wrapping.c.naming, key_wrapping.c.wrapping)).one_or_none()
            if row is None:
                # Not kept: the transaction that it is written in may yet be undone.
                return self._begin(connection, wrapping)
            self._naming = wrapping.find(row.wrapping).unwrap(row.naming, NAMING)
        return self._naming

    def _begin(self, connection: Connection, wrapping: WrappingKeys) -> bytes:
        naming, by = os.urandom(_SECRET), wrapping.newest
        connection.execute(insert(key_wrapping).values(one=1, naming=by.wrap(naming, NAMING), wrapping=by.key_id))
        return naming


def check_keys(connection: Connection, wrapping: WrappingKeys | None) -> None:
    """StoreError where the store's particulars are encrypted and these are not the keys that open them."""
    row = connection.execute(select(key_wrapping.c.naming, key_wrapping.c.wrapping)).one_or_none()
    if row is None:
        return
    if wrapping is None:
        raise StoreError(
            f"the applicants' data in this store are encrypted, and its wrapping key {row.wrapping} was not given",
            mend=(
                "wrapping_key_file in roadworthy.toml (or ROADWORTHY_WRAPPING_KEY_FILE) names the file that the key "
                "is in; or ROADWORTHY_WRAPPING_KEY holds the key itself"
            ),
        )
    wrapping.find(row.wrapping).unwrap(row.naming, NAMING)


def _name(naming: bytes, whose: str) -> str:
    return hmac.digest(naming, whose.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()


def digest_under(secret: bytes, digest: bytes) -> bytes:
    """The HMAC of a body's digest under an applicant's key: without the key, nobody can try bodies against it."""
    return hmac.digest(secret, b"once\n" + digest, "sha256")


def _make(who: str, by: WrappingKey, at: datetime) -> _Key:
    key_id, secret = new_id(at), os.urandom(_SECRET)
    return _Key(key_id, secret, (key_id, who, by.wrap(secret, key_id), by.key_id, to_us(at), None))


def _open(record: Sealed, secrets: Mapping[str, bytes | None]) -> bytes | None:
    if record.sealed is None or record.key_id is None:
        return record.sealed
    secret = secrets[record.key_id]
    if secret is None:
        return None
    sealed = record.sealed
    try:
        return AESGCM(secret).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bind(record.record_id, record.subject))
    except (InvalidTag, ValueError) as error:
        raise StoreError(
            "what the record seals is not what was sealed", where=record.record_id, mend="roadworthy verify"
        ) from error


def _bind(record_id: str, subject: str) -> bytes:
    return f"{record_id}\n{subject}".encode()


def _needs_keys(key_id: str) -> StoreError:
    return StoreError(
        f"the particulars under key {key_id} cannot be opened here", mend="open the store with its wrapping key"
    )


def plain_of(taken: Taken, keys: ApplicantKeys, connection: Connection, record: Record) -> bytes | None:
    """What a record seals, which was appended just now or before."""
    plain = taken.plain(record.record_id)
    return keys.open([record], connection)[0] if plain is None else plain
