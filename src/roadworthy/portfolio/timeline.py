"""The ten years the portfolio lives through: what happens when, month by month, and what it does to everybody.

Four things move, each by itself, so that a monitor can be asked to tell them apart:

    quiet              nothing moves: neither the people, nor what their columns mean, nor the economy ahead of them
    downturn           the hazard of default rises for every running loan; the people who apply are the same
    concept drift      the people who apply look the same, and the same columns mean something else
    population shift   other people apply, and the columns mean what they always meant
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["LONGEST_TERM", "MONTHS", "PERIODS", "Period", "Timeline", "lay_out"]

MONTHS = 120
"""The story is ten years long; a shorter portfolio lives through its beginning."""
LONGEST_TERM = 120
"""Months of the longest loan: the last one booked runs this far past the end."""


@dataclass(frozen=True)
class Period:
    """Months `first` to `last`, both included, counted from 0 at the start of the simulation."""

    first: int
    last: int

    def days(self, start: date) -> tuple[date, date]:
        """The first and the last day, for a simulation that begins on `start`.

        >>> PERIODS["concept drift"].days(date(2016, 1, 1))
        (datetime.date(2021, 7, 1), datetime.date(2022, 6, 30))
        """
        month = np.datetime64(start, "M")
        begin = (month + self.first).astype("datetime64[D]")
        end = (month + self.last + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
        return date.fromisoformat(str(begin)), date.fromisoformat(str(end))


PERIODS: Mapping[str, Period] = MappingProxyType(
    {
        "quiet": Period(0, 14),
        "downturn": Period(40, 65),
        "concept drift": Period(66, 77),
        "population shift": Period(84, 119),
    }
)
"""Quiet, concept drift and population shift are months of application; the downturn is months of the economy."""

_DOWNTURN_PEAK = Period(47, 54)
_DOWNTURN_FACTOR = 6.0  # on the hazard, at the peak; loans feel it averaged over 24 months, so bad rates move 4-5 times
_SHIFT_SETTLED = 90  # the month by which the newcomers' share has stopped growing
_NEWCOMERS = 0.50  # their share among applicants from then on


@dataclass(frozen=True)
class Timeline:
    """Monthly values. Those of applications have shape (months,); those of running loans reach `LONGEST_TERM` further.

    `volume` sums to 1; `hazard` multiplies everybody's hazard of default (1 in quiet times); `newcomers` is the share
    of applicants from the new source, 0 before the shift; `drifted` is true where the columns mean something else;
    `funding_rate` is what the bank pays for money, a fraction per year.
    """

    start: np.datetime64
    volume: NDArray[np.float64]
    newcomers: NDArray[np.float64]
    drifted: NDArray[np.bool_]
    hazard: NDArray[np.float64]
    funding_rate: NDArray[np.float64]

    @property
    def months(self) -> int:
        """How many months take applications."""
        return len(self.volume)

    @property
    def end(self) -> np.datetime64:
        """The last day of the simulation: nothing known later is in the bank's books."""
        end: np.datetime64 = (self.start + self.months).astype("datetime64[D]") - np.timedelta64(1, "D")
        return end

    @property
    def stress(self) -> NDArray[np.float64]:
        """How deep in the downturn each month is, 0..1."""
        return np.asarray(np.log(self.hazard) / np.log(_DOWNTURN_FACTOR))

    def to_arrow(self) -> pa.Table:
        """One row per month of application: effective, hazard, newcomers, drifted, funding_rate."""
        effective = (self.start + np.arange(self.months)).astype("datetime64[D]")
        return pa.table(
            {
                "effective": pa.array(effective),
                "hazard": pa.array(self.hazard[: self.months]),
                "newcomers": pa.array(self.newcomers),
                "drifted": pa.array(self.drifted),
                "funding_rate": pa.array(self.funding_rate[: self.months]),
            }
        )


def _ramp(month: NDArray[np.int64], first: int, last: int) -> NDArray[np.float64]:
    """0 up to `first`, 1 from `last`, smooth between: 3x² - 2x³."""
    x = np.clip((month - first) / (last - first), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def lay_out(months: int, start: date) -> Timeline:
    """`months` months (1 to `MONTHS`) from `start`, the first day of a month; nothing in it is random."""
    month = np.arange(months)
    running = np.arange(months + LONGEST_TERM + 2)
    season = 1.0 + 0.10 * np.sin(2.0 * np.pi * (month + start.month - 4) / 12.0)
    volume = season * (1.0 + 0.004 * month)
    downturn = PERIODS["downturn"]
    stress = _ramp(running, downturn.first, _DOWNTURN_PEAK.first) * (
        1.0 - _ramp(running, _DOWNTURN_PEAK.last, downturn.last + 1)
    )
    drift, shift = PERIODS["concept drift"], PERIODS["population shift"]
    funding = 0.010 + 0.016 * _ramp(running, 24, 42) - 0.018 * _ramp(running, 50, 62) + 0.022 * _ramp(running, 92, 112)
    return Timeline(
        start=np.datetime64(start, "M"),
        volume=volume / volume.sum(),
        newcomers=_NEWCOMERS * _ramp(month, shift.first - 1, _SHIFT_SETTLED),
        drifted=(month >= drift.first) & (month <= drift.last),
        hazard=np.exp(np.log(_DOWNTURN_FACTOR) * stress),
        funding_rate=funding.round(4),
    )
