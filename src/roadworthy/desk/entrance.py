"""The people's entrance: they come with a session's cookie, and are told what is wrong on a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from anyio import to_thread
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from roadworthy.access import Actor, actor_by_session
from roadworthy.desk.accuracy import AccuracyLately
from roadworthy.desk.branches import BranchesLately
from roadworthy.desk.page import HTML, PLACES, render_stranger, show
from roadworthy.desk.pages import HANDLERS
from roadworthy.desk.visit import SESSION_COOKIES, Visit, read_cookies
from roadworthy.desk.weeks import WeeksLately
from roadworthy.door import (
    Admitted,
    Asked,
    Door,
    Entrance,
    Metrics,
    Problem,
    ProblemError,
    Refusal,
    RouteRow,
    RouteTable,
    Services,
    admitted_of,
    problem_of,
    read_rows,
)
from roadworthy.errors import NotSignedIn, RoadworthyError

__all__ = ["Door", "list_pages", "make_entrance"]

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}


def make_entrance(services: Services, metrics: Metrics) -> Entrance:
    """The people's entrance to a door."""
    lately = {"accuracy": AccuracyLately(), "branches": BranchesLately(), "weeks": WeeksLately()}
    site = _make_site(State({"services": services, "metrics": metrics, **lately}))

    async def identify(headers: dict[bytes, bytes], now: datetime) -> Actor:
        return await to_thread.run_sync(_who, services, headers, now)

    return Entrance(
        rows=dict.fromkeys(read_rows(site), site),
        identify=identify,
        check=_refuse_other_sites,
        tell=_tell,
        suits=lambda asked: b"text/html" in asked.headers.get(b"accept", b"") and not asked.path.startswith("/v1/"),
        headers=_HEADERS,
    )


def list_pages() -> tuple[RouteRow, ...]:
    """Every page and every form, by path."""
    return RouteTable(read_rows(_make_site(State()))).rows


def _who(services: Services, headers: dict[bytes, bytes], now: datetime) -> Actor:
    cookies = read_cookies(headers)
    secret = next((cookies[name] for name in SESSION_COOKIES if name in cookies), None)
    if secret is None:
        raise NotSignedIn("sign in first")
    with services.store.reading() as connection:
        return actor_by_session(connection, secret, now)


def _refuse_other_sites(admitted: Admitted) -> None:
    """ProblemError 403 for a form that another site's page sent: browsers say where a form comes from."""
    if admitted.row.method == "GET":
        return
    headers = admitted.headers
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    site = headers.get(b"sec-fetch-site", b"same-origin")
    if site not in (b"same-origin", b"none") or (origin and _host_of(origin) != host):
        raise ProblemError(Problem.of("form", "The form came from another site", 403, mend="open the page here"))


def _host_of(address: str) -> str | None:
    """The host and port of an address; None where it is none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None


def _tell(problem: Problem, with_it: Mapping[str, str], asked: Asked) -> Refusal:
    if problem.status == 401:
        return Refusal(303, HTML, b"", {"Location": f"/sign-in{_lead_back(asked)}"})
    told = {name: value for name, value in with_it.items() if name != "WWW-Authenticate"}
    return Refusal(problem.status, HTML, render_stranger(problem), told)


def _lead_back(asked: Asked) -> str:
    """The query with which the sign-in leads back: to the page that was asked for, or that of a form that was sent."""
    if asked.method == "GET":
        # Once for the path as an address, once more for the address as a parameter.
        return f"?next={quote(quote(asked.path))}" if asked.path != "/" else ""
    if asked.path == "/sign-out":
        return ""
    return f"?lost=form&next={quote(_page_of_form(asked))}"


def _page_of_form(asked: Asked) -> str:
    """The page here on which a form was filled in, as its browser says; else the one at the form's own address."""
    host = asked.headers.get(b"host", b"").decode("latin-1")
    try:
        came = urlsplit(asked.headers.get(b"referer", b"").decode("latin-1"))
    except ValueError:
        came = urlsplit("")
    if came.netloc == host and came.path not in ("", "/sign-in"):
        return came._replace(scheme="", netloc="", fragment="").geturl()
    return asked.path if asked.path in {place.path for place in PLACES} else "/"


def _make_site(state: State) -> Litestar:
    return Litestar(
        route_handlers=HANDLERS,
        openapi_config=None,
        state=state,
        request_class=Visit,
        exception_handlers={Exception: _answer_problem},
        request_max_body_size=None,  # the door has read and measured it
        logging_config=None,
    )


def _answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What a handler raised, as a page in its frame."""
    admitted = admitted_of(request.scope)
    if isinstance(error, HTTPException):
        problem = Problem.of("request", "The request cannot be read", error.status_code, error.detail)
    else:
        problem = problem_of(error)[0]
    if problem.status == 500:
        admitted.fault = error
    admitted.metrics.count_refusal(problem.type)
    if problem.status == 401:
        return Response(b"", status_code=303, headers={"Location": "/sign-in"}, media_type=HTML)
    if isinstance(request, Visit) and isinstance(error, RoadworthyError):
        return show(request, "refused.html", problem=error)
    return Response(render_stranger(problem), status_code=problem.status, media_type=HTML)
