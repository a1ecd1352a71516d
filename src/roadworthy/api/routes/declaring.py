"""How a handler is declared: what it tells of itself goes with it, so that no list can forget it."""

from __future__ import annotations

from collections.abc import Callable

from anyio import to_thread
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from roadworthy.api.call import Call
from roadworthy.door import TOLD, Told

__all__ = ["Handler", "way"]

Handler = Callable[[Call], Response[bytes]]


def way(method: str, path: str, told: Told) -> Callable[[Handler], HTTPRouteHandler]:
    """Declares a handler of one route. It runs in a thread, for it may wait for the store.

    The thread is taken here: the framework registers handlers that share a path twice, and then forgets to await those
    that it runs in a thread itself (Litestar 2.25).
    """
    template = path.replace("}", ":str}")

    def declare(handler: Handler) -> HTTPRouteHandler:
        async def run(request: Call) -> Response[bytes]:
            return await to_thread.run_sync(handler, request)

        return route(template, http_method=HttpMethod(method), opt={TOLD: told}, name=f"{method} {path}")(run)

    return declare
