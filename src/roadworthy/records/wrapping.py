"""Wrapping keys: they open the applicants' keys that a store keeps, and are never in the store themselves.

They are in a file (its owner's alone) or in the environment, one a line or with space between: the first is the newest,
and every one of them opens what was wrapped under it. A key is `rww_` and 256 random bits; its id is made of itself, so
that the two cannot be confused.
"""

from __future__ import annotations

import os
import re
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from roadworthy.errors import StoreError
from roadworthy.records.key_files import make_key_file, read_key_file, replace_key_file

__all__ = [
    "WrappingKey",
    "WrappingKeys",
    "find_wrapping_keys",
    "make_wrapping_file",
    "new_wrapping_key",
    "read_wrapping_file",
    "read_wrapping_text",
    "write_wrapping_file",
]

_MARK = "rww_"
_FORM = re.compile(rf"{_MARK}[A-Za-z0-9_-]{{43}}")
_NONCE = 12
_HEADER = (
    "# What opens the applicants' data in this product's store. Keep a copy apart from the store's backups:\n"
    "# without it nobody can read them, and with it and a backup everybody can. The first line is in use.\n"
)


class WrappingKey:
    """One key that wraps others. Its words never show in a message."""

    def __init__(self, word: str) -> None:
        secret = urlsafe_b64decode(word.removeprefix(_MARK) + "=")
        self.word = word
        self.key_id = sha256(b"roadworthy wrapping key\n" + secret).hexdigest()[:16]
        self._cipher = AESGCM(secret)

    def __repr__(self) -> str:
        return f"WrappingKey({self.key_id})"

    def wrap(self, secret: bytes, name: str) -> bytes:
        """`secret` so that this key alone opens it, and only under the same name."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, name.encode())

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """The inverse of `wrap`. StoreError where it was wrapped otherwise, or changed since."""
        try:
            return self._cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreError(
                f"the key {name} is not what was wrapped under {self.key_id}", mend="restore a backup"
            ) from error


class WrappingKeys:
    """The wrapping keys of one deployment, read again where the store names one that was not there before."""

    def __init__(self, read: Callable[[], str], where: str, path: Path | None = None) -> None:
        self._read = read
        self._lock = threading.Lock()
        self.where = where
        self.path = path
        self._keys = self._parse()

    @property
    def keys(self) -> Sequence[WrappingKey]:
        """All of them, the newest first."""
        return tuple(self._keys)

    @property
    def newest(self) -> WrappingKey:
        """The one that a new store is wrapped under."""
        return self._keys[0]

    def reread(self) -> None:
        """Look again at where they are kept."""
        with self._lock:
            self._keys = self._parse()

    def find(self, key_id: str) -> WrappingKey:
        """The key with this id. StoreError, naming where it was looked for, where it is not among them."""
        found = self._find(key_id)
        if found is None:
            self.reread()
            found = self._find(key_id)
        if found is None:
            raise StoreError(
                f"the applicants' data are encrypted under the wrapping key {key_id}, which is not there",
                where=self.where,
                available=[key.key_id for key in self._keys],
                mend="put the key that the store was encrypted with back, beside what is there",
            )
        return found

    def _find(self, key_id: str) -> WrappingKey | None:
        return next((key for key in self._keys if key.key_id == key_id), None)

    def _parse(self) -> list[WrappingKey]:
        lines = [line for line in self._read().splitlines() if not line.lstrip().startswith("#")]
        words = [word for word in re.split(r"[\s,]+", " ".join(lines)) if word]
        if not words or not all(_FORM.fullmatch(word) for word in words):
            said = "holds no wrapping key" if not words else "holds something that is no wrapping key"
            raise StoreError(said, where=self.where, mend=f"one key a line, each {_MARK} and 43 signs")
        return [WrappingKey(word) for word in words]


def new_wrapping_key() -> str:
    """A new key, as it is written down."""
    return _MARK + urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def read_wrapping_text(text: str, where: str) -> WrappingKeys:
    """The keys in a text, such as an environment variable; `where` names it in messages."""
    return WrappingKeys(lambda: text, where)


def read_wrapping_file(path: Path) -> WrappingKeys:
    """The keys in a file. StoreError where it cannot be read, others than its owner can get at it, or it holds none."""
    return WrappingKeys(lambda: read_key_file(path).decode("ascii", "replace"), str(path), path)


def find_wrapping_keys(path: Path | None, words: str | None, variable: str) -> WrappingKeys | None:
    """The keys of a deployment: `words` from the environment variable, else those in the file; None where it has none.

    StoreError where what is there is no key.
    """
    if words is not None:
        return read_wrapping_text(words, variable)
    return read_wrapping_file(path) if path is not None and path.exists() else None


def make_wrapping_file(path: Path) -> WrappingKeys:
    """A new file with a new key, which its owner alone may read; on disk when this returns. Refused where it is there.

    StoreError where it cannot be written.
    """
    make_key_file(path, _spell([new_wrapping_key()]))
    return read_wrapping_file(path)


def write_wrapping_file(path: Path, words: Sequence[str]) -> None:
    """Let a file hold these keys, the newest first: as it was or as it is to be, whatever breaks off meanwhile."""
    replace_key_file(path, _spell(words))


def _spell(words: Sequence[str]) -> bytes:
    return (_HEADER + "".join(f"{word}\n" for word in words)).encode("ascii")
