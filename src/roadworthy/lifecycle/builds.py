"""What differs between the builds that decided and the one that runs now, by their descriptions in the store."""

from __future__ import annotations

from typing import Any

import msgspec

from roadworthy.errors import StoreError
from roadworthy.live import describe_build
from roadworthy.records import Store, read_content

__all__ = ["tell_build"]


def tell_build(store: Store, build: str) -> tuple[str, ...]:
    """How the build of this digest differs from this program, as `numpy 2.3.5, now 2.4.0`; empty where it does not.

    Where the store does not hold its description, that is what is said.
    """
    try:
        with store.reading() as connection:
            kept = read_content(connection, build)
        then = None if kept is None else _flatten(msgspec.json.decode(kept.data))
    except (StoreError, msgspec.MsgspecError):
        then = None
    if then is None:
        return ("the store does not hold its description",)
    now = _flatten(msgspec.json.decode(describe_build()))
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    return tuple(f"{name} {then.get(name, 'absent')}, now {now.get(name, 'absent')}" for name in names)


def _flatten(described: Any) -> dict[str, str]:
    own = {name: str(value) for name, value in described.items() if name != "libraries"}
    return own | dict(described.get("libraries", {}))
