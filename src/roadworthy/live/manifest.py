"""What a release is made of, as it was recorded: digests of bytes that the store keeps."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.errors import NotFound, StoreError
from roadworthy.records import ReleaseEvent, decode_payload, metadata

__all__ = ["CREATED", "Manifest", "read_manifest", "release_subject", "table_subject"]

CREATED = "created"
"""The first step of a release's life; its record carries the manifest."""
_RECORDS = metadata.tables["records"]


class Manifest(Struct, frozen=True, kw_only=True):
    """The parts of a release.

    package, policy, product   SHA-256 of the bytes in `contents`: the .rw file, policy.yaml, product.yaml
    tables                     the same of each table's contract, by the table's name
    model                      `Package.digest`
    release                    `Release.digest`: same digest, same decisions
    """

    package: str
    policy: str
    product: str
    model: str
    release: str
    tables: Mapping[str, str] = {}


def release_subject(release_id: str) -> str:
    """What records about a release are about.

    >>> release_subject("1")
    'release:1'
    """
    return f"release:{release_id}"


def table_subject(name: str) -> str:
    """What records about a table's versions are about.

    >>> table_subject("merchants")
    'table:merchants'
    """
    return f"table:{name}"


def read_manifest(connection: Connection, release_id: str) -> Manifest:
    """The parts of a release. NotFound where there is none of that number."""
    first = select(_RECORDS.c.payload).where(
        _RECORDS.c.subject == release_subject(release_id), _RECORDS.c.nth == 1, _RECORDS.c.kind == "release_event"
    )
    payload = connection.execute(first).scalar_one_or_none()
    if payload is None:
        raise NotFound(
            f"there is no release {release_id}",
            available=_releases(connection),
            mend="`roadworthy release list` shows them",
        )
    event = decode_payload(payload, ReleaseEvent)
    try:
        return msgspec.convert(event.details, Manifest)
    except msgspec.ValidationError as error:
        raise StoreError(f"the record of release {release_id} names no parts: {error}") from error


def _releases(connection: Connection) -> list[str]:
    firsts = select(_RECORDS.c.subject).where(_RECORDS.c.kind == "release_event", _RECORDS.c.nth == 1)
    names = [subject.partition(":")[2] for subject in connection.execute(firsts).scalars()]
    return sorted(names, key=lambda name: (len(name), name))
