"""For machines that watch machines: does it live, is it ready, how does it go, what does it offer."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response
from msgspec import Struct

from roadworthy import __version__
from roadworthy.api.call import Call, reply
from roadworthy.api.docs_page import DOCS_POLICY, write_docs
from roadworthy.api.openapi import make_openapi
from roadworthy.contract import json_schema
from roadworthy.door import OPEN, Answer, Metrics, Query, Readiness, Ready, Told, way
from roadworthy.errors import RoadworthyError

__all__ = ["HANDLERS"]


class Alive(Struct, frozen=True):
    """The process lives."""

    alive: bool
    version: str


@way(
    "GET",
    "/healthz",
    Told(permission=OPEN, summary="Whether the process lives", answers={200: Answer("It does.", Alive)}),
)
def health(request: Call) -> Response[bytes]:  # noqa: ARG001  # the framework hands it to every handler
    """It answers, so it lives."""
    return reply(Alive(True, __version__))


@way(
    "GET",
    "/readyz",
    Told(
        permission=OPEN,
        summary="Whether it can decide and record",
        query=(Query("decisions", bool, "Whether it counts as ready only while a release is live, too; false."),),
        answers={200: Answer("It is ready.", Ready), 503: Answer("It is not; what is not, says so.", Ready)},
    ),
)
def readiness(request: Call) -> Response[bytes]:
    """Look, and say what is not ready."""
    look: Readiness = request.app.state["readiness"]
    found = look.look()
    asked = found.decides if request.asked().get("decisions", False) else found.ready
    return reply(found, 200 if asked else 503)


@way(
    "GET",
    "/metrics",
    Told(
        permission="metrics.read",
        summary="Counts and times of this process, as Prometheus reads them",
        answers={200: Answer("The metrics.", {"type": "string"}, "text/plain")},
    ),
)
def metrics(request: Call) -> Response[bytes]:
    """What was counted."""
    live = request.services.store.ledger.live()
    counted: Metrics = request.app.state["metrics"]
    body = counted.write(live.epoch, stopped=live.route.stopped)
    return Response(body, media_type=counted.media_type)


@way(
    "GET",
    "/openapi.json",
    Told(
        permission=OPEN,
        summary="This interface, as OpenAPI 3.1",
        answers={200: Answer("The document.", {"type": "object"})},
        description="An application is described as the contract of the release that is live has it.",
    ),
)
def openapi(request: Call) -> Response[bytes]:
    """The document, as it is now."""
    return Response(msgspec.json.encode(_document(request)), media_type="application/json")


@way(
    "GET",
    "/docs",
    Told(
        permission=OPEN,
        summary="This interface, as a page",
        answers={200: Answer("The page.", {"type": "string"}, "text/html")},
    ),
)
def docs(request: Call) -> Response[bytes]:
    """The document as a page to read."""
    page = write_docs(_document(request)).encode()
    return Response(page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": DOCS_POLICY})


def _document(request: Call) -> dict[str, Any]:
    try:
        champion = request.services.current.take().champion
    except RoadworthyError:  # the interface can be told while the store is away
        champion = None
    schema = None if champion is None else json_schema(champion.contract)
    return make_openapi(request.app.state["rows"], version=__version__, application=schema)


HANDLERS = (health, readiness, metrics, openapi, docs)
