"""The .rw file: a zip of stored parts in one canonical form, so that the same parts give the same bytes everywhere.

Nothing is compressed: no part can unpack to more than the file's own size, and no compressor's version shows in the
bytes. Since there is only one way to write given parts, a reader can tell a change in any byte, even in those that no
part accounts for, and says which part it belongs to. Any zip tool opens the file (PKWARE APPNOTE 6.3.10, sections
4.3.7, 4.3.12 and 4.3.16).
"""

from __future__ import annotations

import io
import re
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

from roadworthy.errors import PackageError

__all__ = ["file_bytes", "parts_of", "read_parts", "write_parts"]

LARGEST_FILE = 2**31 - 1
MOST_PARTS = 5_000
_VERSION, _FIRST_OF_1980, _UNIX = 20, 0x21, 3
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_SIGN, _CENTRAL_SIGN, _END_SIGN = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_PLAIN_NAME = re.compile(r"[\w-]+(?:[./][\w-]+)*", re.ASCII)
_LEADS_OUT = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)")
_LONGEST_SHOWN = 60


def file_bytes(parts: Mapping[str, bytes]) -> bytes:
    """The file that holds `parts`, ordered by name.

    >>> import zipfile
    >>> content = file_bytes({"b.json": b"{}", "a.npy": b"..."})
    >>> zipfile.ZipFile(io.BytesIO(content)).namelist()
    ['a.npy', 'b.json']
    """
    body, directory = io.BytesIO(), io.BytesIO()
    for name in sorted(parts):
        header, entry = _heads(name, parts[name], body.tell())
        directory.write(entry)
        body.write(header)
        body.write(parts[name])
    end = _END.pack(_END_SIGN, 0, 0, len(parts), len(parts), directory.tell(), body.tell(), 0)
    return body.getvalue() + directory.getvalue() + end


def _heads(name: str, content: bytes, at: int) -> tuple[bytes, bytes]:
    """What stands before a part that begins at `at`, and its entry in the directory."""
    title = name.encode()
    known = (0, 0, 0, _FIRST_OF_1980, crc32(content), len(content), len(content), len(title), 0)
    header = _LOCAL.pack(_LOCAL_SIGN, _VERSION, *known) + title
    return header, _CENTRAL.pack(_CENTRAL_SIGN, _VERSION, _VERSION, *known, 0, 0, 0, 0, at) + title


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
    """The parts of a file's bytes, `where` they come from.

    PackageError, which names the part, for every byte that is not as `file_bytes` writes it: cut off, compressed,
    encrypted, twice, under a name that leads out of the file, as a link, or otherwise than by Roadworthy.
    """
    try:
        parts = _walk(content)
        _compare(content, parts)
    except ValueError as fault:
        raise PackageError(f"is not a whole package: {fault}", where=where, mend="copy or seal it again") from None
    return parts


def _walk(content: bytes) -> dict[str, bytes]:
    """The parts one after the other, up to the directory."""
    titles, listed = _list_titles(content)
    if listed > MOST_PARTS:
        raise ValueError(f"it has {listed} parts")
    parts: dict[str, bytes] = {}
    at, called = 0, "its first part"
    while not content.startswith((_CENTRAL_SIGN, _END_SIGN), at) and (len(parts) < listed or not titles):
        title = _show(titles[len(parts)]) if titles else ""
        name, size = _read_header(content, at, title or called, title)
        if name in parts:
            raise ValueError(f"{name} is there twice")
        if len(parts) == MOST_PARTS:
            raise ValueError(f"it has more than {MOST_PARTS} parts")
        start = at + _LOCAL.size + len(name)
        at = start + size
        if at > len(content):
            raise ValueError(f"{name} is cut off: it says it has {size:,} bytes, and {len(content) - start:,} follow")
        parts[name] = content[start:at]
        if crc32(parts[name]) != struct.unpack_from("<L", content, start - len(name) - _LOCAL.size + 14)[0]:
            raise ValueError(f"{title or name} is not what its checksum says")
        called = f"the part after {name}"
    return parts


