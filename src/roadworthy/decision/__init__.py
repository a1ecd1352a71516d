"""Deciding: a release, its tables, and the one function that everything scores through."""

from __future__ import annotations

from roadworthy.decision.catalogue import BUILT_IN_RULES
from roadworthy.decision.decide import decide
from roadworthy.decision.decisions import Decisions, Reason, flatten_decisions
from roadworthy.decision.release import Release
from roadworthy.decision.tables import Table

__all__ = ["BUILT_IN_RULES", "Decisions", "Reason", "Release", "Table", "decide", "flatten_decisions"]
