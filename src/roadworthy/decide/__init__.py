"""Deciding: a release, its tables, and the one function that everything scores through."""

from __future__ import annotations

from roadworthy.decide.catalogue import BUILT_IN_RULES
from roadworthy.decide.decide import decide
from roadworthy.decide.decisions import Decisions, Reason, flatten_decisions
from roadworthy.decide.release import Release
from roadworthy.decide.tables import Table

__all__ = ["BUILT_IN_RULES", "Decisions", "Reason", "Release", "Table", "decide", "flatten_decisions"]
