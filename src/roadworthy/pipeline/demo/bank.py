"""The demo's bank: a trial store that lives by the portfolio's clock, and what is still to be done on which day."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from roadworthy.access import Actor, Deed, act_as
from roadworthy.live import CurrentRoute
from roadworthy.records import Store, new_id

__all__ = ["Bank", "at_nine"]

Act = Callable[[datetime], None]


@dataclass
class Bank:
    """A trial store with its current route, and the acts that are planned; everything happens in the order of time."""

    store: Store
    current: CurrentRoute = field(init=False)
    _planned: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _known: dict[str, Actor] = field(default_factory=dict)
    _turn: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.current = CurrentRoute(self.store)

    def deed(self, name: str, now: datetime) -> Deed:
        """What one of the bank's people does at this moment."""
        if name not in self._known:
            with self.store.reading() as connection:
                self._known[name] = act_as(connection, name, trial=True)
        return Deed(self.store, self._known[name], now, lambda: new_id(now))

    def plan(self, at: datetime, act: Act) -> None:
        """Have `act` done at this moment, once the bank has lived so far; it is handed the moment."""
        heapq.heappush(self._planned, (at, next(self._turn), act))

    def live_until(self, moment: datetime) -> None:
        """Do everything planned up to `moment`, also what is planned meanwhile."""
        while self._planned and self._planned[0][0] <= moment:
            at, _, act = heapq.heappop(self._planned)
            act(at)


def at_nine(day: date, *, days: int = 0, hours: int = 0, minutes: int = 0) -> datetime:
    """Nine in the morning of a day, in UTC, or so much later.

    >>> at_nine(date(2025, 9, 15), days=1, hours=2).isoformat()
    '2025-09-16T11:00:00+00:00'
    """
    return datetime.combine(day, time(9, tzinfo=UTC)) + timedelta(days=days, hours=hours, minutes=minutes)
