"""Whether this process can do its work now: the store answers and takes writes, and what is live is loaded and warm."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct
from sqlalchemy import Connection

from roadworthy.door.services import Services
from roadworthy.errors import RoadworthyError
from roadworthy.live import Taken
from roadworthy.records import drop_content, keep_content

__all__ = ["Readiness", "Ready"]

_PROOF = b"written to see whether the store takes writes"


class Ready(Struct, frozen=True):
    """What was found. `ready` where every part is; a part says `ready`, or what is wrong with it in few words.

    store      it answers
    writes     it takes writes
    route      what is live is loaded and has decided once
    release    the release that is live; null where none is, which is no fault: the pages where one is made live work
    decides    whether an application sent now would be decided: it is ready, and a release is live
    stopped    whether deciding is stopped: every application then goes to people; null where what is live is unknown
    """

    ready: bool
    store: str
    writes: str
    route: str
    release: str | None
    decides: bool
    stopped: bool | None
    epoch: int | None
    checked_at: datetime


class Readiness:
    """Looks at most once a second, however many ask: anybody may ask, and looking writes."""

    def __init__(self, services: Services, *, keep: timedelta = timedelta(seconds=1)) -> None:
        self._services = services
        self._keep = keep
        self._lock = threading.Lock()
        self._warm: Taken | None = None
        self._found: Ready | None = None

    def look(self) -> Ready:
        """How it is now."""
        with self._lock:
            now = self._services.clock()
            found = self._found
            if found is None or not found.checked_at <= now < found.checked_at + self._keep:
                found = self._found = self._look(now)
            return found

    def _look(self, now: datetime) -> Ready:
        store = _try(lambda: self._services.store.ledger.live(), "does not answer")
        writes = _try(self._write, "takes no writes") if store == "ready" else "unknown: the store does not answer"
        route = _try(self._load, "cannot be loaded") if store == "ready" else "unknown: the store does not answer"
        taken = self._warm if route == "ready" else None
        release = None if taken is None else taken.route.champion
        ready = (store, writes, route) == ("ready",) * 3
        return Ready(
            ready=ready,
            store=store,
            writes=writes,
            route=route,
            release=release,
            decides=ready and release is not None,
            stopped=None if taken is None else taken.route.stopped,
            epoch=None if taken is None else taken.epoch,
            checked_at=now,
        )

    def _write(self) -> None:
        def write(connection: Connection) -> None:
            # What is there already would not be written again, and the look would show nothing.
            drop_content(connection, sha256(_PROOF).hexdigest())
            keep_content(connection, _PROOF, "text/plain")

        self._services.store.transact(write)

    def _load(self) -> None:
        taken = self._services.current.refresh()
        if self._warm is None or self._warm.route.champion != taken.route.champion:
            self._services.current.warm()
        self._warm = taken


def _try(look: Callable[[], object], fault: str) -> str:
    """`ready`, or the fault. What exactly is wrong goes no further: it may name hosts and files."""
    try:
        look()
    except RoadworthyError:
        return fault
    return "ready"
