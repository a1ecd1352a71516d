"""What each application would become if booked, in dates and money, and the dated events the bank learns of.

Payments are held in a compact form: one `payment` event per loan year with the sum of its instalments, dated the last
of them. A year cut short by default, prepayment or the end of the simulation has its event when the loan's end is
known, or none yet. Everything else is one event per fact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.portfolio.amortisation import Floats, Ints, balance_after, instalment, months_after
from roadworthy.portfolio.applicants import HOUSINGS, Applicants
from roadworthy.portfolio.risk import NEVER, Fates
from roadworthy.portfolio.timeline import Timeline

__all__ = ["EVENTS", "REPORTING_LAG_DAYS", "WORKOUT_MONTHS", "Events", "Loans", "book", "date_events"]

EVENTS = (*("booked", "payment", "days_past_due", "default", "prepayment", "recovery", "closed", "not_taken_up"),)
REPORTING_LAG_DAYS = 30
"""A default is in the books at most this many days after it happened."""
WORKOUT_MONTHS = 60
"""Recoveries come up to this long after the default; then what is left is written off and the loan closed."""

_MISSED = 4  # instalments missing at default: the one 90 days late and the three due since
_OFFER_DAYS = 30  # an approval not taken up by then lapses


@dataclass(frozen=True)
class Loans:
    """All applications as loans, shape (n,): what was, for the booked ones; what would have been, for the others.

    `paid` counts the instalments paid before the loan ended; `recovered` and `recovery_age`, in months after the
    default, have shape (n, 3).
    """

    booked: NDArray[np.bool_]
    booked_on: NDArray[np.datetime64]
    amount: Floats
    rate: Floats
    term: Ints
    fates: Fates
    paid: Ints
    exposure_at_default: Floats
    recovered: Floats
    recovery_age: Ints

    @property
    def defaulted(self) -> NDArray[np.bool_]:
        """Those that default before their term."""
        return np.asarray(self.fates.default_age != NEVER)

    @property
    def defaulted_on(self) -> NDArray[np.datetime64]:
        """The date of the default, NaT where there is none."""
        day = months_after(self.booked_on, self.fates.default_age)
        return np.where(self.defaulted, day, np.datetime64("NaT"))

    @property
    def loss_given_default(self) -> Floats:
        """The share of the exposure never recovered, undiscounted; NaN where there is no default."""
        with np.errstate(invalid="ignore", divide="ignore"):
            loss = 1.0 - self.recovered.sum(axis=1) / self.exposure_at_default
        return np.where(self.defaulted, loss, np.nan)


@dataclass(frozen=True)
class Events:
    """Arrays of shape (events,): `application` is a row of `Loans`, `event` a code into `EVENTS`; NaN: no amount."""

    application: Ints
    event: NDArray[np.int8]
    at: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    amount: Floats


def book(
    rng: np.random.Generator,
    people: Applicants,
    booked: NDArray[np.bool_],
    booked_on: NDArray[np.datetime64],
    rate: Floats,
    fates: Fates,
    timeline: Timeline,
) -> Loans:
    """The loans, with their amortised exposure at default and what is recovered of it."""
    amount, term = people.amount, people.term_months
    ended = np.where(fates.default_age != NEVER, fates.default_age - _MISSED, term)
    paid = np.where(fates.prepayment_age != NEVER, fates.prepayment_age, ended)
    defaulted = fates.default_age != NEVER
    exposure = np.where(defaulted, balance_after(amount, rate, term, paid), np.nan).round(2)
    month = (booked_on.astype("datetime64[M]") - timeline.start).astype(np.int64) + fates.default_age
    share, age = _recover(rng, people.housing == HOUSINGS.index("owner"), timeline.stress[month])
    recovered = np.where(defaulted[:, None], share * exposure[:, None], 0.0).round(2)
    return Loans(booked, booked_on, amount, rate, term, fates, paid, exposure, recovered, age)


def _recover(rng: np.random.Generator, owner: NDArray[np.bool_], stress: Floats) -> tuple[Floats, Ints]:
    """Shares of the exposure recovered and months after default, shape (n, 3): the last third late, after 2½ years.

    Most recoveries are either nothing, nearly all, or something between (recoveries of loans are bimodal); less is
    recovered from those without a home of their own and from those who default in the downturn.
    """
    n = len(owner)
    kind = rng.random(n)
    mean = (0.50 + 0.10 * owner - 0.06 * stress).clip(0.1, 0.9)
    between = rng.beta(4.0 * mean, 4.0 * (1.0 - mean))
    total = np.where(kind < 0.22, 0.0, np.where(kind < 0.36, rng.uniform(0.90, 1.0, n), between))
    split = rng.exponential(1.0, (n, 3)) * np.array([0.4, 0.35, 0.25])
    split /= split.sum(axis=1, keepdims=True)
    age = rng.integers([2, 10, 31], [9, 30, WORKOUT_MONTHS], size=(n, 3), endpoint=True)
    return total[:, None] * split, age


def date_events(
    rng: np.random.Generator,
    people: Applicants,
    approved: NDArray[np.bool_],
    loans: Loans,
    risk: Floats,
    timeline: Timeline,
) -> Events:
    """What the bank knows of its approved applications by the end of the timeline, in the order of knowing."""
    ledger = _Ledger(timeline.end)
    lapsed = np.flatnonzero(approved & ~loans.booked)
    lapsed_on = people.applied_at[lapsed].astype("datetime64[D]") + _OFFER_DAYS
    ledger.enter("not_taken_up", lapsed, lapsed_on, lapsed_on)
    # From here on everything is about booked loans, by their rows.
    rows = np.flatnonzero(loans.booked & (loans.booked_on <= timeline.end))
    start = loans.booked_on[rows]
    ledger.enter("booked", rows, start, start, loans.amount[rows])
    ended_known = _end(rng, ledger, loans, rows)
    _pay(ledger, loans, rows, ended_known, timeline)
    _fall_behind(rng, ledger, loans, rows, risk[rows])
    return ledger.close()


class _Ledger:
    """Collects events and keeps those known by the end."""

    def __init__(self, end: np.datetime64) -> None:
        self._end = end
        self._pages: list[Events] = []

    def enter(
        self,
        event: str,
        application: Ints,
        at: NDArray[np.datetime64],
        known_at: NDArray[np.datetime64],
        amount: Floats | None = None,
    ) -> None:
        known = known_at <= self._end
        n = int(known.sum())
        self._pages.append(
            Events(
                application[known],
                np.full(n, EVENTS.index(event), dtype=np.int8),
                at[known],
                known_at[known],
                np.full(n, np.nan) if amount is None else amount[known],
            )
        )

    def close(self) -> Events:
        """One ledger, sorted by the day of knowing; within a day by application and the event's place in `EVENTS`."""
        application = np.concatenate([page.application for page in self._pages])
        event = np.concatenate([page.event for page in self._pages])
        known_at = np.concatenate([page.known_at for page in self._pages])
        at = np.concatenate([page.at for page in self._pages])
        order = np.lexsort((event, at, application, known_at))
        amount = np.concatenate([page.amount for page in self._pages])
        return Events(application[order], event[order], at[order], known_at[order], amount[order])


