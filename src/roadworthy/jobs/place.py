"""Where in the code a handler is, or was when it failed: module, line and function, and never a value."""

from __future__ import annotations

import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

__all__ = ["where_it_failed", "where_it_stands"]

_LIBRARIES = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib"))


def where_it_failed(error: BaseException) -> str:
    """The innermost place of our own or the product's code that `error` came through."""
    frames: list[tuple[FrameType, int]] = []
    trace = error.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return _say(reversed(frames))


def where_it_stands(thread: threading.Thread) -> str:
    """The innermost such place that a thread is at."""
    return _say(_outward(sys._current_frames().get(thread.ident or 0)))


def _outward(frame: FrameType | None) -> Iterator[tuple[FrameType, int]]:
    while frame is not None:
        yield frame, frame.f_lineno
        frame = frame.f_back


def _say(frames: Iterator[tuple[FrameType, int]]) -> str:
    for frame, line in frames:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("roadworthy.") or not _is_library(frame.f_code.co_filename):
            return f"{module}:{line} ({frame.f_code.co_name})"
    return "an unknown place"


def _is_library(file: str) -> bool:
    return file.startswith("<") or any(Path(file).is_relative_to(library) for library in _LIBRARIES)
