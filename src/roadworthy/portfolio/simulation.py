"""Runs the simulation: people apply, the bank answers, loans are booked and meet their fates."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.errors import UsageError
from roadworthy.portfolio.applicants import draw
from roadworthy.portfolio.applications import enter_twice, tabulate
from roadworthy.portfolio.loans import EVENTS, Events, Loans, book, date_events
from roadworthy.portfolio.old_policy import answer
from roadworthy.portfolio.places import open_places
from roadworthy.portfolio.portfolio import Portfolio
from roadworthy.portfolio.risk import HORIZON_MONTHS, NEVER, log_hazard, meet_fates
from roadworthy.portfolio.timeline import MONTHS, lay_out

__all__ = ["simulate"]

_TAKEN_UP = 0.93  # of the approved
_LARGEST = 20_000_000
_STREAMS = ("places", "people", "answers", "booking", "fates", "recoveries", "events", "gaps", "twice")


def simulate(n: int, *, seed: int, months: int = MONTHS, start: date = date(2016, 1, 1)) -> Portfolio:
    """A portfolio of `n` applications (1 to 20 million) over `months` (1 to 120) from `start`, the first of a month.

    Nothing in it is about anybody: all of it is drawn from NumPy generators seeded by `seed` (0 or above), and the
    same arguments give identical tables. With fewer months the story stops earlier, with all `n` applications in them.

    Raises UsageError where an argument is out of its range.

    >>> portfolio = simulate(1_000, seed=1)
    >>> portfolio  # doctest: +ELLIPSIS
    Portfolio(synthetic: 1,000 applications from 2016-01-01 to 2025-12-31, ... events, seed 1)
    >>> portfolio.applications.column_names[:5]
    ['application_id', 'applicant_id', 'applied_at', 'age', 'income']
    """
    _check("n", n, 1, _LARGEST)
    _check("seed", seed, 0, None)
    _check("months", months, 1, MONTHS)
    if isinstance(start, datetime) or not isinstance(start, date):
        raise UsageError(f"start is {start!r}: it is a date", mend="start=date(2016, 1, 1)")
    if start.day != 1:
        raise UsageError(f"start is {start}: months begin on their first day", mend=f"start={start.replace(day=1)!r}")
    # One stream per concern: a new draw in one leaves all the others as they were.
    rng = {
        name: np.random.Generator(np.random.PCG64(child))
        for name, child in zip(_STREAMS, np.random.SeedSequence(seed).spawn(len(_STREAMS)), strict=True)
    }
    timeline = lay_out(months, start)
    places = open_places(rng["places"], timeline)
    people = draw(rng["people"], timeline, places, n)
    answers = answer(rng["answers"], people, places, timeline)
    risk = log_hazard(people, places, timeline)
    booked_on = people.applied_at.astype("datetime64[D]") + rng["booking"].integers(2, 28, n).astype("timedelta64[D]")
    booked_month = (booked_on.astype("datetime64[M]") - timeline.start).astype(np.int64)
    fates = meet_fates(rng["fates"], risk, booked_month, people.term_months, answers.rate, timeline)
    booked = answers.approved & (rng["booking"].random(n) < _TAKEN_UP)
    loans = book(rng["recoveries"], people, booked, booked_on, answers.rate, fates, timeline)
    events = date_events(rng["events"], people, answers.approved, loans, risk, timeline)
    applications = tabulate(rng["gaps"], people, places, answers.approved, loans, timeline)
    ids = applications["application_id"]
    return Portfolio(
        seed=seed,
        start=start,
        end=date.fromisoformat(str(timeline.end)),
        applications=enter_twice(rng["twice"], applications),
        events=_tabulate_events(events, ids),
        merchants=places.merchants,
        branches=places.branches,
        truth=_tabulate_truth(loans, ids),
        truth_by_month=timeline.to_arrow(),
    )


def _check(name: str, value: object, low: int, high: int | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise UsageError(f"{name} is {value!r}: it is a whole number")
    if value < low or (high is not None and value > high):
        span = f"{low} or more" if high is None else f"{low} to {high}"
        raise UsageError(f"{name} is {value}: it is {span}")


def _tabulate_events(events: Events, ids: pa.ChunkedArray) -> pa.Table:
    return pa.table(
        {
            "application_id": ids.take(pa.array(events.application)),
            "event": pa.array(EVENTS).take(pa.array(events.event)),
            "at": pa.array(events.at),
            "known_at": pa.array(events.known_at),
            "amount": pa.array(events.amount, from_pandas=True),
        }
    )


def _tabulate_truth(loans: Loans, ids: pa.ChunkedArray) -> pa.Table:
    age: NDArray[np.int64] = loans.fates.default_age
    return pa.table(
        {
            "application_id": ids,
            "pd": pa.array(loans.fates.pd),
            "pd_lifetime": pa.array(loans.fates.pd_lifetime),
            "bad": pa.array(((age != NEVER) & (age <= HORIZON_MONTHS)).astype(np.int64)),
            "booked_on": pa.array(loans.booked_on),
            "defaulted_on": pa.array(loans.defaulted_on),
            "exposure_at_default": pa.array(loans.exposure_at_default, from_pandas=True),
            "loss_given_default": pa.array(loans.loss_given_default, from_pandas=True),
        }
    )
