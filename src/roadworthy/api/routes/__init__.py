"""The routes, one file for each thing they are about."""

from __future__ import annotations

from roadworthy.api.routes import casework, decisions, erasure, jobs, machine, outcomes, releases, tables
from roadworthy.api.routes.decisions import DECISION_ROUTE

__all__ = ["DECISION_ROUTE", "HANDLERS"]

HANDLERS = (
    *machine.HANDLERS,
    *casework.HANDLERS,
    *decisions.HANDLERS,
    *erasure.HANDLERS,
    *jobs.HANDLERS,
    *outcomes.HANDLERS,
    *releases.HANDLERS,
    *tables.HANDLERS,
)
"""Every handler of the framework's."""
