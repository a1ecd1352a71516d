"""What the route was, from its history: who made a release live, and when."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from roadworthy.records import Route, metadata, moment, to_us

__all__ = ["Change", "Since", "read_change"]

_HISTORY = metadata.tables["route_history"]
_RECORDS = metadata.tables["records"]


class Since(Struct, frozen=True, kw_only=True):
    """The change with which a champion became it."""

    epoch: int
    at: datetime
    by: str


class Change(Struct, frozen=True, kw_only=True):
    """The route at an epoch; `champion_since` is None where there is no champion."""

    epoch: int
    route: Route
    champion_since: Since | None


def read_change(connection: Connection, at: datetime | None = None) -> Change | None:
    """The route in force at a moment, or now: of the changes recorded by then, the one with the highest epoch.

    None where there was no change yet. One query, read back only until the champion was another.
    """
    wanted = (
        select(_HISTORY.c.epoch, _HISTORY.c.at_us, _HISTORY.c.state, _RECORDS.c.actor)
        .join(_RECORDS, _RECORDS.c.record_id == _HISTORY.c.record_id)
        .order_by(_HISTORY.c.epoch.desc())
    )
    if at is not None:
        wanted = wanted.where(_HISTORY.c.at_us <= to_us(at))
    found: Change | None = None
    with connection.execute(wanted) as rows:
        for row in rows:
            route = msgspec.json.decode(row.state, type=Route)
            if found is None:
                found = Change(epoch=row.epoch, route=route, champion_since=None)
            if route.champion is None or route.champion != found.route.champion:
                break
            since = Since(epoch=row.epoch, at=moment(row.at_us), by=row.actor)
            found = msgspec.structs.replace(found, champion_since=since)
    return found
