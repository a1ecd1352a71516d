"""How applicants like this one turned out: the observed rate of those lent to at about the same PD (R16, R17)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import numpy as np

from roadworthy.desk.lately import Lately
from roadworthy.errors import Refused
from roadworthy.measures import Calibration
from roadworthy.outcomes import find_reported_day, judge_outcomes, matured_calibration
from roadworthy.product import Product
from roadworthy.records import Store

__all__ = ["FEWEST", "Likeness", "Rates", "find_bucket", "observed_rates"]

FEWEST = 10
"""So many say something of those like them; a rate of fewer says next to nothing, and it in part of each of them."""

_LEAST = 200
"""So many matured applications of its own a release needs before those of every release stop standing in for them."""
_PATIENCE = 0.1
"""How many seconds a page waits for the day's rates; on a large store they take longer, and come with the next page."""


@dataclass(frozen=True)
class Likeness:
    """Those of about one PD, from `pd_low` to `pd_high`: how many of `count` went bad, with its 95% interval.

    `population` says whose outcomes these are.
    """

    count: int
    observed: float
    low: float
    high: float
    pd_low: float
    pd_high: float
    population: str


@dataclass(frozen=True)
class Rates:
    """The calibration of every release with enough outcomes, and that of all of them together under no name."""

    by_release: Mapping[str, Calibration]

    def of(self, release: str, pd: float) -> Likeness | None:
        """The bucket of a PD, of its own release where that has enough outcomes; None where too few had such a PD."""
        found = find_bucket(self.by_release.get(release, self.by_release[""]), pd)
        return None if found is None or found.count < FEWEST else found


def find_bucket(calibration: Calibration, pd: float) -> Likeness | None:
    """The bucket that a PD lies in, or next to where it lies between two; None beyond the lowest and the highest.

    >>> from roadworthy.measures import calibration
    >>> two = calibration([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], buckets=2)
    >>> [None if like is None else like.observed for like in (find_bucket(two, pd) for pd in (0.05, 0.1, 0.26, 0.5))]
    [None, 0.0, 1.0, None]
    """
    low, high = calibration.pd_low, calibration.pd_high
    if not low[0] <= pd <= high[-1]:
        return None
    i = int(np.argmin(np.maximum(low - pd, 0.0) + np.maximum(pd - high, 0.0)))
    return Likeness(
        count=int(calibration.count[i]),
        observed=float(calibration.observed[i]),
        low=float(calibration.observed_low[i]),
        high=float(calibration.observed_high[i]),
        pd_low=float(low[i]),
        pd_high=float(high[i]),
        population=calibration.population,
    )


def observed_rates(store: Store, product: Product, now: datetime, patience: float = _PATIENCE) -> Rates | str:
    """The rates as known at the end of yesterday, or of the last day of which outcomes were reported.

    They are worked out once a day; in words why there are none.

    That nobody stated a horizon, that no outcome can be judged yet, or that they are being worked out at this moment.
    """
    today = now.astimezone(ZoneInfo(product.time_zone)).date()
    with _LOCK:
        lately = _RATES.setdefault(store, Lately(keep=timedelta(days=1), most=2))
    # The moment is the day's own, so that nobody's clock makes another count of it.
    worked = lately.look(
        (today, product),
        lambda: _work_out(store, product, today - timedelta(days=1)),
        now=product.start_of_day(today),
        patience=patience,
    )
    return (
        "the outcomes are being counted for today; open the page again in a moment" if worked is None else worked.value
    )


_LOCK = Lock()
_RATES: WeakKeyDictionary[Store, Lately[Rates | str]] = WeakKeyDictionary()


def _work_out(store: Store, product: Product, day: date) -> Rates | str:
    try:
        with store.reading() as connection:
            judged = judge_outcomes(connection, product, find_reported_day(connection, product, day))
        rates = {"": matured_calibration(judged)}
    except Refused as reason:
        return reason.message
    for release in sorted(set(judged.release[judged.matured])):
        own = judged.of_release(release)
        if np.count_nonzero(own.matured) >= _LEAST:
            rates[release] = matured_calibration(own)
    return Rates(rates)
