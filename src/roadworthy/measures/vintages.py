"""Vintages: how loans booked in one period go bad as they age, and what of it cannot be known yet (R14, R21)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_weights, frozen
from roadworthy.measures.immaturity import immature, only_ended
from roadworthy.measures.intervals import check_confidence
from roadworthy.measures.months import PERIODS, DaysLike, periods_of
from roadworthy.measures.results import COUNT, NOT_STATED, SHARE, TEXT, Floats, Ints, Table
from roadworthy.measures.survival import survive
from roadworthy.measures.watching import LONGEST, Watched, check_watched, watch

__all__ = ["VintageMaturity", "Vintages", "vintages"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class VintageMaturity(Table):
    """One row for each vintage: how far it can be judged. Rates are weighted.

    vintage               period of booking
    count, weight         loans, and the weight they stand for
    months_known          whole months that every loan of it has been watched
    mature                share whose fate is known for the whole window
    bads_so_far           weight of bads known, at whatever age
    bad_rate_so_far       bads so far / weight: falls with age alone, so never compare it between vintages
    bad_rate_at_window    bads within the window / weight; NaN until every loan has been watched that long
    """

    vintage: NDArray[Any] = field(metadata=TEXT)
    count: Ints = field(metadata=COUNT)
    weight: Floats = field(metadata=COUNT)
    months_known: Ints = field(metadata=COUNT)
    mature: Floats = field(metadata=SHARE)
    bads_so_far: Floats = field(metadata=COUNT)
    bad_rate_so_far: Floats = field(metadata=SHARE)
    bad_rate_at_window: Floats = field(metadata=SHARE)
    window: int
    population: str

    @property
    def caption(self) -> str:
        """Window and population."""
        return f"Maturity of vintages: window {self.window} months; {self.population}"


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Vintages(Table):
    """One row for each vintage and whole month on book. Counts are weight; NaN is not known yet, never good.

    vintage                   period of booking
    months_on_book            m: from the booking to the same day m calendar months later
    at_risk                   watched through that month and not bad by then
    bads, bad_rate            bad within m months, and as a share of all booked; NaN unless every loan of the vintage
                              has been watched m months
    kaplan_meier              bad within m months, estimated also where only some have been watched that long; with
    kaplan_meier_low, _high   its interval. None where the days of going bad are not known

    `maturity` says by vintage how far it can be judged, `warnings` what would read as improvement and is none.
    """

    vintage: NDArray[Any] = field(metadata=TEXT)
    months_on_book: Ints = field(metadata=COUNT)
    at_risk: Floats | None = field(default=None, metadata=COUNT)
    bads: Floats = field(metadata=COUNT)
    bad_rate: Floats = field(metadata=SHARE)
    kaplan_meier: Floats | None = field(default=None, metadata=SHARE)
    kaplan_meier_low: Floats | None = field(default=None, metadata=SHARE)
    kaplan_meier_high: Floats | None = field(default=None, metadata=SHARE)
    maturity: VintageMaturity
    warnings: tuple[str, ...]
    period: str
    window: int
    known_until: str
    confidence: float
    count: int
    population: str

    @property
    def caption(self) -> str:
        """Size, period, window, the day of knowledge, and population."""
        return (
            f"Vintages by {self.period} of booking: {self.count:,} loans, known until {self.known_until}, "
            f"window {self.window} months; {self.population}"
        )

    def __repr__(self) -> str:
        return "\n".join([super().__repr__(), *(f"Beware: {warning}" for warning in self.warnings)])


def vintages(
    booked: DaysLike,
    event_at: DaysLike | None = None,
    *,
    known_until: DaysLike,
    bad: ArrayLike | None = None,
    closed_at: DaysLike | None = None,
    weights: ArrayLike | None = None,
    period: str = "quarter",
    window: int = 12,
    confidence: float = 0.95,
    population: str = NOT_STATED,
) -> Vintages:
    """Cumulative bad rate by months on book, for the loans booked in each month, quarter or year.

    `booked` (n,) are the days of booking; `event_at` (n,) those on which loans went bad, missing where they have not;
    `known_until` one day, or one for each loan, up to which its fate is known: earlier than the data were drawn where
    events are reported late. What happened after it is not known yet and does not count. `closed_at` (n,) are the days
    on which loans ended otherwise (paid back), missing where they run: a closed loan cannot go bad any more, so it
    stays among those booked, good, to the last day of `known_until`. `weights` (n,) are at least 0. `window` is the
    performance window in whole months; `period` is "month", "quarter" or "year". Where days of going bad are not
    known, hand in `bad` (n,), 0 and 1 within the window, instead of `event_at`: then there is one point for each
    vintage, at the window.

    A month on book ends on the day of the booking in a later month, or on that month's last day where it has no such
    day; what happens on that day falls within it. Raises MeasureError.

    bad_rate(m) = weight of bads within m months / weight booked, for vintages watched m months throughout.
    Kaplan, E. L. and Meier, P. (1958), JASA 53(282), doi:10.1080/01621459.1958.10501452, with the variance of Greenwood
    (1926) and the interval on the scale of log(-log).

    >>> curves = vintages(
    ...     ["2024-01-31", "2024-02-10", "2024-04-05", "2024-06-20"],
    ...     ["2024-02-29", None, None, None], known_until="2024-08-31", window=3,
    ... )
    >>> curves.maturity.bad_rate_at_window.tolist(), curves.maturity.months_known.tolist()
    ([0.5, nan], [6, 2])
    >>> print(curves.warnings[0])
    2024 Q2 is not mature: only 50.0% of it has been watched for 3 months. Its 0.0% bad so far beside 50.0% in the
    mature vintages is no improvement: compare at the same month on book.
    """
    start, until = check_watched(booked, known_until)
    n = len(start)
    window, confidence = _check_window(window), check_confidence(confidence)
    if period not in PERIODS:
        raise MeasureError(f"period is one of {', '.join(PERIODS)}, not {period!r}", mend='period="quarter"')
    heavy = frozen(np.ones(n)) if weights is None else check_weights(weights, n)
    loans = watch(start, until, event_at, bad, closed_at)
    if not heavy.all():
        kept = heavy > 0.0
        start, heavy, loans = start[kept], heavy[kept], loans.only(kept)
    group, names = periods_of(start, period)
    last = max(window, min(int(loans.known.max()), LONGEST))
    maturity = _maturity(group, names, loans, heavy, last, window, population)
    at_window = maturity.bad_rate_at_window * maturity.weight
    misleading = immature(names, maturity.weight, maturity.mature, maturity.bads_so_far, at_window, window)
    if closed_at is not None:
        misleading += only_ended(loans.bad | loans.closed, loans.lived, loans.known)
    common: dict[str, Any] = {
        "maturity": maturity,
        "warnings": misleading,
        "period": period,
        "window": window,
        "known_until": str(until.max()),
        "confidence": confidence,
        "count": n,
        "population": population,
    }
    labels = np.array(names, dtype=object)
    if event_at is None:
        return Vintages(
            vintage=labels,
            months_on_book=np.full(len(names), window),
            bads=at_window,
            bad_rate=maturity.bad_rate_at_window.copy(),
            **common,
        )
    survival = survive(group, len(names), loans.until, loans.bad, heavy, last=last, confidence=confidence)
    bads = _bads_by_month(group, loans, heavy, (len(names), last))
    bads[np.arange(1, last + 1) > maturity.months_known[:, None]] = np.nan
    return Vintages(
        vintage=np.repeat(labels, last),
        months_on_book=np.tile(np.arange(1, last + 1), len(names)),
        at_risk=survival.at_risk.ravel(),
        bads=bads.ravel(),
        bad_rate=(bads / maturity.weight[:, None]).ravel(),
        kaplan_meier=survival.bad.ravel(),
        kaplan_meier_low=survival.bad_low.ravel(),
        kaplan_meier_high=survival.bad_high.ravel(),
        **common,
    )


def _maturity(
    group: Ints, names: list[str], loans: Watched, heavy: Floats, last: int, window: int, population: str
) -> VintageMaturity:
    groups = len(names)

    def total(chosen: NDArray[np.bool_]) -> Floats:
        return np.bincount(group, weights=heavy * chosen, minlength=groups).astype(np.float64)

    weight = np.bincount(group, weights=heavy, minlength=groups).astype(np.float64)
    youngest = np.full(groups, np.inf)
    np.minimum.at(youngest, group, loans.known)
    months_known = np.minimum(np.floor(youngest), last).astype(np.int64)
    bads = total(loans.bad)
    within = total(loans.bad & (loans.until <= window))
    return VintageMaturity(
        vintage=np.array(names, dtype=object),
        count=np.bincount(group, minlength=groups).astype(np.int64),
        weight=weight,
        months_known=months_known,
        mature=total(loans.known >= window) / weight,
        bads_so_far=bads,
        bad_rate_so_far=bads / weight,
        bad_rate_at_window=np.where(months_known >= window, within / weight, np.nan),
        window=window,
        population=population,
    )


def _bads_by_month(group: Ints, loans: Watched, heavy: Floats, shape: tuple[int, int]) -> Floats:
    groups, last = shape
    month = np.maximum(np.ceil(loans.until[loans.bad]), 1.0).astype(np.int64)
    counted = month <= last
    cell = group[loans.bad][counted] * last + month[counted] - 1
    bads = np.bincount(cell, weights=heavy[loans.bad][counted], minlength=groups * last).reshape(groups, last)
    by_month: Floats = np.cumsum(bads.astype(np.float64), axis=1)
    return by_month


def _check_window(window: object) -> int:
    if isinstance(window, bool) or not isinstance(window, int | np.integer) or not 1 <= window <= LONGEST:
        raise MeasureError(f"window is a whole number of months from 1 to {LONGEST}, not {window!r}", mend="window=12")
    return int(window)
