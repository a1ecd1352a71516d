"""Signed heads: what a ledger was at one moment, in a file that is kept elsewhere, and the keys that sign it (Ed25519).

Whoever has the database's password can cut off a tail, or change a row and hash all that follows anew: the chain then
holds. Heads that were exported before show it, and their signature shows that nobody made them up later: the key is in
a file of its own (`signing_key_file`), not in the database. What is signed is the line `roadworthy heads 1` and behind
it the heads as compact JSON, fields in their order.

A key is introduced by a record, which it signs and which the key before it signs too; so keys that were used once stay
known, and no other passes for one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.errors import Refused, StoreError, UsageError
from roadworthy.records.entry import Entry, Head
from roadworthy.records.key_files import make_key_file, read_key_file, replace_key_file
from roadworthy.records.kinds import decode_payload, encode_payload
from roadworthy.records.ledger import Ledger, read_heads
from roadworthy.records.runs import Noted
from roadworthy.records.schema import records
from roadworthy.records.schema import store as store_table
from roadworthy.records.store import Store

__all__ = [
    "SIGNING_KEY",
    "Heads",
    "KeyIntroduced",
    "SignedHeads",
    "SigningKey",
    "check_key_changes",
    "export_heads",
    "list_signing_keys",
    "make_signing_key",
    "read_signed_heads",
    "rotate_signing_key",
    "sign_heads",
    "write_signed_heads",
]

SIGNING_KEY = "signing_key"
"""The kind of record that introduces a key; its subject is `store`."""
_SUBJECT = "store"
_FORMAT = 1
_HEADS = b"roadworthy heads 1\n"
_KEY = b"roadworthy signing key 1\n"


class Heads(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last row of every slot of a store at a moment, as (slot, seq, hash in hex)."""

    format: int = _FORMAT
    store_id: str
    at: datetime
    heads: tuple[tuple[int, int, str], ...]


