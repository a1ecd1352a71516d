"""The machine's entrance: programs come with a key, and are told what is wrong as problem+json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from roadworthy.api.call import Call
from roadworthy.api.deciding import make_decision_route
from roadworthy.api.routes import DECISION_ROUTE, HANDLERS
from roadworthy.door import (
    PROBLEM_JSON,
    Asked,
    Door,
    Entrance,
    KeyCheck,
    Log,
    Metrics,
    Problem,
    Readiness,
    Refusal,
    RouteRow,
    RouteTable,
    Services,
    admitted_of,
    make_log,
    problem_of,
    read_rows,
)

__all__ = ["list_routes", "make_asgi", "make_entrance"]


def make_asgi(services: Services, *, log: Log | None = None) -> Door:
    """A door with this entrance alone, as an ASGI application.

    UsageError where a handler does not tell who may use it: the program does not start with one.
    """
    metrics = Metrics()
    return Door(
        services,
        [make_entrance(services, metrics)],
        metrics,
        make_log(services.settings.log_level) if log is None else log,
    )


def make_entrance(services: Services, metrics: Metrics) -> Entrance:
    """The machine's entrance to a door."""
    state = {"services": services, "metrics": metrics, "readiness": Readiness(services)}
    site = _make_site(State(state))
    rows: dict[RouteRow, ASGIApp] = dict.fromkeys(read_rows(site), site)
    rows[DECISION_ROUTE] = make_decision_route(services)
    site.state["rows"] = RouteTable(rows).rows
    return Entrance(rows=rows, identify=KeyCheck(services.keys).actor, tell=_tell)


def list_routes() -> tuple[RouteRow, ...]:
    """Every way in here, by path: the bare routes' and those of the framework.

    >>> {row.permission for row in list_routes() if row.path.endswith("/final-answer")}
    {'final_answer.give'}
    """
    return RouteTable([DECISION_ROUTE, *read_rows(_make_site(State()))]).rows


def _tell(problem: Problem, with_it: Mapping[str, str], asked: Asked) -> Refusal:
    return Refusal(problem.status, PROBLEM_JSON, problem.encode(asked.request_id), with_it)


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
