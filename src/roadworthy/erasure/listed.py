"""The list of erasures, kept beside the wrapping key and outside the store: a restored backup knows nothing of them.

One JSON document a line: which keys were destroyed and which applications they were about; no applicant is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from roadworthy.errors import StoreError

__all__ = ["ErasureList", "Listed"]


class Listed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One erasure: what it destroyed, and when, by whom and on what ground. `withdrawn`: it was not done after all."""

    erasure_id: str
    key_ids: tuple[str, ...] = ()
    application_ids: tuple[str, ...] = ()
    at: datetime | None = None
    by: str = ""
    ground: str = ""
    withdrawn: bool = False


class ErasureList:
    """The list in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def beside(cls, wrapping_key_file: Path) -> ErasureList:
        """The list beside a wrapping key's file.

        >>> ErasureList.beside(Path("keys/wrapping.key")).path.as_posix()
        'keys/wrapping.erasures'
        """
        return cls(wrapping_key_file.with_suffix(".erasures"))

    def add(self, erasure: Listed) -> None:
        """Put one more on the list; on disk when this returns. StoreError where it cannot be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(opened, "wb") as file:
                # A line that was cut off when the machine died must not swallow this one.
                file.write(b"\n" + msgspec.json.encode(erasure) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreError(
                f"the list of erasures cannot be written, so nothing was erased: {error.strerror}", where=self.path
            ) from error

    def read(self) -> list[Listed]:
        """Every erasure that was done, in order; none where there is no list.

        StoreError where it cannot be read, or is damaged: who was erased would come back.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"the list of erasures cannot be read: {error.strerror}", where=self.path) from error
        found: dict[str, Listed] = {}
        for one in self._decode(lines):
            if one.withdrawn:
                found.pop(one.erasure_id, None)
            else:
                found[one.erasure_id] = one
        return list(found.values())

    def _decode(self, lines: Sequence[bytes]) -> Iterable[Listed]:
        for number, line in enumerate(lines):
            try:
                if line.strip():
                    yield msgspec.json.decode(line, type=Listed)
            except msgspec.MsgspecError:
                if b"".join(lines[number + 1 : number + 2]) or number + 1 == len(lines):
                    continue  # it has no end of its own, so it was cut off: the erasure it was for had not begun
                raise StoreError(
                    f"line {number + 1} of the list of erasures is damaged: whom it names would come back",
                    where=self.path,
                    mend="put the list back from where you keep a copy of it",
                ) from None
