"""What the door works with, made once by whoever composes the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from roadworthy.access import Actor, Deed, KeyRing, Passwords, RandomBytes
from roadworthy.live import CurrentRoute
from roadworthy.records import Store
from roadworthy.settings import Settings

__all__ = ["Services"]


@dataclass(frozen=True, kw_only=True)
class Services:
    """One store with what is live on it, its keys, and the clock, ids and randomness that rooms below are handed.

    `clock` gives the moment in UTC, `new_id` a new UUIDv7 as text; `wake` tells whoever works on jobs of one.
    """

    store: Store
    current: CurrentRoute
    keys: KeyRing
    settings: Settings
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    random: RandomBytes
    passwords: Passwords
    wake: Callable[[], None] = lambda: None

    def deed(self, actor: Actor, now: datetime | None = None) -> Deed:
        """A deed of `actor`, now."""
        return Deed(self.store, actor, self.clock() if now is None else now, self.new_id)
