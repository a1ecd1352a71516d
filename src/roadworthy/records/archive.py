"""Backups: a store as one file, made while it serves, that restores into either kind of store.

The file is a ZIP of one Parquet file a table and a `manifest.json` with their SHA-256, the revisions of the tables and
the heads of the chains. It is read in one snapshot, so that it is the store at one moment. A restore is one
transaction: every hash is checked before, the chains are checked within, and a store that does not match its manifest
is not there afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from sqlalchemy import Connection, MetaData, Table, select

from roadworthy.errors import Refused, StoreError
from roadworthy.records.connections import Connections
from roadworthy.records.entry import Head
from roadworthy.records.ledger import read_heads
from roadworthy.records.migrating import read_revisions, run_migrations
from roadworthy.records.schema import store as store_table
from roadworthy.records.store import Store, connect_store, no_keys
from roadworthy.records.verifying_stores import verify_within

__all__ = ["ArchivedTable", "Manifest", "backup", "load_backup", "read_manifest", "restore", "sync_to_disk"]

_FORMAT = 1
_MANIFEST = "manifest.json"
_AT_ONCE = 2000
# Rows of these are large: one at a time.
_LARGE = frozenset({"contents"})
_TYPES = {int: pa.int64(), str: pa.string(), bytes: pa.binary(), bool: pa.bool_(), float: pa.float64()}


class ArchivedTable(Struct, frozen=True):
    """One table of a backup: its name, rows, and the SHA-256 of its Parquet file."""

    name: str
    rows: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup is of: the store, when it was made, the revisions of its tables, the heads of its chains."""

    format: int
    store_id: str
    trial: bool
    made_at: datetime
    revisions: tuple[str, ...]
    heads: tuple[tuple[int, int, str], ...]
    tables: tuple[ArchivedTable, ...]


def backup(store: Store, path: Path, *, at: datetime) -> Manifest:
    """Write the store, as it is at one moment, to a new file, while others read and write.

    The file appears under its name only when it is whole and on disk. Refused where the file is there already.
    StoreError where a table has a column that the format does not know.
    """
    if path.exists():
        raise Refused("the file is there already", where=path, mend="choose another name")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # As private as the store: it holds the same.
        with (
            store.reading() as connection,
            os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file,
            ZipFile(file, "w", ZIP_STORED) as archive,
        ):
            manifest = _write_tables(connection, archive, at)
            archive.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        sync_to_disk(part)
        part.rename(path)
        sync_to_disk(path.parent)
    except OSError as error:
        raise StoreError(f"the backup cannot be written: {error.strerror}", where=path) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return manifest


def read_manifest(path: Path) -> Manifest:
    """What a backup says of itself. StoreError where it is no backup, or one of a later format."""
    with _open_archive(path) as archive:
        return _read_manifest(archive, path)


def restore(path: Path, url: str) -> Manifest:
    """Make the store at `url`, where there must be none, from a backup; then bring its tables to this version.

    Whole or not at all. StoreError: the backup is damaged, or what it holds does not verify. Refused: there is a store.
    """
    return load_backup(path, url, migrate=True)


def load_backup(path: Path, url: str, *, migrate: bool) -> Manifest:
    """`restore`; without `migrate`, a store as the version left it that made the backup."""
    with _open_archive(path) as archive, connect_store(url, no_keys, create=True) as target:
        manifest = _read_manifest(archive, path)
        _check_hashes(archive, manifest, path)

        def load(connection: Connection) -> None:
            if read_revisions(connection):
                raise Refused("there is a store already", where=url, mend="restore to an empty place")
            run_migrations(connection, manifest.revisions)
            tables = _read_tables(connection)
            if set(tables) != {table.name for table in manifest.tables}:
                raise StoreError("the backup's tables are not those of its revisions", where=path)
            for name, table in tables.items():
                _load_table(target.connections, connection, table, archive, name)
            found = verify_within(connection)
            if found.fault is not None or _say_heads(found.heads) != manifest.heads:
                raise StoreError(f"the backup does not verify: {found.fault or 'other heads'}", where=path)
            if migrate:
                run_migrations(connection)

        target.transact(load)
    return manifest


