"""Leases without trust in anyone's clock: what has not changed while we watched for its whole span has ended.

Two machines' clocks may be a day apart, and one may be set while it runs. So no time that another worker wrote is ever
compared with ours. A holder's beat goes up as long as it lives; whoever waits notes on its own stopwatch when it first
saw a beat, and takes over once it saw the same beat for the holder's whole lease. That takes a lease longer for a
worker that has just started, and needs only that stopwatches run at the same speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["Seen", "Watch"]


@dataclass(frozen=True)
class Seen:
    """What was read of one job: its state, with the attempt and beat it was at, and the span after which it ends."""

    job_id: str
    state: str
    attempts: int
    beat: int
    span_us: int


class Watch:
    """One worker's memory of when it first saw what. `stopwatch` gives seconds that only ever go on."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        self._stopwatch = stopwatch
        self._since: dict[Seen, float] = {}

    def look(self, found: Iterable[Seen]) -> tuple[list[Seen], float | None]:
        """Those that have not changed for their span, and in how many seconds the next one may end (None: no other).

        `found` was read just now, and is all there is to watch: what is gone or changed is forgotten.

        >>> now = [0.0]
        >>> watch = Watch(lambda: now[0])
        >>> held = Seen("a", "running", 1, 7, 2_000_000)
        >>> watch.look([held])
        ([], 2.0)
        >>> now[0] = 2.0
        >>> watch.look([held]) == ([held], None)
        True
        """
        now = self._stopwatch()
        self._since = {seen: self._since.get(seen, now) for seen in found}
        left = {seen: since + seen.span_us / 1e6 - now for seen, since in self._since.items()}
        ended = [seen for seen, seconds in left.items() if seconds <= 0]
        return ended, min((seconds for seconds in left.values() if seconds > 0), default=None)
