"""What each stage was made from and made: a stage whose inputs and outputs are as they were is not run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

import msgspec

from roadworthy.yaml_file import write_text

__all__ = ["Journal", "digest_files"]


class Entry(msgspec.Struct, frozen=True):
    """One finished stage: a digest of all it read, and of each file it wrote."""

    inputs: str
    outputs: dict[str, str]


@dataclass
class Journal:
    """The finished stages of one directory, kept in `path`; written after each stage, whole or not at all."""

    path: Path
    entries: dict[str, Entry]

    @classmethod
    def read(cls, path: Path) -> Journal:
        """The journal at `path`; an absent or unreadable one is empty, since everything in it can be made again."""
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=dict[str, Entry]))
        except (OSError, msgspec.DecodeError):
            return cls(path, {})

    def is_done(self, stage: str, inputs: str) -> bool:
        """Whether `stage` was finished from the same inputs and its files are still what it wrote."""
        entry = self.entries.get(stage)
        return (
            entry is not None
            and entry.inputs == inputs
            and all(_digest(self.path.parent / name) == digest for name, digest in entry.outputs.items())
        )

    def finish(self, stage: str, inputs: str, outputs: Sequence[Path]) -> None:
        """Note that `stage` is done."""
        written = {str(path.relative_to(self.path.parent)): _digest(path) or "" for path in outputs}
        self.entries[stage] = Entry(inputs, written)
        write_text(self.path, msgspec.json.format(msgspec.json.encode(self.entries), indent=1).decode())


def digest_files(files: Sequence[Path], more: Mapping[str, str]) -> str:
    """One digest of the contents of `files` and of the texts in `more`."""
    whole = sha256()
    for path in files:
        whole.update(f"{path.name} {_digest(path)}\n".encode())
    for name, text in sorted(more.items()):
        whole.update(f"{name} {text}\n".encode())
    return whole.hexdigest()


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