def _days(rng: np.random.Generator, low: int, high: int, n: int) -> NDArray[np.timedelta64]:
    return rng.integers(low, high, n, endpoint=True).astype("timedelta64[D]")


def _end(rng: np.random.Generator, ledger: _Ledger, loans: Loans, rows: Ints) -> NDArray[np.datetime64]:
    """Enters how loans end: default with its run-up, recoveries and write-off, prepayment, or the schedule.

    Returns when the end of each loan's payments is known.
    """
    start, fates = loans.booked_on[rows], loans.fates
    default_age, prepayment_age = fates.default_age[rows], fates.prepayment_age[rows]
    ended_on = months_after(start, loans.term[rows])
    known = ended_on + np.timedelta64(1, "D")

    bad = np.flatnonzero(default_age != NEVER)
    defaulted_on = months_after(start[bad], default_age[bad])
    known[bad] = defaulted_on + _days(rng, 1, REPORTING_LAG_DAYS, len(bad))
    ledger.enter("default", rows[bad], defaulted_on, known[bad], loans.exposure_at_default[rows[bad]])
    for late, before in ((30, 2), (60, 1)):
        at = months_after(start[bad], default_age[bad] - before)
        ledger.enter("days_past_due", rows[bad], at, at + _days(rng, 1, 5, len(bad)), np.full(len(bad), float(late)))
    for turn in range(loans.recovered.shape[1]):
        some = bad[loans.recovered[rows[bad], turn] > 0.0]
        age = default_age[some] + loans.recovery_age[rows[some], turn]
        at = months_after(start[some], age)
        ledger.enter("recovery", rows[some], at, at + _days(rng, 5, 40, len(some)), loans.recovered[rows[some], turn])
    written_off = months_after(start[bad], default_age[bad] + WORKOUT_MONTHS + 2)
    ledger.enter("closed", rows[bad], written_off, written_off)

    early = np.flatnonzero(prepayment_age != NEVER)
    at = months_after(start[early], prepayment_age[early])
    known[early] = at + np.timedelta64(1, "D")
    whole = rows[early]
    rest = balance_after(loans.amount[whole], loans.rate[whole], loans.term[whole], loans.paid[whole]).round(2)
    ledger.enter("prepayment", whole, at, known[early], rest)

    ended_on[early] = at
    good = np.flatnonzero(default_age == NEVER)
    ledger.enter("closed", rows[good], ended_on[good], known[good])
    return known


