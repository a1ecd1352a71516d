"""How decided applications turned out: events taken in, judged as of a day, and measured.

See docs/reference/outcomes.md.
"""

from __future__ import annotations

from roadworthy.outcomes.aside import AsidePage, KeptAside, list_outcomes_set_aside
from roadworthy.outcomes.judged import STATUSES, Judged
from roadworthy.outcomes.judging import find_first_day, find_reported_day, judge_outcomes
from roadworthy.outcomes.matured import (
    matured_calibration,
    matured_confusion,
    matured_gains,
    matured_report,
    unknown_outcomes,
)
from roadworthy.outcomes.recording import AsideOutcome, OutcomesTaken, record_outcomes
from roadworthy.outcomes.row import EVENTS
from roadworthy.outcomes.worth import MaturedWorth, matured_worth

__all__ = [
    "EVENTS",
    "STATUSES",
    "AsideOutcome",
    "AsidePage",
    "Judged",
    "KeptAside",
    "MaturedWorth",
    "OutcomesTaken",
    "find_first_day",
    "find_reported_day",
    "judge_outcomes",
    "list_outcomes_set_aside",
    "matured_calibration",
    "matured_confusion",
    "matured_gains",
    "matured_report",
    "matured_worth",
    "record_outcomes",
    "unknown_outcomes",
]