class SignedHeads(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Heads with a signature, and the public key that it holds under, both in hex."""

    heads: Heads
    public_key: str
    signature: str


class KeyIntroduced(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signing key from now on: signed by itself, and by the key before it.

    `lost` says why the key before it could not sign.
    """

    store_id: str
    public_key: str
    previous: str = ""
    lost: str = ""
    signature: str = ""
    by_previous: str = ""

    def statement(self) -> bytes:
        """What is signed."""
        return _KEY + encode_payload(msgspec.structs.replace(self, signature="", by_previous=""))


class SigningKey:
    """A private key, from the text of its file (PEM, PKCS #8)."""

    def __init__(self, pem: bytes, where: object = None) -> None:
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise StoreError("this is no signing key", where=where, mend="an Ed25519 key as PEM") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise StoreError("this is a key of another kind", where=where, mend="an Ed25519 key as PEM")
        self._key = key
        self.pem = pem
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @classmethod
    def new(cls) -> SigningKey:
        """A key that nobody had before."""
        return cls(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """The key in a file. StoreError: it is not there, others can get at it, or it holds something else."""
        return cls(read_key_file(path), path)

    def sign(self, data: bytes) -> str:
        """A signature, in hex."""
        return self._key.sign(data).hex()


def make_signing_key(path: Path) -> None:
    """Make a key in a new file that its owner alone can read. Refused where there is one already."""
    make_key_file(path, SigningKey.new().pem)


def _is_signed(public_key: str, signature: str, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_heads(heads: Heads, key: SigningKey) -> SignedHeads:
    """Heads with their signature.

    >>> from datetime import UTC
    >>> heads = Heads(store_id="a-store", at=datetime(2026, 11, 1, 9, tzinfo=UTC), heads=())
    >>> signed = sign_heads(heads, SigningKey.new())
    >>> len(bytes.fromhex(signed.signature))
    64
    """
    return SignedHeads(heads=heads, public_key=key.public, signature=key.sign(_HEADS + encode_payload(heads)))


def write_signed_heads(path: Path, signed: SignedHeads) -> None:
    """Write heads to a new file. UsageError where there is one already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(signed)) + b"\n")
    except FileExistsError:
        raise UsageError("the file is there already", where=path, mend="choose another name") from None
    except OSError as error:
        raise StoreError(f"the heads cannot be written: {error.strerror}", where=path) from error


def read_signed_heads(path: Path) -> SignedHeads:
    """Heads from a file. StoreError where it cannot be read, or its signature does not hold."""
    try:
        signed = msgspec.json.decode(path.read_bytes(), type=SignedHeads)
    except OSError as error:
        raise StoreError(f"the heads cannot be read: {error.strerror}", where=path) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"these are no signed heads: {error}", where=path) from error
    if signed.heads.format != _FORMAT:
        raise StoreError(f"the heads have format {signed.heads.format}; this version reads {_FORMAT}", where=path)
    if not _is_signed(signed.public_key, signed.signature, _HEADS + encode_payload(signed.heads)):
        raise StoreError(
            "the heads do not bear the signature that they name: they were changed", where=path, mend="another copy"
        )
    return signed


def list_signing_keys(connection: Connection) -> list[KeyIntroduced]:
    """The keys that a store's heads were ever signed with, in their order; the last is the present one."""
    wanted = (
        select(records.c.payload)
        .where(records.c.subject == _SUBJECT, records.c.kind == SIGNING_KEY)
        .order_by(records.c.nth)
    )
    return [decode_payload(payload, KeyIntroduced) for payload in connection.execute(wanted).scalars()]


def check_key_changes(noted: Sequence[Noted], store_id: str) -> str | None:
    """What is wrong with how a store's signing keys were introduced, in words."""
    known: set[str] = set()
    waiting = [(row, decode_payload(row.payload, KeyIntroduced)) for row in noted]
    for row, introduced in waiting:
        place = f"slot {row.slot}, row {row.seq}: the signing key {introduced.public_key[:16]}"
        statement = introduced.statement()
        if introduced.store_id != store_id:
            return f"{place} was introduced in another store"
        if introduced.public_key in known:
            return f"{place} was introduced twice"
        if not _is_signed(introduced.public_key, introduced.signature, statement):
            return f"{place} did not sign its own introduction"
        follows = introduced.previous and not introduced.lost
        if follows and not _is_signed(introduced.previous, introduced.by_previous, statement):
            return f"{place} is not signed by the key before it"
        known.add(introduced.public_key)
    first = [introduced for _, introduced in waiting if not introduced.previous]
    if len(first) > 1:
        return f"the signing key {first[1].public_key[:16]} names no key before it, and is not the first"
    for row, introduced in waiting:
        if introduced.previous and introduced.previous not in known:
            return f"slot {row.slot}, row {row.seq}: the key before {introduced.public_key[:16]} was never introduced"
    return None


def export_heads(store: Store, path: Path, *, at: datetime, actor: str, new_id: Callable[[], str]) -> SignedHeads:
    """The store's heads now, signed with the key in the file `path`, which is introduced by a record where it is new.

    StoreError: there is no such key. Refused: it is not the store's present one.
    """
    key = _take_key(store, path)

    def introduce(connection: Connection) -> None:
        if not list_signing_keys(connection):
            _introduce(connection, store.ledger, key, None, at=at, actor=actor, record_id=new_id())

    with store.reading() as connection:
        known = [one.public_key for one in list_signing_keys(connection)]
    if not known:
        store.transact(introduce)
    elif key.public != known[-1]:
        said = "an earlier one" if key.public in known else "another store's, or new"
        raise Refused(
            f"the key is not the store's present one ({known[-1][:16]}) but {said}",
            where=path,
            mend="put the present key there; where it is lost: roadworthy heads rotate --lost 'how'",
        )
    with store.reading() as connection:
        store_id = connection.execute(select(store_table.c.store_id)).scalar_one()
        return sign_heads(Heads(store_id=store_id, at=at, heads=say_heads(read_heads(connection))), key)


def rotate_signing_key(
    store: Store, path: Path, *, at: datetime, actor: str, new_id: Callable[[], str], lost: str = ""
) -> KeyIntroduced:
    """Put a new key in place of the one in the file `path`, by a record that both sign.

    Killed at any step, it goes on where it stopped when it is called again, or when heads are next signed. `lost` says
    why the old key cannot sign: the record then bears the new key's signature alone. Refused: the key in the file is
    not the present one.
    """
    following = _following(path)
    old = None if lost else _take_key(store, path)
    if not following.exists():
        make_signing_key(following)
    fresh = SigningKey.read(following)

    def introduce(connection: Connection) -> KeyIntroduced:
        known = list_signing_keys(connection)
        if known and known[-1].public_key == fresh.public:  # broken off after its record: only the files are left to do
            return known[-1]
        if known and old is not None and known[-1].public_key != old.public:
            raise Refused(
                f"the key is not the store's present one ({known[-1].public_key[:16]})",
                where=path,
                mend="put the present key there; where it is lost: --lost 'how'",
            )
        if not known and old is not None:
            _introduce(connection, store.ledger, old, None, at=at, actor=actor, record_id=new_id())
        before = old.public if old is not None else known[-1].public_key if known else ""
        return _introduce(
            connection, store.ledger, fresh, old, at=at, actor=actor, record_id=new_id(), previous=before, lost=lost
        )

    introduced = store.transact(introduce)
    replace_key_file(path, fresh.pem)
    following.unlink(missing_ok=True)
    return introduced


def say_heads(heads: Sequence[Head]) -> tuple[tuple[int, int, str], ...]:
    """Heads as they are written down."""
    return tuple((head.slot, head.seq, head.hash.hex()) for head in heads)


def _following(path: Path) -> Path:
    return path.with_name(path.name + ".next")


def _take_key(store: Store, path: Path) -> SigningKey:
    """The key in the file; a rotation that was broken off after its record is brought to its end first."""
    following = _following(path)
    if following.exists():
        fresh = SigningKey.read(following)
        with store.reading() as connection:
            known = list_signing_keys(connection)
        if known and known[-1].public_key == fresh.public:
            replace_key_file(path, fresh.pem)
            following.unlink(missing_ok=True)
    return SigningKey.read(path)


def _introduce(
    connection: Connection, ledger: Ledger, key: SigningKey, old: SigningKey | None,
    *, at: datetime, actor: str, record_id: str, previous: str = "", lost: str = "",
) -> KeyIntroduced:  # fmt: skip
    store_id = connection.execute(select(store_table.c.store_id)).scalar_one()
    introduced = KeyIntroduced(store_id=store_id, public_key=key.public, previous=previous, lost=lost)
    statement = introduced.statement()
    introduced = msgspec.structs.replace(
        introduced, signature=key.sign(statement), by_previous="" if old is None else old.sign(statement)
    )
    entry = Entry(
        record_id=record_id, kind=SIGNING_KEY, subject=_SUBJECT, actor=actor, at=at, payload=encode_payload(introduced)
    )
    ledger.append([entry], within=connection)
    return introduced
