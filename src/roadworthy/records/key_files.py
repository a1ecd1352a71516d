"""Files that hold a key: outside the store, their owner's alone, made once and replaced whole.

Two settings name such a file: `wrapping_key_file` (wraps the applicants' own keys), `signing_key_file` (signs heads).
Whoever has the store and not these files can neither open what was sealed nor sign a head.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from roadworthy.errors import Refused, StoreError

__all__ = ["make_key_file", "read_key_file", "replace_key_file"]

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ROOTS_OTHERS = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
"""Of a file of root's, which a secret mounted into a container is, the group may read: that is us."""


def make_key_file(path: Path, data: bytes) -> None:
    """Write `data` to a new file that its owner alone can read; it is on disk when this returns.

    Refused where there is a file already: whoever writes over a key loses what it opened. Of any number of processes
    that make the same file at once, one does.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "keys" / "signing.key"
    >>> make_key_file(path, b"a secret")
    >>> read_key_file(path), oct(path.stat().st_mode & 0o777)
    (b'a secret', '0o600')
    """
    fresh = _write_beside(path, data)
    try:
        os.link(fresh, path)  # unlike a rename, it never takes the place of another
    except FileExistsError:
        raise Refused("there is a key already", where=path, mend="keep it, or name another file") from None
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            fresh.unlink()
    _sync_folder(path)


def read_key_file(path: Path) -> bytes:
    """What the file holds. StoreError where it cannot be read, is empty, or others than its owner can get at it."""
    try:
        opened = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise StoreError(
            "the key file is not there", where=path, mend="put it back from where you keep a copy of it"
        ) from None
    except OSError as error:
        raise StoreError(f"the key file cannot be read: {error.strerror}", where=path) from error
    found = os.fstat(opened)
    if not stat.S_ISREG(found.st_mode):
        os.close(opened)
        raise StoreError("the key file is no file", where=path)
    with os.fdopen(opened, "rb") as file:
        mounted = found.st_uid == 0 and os.geteuid() != 0
        if found.st_mode & (_ROOTS_OTHERS if mounted else _OTHERS):
            raise StoreError(
                f"others than its owner can get at the key (its mode is {stat.S_IMODE(found.st_mode):04o})",
                where=path,
                mend=f"chmod 600 {path}",
            )
        data = file.read()
    if not data:
        raise StoreError("the key file is empty", where=path, mend="put it back from where you keep a copy of it")
    return data


def replace_key_file(path: Path, data: bytes) -> None:
    """Put `data` in place of what the file holds, whole or not at all; it is on disk when this returns."""
    fresh = _write_beside(path, data)
    try:
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise _unwritable(path, error) from error
    _sync_folder(path)


def _write_beside(path: Path, data: bytes) -> Path:
    """`data` in a file of its own in the same folder, on disk."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise _unwritable(path, error) from error
    return fresh


def _sync_folder(path: Path) -> None:
    opened = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"the key file cannot be written: {error.strerror}", where=path)
