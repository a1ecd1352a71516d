"""What both entrances share: the table of routes, who is let in and with how much, problems, metrics, the log."""

from __future__ import annotations

from roadworthy.door.access_log import Log, make_log
from roadworthy.door.admission import Admitted, KeyCheck, RateLimit, admitted_of
from roadworthy.door.declaring import way
from roadworthy.door.door import Asked, Door, Entrance, Refusal
from roadworthy.door.form import FORM_DATA, Sent, read_fields, read_form
from roadworthy.door.metrics import Metrics
from roadworthy.door.problem import PROBLEM_JSON, Problem, ProblemError, Violation, problem_of
from roadworthy.door.protocol import BoundedProtocol
from roadworthy.door.readiness import Readiness, Ready
from roadworthy.door.route_table import JSON, OPEN, TOLD, Answer, Query, RouteRow, RouteTable, Told, read_rows
from roadworthy.door.services import Services

__all__ = [
    "FORM_DATA",
    "JSON",
    "OPEN",
    "PROBLEM_JSON",
    "TOLD",
    "Admitted",
    "Answer",
    "Asked",
    "BoundedProtocol",
    "Door",
    "Entrance",
    "KeyCheck",
    "Log",
    "Metrics",
    "Problem",
    "ProblemError",
    "Query",
    "RateLimit",
    "Readiness",
    "Ready",
    "Refusal",
    "RouteRow",
    "RouteTable",
    "Sent",
    "Services",
    "Told",
    "Violation",
    "admitted_of",
    "make_log",
    "problem_of",
    "read_fields",
    "read_form",
    "read_rows",
    "way",
]
