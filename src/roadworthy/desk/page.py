"""How a page is declared, shown and left: templates in one frame, and a redirect after every act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup

from roadworthy import access
from roadworthy.desk.format import FILTERS
from roadworthy.desk.visit import SAID, Visit
from roadworthy.door import Answer, Problem, Told, problem_of, way
from roadworthy.errors import RoadworthyError

__all__ = ["PLACES", "Place", "act", "go", "page", "render_stranger", "show", "sort_places", "static_file"]

HERE = Path(__file__).parent
HTML = "text/html"


@dataclass(frozen=True)
class Place:
    """Somewhere to go, for whoever has the permission: `holds` says what is there, in words.

    It comes first for the roles in `first_for`; what is not in the `bar` is listed on the first page alone.
    """

    path: str
    title: str
    permission: str
    holds: str
    first_for: frozenset[str] = frozenset()
    bar: bool = True


def _place(path: str, title: str, permission: str, holds: str, first_for: str = "", *, bar: bool = True) -> Place:
    return Place(path, title, permission, holds, frozenset(first_for.split()), bar)


PLACES = (
    _place("/search", "Search", "decision.read", "applications, by whom, when and how they were answered", "officer"),
    _place("/files", "Files", "job.read", "many applications at once, exports, and how far they are", "officer"),
    _place("/overrides", "Overrides", "override.approve", "those that wait for a second person", bar=False),
    _place("/weeks", "Weeks", "decision.read", "what was decided week by week, and which weeks are odd", "analyst"),
    _place("/accuracy", "How accurate", "performance.read", "predictions against outcomes", "validator analyst"),
    _place("/releases", "Releases", "release.read", "what is live, was live and waits", "approver operator"),
    _place("/tables", "Tables", "table.read", "monthly parameters: in force, waiting, undone", "approver operator"),
    _place("/purpose", "Purpose", "policy.propose", "what it is for and what it is worth, by form", bar=False),
    _place("/people", "People", "account.read", "who may do what; keys and sessions", "admin"),
    _place("/erasure", "Erasure", "applicant.erase", "an applicant's data erased, or held", "admin", bar=False),
    _place("/stop", "Stop", "route.stop", "sends every application to a person, and back", "operator"),
)
"""Everywhere to go, in its order."""


def sort_places(visit: Visit) -> list[Place]:
    """Where whoever looks may go, what is their own work first."""
    actor = visit.admitted.actor
    roles = frozenset[str]() if actor is None else actor.roles
    return sorted(
        (place for place in PLACES if visit.may(place.permission)), key=lambda place: place.first_for.isdisjoint(roles)
    )


Shown = Response[bytes]


def page(path: str, permission: str, summary: str) -> Callable[[Callable[[Visit], Shown]], HTTPRouteHandler]:
    """Declares a page that is opened: GET, for whoever has the permission, or OPEN."""
    told = Told(permission=permission, summary=summary, answers={200: Answer("The page.", None, "text/html")})
    return way("GET", path, told)


def act(
    path: str, permission: str, summary: str, *, form: Literal["fields", "files"] = "fields", shows: bool = False
) -> Callable[[Callable[[Visit], Shown]], HTTPRouteHandler]:
    """Declares what a form does: POST, for whoever has the permission. The form's token is checked before.

    What it came to is seen on another page, so that looking again does nothing again; a form that `shows` answers with
    a page itself: it only works something out, or its page is not to be seen twice.
    """
    done = {200: Answer("The page.", None, HTML)} if shows else {303: Answer("Done: the page to see it on.")}
    told = Told(permission=permission, summary=summary, answers=done, form=form)

    def declare(handler: Callable[[Visit], Shown]) -> HTTPRouteHandler:
        def checked(visit: Visit) -> Shown:
            _ = visit.sent
            return handler(visit)

        return way("POST", path, told)(checked)

    return declare


def show(
    visit: Visit, template: str, *, status: int = 200, problem: RoadworthyError | None = None, **values: Any
) -> Shown:
    """A page. `problem` is said at its top, with its mend; the status is then the problem's own."""
    found: Problem | None = None
    if problem is not None:
        found = problem_of(problem)[0]
        status = found.status
    body = (
        _templates()
        .get_template(template)
        .render(**values, frame=_frame(visit, found), token=lambda: _token(visit), may=visit.may, visit=visit)
    )
    read = [Cookie(key=SAID, value="", max_age=0, path="/", httponly=True, samesite="lax")] if visit.said else []
    return Response(body.encode(), status_code=status, media_type=HTML, cookies=read)


def go(where: str, said: str = "", *, cookies: tuple[access.Cookie, ...] = ()) -> Shown:
    """To another page, after an act; `said` stands at its top, once."""
    sent = [
        Cookie(
            key=one.name, value=one.value, max_age=one.max_age, path=one.path, secure=one.secure,
            httponly=one.http_only, samesite="strict" if one.same_site == "strict" else "lax",
        )
        for one in cookies
    ]  # fmt: skip
    if said:
        sent.append(Cookie(key=SAID, value=quote(said[:500]), max_age=60, path="/", httponly=True, samesite="lax"))
    return Response(b"", status_code=303, headers={"Location": where}, media_type=HTML, cookies=sent)


def _frame(visit: Visit, problem: Problem | None) -> Mapping[str, Any]:
    actor = visit.admitted.actor
    taken = visit.taken
    return {
        "product": visit.product.name if visit.product is not None else "Roadworthy",
        "style_digest": _digest("desk.css"),
        "account": None if actor is None else actor.account,
        "roles": () if actor is None else sorted(actor.roles),
        "places": [place for place in sort_places(visit) if place.bar],
        "here": "/" + visit.scope["path"].split("/")[1],
        "trial": visit.services.current.trial,
        "stopped": taken.route.stopped,
        "release": taken.route.champion,
        "time_zone": visit.time_zone,
        "said": visit.said,
        "problem": problem,
        "may": visit.may,
    }


def render_stranger(problem: Problem) -> bytes:
    """A page for a refusal before it is known who asks."""
    frame: dict[str, Any] = {
        "product": "Roadworthy", "style_digest": _digest("desk.css"), "account": None, "places": [], "trial": False,
        "stopped": False, "release": None, "time_zone": "UTC", "said": "", "problem": problem, "may": lambda _: False,
    }  # fmt: skip
    return _templates().get_template("refused.html").render(frame=frame, token=lambda: "").encode()


def _token(visit: Visit) -> Markup:
    return Markup('<input type="hidden" name="token" value="{}">').format(visit.token)


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(FILTERS)
    return found


@cache
def static_file(name: str) -> bytes:
    """One of our own files that pages refer to."""
    return (HERE / "static" / name).read_bytes()


@cache
def _digest(name: str) -> str:
    return sha256(static_file(name)).hexdigest()[:12]
