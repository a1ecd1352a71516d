"""The sign-ins that `roadworthy login` keeps: one a store, in files that only their owner reads."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from roadworthy.errors import UsageError
from roadworthy.settings import personal_folder

__all__ = ["KeptSignIn", "forget_sign_in", "keep_sign_in", "read_sign_in"]


class KeptSignIn(Struct, frozen=True):
    """Who signed in, and the secret of the session."""

    account: str
    session: str


def keep_sign_in(store_id: str, kept: KeptSignIn) -> None:
    """Keep a sign-in for this store, in place of an earlier one."""
    path = _place(store_id)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(kept))
        part.replace(path)
    except OSError as error:
        raise UsageError(
            f"the sign-in cannot be kept: {error.strerror}", where=path, mend="set XDG_CONFIG_HOME to a folder of yours"
        ) from None


def read_sign_in(store_id: str) -> KeptSignIn | None:
    """The sign-in kept for this store; None where there is none."""
    path = _place(store_id)
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeptSignIn)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError):
        raise UsageError("this is no sign-in that can be read", where=path, mend="`roadworthy login --end`") from None


def forget_sign_in(store_id: str) -> None:
    """Forget the sign-in kept for this store."""
    _place(store_id).unlink(missing_ok=True)


def _place(store_id: str) -> Path:
    return personal_folder() / "sign-ins" / f"{store_id}.json"
