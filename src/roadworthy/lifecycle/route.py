"""Changing the route: read it, say what it becomes, swap it in; where somebody was quicker, look again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct, structs
from sqlalchemy import Connection

from roadworthy.access import Deed
from roadworthy.errors import Refused, StaleEpoch, UsageError
from roadworthy.lifecycle.history import read_change
from roadworthy.records import Entry, Live, Route, RouteChange, RouteEvent, Store, decode_payload

__all__ = [
    "Alteration",
    "Switch",
    "WasLive",
    "alter_route",
    "list_switches",
    "resume_deciding",
    "stop_deciding",
    "who_was_live",
]

_TRIES = 20


class Alteration(Struct, frozen=True, kw_only=True):
    """What a route becomes, and what is recorded with it."""

    route: Route
    along: tuple[Entry, ...] = ()


class WasLive(Struct, frozen=True, kw_only=True):
    """What was live at a moment: the route's epoch, the release, and since when and by whom it was.

    `tables` are the versions in force; `stopped`: every application went to people.
    """

    epoch: int
    release: str | None
    tables: dict[str, str]
    stopped: bool
    since: datetime | None
    by: str | None


class Switch(Struct, frozen=True, kw_only=True):
    """The stop switch turned on (`stopped`) or off, by whom and why."""

    stopped: bool
    at: datetime
    by: str
    reason: str


def who_was_live(store: Store, at: datetime) -> WasLive:
    """What was live at a moment (timezone-aware), by the clocks of those who changed it. One query."""
    with store.reading() as connection:
        found = read_change(connection, at)
    if found is None:
        return WasLive(epoch=0, release=None, tables={}, stopped=False, since=None, by=None)
    route = found.route
    since = found.champion_since
    return WasLive(
        epoch=found.epoch,
        release=route.champion,
        tables=dict(route.tables),
        stopped=route.stopped,
        since=None if since is None else since.at,
        by=None if since is None else since.by,
    )


def list_switches(store: Store) -> tuple[Switch, ...]:
    """Every time the stop switch was turned, the first one first."""
    switches: list[Switch] = []
    on = False
    for record in store.ledger.history("route"):
        event = decode_payload(record.payload, RouteEvent)
        stopped = bool(event.route.get("stopped", False))
        if stopped != on:
            switches.append(Switch(stopped=stopped, at=record.at, by=record.actor, reason=event.reason))
        on = stopped
    return tuple(switches)


def stop_deciding(deed: Deed, reason: str) -> Live:
    """Send every application to people, until somebody resumes. Where it is stopped already, nothing changes."""
    deed.demand("route.stop")
    return _switch(deed, reason, stopped=True)


def resume_deciding(deed: Deed, reason: str) -> Live:
    """End the stop. Where there is none, nothing changes."""
    deed.demand("route.resume")
    return _switch(deed, reason, stopped=False)


def _switch(deed: Deed, reason: str, *, stopped: bool) -> Live:
    _check_reason(reason)

    def alter(live: Live) -> Alteration | None:
        if live.route.stopped == stopped:
            return None
        return Alteration(route=structs.replace(live.route, stopped=stopped))

    return alter_route(deed, alter, reason=reason)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise UsageError("whoever stops or resumes says why", mend="give the reason")


def alter_route(
    deed: Deed,
    alter: Callable[[Live], Alteration | None],
    *,
    reason: str,
    break_glass: str | None = None,
    within: Callable[[Connection], None] = lambda _: None,
) -> Live:
    """Swap in what `alter` makes of the route as it is; nothing where that is None.

    Where somebody changed the route meanwhile, `alter` is asked again, with what it is by then: it raises Refused where
    its ground is gone. `within` runs in the transaction of the change, before it.
    """
    for _ in range(_TRIES):
        live = deed.store.ledger.live()
        alteration = alter(live)
        if alteration is None:
            return live
        change = RouteChange(
            route=alteration.route,
            record_id=deed.new_id(),
            actor=deed.by.account,
            at=deed.now,
            reason=reason,
            break_glass=break_glass,
            along=alteration.along,
        )
        try:
            return deed.store.transact(_swapper(deed, change, live.epoch, within))
        except StaleEpoch:
            continue
    raise Refused(f"the route changed {_TRIES} times meanwhile", mend="try again in a moment")


def _swapper(
    deed: Deed, change: RouteChange, epoch: int, within: Callable[[Connection], None]
) -> Callable[[Connection], Live]:
    def swap(connection: Connection) -> Live:
        within(connection)
        return deed.store.ledger.change_route(change, expected_epoch=epoch, within=connection)

    return swap
