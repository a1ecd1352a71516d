"""What a process that opens strangers' files gives up first: the network, other programs, files, time and memory."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from pathlib import Path
from typing import Any

__all__ = ["Forbidden", "give_up", "leave_network", "limit_resources"]

SECONDS = 120
MEMORY = 8 * 2**30
LARGEST_FILE = 2**31 - 1
OPEN_FILES = 256
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_NEVER = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate",
    "os.kill", "os.killpg", "shutil.", "ctypes.dlopen", "webbrowser.", "urllib.", "ftplib.", "smtplib.", "http.",
    "sys.settrace", "sys.setprofile",
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Forbidden(BaseException):
    """Something was tried that this process has given up. No `except Exception` on the way hides it."""


def leave_network() -> bool:
    """Go where there is no network, as far as the system lets this process; before it has threads."""
    if not sys.platform.startswith("linux"):
        return False
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(_NEW_NETWORK) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for name, text in (("uid_map", f"{user} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text)
    return True


def limit_resources(seconds: int = SECONDS, memory: int = MEMORY) -> None:
    """Bound time, memory (bytes of addresses) and files; what was started with lower bounds keeps them."""
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def give_up(folder: Path) -> None:
    """From now on the interpreter refuses sockets, programs and changes of files outside `folder`; for good."""
    within = os.path.realpath(folder) + os.sep

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not isinstance(flags, int) or not flags & _WRITES:
                return
            if os.fspath(path) != os.devnull and not os.path.realpath(os.fsdecode(path)).startswith(within):
                raise Forbidden(f"write {os.fsdecode(path)}")
        elif event.startswith(_NEVER):
            raise Forbidden(event)

    sys.addaudithook(refuse)
