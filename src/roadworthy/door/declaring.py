"""How a handler is declared: what it tells of itself goes with it, so that no list can forget it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio import to_thread
from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from roadworthy.door.route_table import TOLD, Told

__all__ = ["way"]


def way(method: str, path: str, told: Told) -> Callable[[Callable[[Any], Response[Any]]], HTTPRouteHandler]:
    """Declares a handler of one route. It gets the request, as its site's class, and runs in a thread: it may wait.

    The thread is taken here: the framework registers handlers that share a path twice, and then forgets to await those
    that it runs in a thread itself (Litestar 2.25).
    """
    template = path.replace("}", ":str}")

    def declare(handler: Callable[[Any], Response[Any]]) -> HTTPRouteHandler:
        async def run(request: Request[Any, Any, Any]) -> Response[Any]:
            return await to_thread.run_sync(handler, request)

        return route(template, http_method=HttpMethod(method), opt={TOLD: told}, name=f"{method} {path}")(run)

    return declare
