"""The machine's door: HTTP, one table of routes, problem+json, OpenAPI, health, metrics. See docs/reference/http.md."""

from __future__ import annotations

from roadworthy.api.access_log import Log, make_log
from roadworthy.api.admission import Admitted, admitted_of
from roadworthy.api.door import Door, list_routes, make_asgi
from roadworthy.api.json_body import decode_json
from roadworthy.api.long_work import job_handlers
from roadworthy.api.openapi import make_openapi
from roadworthy.api.problem import Problem, ProblemError, Violation, problem_of
from roadworthy.api.route_table import OPEN, RouteRow
from roadworthy.api.services import Services

__all__ = [
    "OPEN",
    "Admitted",
    "Door",
    "Log",
    "Problem",
    "ProblemError",
    "RouteRow",
    "Services",
    "Violation",
    "admitted_of",
    "decode_json",
    "job_handlers",
    "list_routes",
    "make_asgi",
    "make_log",
    "make_openapi",
    "problem_of",
]
