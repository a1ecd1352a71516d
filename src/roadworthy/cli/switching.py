"""What `roadworthy stop` and `roadworthy resume` share: why, and what of it stands on the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from roadworthy.errors import UsageError

if TYPE_CHECKING:
    from roadworthy.access import Deed
    from roadworthy.records import Live

__all__ = ["say_why", "turn_switch"]


def turn_switch(turn: Callable[[Deed, str], Live], deed: Deed, reason: str, mend: str) -> Live:
    """Turn the stop switch; where there is no reason, UsageError with the command that gives one as its mend."""
    try:
        return turn(deed, reason)
    except UsageError as error:
        error.mend = mend
        raise


def say_why(deed: Deed) -> str:
    """Who turned the switch last, when and why, as it stands on the record; of an act that changed nothing, too."""
    from roadworthy.lifecycle import list_switches

    turned = list_switches(deed.store)[-1:]
    return "".join(f"on the record: {one.by} at {one.at:%Y-%m-%d %H:%M:%S} UTC: “{one.reason}”" for one in turned)
