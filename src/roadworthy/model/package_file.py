"""The .rw file: a zip of stored parts in one canonical form, so that the same parts give the same bytes everywhere.

Nothing is compressed: no part can unpack to more than the file's own size, and no compressor's version shows in the
bytes. Since there is only one way to write given parts, a reader can tell a change in any byte, even in those that no
part accounts for. Any zip tool opens the file (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16).
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

from roadworthy.errors import PackageError

__all__ = ["file_bytes", "parts_of", "read_parts", "write_parts"]

LARGEST_FILE = 2**31 - 1
MOST_PARTS = 100
_VERSION, _FIRST_OF_1980 = 20, 0x21
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


def file_bytes(parts: Mapping[str, bytes]) -> bytes:
    """The file that holds `parts`, ordered by name.

    >>> content = file_bytes({"b.json": b"{}", "a.npy": b"..."})
    >>> zipfile.ZipFile(io.BytesIO(content)).namelist()
    ['a.npy', 'b.json']
    """
    body, directory = io.BytesIO(), io.BytesIO()
    for name in sorted(parts):
        content, title = parts[name], name.encode()
        known = (0, 0, 0, _FIRST_OF_1980, crc32(content), len(content), len(content), len(title), 0)
        directory.write(_CENTRAL.pack(b"PK\1\2", _VERSION, _VERSION, *known, 0, 0, 0, 0, body.tell()) + title)
        body.write(_LOCAL.pack(b"PK\3\4", _VERSION, *known) + title)
        body.write(content)
    end = _END.pack(b"PK\5\6", 0, 0, len(parts), len(parts), directory.tell(), body.tell(), 0)
    return body.getvalue() + directory.getvalue() + end


def write_parts(path: Path, parts: Mapping[str, bytes]) -> None:
    """Write `parts` to `path` whole or not at all; PackageError where it cannot be written."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(file_bytes(parts))
        draft.replace(path)
    except OSError as error:
        raise PackageError(f"cannot be written: {error.strerror}", where=path) from None
    finally:
        draft.unlink(missing_ok=True)


def read_parts(path: Path) -> dict[str, bytes]:
    """The parts of the file at `path`; PackageError where there is none or a byte of it is not as it was written."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PackageError("is larger than 2 GiB", where=path)
        content = path.read_bytes()
    except FileNotFoundError:
        near = sorted(found.name for found in path.parent.glob("*.rw")) if path.parent.is_dir() else []
        raise PackageError("there is no such file", where=path, available=near) from None
    except OSError as error:
        raise PackageError(f"cannot be read: {error.strerror}", where=path) from None
    return parts_of(content, path)


def parts_of(content: bytes, where: object) -> dict[str, bytes]:
    """The parts of a file's bytes, `where` they come from; PackageError where a byte is not as it was written."""
    try:
        parts = _unpack(content)
    except (
        OSError,
        zipfile.BadZipFile,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        struct.error,
    ) as error:
        raise PackageError(f"is not a whole package: {error}", where=where, mend="copy or seal it again") from None
    if file_bytes(parts) != content:
        raise PackageError("holds bytes that belong to no part", where=where, mend="copy or seal it again")
    return parts


def _unpack(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_PARTS:
            raise ValueError(f"it has {len(entries)} parts")
        parts: dict[str, bytes] = {}
        for entry in entries:
            if entry.filename in parts:
                raise ValueError(f"{entry.filename} is there twice")
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{entry.filename} is compressed")
            parts[entry.filename] = archive.read(entry)
    return parts
