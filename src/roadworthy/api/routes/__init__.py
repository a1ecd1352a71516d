"""The routes, one file for each thing they are about."""

from __future__ import annotations

from roadworthy.api.routes import machine
from roadworthy.api.routes.decisions import DECISION_ROUTE

__all__ = ["DECISION_ROUTE", "HANDLERS"]

HANDLERS = (*machine.HANDLERS,)
"""Every handler of the framework's."""
