"""Sealed packages brought to the store, each known by the digest of its bytes."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy import Connection, select, text

from roadworthy.access import Deed
from roadworthy.errors import NotFound
from roadworthy.lifecycle.schema import packages
from roadworthy.model import Package, load_bytes
from roadworthy.records import Entry, Store, decode_payload, encode_payload, keep_content, metadata, moment

__all__ = [
    "PACKAGE",
    "PackagePushed",
    "PackageView",
    "keep_package",
    "list_packages",
    "register_package",
    "show_package",
]

PACKAGE = "application/vnd.roadworthy.package"
"""The media type of a package's bytes."""
_KIND = "package_pushed"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RECORDS = metadata.tables["records"]
_CLAIM = text("INSERT INTO packages (digest) VALUES (:digest) ON CONFLICT DO NOTHING RETURNING digest")


class PackagePushed(Struct, frozen=True, kw_only=True):
    """A package came to the store (`subject`: package:DIGEST); `model` is `Package.digest`."""

    name: str
    model: str
    algorithm: str
    engine: str
    size: int


class PackageView(Struct, frozen=True, kw_only=True):
    """One package: `digest` is of its bytes and `model` its own; `engine` is compiled or native."""

    digest: str
    name: str
    model: str
    algorithm: str
    engine: str
    size: int
    pushed_by: str
    pushed_at: datetime


def keep_package(deed: Deed, data: bytes, *, trusted_types: tuple[str, ...] = ()) -> PackageView:
    """Keep a sealed package, checked whole; the same bytes again change nothing.

    PackageError where it cannot be trusted or read. UsageError above 256 MiB.
    """
    deed.demand("package.push")
    package = load_bytes(data, trusted_types=trusted_types)

    def keep(connection: Connection) -> PackageView:
        digest = keep_content(connection, data, PACKAGE)
        register_package(deed, connection, package, digest, len(data))
        return _read_views(connection, [digest])[0]

    return deed.store.transact(keep)


def list_packages(store: Store) -> list[PackageView]:
    """Every package of the store, the first one first."""
    with store.reading() as connection:
        return _read_views(connection, list(connection.execute(select(packages.c.digest)).scalars()))


def show_package(store: Store, digest: str) -> PackageView:
    """One package. NotFound, naming those there are, where there is none of that digest."""
    with store.reading() as connection:
        found = _read_views(connection, [digest]) if _DIGEST.fullmatch(digest) else []
        if not found:
            known = connection.execute(select(packages.c.digest)).scalars().all()
            raise NotFound(f"there is no package {digest}", available=known, mend="`roadworthy push FILE.rw` brings it")
    return found[0]


def register_package(deed: Deed, connection: Connection, package: Package, digest: str, size: int) -> None:
    """Record within a transaction that a package is there, where it is not yet."""
    if connection.execute(_CLAIM, {"digest": digest}).scalar_one_or_none() is None:
        return
    note = package.manifest.engine
    pushed = PackagePushed(name=package.name, model=package.digest, algorithm=note.model, engine=note.kind, size=size)
    entry = Entry(
        record_id=deed.new_id(),
        kind=_KIND,
        subject=_subject(digest),
        actor=deed.by.account,
        at=deed.now,
        payload=encode_payload(pushed),
    )
    deed.store.ledger.append([entry], within=connection)


def _read_views(connection: Connection, digests: list[str]) -> list[PackageView]:
    columns = (_RECORDS.c.subject, _RECORDS.c.actor, _RECORDS.c.at_us, _RECORDS.c.payload)
    about = _RECORDS.c.subject.in_([_subject(digest) for digest in digests]) & (_RECORDS.c.kind == _KIND)
    found = connection.execute(select(*columns).where(about).order_by(_RECORDS.c.at_us, _RECORDS.c.record_id))
    return [
        PackageView(
            digest=row.subject.partition(":")[2],
            pushed_by=row.actor,
            pushed_at=moment(row.at_us),
            **structs.asdict(decode_payload(row.payload, PackagePushed)),
        )
        for row in found
    ]


def _subject(digest: str) -> str:
    return f"package:{digest}"
