"""An archive: a folder of Parquet files that holds every record, grows with the store, and is checked without it.

    manifest.json                               what there is: parts, their SHA-256, the heads
    records/slot-01/000000000001-000000065536.parquet
    heads/20261101T090000Z.json                 signed heads, where there is a key to sign with

A part is written once and never again; the next export begins behind the last part of each slot. What is archived is
checked on its way: an archive takes no row that does not follow the row before it, and refuses to go on behind a row
that is no longer the one it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.errors import Refused, StoreError
from roadworthy.records.archive import sync_to_disk
from roadworthy.records.chain import GENESIS
from roadworthy.records.entry import Head
from roadworthy.records.ledger import read_heads
from roadworthy.records.marks import Marker
from roadworthy.records.parquet_rows import hash_file
from roadworthy.records.rows import Rows, read_rows
from roadworthy.records.runs import ROW, Joining, check_run, chunk_rows
from roadworthy.records.schema import records
from roadworthy.records.schema import store as store_table
from roadworthy.records.signing import SignedHeads, read_signed_heads, say_heads, write_signed_heads
from roadworthy.records.store import Store

__all__ = ["ArchiveManifest", "Archived", "Part", "archive", "read_archive_manifest", "read_archived_heads"]

_FORMAT = 1
_MANIFEST = "manifest.json"
_PART_ROWS = 65_536
_TYPES = {
    "slot": pa.int32(), "seq": pa.int64(), "nth": pa.int64(), "at_us": pa.int64(), "epoch": pa.int64(),
    "trial": pa.bool_(), "payload": pa.binary(), "sealed": pa.binary(), "previous": pa.binary(), "hash": pa.binary(),
}  # fmt: skip
_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in ROW])


class Part(Struct, frozen=True):
    """One file of an archive: rows `first` to `last` of a slot, the hash of the last, and the SHA-256 of the file."""

    name: str
    slot: int
    first: int
    last: int
    hash: str
    sha256: str


class ArchiveManifest(Struct, frozen=True, kw_only=True):
    """What an archive is of: the store, when it last grew, its parts, and the heads of what it holds.

    `whole` is false while it grows: a slot may then point at rows of another that are not there yet.
    """

    format: int
    store_id: str
    trial: bool
    made_at: datetime
    whole: bool = False
    heads: tuple[tuple[int, int, str], ...] = ()
    parts: tuple[Part, ...] = ()


class Archived(Struct, frozen=True):
    """What an export did: records and parts that are new, and the archive as it is now."""

    records: int
    parts: int
    manifest: ArchiveManifest


def archive(store: Store, folder: Path, *, at: datetime, signed: SignedHeads | None = None) -> Archived:
    """Bring the archive in `folder` up to the store as it is now; begin one where there is none.

    `signed` are heads of the store, to be kept in it. Killed at any step it is whole, and goes on when called again.
    Refused: the archive is of another store, or its last rows are not the store's any more. StoreError: the store's
    rows do not verify, or the folder cannot be written.
    """
    try:
        (folder / "records").mkdir(parents=True, exist_ok=True)
        with store.reading() as connection:
            done = _grow(connection, folder, at)
        if signed is not None:
            name = signed.heads.at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
            write_signed_heads(folder / "heads" / f"{name}.json", signed)
    except OSError as error:
        raise StoreError(f"the archive cannot be written: {error.strerror}", where=folder) from error
    return done


def read_archive_manifest(folder: Path) -> ArchiveManifest:
    """What an archive says of itself. StoreError where there is none, or one of a later format."""
    path = folder / _MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=ArchiveManifest)
        for _slot, _seq, digest in manifest.heads:
            bytes.fromhex(digest)
    except OSError as error:
        raise StoreError(f"this is no archive: {error.strerror}", where=path) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(f"this is no archive: {error}", where=path) from error
    if manifest.format != _FORMAT:
        raise StoreError(f"the archive has format {manifest.format}; this version reads {_FORMAT}", where=path)
    for part in manifest.parts:
        if Path(part.name).is_absolute() or ".." in Path(part.name).parts:
            raise StoreError(f"a part lies outside the archive: {part.name}", where=path)
    return manifest


def read_archived_heads(folder: Path) -> list[SignedHeads]:
    """The signed heads that lie in an archive. StoreError where one was changed."""
    return [read_signed_heads(path) for path in sorted((folder / "heads").glob("*.json"))]


def _grow(connection: Connection, folder: Path, at: datetime) -> Archived:
    facts = connection.execute(select(store_table)).one()
    manifest = ArchiveManifest(format=_FORMAT, store_id=facts.store_id, trial=facts.trial, made_at=at)
    if (folder / _MANIFEST).exists():
        manifest = read_archive_manifest(folder)
    if manifest.store_id != facts.store_id:
        raise Refused(f"the archive is of another store: {manifest.store_id}", where=folder, mend="a folder of its own")
    ends = {slot: Head(slot, seq, bytes.fromhex(digest)) for slot, seq, digest in manifest.heads}
    for end in ends.values():
        _check_still_there(connection, end, folder)
    known = {part.name for part in manifest.parts}
    for stray in (folder / "records").glob("*/*"):
        if str(stray.relative_to(folder)) not in known:  # of an export that was broken off
            stray.unlink()
    fresh = 0
    for head in read_heads(connection):
        end = ends.get(head.slot, Head(head.slot, 0, GENESIS))
        while end.seq < head.seq:
            part, reached = _write_part(connection, folder, end, min(end.seq + _PART_ROWS, head.seq))
            fresh += reached.seq - end.seq
            ends[head.slot] = end = reached
            now = say_heads([ends[slot] for slot in sorted(ends)])
            manifest = msgspec.structs.replace(
                manifest, made_at=at, whole=False, parts=(*manifest.parts, part), heads=now
            )
            _write_manifest(folder, manifest)
    manifest = msgspec.structs.replace(manifest, whole=True)
    _write_manifest(folder, manifest)
    return Archived(fresh, len(manifest.parts) - len(known), manifest)


def _check_still_there(connection: Connection, end: Head, folder: Path) -> None:
    wanted = select(records.c.hash).where(records.c.slot == end.slot, records.c.seq == end.seq)
    found = connection.execute(wanted).scalar_one_or_none()
    if found != end.hash:
        said = "is not there any more" if found is None else "is another one now"
        raise Refused(
            f"slot {end.slot}, row {end.seq}, the last that was archived, {said}: the store was changed since",
            where=folder,
            mend="keep this archive as it is, and `roadworthy verify`",
        )


def _write_part(connection: Connection, folder: Path, end: Head, upto: int) -> tuple[Part, Head]:
    name = Path("records") / f"slot-{end.slot:02}" / f"{end.seq + 1:012}-{upto:012}.parquet"
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    writing = path.with_name(path.name + ".part")
    joined = Joining()
    joined.ends[end.slot] = end
    try:
        with pq.ParquetWriter(writing, _SCHEMA, compression="zstd", use_dictionary=["kind", "actor"]) as writer:
            for rows in read_rows(connection, Rows(end.slot, end.seq, upto)):
                fault = joined.take(check_run([chunk_rows(rows)], Marker(0)))
                if fault is not None:
                    raise StoreError(f"the store does not verify: {fault}", mend="roadworthy verify")
                columns = [pa.array(values, kind) for values, kind in zip(_columns(rows), _SCHEMA.types, strict=True)]
                writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))
        reached = joined.ends[end.slot]
        if reached.seq != upto:
            raise StoreError(f"the store does not verify: slot {end.slot}, row {reached.seq + 1} is missing")
        sync_to_disk(writing)
        writing.rename(path)
        sync_to_disk(path.parent)
    finally:
        with suppress(OSError):
            writing.unlink()
    return Part(name.as_posix(), end.slot, end.seq + 1, upto, reached.hash.hex(), hash_file(path)), reached


def _columns(rows: Sequence[tuple[object, ...]]) -> Iterator[Sequence[object]]:
    for name, values in zip(ROW, zip(*rows, strict=True), strict=True):
        yield [bool(value) for value in values] if name == "trial" else values


def _write_manifest(folder: Path, manifest: ArchiveManifest) -> None:
    path = folder / _MANIFEST
    fresh = path.with_name(_MANIFEST + ".part")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    sync_to_disk(fresh)
    fresh.replace(path)
    sync_to_disk(folder)