def _read_header(content: bytes, at: int, called: str, title: str) -> tuple[str, int]:
    """A part's name and size. `called` and `title` are what it goes by meanwhile; the title is empty where unknown."""
    header = content[at : at + _LOCAL.size]
    if len(header) >= len(_LOCAL_SIGN) and not header.startswith(_LOCAL_SIGN):
        raise ValueError(f"{called} does not begin where it should")
    if len(header) < _LOCAL.size:
        raise ValueError(f"{called} is cut off")
    _, _, flags, method, _, _, _, packed, size, name_size, extra = _LOCAL.unpack(header)
    raw = content[at + _LOCAL.size : at + _LOCAL.size + name_size]
    if len(raw) < name_size:
        raise ValueError(f"{called} is cut off within its name")
    name = _show(raw)
    called = title if title and title != name else name
    if flags & 1:
        raise ValueError(f"{called} is encrypted")
    if method:
        raise ValueError(f"{called} is compressed: it would unpack to {size:,} bytes")
    if flags & 8:
        raise ValueError(f"{called} says how long it is only where it ends")
    if packed != size:
        raise ValueError(f"{called} says of itself that it has {packed:,} bytes and {size:,}")
    if title and title != name:
        raise ValueError(f"{title} goes by the name {name} where it stands")
    if _LEADS_OUT.search(name):
        raise ValueError(f"{name} is a name that leads out of the package")
    if not _PLAIN_NAME.fullmatch(name) or name.encode() != raw:
        raise ValueError(f"{name!r} is no name of a part")
    if extra:
        raise ValueError(f"{name} carries {extra:,} bytes beside its content")
    return name, size


def _list_titles(content: bytes) -> tuple[list[bytes], int]:
    """The names in the directory and how many there are said to be, believed for nothing but to say which part is off.

    No names where the directory is not where the file's end says, or is cut.
    """
    if len(content) < _END.size or not content.startswith(_END_SIGN, len(content) - _END.size):
        return [], 0
    _, _, _, _, count, size, at, _ = _END.unpack_from(content, len(content) - _END.size)
    titles: list[bytes] = []
    stop = len(content) - _END.size
    if at + size != stop or count > MOST_PARTS:
        return [], count
    while len(titles) < count and at + _CENTRAL.size <= stop:
        name_size = _CENTRAL.unpack_from(content, at)[10]
        titles.append(content[at + _CENTRAL.size : at + _CENTRAL.size + name_size])
        at += _CENTRAL.size + name_size
    return (titles, count) if at == stop and len(titles) == count else ([], count)


def _compare(content: bytes, parts: Mapping[str, bytes]) -> None:
    """Refuse what is not the one way to write these parts, with the name of what is off first."""
    due = file_bytes(parts)
    if content == due:
        return
    at = sum(_LOCAL.size + len(name) + len(part) for name, part in parts.items())
    for name in parts:
        if _is_link(content[at : at + _CENTRAL.size]):
            raise ValueError(f"{name} is a symbolic link")
        at += _CENTRAL.size + len(name)
    at = 0
    for name, part in parts.items():
        header, _ = _heads(name, part, at)
        if not content.startswith(header, at):
            raise ValueError(f"{name} was not written by Roadworthy: it holds bytes that belong to no part")
        at += len(header) + len(part)
    for name, sound in zip(parts, sorted(parts), strict=True):
        if name != sound:
            raise ValueError(f"{name} is not in its place: it was not written by Roadworthy")
    for name in parts:
        size = _CENTRAL.size + len(name)
        if len(content) < at + size:
            raise ValueError(f"it is cut off within its directory, at {name}")
        if content[at : at + size] != due[at : at + size]:
            raise ValueError(f"{name} stands otherwise in the directory: it holds bytes that belong to no part")
        at += size
    if len(content) < len(due):
        raise ValueError("it is cut off within its end")
    if content.startswith(due[at:], at):
        raise ValueError(f"{len(content) - len(due):,} bytes after its end are bytes that belong to no part")
    raise ValueError("its end is not as it was written")


def _is_link(entry: bytes) -> bool:
    """Whether an entry of the directory says that its part only points at a file elsewhere."""
    if len(entry) < _CENTRAL.size or not entry.startswith(_CENTRAL_SIGN):
        return False
    _, made_by, *_, attributes, _ = _CENTRAL.unpack(entry)
    return made_by >> 8 == _UNIX and stat.S_ISLNK(attributes >> 16)


def _show(name: bytes) -> str:
    """A name as text, and no longer than one reads."""
    return name.decode("utf-8", "replace")[:_LONGEST_SHOWN]
