"""What works on the long work about files, by kind, for the runner of jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from roadworthy.batch.exporting import EXPORT, export
from roadworthy.batch.scoring import SCORE, score_handler
from roadworthy.jobs import Handler
from roadworthy.live import CurrentRoute

__all__ = ["job_handlers"]


def job_handlers(current: CurrentRoute, clock: Callable[[], datetime]) -> Mapping[str, Handler]:
    """The handlers of files scored and decisions exported; `clock` gives the moment in UTC."""
    return {SCORE: score_handler(current, clock), EXPORT: export}
