"""Rows of the ledger in Parquet files: of a backup, or of an archive."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

from roadworthy.errors import StoreError
from roadworthy.records.chain import FORMAT, NONE
from roadworthy.records.marks import Marker
from roadworthy.records.runs import ROW, Chunk, Run, check_run, chunk_rows

__all__ = ["ParquetRows", "check_parquet", "find_in_parquet", "hash_file", "open_parquet", "split_parquet"]

_AT_ONCE = 2000
_TEXTS = ("record_id", "kind", "subject", "actor", "key_id")
_LARGEST_SLOT = 2**31 - 1
_INTEGERS = ("slot", "seq", "nth", "at_us", "epoch")
_HASHED = ("record_id", "kind", "subject", "actor", "payload", "key_id", "sealed")
_HEADER = np.dtype(
    [
        ("format", "S3"), ("previous", "V32"), ("slot", ">u4"), ("seq", ">u8"), ("nth", ">u8"), ("at_us", ">i8"),
        ("epoch", ">i8"), ("trial", "u1"), ("lengths", ">u4", (7,)),
    ]
)  # fmt: skip


class ParquetRows(Struct, frozen=True):
    """Row groups of one Parquet file, which may stand uncompressed in a ZIP; `name` is how it is called in a fault."""

    path: str
    member: str | None
    name: str
    first: int = 0
    last: int = 0


def open_parquet(path: Path, member: str | None = None) -> pq.ParquetFile:
    """A Parquet file, mapped into memory, so that what is not read is not loaded."""
    with path.open("rb") as file:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data: Any = pa.py_buffer(whole)
    if member is not None:
        with ZipFile(path) as archive:
            entry = archive.getinfo(member)
        if entry.compress_type != ZIP_STORED:
            raise StoreError(f"{member} is compressed in the ZIP, which no backup of ours is", where=path)
        names = int.from_bytes(whole[entry.header_offset + 26 : entry.header_offset + 28], "little")
        extra = int.from_bytes(whole[entry.header_offset + 28 : entry.header_offset + 30], "little")
        data = data.slice(entry.header_offset + 30 + names + extra, entry.file_size)
    return pq.ParquetFile(pa.BufferReader(data))


def split_parquet(path: Path, member: str | None, name: str, at_once: int) -> list[ParquetRows]:
    """The file's row groups, put together to some `at_once` rows each."""
    with open_parquet(path, member) as file:
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    found, begin, rows = [], 0, 0
    for group, size in enumerate(sizes):
        rows += size
        if rows >= at_once or group == len(sizes) - 1:
            found.append(ParquetRows(str(path), member, name, begin, group + 1))
            begin, rows = group + 1, 0
    return found


def check_parquet(rows: ParquetRows, seed: int) -> Run:
    """Check the rows of some row groups."""
    try:
        return check_run(_read_chunks(rows), Marker(seed))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        return Run(fault=f"{rows.name} cannot be read: {str(error).splitlines()[0]}")


def _read_chunks(rows: ParquetRows) -> Iterator[Chunk]:
    with open_parquet(Path(rows.path), rows.member) as file:
        for batch in file.iter_batches(
            _AT_ONCE, row_groups=range(rows.first, rows.last), columns=list(ROW), use_threads=False
        ):
            yield _chunk_batch(batch)


