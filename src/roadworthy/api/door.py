"""The outermost application: everything that comes in passes here, whichever handler it is for.

One request: find its row in the table of routes, who sends it, whether they may, whether it is one too many, its body;
then the handler; then the headers that go with every answer, the metrics and one line in the log. The decision route is
a bare ASGI application, and everything else is Litestar's; neither can be reached without passing here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final, cast

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from roadworthy.api.access_log import Log, make_log, where_it_happened
from roadworthy.api.admission import (
    Admitted,
    GoneAwayError,
    KeyCheck,
    RateLimit,
    admitted_of,
    check_permission,
    check_type,
    put_in,
    read_body,
)
from roadworthy.api.call import Call
from roadworthy.api.deciding import make_decision_route
from roadworthy.api.metrics import Metrics
from roadworthy.api.problem import PROBLEM_JSON, Problem, problem_of
from roadworthy.api.readiness import Readiness
from roadworthy.api.route_table import OPEN, RouteRow, RouteTable, read_rows
from roadworthy.api.routes import DECISION_ROUTE, HANDLERS
from roadworthy.api.services import Services

__all__ = ["Door", "list_routes", "make_asgi"]

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
_HEADER_BYTES: Final = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]


def make_asgi(services: Services, *, log: Log | None = None) -> Door:
    """The machine's door on `services`, as an ASGI application.

    UsageError where a handler does not tell who may use it: the program does not start with one.
    """
    metrics = Metrics()
    site = _make_site(State({"services": services, "metrics": metrics, "readiness": Readiness(services)}))
    raw = {DECISION_ROUTE: make_decision_route(services)}
    door = Door(services, site, raw, metrics, make_log(services.settings.log_level) if log is None else log)
    site.state["rows"] = door.routes
    return door


def list_routes() -> tuple[RouteRow, ...]:
    """Every way in, by path: the bare routes' and those of the framework, as the door finds them.

    >>> {row.permission for row in list_routes() if row.path.endswith("/final-answer")}
    {'final_answer.give'}
    """
    return RouteTable([DECISION_ROUTE, *read_rows(_make_site(State()))]).rows


def _make_site(state: State) -> Litestar:
    return Litestar(
        route_handlers=HANDLERS,
        openapi_config=None,  # ours tells of the bare routes too
        state=state,
        request_class=Call,
        exception_handlers={Exception: _answer_problem},
        request_max_body_size=None,  # the door has read and measured it
        logging_config=None,
    )


def _answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What a handler raised, as an answer."""
    admitted = admitted_of(request.scope)
    if isinstance(error, HTTPException):  # the framework's own: a part of a form that is none, for instance
        problem = Problem.of("request", "The request cannot be read", error.status_code, error.detail)
        headers: Mapping[str, str] = {}
    else:
        problem, headers = problem_of(error)
    if problem.status == 500:
        admitted.fault = error
    admitted.metrics.count_refusal(problem.type)
    return Response(
        content=problem.encode(admitted.request_id),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers=dict(headers),
    )


class Door:
    """The outermost application. `routes` is the table it lets in by; what is not in it is not there."""

    def __init__(
        self, services: Services, site: Litestar, raw: Mapping[RouteRow, ASGIApp], metrics: Metrics, log: Log
    ) -> None:
        self.table = RouteTable([*raw, *read_rows(site)])
        self._services = services
        self._site: ASGIApp = site
        self._raw = {(row.method, row.path): app for row, app in raw.items()}
        self._metrics = metrics
        self._log = log
        self._keys = KeyCheck(services.keys)
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
            await self._site(scope, receive, send)
        else:  # a websocket: there is none
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        headers = dict(scope["headers"])
        request_id = self._request_id(headers)
        status = 0
        row: RouteRow | None = None
        admitted: Admitted | None = None

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _add_headers(message["headers"], request_id)
            await send(message)

        try:
            row = self.table.find(scope["method"], scope["path"])
            admitted = await self._admit(row, headers, receive, request_id)
            put_in(scope, admitted)
            app = self._raw.get((row.method, row.path), self._site)
            await app(scope, _receive_again(admitted.body, receive), send_on)
        except GoneAwayError:
            status = 499  # as proxies write it: nobody was there to answer
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer that says nothing of it
            fault = await self._refuse(error, status, request_id, send_on)
            if admitted is not None and fault is not None:
                admitted.fault = fault
            elif fault is not None:
                self._log_fault(fault, request_id)
        self._note(row, admitted, scope["method"], status, perf_counter() - started, request_id)

    async def _admit(self, row: RouteRow, headers: dict[bytes, bytes], receive: Receive, request_id: str) -> Admitted:
        now = self._services.clock()
        actor = None
        if row.permission != OPEN:
            actor = await self._keys.actor(headers, now)
            self._rate.check(actor.credential, now)
            check_permission(row, actor)
        body, kind = b"", ""
        if row.told.takes:
            most = LARGEST_FILE if row.told.files else self._services.settings.max_body_bytes
            body = await read_body(receive, headers, most)
            if body or row.told.body_needed:
                kind = check_type(row, headers)
        return Admitted(
            row=row,
            actor=actor,
            at=now,
            request_id=request_id,
            body=body,
            kind=kind,
            metrics=self._metrics,
            headers=headers,
        )

    async def _refuse(self, error: Exception, status: int, request_id: str, send: Send) -> Exception | None:
        """Answer a refusal that no handler of the framework's answered; the error where nobody foresaw it."""
        problem, headers = problem_of(error)
        if not status:
            self._metrics.count_refusal(problem.type)
            body = problem.encode(request_id)
            await send({
                "type": "http.response.start",
                "status": problem.status,
                "headers": [
                    (b"content-type", PROBLEM_JSON.encode()),
                    (b"content-length", str(len(body)).encode()),
                    *((name.lower().encode(), value.encode()) for name, value in headers.items()),
                ],
            })  # fmt: skip
            await send({"type": "http.response.body", "body": body, "more_body": False})
        return error if problem.status == 500 else None

    def _request_id(self, headers: dict[bytes, bytes]) -> str:
        """The caller's, where it is one; else a new one."""
        given = headers.get(b"x-request-id")
        return given.decode() if given and _REQUEST_ID.fullmatch(given) else self._services.random(16).hex()

    def _note(
        self, row: RouteRow | None, admitted: Admitted | None, method: str, status: int, seconds: float, request_id: str
    ) -> None:
        route = "none" if row is None else row.path
        method = method if row is not None else "any"  # a method may be any word at all
        self._metrics.count_request(method, route, status, seconds)
        credential = None if admitted is None or admitted.actor is None else admitted.actor.credential
        self._log.info(
            "answered",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 3),
            credential=credential,
            request_id=request_id,
        )
        if admitted is not None and admitted.fault is not None:
            self._log_fault(admitted.fault, request_id)

    def _log_fault(self, fault: BaseException, request_id: str) -> None:
        self._log.error(
            "unforeseen", error=type(fault).__qualname__, at=where_it_happened(fault), request_id=request_id
        )


def _add_headers(headers: Any, request_id: str) -> list[tuple[bytes, bytes]]:
    """The handler's headers, and those of every answer that it did not set itself."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    return [
        *given,
        *((name, value) for name, value in _HEADER_BYTES if name not in names),
        (b"x-request-id", request_id.encode()),
    ]


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
