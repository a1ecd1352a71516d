"""A disk that loses what was not synced: made of what `shim.c` wrote down of a writer's work.

The log says in which order files were made, written, cut, synced and removed, and what was acknowledged between. From
it comes the disk as it may be found after a power cut at any point: of what was done to a file since its last sync all
is there, nothing, some writes, or some sectors of 512 bytes of some writes, in any order. Names come and go in their
order, as in a file system with a journal, and stay once their folder was synced. A sync that failed leaves the writes
before it lost for good but for some sectors: the system takes those pages for clean and never writes them again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

__all__ = ["ANY", "READ", "SYNC", "TRUNCATE", "WRITE", "Cut", "Disk", "Done", "Writer", "make_shim", "read_log"]

WRITE, SYNC, TRUNCATE, READ, ANY = range(5)
_SECTOR = 512
_HEAD = struct.Struct("<ciqII")


def make_shim(folder: Path) -> Path:
    """The shim, compiled; skips where nothing compiles."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler on this machine, or no Linux: the disk cannot be broken")
    shim = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(shim), str(source), "-ldl", "-lpthread"], check=True)
    return shim


class Done(NamedTuple):
    """One line of the log: what was done to which file; `op` as in shim.c."""

    op: str
    error: int
    offset: int
    name: str
    data: bytes


def read_log(path: Path) -> list[Done]:
    data = path.read_bytes()
    found, at = [], 0
    while at < len(data):
        op, error, offset, name, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        words = os.fsdecode(data[at : at + name])
        at += name
        found.append(Done(op.decode(), error, offset, Path(words).name, data[at : at + length]))
        at += length
    return found


class Cut(Enum):
    """What a power cut leaves of what was not synced."""

    NOTHING = "nothing"
    ALL = "all"
    SOME = "some writes"
    TORN = "some sectors"


@dataclass
class _File:
    """What of a file is on the disk for certain, and what was done to it since."""

    kept: bytearray = field(default_factory=bytearray)
    since: list[Done] = field(default_factory=list)

    def leave(self, cut: Cut, chance: random.Random) -> bytearray:
        """One content that may be found after a cut."""
        found = bytearray(self.kept)
        for done in self.since:
            if cut is Cut.ALL or (cut is Cut.SOME and chance.random() < 0.5):
                _put(found, done.offset, done)
            elif cut is Cut.TORN:
                _tear(found, done, chance)
        return found


def _put(content: bytearray, offset: int, done: Done) -> None:
    if done.op == "T":
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(done.data)] = done.data


def _tear(content: bytearray, done: Done, chance: random.Random) -> None:
    if done.op == "T":
        if chance.random() < 0.5:
            _put(content, done.offset, done)
        return
    start = done.offset
    while start < done.offset + len(done.data):
        end = min((start // _SECTOR + 1) * _SECTOR, done.offset + len(done.data))
        if chance.random() < 0.5:
            _put(content, start, done._replace(data=done.data[start - done.offset : end - done.offset]))
        start = end


class Disk:
    """The files of one folder, as a log is followed. `honest=False`: its syncs do nothing, and say that they did."""

    def __init__(self, files: Mapping[str, bytes], *, seed: int, honest: bool = True) -> None:
        self._names = {name: _File(bytearray(content)) for name, content in files.items()}
        self._kept_names = dict(self._names)
        self._renamed: list[tuple[str, _File | None]] = []
        self._chance = random.Random(seed)
        self._honest = honest

    def follow(self, done: Done) -> None:
        """One line of the log."""
        match done.op:
            case "C":
                self._names[done.name] = _File()
                self._renamed.append((done.name, self._names[done.name]))
            case "U":
                del self._names[done.name]
                self._renamed.append((done.name, None))
            case "W" | "T":
                self._names[done.name].since.append(done)
            case "S" if self._honest and done.name in self._names:
                file = self._names[done.name]
                file.kept = file.leave(Cut.TORN if done.error else Cut.ALL, self._chance)
                file.since = []
            case "S" if self._honest and not done.error:  # the folder itself
                self._kept_names = dict(self._names)
                self._renamed = []

    def leave(self, cut: Cut, folder: Path) -> None:
        """Write into an empty folder what may be found there when the power comes back."""
        names = dict(self._kept_names)
        last = {Cut.NOTHING: 0, Cut.ALL: len(self._renamed)}.get(cut, self._chance.randint(0, len(self._renamed)))
        for name, file in self._renamed[:last]:
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file
        for name, file in names.items():
            (folder / name).write_bytes(file.leave(cut, self._chance))


class Writer:
    """The process of `disk_writer.py`, which works on one case after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def work(self, folder: Path, keys: Sequence[int], **case: Any) -> dict[str, Any]:
        """What became of a case; a fault that is the writer's own fails the test."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        case = {"folder": str(folder), "keys": list(keys), "seed": 1} | case
        to.write(json.dumps(case, default=str) + "\n")
        to.flush()
        answer: dict[str, Any] = json.loads(back.readline())
        assert "fault" not in answer, answer["fault"]
        return answer

    @classmethod
    @contextmanager
    def running(cls, shim: Path, watched: Path, warm: str) -> Iterator[Writer]:
        """One that breaks the files of this folder and those in it; it warms up with the store `warm`."""
        program = [sys.executable, str(Path(__file__).with_name("disk_writer.py")), warm]
        outside = {**os.environ, "LD_PRELOAD": str(shim), "DISK_FOLDER": str(watched.resolve())}
        process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=outside)
        try:
            yield cls(process)
        finally:
            process.kill()
            process.communicate()
