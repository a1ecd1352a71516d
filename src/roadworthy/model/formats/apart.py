"""A stranger's file, opened in a process apart that has no network and little of anything else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.errors import SealError
from roadworthy.settings import bare_environment

__all__ = ["Inside", "do_apart"]

PATIENCE_SECONDS = 180
_LONGEST_ANSWER = 2**20


class Inside(msgspec.Struct, frozen=True):
    """What the process said, and not believed further than its shape."""

    imports: tuple[tuple[str, bool], ...] = ()
    model: str = ""
    file: str = ""
    types: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    forbidden: str = ""
    fault: str = ""


def do_apart(task: str, path: Path, folder: Path, names: Sequence[str] = ()) -> Inside:
    """Have `task` done with the file at `path`, in `folder`; SealError where it is forbidden, fails, dies or hangs."""
    command = [sys.executable, "-m", "roadworthy.model.formats.inside", task, str(path), str(folder), *names]
    try:
        done = subprocess.run(  # noqa: S603  # this program itself, with no shell
            command,
            env=bare_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SealError(f"reading it takes more than {PATIENCE_SECONDS} seconds", where=path) from None
    said = _read_answer(done.stdout)
    if said is None:
        how = f"by signal {-done.returncode}" if done.returncode < 0 else f"with exit code {done.returncode}"
        raise SealError(f"whatever reads it ends {how}: it is damaged, or made to do harm", where=path)
    if said.forbidden:
        raise SealError(f"reading it would {said.forbidden}: it is made to do harm", where=path)
    if said.fault:
        raise SealError(f"cannot be read: {said.fault}", where=path)
    return said


def _read_answer(content: bytes) -> Inside | None:
    try:
        return msgspec.convert(_plain(msgspec.json.decode(content[:_LONGEST_ANSWER])), type=Inside)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _plain(said: Any) -> Any:
    """What was said, its texts fit for a terminal."""
    if isinstance(said, str):
        return "".join(one if one.isprintable() else " " for one in said)
    if isinstance(said, list):
        return [_plain(one) for one in said]
    return {name: _plain(one) for name, one in said.items()} if isinstance(said, dict) else said
