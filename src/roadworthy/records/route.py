"""The route: what is live. One row, one epoch; every change of it is a compare-and-swap that leaves a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from roadworthy.errors import UsageError
from roadworthy.records.entry import Entry
from roadworthy.records.kinds import RouteEvent, encode_payload

__all__ = ["Live", "Route", "RouteChange", "read_route"]


class Route(Struct, frozen=True, kw_only=True):
    """Which releases decide and with which tables.

    `canary_share` of applications, 0 to 1, is decided by the canary. `challengers` score everything and decide nothing.
    `tables` names the version in force of each table. `stopped` sends everything to people.
    """

    champion: str | None = None
    challengers: tuple[str, ...] = ()
    canary: str | None = None
    canary_share: float = 0.0
    tables: Mapping[str, str] = {}
    stopped: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.canary_share <= 1.0:
            raise UsageError(f"the canary's share is {self.canary_share}", mend="a fraction from 0 to 1")
        if (self.canary is None) != (self.canary_share == 0.0):
            raise UsageError("a canary has a share above 0, and a share has a canary")


class Live(Struct, frozen=True):
    """A route and the epoch it is live under."""

    epoch: int
    route: Route


class RouteChange(Struct, frozen=True, kw_only=True):
    """The route to be, who asks for it and why; `along` is recorded with it, or not at all."""

    route: Route
    record_id: str
    actor: str
    at: datetime
    reason: str = ""
    break_glass: str | None = None
    along: tuple[Entry, ...] = ()

    def entry(self, epoch: int) -> Entry:
        """The record of the change to `epoch`."""
        event = RouteEvent(
            epoch=epoch,
            route=msgspec.to_builtins(self.route),
            reason=self.reason,
            break_glass=self.break_glass,
        )
        return Entry(
            record_id=self.record_id,
            kind="route_event",
            subject="route",
            actor=self.actor,
            at=self.at,
            payload=encode_payload(event),
            along=self.along,
        )


def read_route(state: bytes) -> Route:
    """A route from its row.

    >>> read_route(encode_payload(Route(champion="1"))).champion
    '1'
    """
    return msgspec.json.decode(state, type=Route)
