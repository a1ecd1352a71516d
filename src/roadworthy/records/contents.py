"""Bytes kept by their SHA-256: sealed packages, uploaded tables, descriptions of builds."""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct
from sqlalchemy import Connection, delete, select, text

from roadworthy.errors import StoreError, UsageError
from roadworthy.records.schema import contents

__all__ = ["Content", "drop_content", "keep_content", "read_content"]

LARGEST = 256 * 1024 * 1024
_KEEP = text(
    "INSERT INTO contents (digest, media_type, size, bytes) VALUES (:digest, :media_type, :size, :bytes) "
    "ON CONFLICT DO NOTHING"
)


class Content(Struct, frozen=True):
    """Bytes and what they are."""

    digest: str
    media_type: str
    data: bytes


def keep_content(connection: Connection, data: bytes, media_type: str) -> str:
    """Keep bytes, and give their SHA-256 in hex; nothing happens where they are kept already.

    UsageError above 256 MiB.
    """
    if len(data) > LARGEST:
        raise UsageError(f"{len(data)} bytes are more than a store keeps in one piece", mend=f"at most {LARGEST}")
    digest = sha256(data).hexdigest()
    connection.execute(_KEEP, {"digest": digest, "media_type": media_type, "size": len(data), "bytes": data})
    return digest


def read_content(connection: Connection, digest: str) -> Content | None:
    """The bytes with this digest, or None. StoreError where what is kept is not what was given."""
    wanted = select(contents.c.media_type, contents.c.bytes).where(contents.c.digest == digest)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    # SQLite keeps in a column what it is given: whoever edits by hand may leave a text there.
    if not isinstance(row.bytes, bytes) or sha256(row.bytes).hexdigest() != digest:
        raise StoreError("what is kept under this digest is something else", where=digest, mend="restore a backup")
    return Content(digest, row.media_type, row.bytes)


def drop_content(connection: Connection, digest: str) -> None:
    """Forget the bytes with this digest: for what an erasure or a retention rule reaches."""
    connection.execute(delete(contents).where(contents.c.digest == digest))
