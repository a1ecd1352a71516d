"""The check of what is kept away from a store: a backup, and an archive of Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa

from roadworthy.errors import StoreError
from roadworthy.records.archive import Manifest, read_manifest
from roadworthy.records.archive_folder import ArchiveManifest, Part, read_archive_manifest, read_archived_heads
from roadworthy.records.chain import Verified
from roadworthy.records.entry import Head
from roadworthy.records.parquet_rows import check_parquet, find_in_parquet, hash_file, open_parquet, split_parquet
from roadworthy.records.runs import Run
from roadworthy.records.signing import SignedHeads
from roadworthy.records.verifying import OnceRow, Source, verify_source

__all__ = ["verify_archive", "verify_backup"]

_AT_ONCE = 20_000
_ROWS = "records.parquet"


def verify_backup(path: Path, *, kept: Sequence[SignedHeads] = (), processes: int = 1) -> Verified:
    """`verify_chain` of a backup, as it lies there. StoreError where the file is no backup."""
    manifest = read_manifest(path)
    try:
        return verify_source(_Backup(path, manifest), kept, processes)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise StoreError(f"the backup cannot be read: {error}", where=path, mend="another backup") from error


def verify_archive(folder: Path, *, kept: Sequence[SignedHeads] = (), processes: int = 1) -> Verified:
    """`verify_chain` of an archive, with nothing but its folder. StoreError where it is no archive.

    An archive holds records alone: neither keys once used nor contents. The signed heads that lie in it are checked as
    well; whoever may write into the folder may remove them, so bring heads from elsewhere too.
    """
    manifest = read_archive_manifest(folder)
    try:
        return verify_source(_Archive(folder, manifest), [*kept, *read_archived_heads(folder)], processes)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise StoreError(f"the archive cannot be read: {error}", where=folder, mend="another copy of it") from error


class _Backup(Source):
    def __init__(self, path: Path, manifest: Manifest) -> None:
        self._path = path
        self._manifest = manifest
        self.store_id = manifest.store_id
        with open_parquet(path, "heads.parquet") as file:
            rows = file.read(columns=["slot", "seq", "hash"]).to_pylist()
        self._heads = tuple(Head(row["slot"], row["seq"], row["hash"]) for row in rows if row["seq"] > 0)

    def heads(self) -> tuple[Head, ...]:
        return self._heads

    def runs(self, seed: int) -> list[Callable[[], Run]]:
        found = split_parquet(self._path, _ROWS, f"{self._path.name}, {_ROWS}", _AT_ONCE)
        return [partial(check_parquet, rows, seed) for rows in found]

    def find_row(self, slot: int, seq: int) -> tuple[str, bytes] | None:
        return find_in_parquet(self._path, _ROWS, slot, seq)

    def read_once(self) -> Iterator[Sequence[OnceRow]]:
        with open_parquet(self._path, "once.parquet") as file:
            for batch in file.iter_batches(_AT_ONCE, columns=["caller", "record_id"]):
                yield list(zip(batch["caller"].to_pylist(), batch["record_id"].to_pylist(), strict=True))

    def more(self) -> list[Callable[[], str | None]]:
        stated = tuple((head.slot, head.seq, head.hash.hex()) for head in self._heads)
        members = [(f"{table.name}.parquet", table.sha256) for table in self._manifest.tables]
        return [
            partial(_compare, stated, self._manifest.heads, f"{self._path.name}: its heads are not its manifest's"),
            partial(_check_contents, self._path),
            *(partial(_check_member, self._path, member, digest) for member, digest in members),
        ]


class _Archive(Source):
    def __init__(self, folder: Path, manifest: ArchiveManifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self.store_id = manifest.store_id
        self.whole = manifest.whole
        self._heads = tuple(Head(slot, seq, bytes.fromhex(digest)) for slot, seq, digest in manifest.heads)

    def heads(self) -> tuple[Head, ...]:
        return self._heads

    def runs(self, seed: int) -> list[Callable[[], Run]]:
        checks: list[Callable[[], Run]] = []
        for part in sorted(self._manifest.parts, key=lambda part: (part.slot, part.first)):
            try:
                found = split_parquet(self._folder / part.name, None, part.name, _AT_ONCE)
            except (OSError, ValueError, pa.ArrowException) as error:
                return [*checks, partial(Run, fault=f"{part.name} cannot be read: {str(error).splitlines()[0]}")]
            checks += [partial(check_parquet, rows, seed) for rows in found]
        return checks

    def find_row(self, slot: int, seq: int) -> tuple[str, bytes] | None:
        for part in self._manifest.parts:
            if part.slot == slot and part.first <= seq <= part.last:
                return find_in_parquet(self._folder / part.name, None, slot, seq)
        return None

    def more(self) -> list[Callable[[], str | None]]:
        return [partial(_check_part, self._folder, part) for part in self._manifest.parts]


def _compare(one: object, other: object, fault: str) -> str | None:
    return None if one == other else fault


def _check_contents(path: Path) -> str | None:
    with open_parquet(path, "contents.parquet") as file:
        for batch in file.iter_batches(1, columns=["digest", "bytes"]):
            (row,) = batch.to_pylist()
            if sha256(row["bytes"]).hexdigest() != row["digest"]:
                return f"the content kept as {row['digest']} is something else"
    return None


def _check_member(path: Path, member: str, expected: str) -> str | None:
    digest = sha256()
    with ZipFile(path) as archive, archive.open(member) as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return None if digest.hexdigest() == expected else f"{path.name}: {member} is not the file that the manifest names"


def _check_part(folder: Path, part: Part) -> str | None:
    return None if hash_file(folder / part.name) == part.sha256 else f"{part.name} is not the file that was archived"