def find_in_parquet(path: Path, member: str | None, slot: int, seq: int) -> tuple[str, bytes] | None:
    """The record id and hash of a row, from the row groups whose statistics allow for it."""
    with open_parquet(path, member) as file:
        order = {name: number for number, name in enumerate(file.schema_arrow.names)}
        for group in range(file.num_row_groups):
            told = [file.metadata.row_group(group).column(order[name]).statistics for name in ("slot", "seq")]
            if any(
                stated is not None and stated.has_min_max and not stated.min <= value <= stated.max
                for stated, value in zip(told, (slot, seq), strict=True)
            ):
                continue
            table = file.read_row_group(group, columns=["slot", "seq", "record_id", "hash"], use_threads=False)
            found = table.filter(pc.and_(pc.equal(table["slot"], slot), pc.equal(table["seq"], seq)))
            if found.num_rows:
                return str(found["record_id"][0].as_py()), bytes(found["hash"][0].as_py())
    return None


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = sha256()
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _chunk_batch(batch: pa.RecordBatch) -> Chunk:
    """Rows as a chunk. Arrow puts together what is hashed, for all rows at once; what is odd goes row by row."""
    columns = {name: batch.column(name) for name in ROW}
    for name in _TEXTS:
        # What should be a text and is not comes as what cannot be hashed.
        columns[name] = columns[name].cast(pa.binary() if pa.types.is_string(columns[name].type) else pa.string())
    if not _is_plain(columns):
        return chunk_rows(list(zip(*(columns[name].to_pylist() for name in ROW), strict=True)))
    header = np.zeros(batch.num_rows, _HEADER)
    header["format"] = FORMAT
    header["previous"] = _cut_hashes(columns["previous"])
    for name in ("slot", "seq", "nth", "at_us", "trial"):
        header[name] = columns[name].to_numpy(zero_copy_only=False)
    header["epoch"] = pc.fill_null(columns["epoch"], -1).to_numpy(zero_copy_only=False)
    for number, name in enumerate(_HASHED):
        lengths = pc.binary_length(columns[name])
        header["lengths"][:, number] = pc.fill_null(lengths.cast(pa.int64()), NONE).to_numpy(zero_copy_only=False)
    heads = pa.Array.from_buffers(
        pa.binary(_HEADER.itemsize), batch.num_rows, [None, pa.py_buffer(header.tobytes())]
    ).cast(pa.binary())
    messages = pc.binary_join_element_wise(
        heads, *(columns[name] for name in _HASHED), b"", null_handling="replace", null_replacement=b""
    )
    return Chunk(
        slot=columns["slot"].to_numpy().tolist(),
        seq=columns["seq"].to_numpy().tolist(),
        nth=columns["nth"].to_numpy(zero_copy_only=False),
        record_id=columns["record_id"],
        kind=_list_few(columns["kind"]),
        subject=columns["subject"],
        payload=columns["payload"],
        previous=header["previous"].tolist(),
        hash=_cut_hashes(columns["hash"]).tolist(),
        digest=_hash_each(messages),
    )


def _is_plain(columns: dict[str, pa.Array]) -> bool:
    """Whether every row has what every row of ours has: no nulls where there are none, hashes of 32 bytes."""
    whole = [name for name in ROW if name not in ("epoch", "key_id", "sealed")]
    if any(columns[name].null_count for name in whole) or not len(columns["seq"]):
        return False
    kinds = dict.fromkeys(ROW, pa.types.is_binary) | dict.fromkeys(_INTEGERS, pa.types.is_signed_integer)
    kinds["trial"] = pa.types.is_boolean
    if not all(fits(columns[name].type) for name, fits in kinds.items()):
        return False
    least = [pc.min(columns[name]).as_py() for name in ("slot", "seq", "nth", "epoch")]
    lengths = [pc.min_max(pc.binary_length(columns[name])).as_py() for name in ("previous", "hash")]
    if pc.max(columns["slot"]).as_py() > _LARGEST_SLOT:
        return False
    return all(value is None or value >= 0 for value in least) and lengths == [{"min": 32, "max": 32}] * 2


def _cut_hashes(column: pa.Array) -> npt.NDArray[Any]:
    """Values of 32 bytes each, as an array."""
    begin = int(np.frombuffer(column.buffers()[1], np.int32)[column.offset])
    return np.frombuffer(column.buffers()[2], "V32", len(column), begin)


def _list_few(column: pa.Array) -> list[bytes]:
    """The values of a column that has few different ones: each becomes an object of Python once."""
    encoded = column.dictionary_encode()
    values: list[bytes] = encoded.dictionary.to_pylist()
    return [values[number] for number in encoded.indices.to_numpy().tolist()]


def _hash_each(messages: pa.Array) -> list[bytes | None]:
    offsets: npt.NDArray[np.int32] = np.frombuffer(messages.buffers()[1], np.int32)
    begin = messages.offset
    data = memoryview(messages.buffers()[2])
    found = offsets[begin : begin + len(messages) + 1].tolist()
    return [sha256(data[start:end]).digest() for start, end in pairwise(found)]
