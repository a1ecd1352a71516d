"""Until when the fate of each loan is known, and what it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_outcomes, check_rows
from roadworthy.measures.months import Days, DaysLike, check_days, months_between
from roadworthy.measures.results import Floats

__all__ = ["LONGEST", "Watched", "check_watched", "watch"]

LONGEST = 600
"""Months: what curves are drawn for at most."""


@dataclass(frozen=True)
class Watched:
    """By loan, in months since its booking: how long its fate is `known`, and when it went bad or `until` when not."""

    bad: NDArray[np.bool_]
    closed: NDArray[np.bool_]
    known: Floats
    until: Floats
    lived: Floats
    """When it went bad or was closed; 0 where it runs."""

    def only(self, kept: NDArray[np.bool_]) -> Watched:
        """The loans that are `kept`."""
        return Watched(self.bad[kept], self.closed[kept], self.known[kept], self.until[kept], self.lived[kept])


def check_watched(booked: DaysLike, known_until: DaysLike) -> tuple[Days, Days]:
    """The day on which each loan was booked, and the day until which its fate is known, never earlier."""
    start = _complete(check_days(booked, "booked"), "booked")
    until = check_days(np.atleast_1d(np.asarray(known_until)), "known_until")
    if len(until) == 1:
        until = np.repeat(until, len(start))
    check_rows(until, "known_until", len(start))
    _in_order(start, _complete(until, "known_until"), "known_until")
    return start, until


def watch(
    start: Days, until: Days, event_at: DaysLike | None, bad: ArrayLike | None, closed_at: DaysLike | None
) -> Watched:
    """What is known of loans booked on `start`, each known `until`; arguments as those of `vintages`."""
    if (event_at is None) == (bad is None):
        raise MeasureError(
            "vintages take event_at, the days on which loans went bad, or bad where these are not known: one of them",
            mend="event_at=days, missing where a loan has not gone bad",
        )
    n = len(start)
    watched = months_between(start, until)
    # A loan that went bad or was closed has its fate, however early its own record ends.
    age = months_between(start, np.full(n, until.max()))
    if bad is not None:
        happened = check_outcomes(bad, np.zeros(n)).bad
        since = np.zeros(n)
    else:
        event = check_days(event_at, "event_at", n)  # type: ignore[arg-type]  # one of the two was handed in
        _in_order(start, event, "event_at")
        happened = ~np.isnat(event) & (event <= until)
        since = months_between(start, np.where(happened, event, start))
    ended, at_end = np.zeros(n, dtype=bool), np.zeros(n)
    if closed_at is not None:
        closing = check_days(closed_at, "closed_at", n)
        _in_order(start, closing, "closed_at")
        ended = ~np.isnat(closing) & (closing <= until) & ~happened
        at_end = months_between(start, np.where(ended, closing, start))
    known = np.where(happened | ended, age, watched)
    return Watched(happened, ended, known, np.where(happened, since, known), np.where(happened, since, at_end))


def _complete(days: Days, name: str) -> Days:
    missing = np.flatnonzero(np.isnat(days))
    if missing.size:
        raise MeasureError(
            f"{name} is missing in {len(missing):,} of {len(days):,} rows (first: {missing[0]})",
            mend="leave these rows out",
        )
    return days


def _in_order(start: Days, later: Days, name: str) -> None:
    wrong = np.flatnonzero(later < start)  # what is missing is not before
    if wrong.size:
        raise MeasureError(
            f"{name} lies before booked in {len(wrong):,} of {len(start):,} rows (first: {wrong[0]})",
            mend="leave out loans that were not booked yet, and mend days that cannot be",
        )
