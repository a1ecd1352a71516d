"""The outermost application: everything that comes in passes here, whichever entrance it is for.

One request: find its row in the table of routes, who sends it, whether they may, whether it is one too many, its body;
then what answers; then the headers that go with every answer, the metrics and one line in the log. Programs and people
have entrances of their own, which say how a sender is known and how a refusal is told; neither passes by this.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final, cast

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from roadworthy.access import Actor
from roadworthy.door.access_log import Log, where_it_happened
from roadworthy.door.admission import (
    Admitted,
    GoneAwayError,
    RateLimit,
    check_headers,
    check_permission,
    check_type,
    is_file,
    put_in,
    read_body,
)
from roadworthy.door.metrics import Metrics
from roadworthy.door.problem import Problem, ProblemError, problem_of
from roadworthy.door.route_table import OPEN, RouteRow, RouteTable
from roadworthy.door.services import Services

__all__ = ["Asked", "Door", "Entrance", "Refusal"]

LARGEST_FILE: Final = 256 << 20
"""The largest file that is taken, in bytes: a store keeps no larger one."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Headers = dict[bytes, bytes]


@dataclass(frozen=True)
class Asked:
    """What was asked: as much of a request as is known before it is let in."""

    method: str
    path: str
    headers: Headers
    request_id: str


@dataclass(frozen=True)
class Refusal:
    """A refusal as an entrance tells it."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """One way into the house.

    rows      each route, and what answers it
    identify  who sends a request for a route that is not open; NotSignedIn
    check     what else a request must pass before it is answered; raises
    tell      a refusal as this entrance tells it: the problem, the headers that go with it, and what was asked
    suits     whether a request for no route of anybody's is best answered here
    headers   what goes with every answer of it, over what goes with all
    """

    rows: Mapping[RouteRow, ASGIApp]
    identify: Callable[[Headers, Any], Awaitable[Actor]]
    tell: Callable[[Problem, Mapping[str, str], Asked], Refusal]
    check: Callable[[Admitted], None] = lambda _: None
    suits: Callable[[Asked], bool] = lambda _: True
    headers: Mapping[str, str] = field(default_factory=dict)


class Door:
    """The outermost application. `routes` is the table it lets in by; what is not in it is not there.

    UsageError where two entrances have one route.
    """

    def __init__(self, services: Services, entrances: Sequence[Entrance], metrics: Metrics, log: Log) -> None:
        self.table = RouteTable([row for entrance in entrances for row in entrance.rows])
        self._services = services
        self._entrances = entrances
        self._behind = {row: (entrance, app) for entrance in entrances for row, app in entrance.rows.items()}
        self._given = {id(entrance): _merge(entrance.headers) for entrance in entrances}
        self._metrics = metrics
        self._log = log
        self._rate = RateLimit(services.settings.rate_limit_per_second)

    @property
    def routes(self) -> tuple[RouteRow, ...]:
        """Every way in."""
        return self.table.rows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the program's start and end."""
        kind: str = scope["type"]
        if kind == "http":
            await self._answer(cast("HTTPScope", scope), receive, send)
        elif kind == "lifespan":
            await _live(receive, send)
        else:  # a websocket: there is none
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        headers = dict(scope["headers"])
        asked = Asked(scope["method"], scope["path"], headers, self._request_id(headers))
        status = 0
        row: RouteRow | None = None
        admitted: Admitted | None = None
        entrance = self._entrances[0]

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._add_headers(entrance, message["headers"], asked.request_id)
            await send(message)

        try:
            row = self.table.find(asked.method, asked.path)
            entrance, app = self._behind[row]
            check_headers(scope["headers"])
            admitted = await self._admit(entrance, row, asked, receive)
            put_in(scope, admitted)
            await app(scope, _receive_again(admitted.body, receive), send_on)
        except GoneAwayError:
            status = 499  # as proxies write it: nobody was there to answer
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer that says nothing of it
            if row is None:
                entrance = next(one for one in reversed(self._entrances) if one.suits(asked))
            fault = await self._refuse(entrance, error, status, asked, send_on)
            if admitted is not None and fault is not None:
                admitted.fault = fault
            elif fault is not None:
                self._log_fault(fault, asked.request_id)
        self._note(row, admitted, asked, status, perf_counter() - started)

    async def _admit(self, entrance: Entrance, row: RouteRow, asked: Asked, receive: Receive) -> Admitted:
        headers = asked.headers
        now = self._services.clock()
        actor = None
        if row.permission != OPEN:
            actor = await entrance.identify(headers, now)
            self._rate.check(actor.credential, now)
            check_permission(row, actor)
        body, kind = b"", ""
        if row.told.takes:
            most = LARGEST_FILE if is_file(row, headers) else self._services.settings.max_body_bytes
            body = await read_body(receive, headers, most)
            if body or row.told.body_needed:
                kind = check_type(row, headers)
        admitted = Admitted(
            row=row,
            actor=actor,
            at=now,
            request_id=asked.request_id,
            body=body,
            kind=kind,
            metrics=self._metrics,
            headers=headers,
        )
        entrance.check(admitted)
        return admitted

    async def _refuse(
        self, entrance: Entrance, error: Exception, status: int, asked: Asked, send: Send
    ) -> Exception | None:
        """Answer a refusal that nothing behind the door answered; the error where nobody foresaw it."""
        problem, with_it = problem_of(error)
        if not status:
            self._metrics.count_refusal(problem.type)
            told = entrance.tell(problem, with_it, asked)
            await send({
                "type": "http.response.start",
                "status": told.status,
                "headers": [
                    (b"content-type", told.media_type.encode()),
                    (b"content-length", str(len(told.body)).encode()),
                    *((name.lower().encode(), value.encode()) for name, value in told.headers.items()),
                ],
            })  # fmt: skip
            await send({"type": "http.response.body", "body": told.body, "more_body": False})
        return error if problem.status == 500 and not isinstance(error, ProblemError) else None

    def _request_id(self, headers: Headers) -> str:
        """The caller's, where it is one; else a new one."""
        given = headers.get(b"x-request-id")
        return given.decode() if given and _REQUEST_ID.fullmatch(given) else self._services.random(16).hex()

    def _add_headers(self, entrance: Entrance, headers: Any, request_id: str) -> list[tuple[bytes, bytes]]:
        """The handler's headers, and those of every answer that it did not set itself."""
        given = list(headers)
        names = {name.lower() for name, _ in given}
        return [
            *given,
            *((name, value) for name, value in self._given[id(entrance)] if name not in names),
            (b"x-request-id", request_id.encode()),
        ]

    def _note(self, row: RouteRow | None, admitted: Admitted | None, asked: Asked, status: int, seconds: float) -> None:
        route = "none" if row is None else row.path
        method = asked.method if row is not None else "any"  # a method may be any word at all
        self._metrics.count_request(method, route, status, seconds)
        credential = None if admitted is None or admitted.actor is None else admitted.actor.credential
        self._log.info(
            "answered",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 3),
            credential=credential,
            request_id=asked.request_id,
        )
        if admitted is not None and admitted.fault is not None:
            self._log_fault(admitted.fault, asked.request_id)

    def _log_fault(self, fault: BaseException, request_id: str) -> None:
        self._log.error(
            "unforeseen", error=type(fault).__qualname__, at=where_it_happened(fault), request_id=request_id
        )


def _merge(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in {**_HEADERS, **headers}.items()]


async def _live(receive: Receive, send: Any) -> None:
    """Nothing begins or ends with the door itself."""
    while True:
        kind: str = (await receive())["type"]
        if kind == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif kind == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return


def _receive_again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already; after it, whatever comes."""
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