def _write_tables(connection: Connection, archive: ZipFile, at: datetime) -> Manifest:
    facts = connection.execute(select(store_table)).one()
    tables = tuple(_write_table(connection, table, archive) for table in _read_tables(connection).values())
    return Manifest(
        format=_FORMAT,
        store_id=facts.store_id,
        trial=facts.trial,
        made_at=at,
        revisions=read_revisions(connection),
        heads=_say_heads(read_heads(connection)),
        tables=tables,
    )


def _write_table(connection: Connection, table: Table, archive: ZipFile) -> ArchivedTable:
    schema = pa.schema([(column.name, _arrow_type(table, column.type.python_type)) for column in table.columns])
    at_once = 1 if table.name in _LARGE else _AT_ONCE
    rows = 0
    with archive.open(_member(table.name), "w", force_zip64=True) as member:
        file = _Hashing(member)
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            in_order = select(table).order_by(*table.primary_key.columns)
            found = connection.execution_options(yield_per=at_once).execute(in_order)
            for part in found.partitions():
                columns = zip(*part, strict=True)
                arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
                rows += len(part)
    return ArchivedTable(str(table.name), rows, file.digest())


def _load_table(connections: Connections, connection: Connection, table: Table, archive: ZipFile, name: str) -> None:
    with archive.open(_member(name)) as member, pq.ParquetFile(member) as file:
        order = [column.name for column in table.columns]
        for batch in file.iter_batches(1 if name in _LARGE else _AT_ONCE, columns=order):
            columns = [batch.column(column).to_pylist() for column in order]
            connections.insert(connection, table, list(zip(*columns, strict=True)))


def _read_tables(connection: Connection) -> dict[str, Table]:
    """Every table of the store, of whatever room, those that others point at first."""
    found = MetaData()
    found.reflect(connection)
    return {str(table.name): table for table in found.sorted_tables if table.name != "alembic_version"}


def _arrow_type(table: Table, kind: type[Any]) -> pa.DataType:
    if kind not in _TYPES:
        raise StoreError(f"a column of type {kind.__name__} cannot be backed up", where=table.name)
    return _TYPES[kind]


def _say_heads(heads: Sequence[Head]) -> tuple[tuple[int, int, str], ...]:
    return tuple((head.slot, head.seq, head.hash.hex()) for head in heads)


def _member(table: str) -> str:
    return f"{table}.parquet"


@contextmanager
def _open_archive(path: Path) -> Iterator[ZipFile]:
    try:
        with ZipFile(path) as archive:
            yield archive
    except (BadZipFile, OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"this is no whole backup: {error}", where=path) from error


def _read_manifest(archive: ZipFile, path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(archive.read(_MANIFEST), type=Manifest)
    except (KeyError, msgspec.MsgspecError) as error:
        raise StoreError(f"this is no backup: {error}", where=path) from error
    if manifest.format != _FORMAT:
        raise StoreError(f"the backup has format {manifest.format}; this version reads {_FORMAT}", where=path)
    return manifest


def _check_hashes(archive: ZipFile, manifest: Manifest, path: Path) -> None:
    for table in manifest.tables:
        if _member(table.name) not in archive.namelist():
            raise StoreError(f"{_member(table.name)} is missing", where=path, mend="another backup")
        digest = sha256()
        with archive.open(_member(table.name)) as member:
            while chunk := member.read(1 << 20):
                digest.update(chunk)
        if digest.hexdigest() != table.sha256:
            raise StoreError(f"{_member(table.name)} is not what was backed up", where=path, mend="another backup")


def sync_to_disk(path: Path) -> None:
    """What was written to a file, or hung in a folder, is on disk when this returns."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class _Hashing:
    """A file that hashes what it is given."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = sha256()
        self.closed = False

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True

    def digest(self) -> str:
        return self._hash.hexdigest()
