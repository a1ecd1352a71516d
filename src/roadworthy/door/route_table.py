"""Every way in, in one table: what it is for, who may, what it takes and what it answers.

The table is read from the handlers themselves. A handler that does not say who may is no way in: the program does not
start with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from litestar import Litestar
from litestar.routes import HTTPRoute

from roadworthy.access import PERMISSIONS
from roadworthy.door.problem import Problem, ProblemError
from roadworthy.errors import UsageError

__all__ = ["OPEN", "TOLD", "Answer", "Query", "RouteRow", "RouteTable", "Told", "read_rows"]

OPEN = "open"
"""Stands where a permission would, for what anybody may see without a key."""
TOLD = "told"
"""The name under which a handler carries its `Told`."""
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
FORM_DATA = "multipart/form-data"
FORMS: Mapping[str, tuple[str, ...]] = {"no": (), "fields": (FORM,), "files": (FORM_DATA,)}
"""The media types of a page's form."""
_LONGEST_STEP = 255


@dataclass(frozen=True)
class Answer:
    """One answer that a route may give: its body's type (None: none), media type, and the headers that come with it."""

    what: str
    body: Any = None
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """One parameter of the query: its type as `msgspec` takes it, whether it must be there, and what it says."""

    name: str
    type: Any
    what: str
    needed: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a handler tells of itself.

    permission   a name of the table of permissions, or OPEN
    summary      what it does, in a few words
    answers      by status code; the answers to a request that is refused come on top: see `refusals`
    body         the type of its JSON body, "application" for one that the champion's contract describes, None for none
    body_needed  whether a body must be sent
    files        the media types it takes as a file, with what they are
    form         whether it takes a page's form: of fields alone, or with files
    once         whether it minds the header Idempotency-Key
    query        the parameters of its query
    refusals     further status codes with a problem: 404, 409, 422, 503
    """

    permission: str
    summary: str
    answers: Mapping[int, Answer]
    body: Any = None
    body_needed: bool = True
    files: Mapping[str, str] = field(default_factory=dict)
    form: Literal["no", "fields", "files"] = "no"
    once: Literal["optional", "no"] = "no"
    query: tuple[Query, ...] = ()
    refusals: tuple[int, ...] = ()
    description: str = ""

    @property
    def takes(self) -> frozenset[str]:
        """The media types of its body; none where it takes no body."""
        kinds = {*self.files, *FORMS[self.form]}
        return frozenset(kinds | {JSON} if self.body is not None else kinds)

    @property
    def takes_files(self) -> bool:
        """Whether its body may be as large as a file."""
        return bool(self.files) or self.form == "files"


@dataclass(frozen=True)
class RouteRow:
    """One way in. `path` is a template: `/v1/decisions/{id}`."""

    method: str
    path: str
    permission: str
    told: Told = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.permission != OPEN and self.permission not in PERMISSIONS:
            raise UsageError(
                f"{self.method} {self.path} asks for {self.permission!r}, which is no permission",
                available=[OPEN, *PERMISSIONS],
            )


def read_rows(app: Litestar) -> list[RouteRow]:
    """A row for every handler of `app`. UsageError for one that does not tell who may, or is no plain route."""
    rows = []
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            raise UsageError(f"{route.path} is no route of requests and answers, so nobody checks who may use it")
        for method, (handler, _) in route.route_handler_map.items():
            if method == "OPTIONS":
                continue  # Litestar's own; the door lets none through
            told = handler.opt.get(TOLD)
            if not isinstance(told, Told):
                raise UsageError(f"{method} {route.path_format} does not tell who may use it", mend="declare it")
            rows.append(RouteRow(method, route.path_format, told.permission, told))
    return rows


class RouteTable:
    """Finds the row of a request; whatever has none is not there.

    >>> told = Told(permission="decision.read", summary="one decision", answers={})
    >>> table = RouteTable([RouteRow("GET", "/v1/decisions/{id}", "decision.read", told)])
    >>> table.find("GET", "/v1/decisions/1").path
    '/v1/decisions/{id}'
    >>> table.find("PUT", "/v1/decisions/1")
    Traceback (most recent call last):
    roadworthy.door.problem.ProblemError: PUT is not among its methods
      available: GET
      mend: ask with one of its methods
    """

    def __init__(self, rows: Iterable[RouteRow]) -> None:
        self.rows = tuple(sorted(rows, key=lambda row: (row.path, row.method)))
        self._plain = {(row.method, row.path): row for row in self.rows if "{" not in row.path}
        self._templates = [(_pattern(row.path), row) for row in self.rows if "{" in row.path]
        if len({(row.method, row.path) for row in self.rows}) < len(self.rows):
            raise UsageError("two handlers are there for one route")

    def find(self, method: str, path: str) -> RouteRow:
        """The row; ProblemError 404 where there is no such path, 405 where there is none of this method."""
        row = self._plain.get((method, path))
        if row is not None:
            return row
        at_path = {row.method: row for (_, plain), row in self._plain.items() if plain == path}
        if not at_path:
            at_path = {row.method: row for pattern, row in self._templates if pattern.fullmatch(path)}
        if method in at_path:
            return at_path[method]
        if not at_path:
            raise ProblemError(
                Problem.of(
                    "not-found",
                    "There is no such thing",
                    404,
                    "there is no such route",
                    mend="look at how the address is written",
                )
            )
        raise ProblemError(
            Problem.of(
                "method",
                "This is not done to it",
                405,
                f"{method} is not among its methods",
                available=tuple(sorted(at_path)),
                mend="ask with one of its methods",
            ),
            {"Allow": ", ".join(sorted(at_path))},
        )


def _pattern(template: str) -> re.Pattern[str]:
    """The paths of a template; a step is printable text that every store can look for."""
    steps = [
        rf"[^/\x00-\x1f\x7f\ud800-\udfff]{{1,{_LONGEST_STEP}}}" if step.startswith("{") else re.escape(step)
        for step in template.split("/")
    ]
    return re.compile("/".join(steps))
