"""A log that was found, made sure of: what is in it may have been read from memory, and never have reached the disk.

A writer that is killed between the write of a commit and its sync leaves a log that the next one reads as committed;
so does one under which the sync failed, and then the system takes the pages for clean and never writes them by itself.
Whoever went on from there would acknowledge, or build upon, what a power cut takes away. So whoever opens the store to
write writes the log once more, byte for byte, and syncs it with its name, before anything is said of what is in it.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["sync_folder", "write_again"]

_PIECE = 1 << 20


def write_again(path: Path) -> None:
    """Write a file over itself and sync it and its name; nothing where there is none. Nobody else may write it.

    OSError where the disk does not take it.
    """
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        at = 0
        while piece := os.pread(file, _PIECE, at):
            at += os.pwrite(file, piece, at)
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder: to sync a file syncs what is in it, not where it hangs."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