def _pay(ledger: _Ledger, loans: Loans, rows: Ints, ended_known: NDArray[np.datetime64], timeline: Timeline) -> None:
    """Enters one payment event per loan year, with the sum of the instalments paid in it."""
    paid = loans.paid[rows]
    # The end is the last day of a month, so every instalment due in its month is due by then.
    elapsed = (timeline.end.astype("datetime64[M]") - loans.booked_on[rows].astype("datetime64[M]")).astype(np.int64)
    years = -(-np.minimum(paid, elapsed) // 12)
    loan = np.repeat(np.arange(len(rows)), years)
    year = np.arange(len(loan)) - np.repeat(np.cumsum(years) - years, years)
    last = np.minimum(12 * (year + 1), paid[loan])
    at = months_after(loans.booked_on[rows][loan], last)
    cut_short = last < 12 * (year + 1)
    known = np.where(cut_short, ended_known[loan], at + np.timedelta64(1, "D"))
    each = instalment(loans.amount[rows], loans.rate[rows], loans.term[rows])
    ledger.enter("payment", rows[loan], at, known, ((last - 12 * year) * each[loan]).round(2))


def _fall_behind(rng: np.random.Generator, ledger: _Ledger, loans: Loans, rows: Ints, risk: Floats) -> None:
    """Enters arrears of 30 days that were made up within the month: days_past_due 30, then 0."""
    often = np.minimum(rng.poisson(np.minimum(0.12 * np.exp(0.5 * (risk + 5.3)), 2.0)), 3)
    often = np.where(loans.paid[rows] >= 4, often, 0)
    loan = np.repeat(np.arange(len(rows)), often)
    missed = 1 + (rng.random(len(loan)) * (loans.paid[rows][loan] - 3)).astype(np.int64)
    late = months_after(loans.booked_on[rows][loan], missed + 1)
    made_up = late + _days(rng, 2, 25, len(loan))
    late_known = late + np.timedelta64(1, "D")
    ledger.enter("days_past_due", rows[loan], late, late_known, np.full(len(loan), 30.0))
    ledger.enter("days_past_due", rows[loan], made_up, made_up + np.timedelta64(1, "D"), np.zeros(len(loan)))
