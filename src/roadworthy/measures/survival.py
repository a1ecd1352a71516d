"""Kaplan-Meier: how many have gone bad by each month, of loans that were not all watched equally long.

    S(m) = product over event times t <= m of (1 - d(t) / n(t)),     bad by m = 1 - S(m)

d(t) is the weight of those that went bad at t, n(t) of those still watched just before. Variance by Greenwood's sum of
d / (n (n - d)), in which n is the effective number (sum of weights)^2 / (sum of squared weights) of those at risk; the
interval is made on the scale of log(-log S), which keeps it between 0 and 1. It assumes that when watching ends says
nothing about the loan: true where it ends because the day has come, false where loans leave because they do well.

Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations. JASA 53(282).
doi:10.1080/01621459.1958.10501452
Greenwood, M. (1926). The natural duration of cancer. Reports on Public Health and Medical Subjects 33.
Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data. doi:10.1002/9781118032985
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from roadworthy.kernels import njit
from roadworthy.measures.intervals import wilson
from roadworthy.measures.results import Floats

__all__ = ["Survival", "survive"]


@dataclass(frozen=True)
class Survival:
    """By group (rows) and whole month 1, 2, ... (columns); NaN beyond the longest watched of the group."""

    bad: Floats
    bad_low: Floats
    bad_high: Floats
    at_risk: Floats
    """Weight of those watched through the month and not bad by then."""


def survive(
    group: NDArray[np.int64],
    groups: int,
    months: Floats,
    event: NDArray[np.bool_],
    weights: Floats,
    *,
    last: int,
    confidence: float,
) -> Survival:
    """Bad by each month 1..`last` in each group; `months` are those until the event, or until watching ended."""
    order = np.lexsort((months, group))
    ends = np.cumsum(np.bincount(group, minlength=groups))
    survived, variance, at_risk, effective = _walk(ends, months[order], event[order], weights[order], last)
    z = float(ndtri(0.5 + confidence / 2.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log(survived)
        half = z * np.sqrt(variance) / np.abs(logarithm)
        low, high = 1.0 - survived ** np.exp(-half), 1.0 - survived ** np.exp(half)
        # Where none has gone bad yet, or all have, that scale has no interval: Wilson's, of those the step rests on.
        none_low, none_high = wilson(1.0 - survived, effective, confidence)
    flat = (survived == 1.0) | (survived == 0.0)
    return Survival(
        bad=1.0 - survived,
        bad_low=np.where(flat, none_low, low),
        bad_high=np.where(flat, none_high, high),
        at_risk=at_risk,
    )


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _walk(ends: NDArray[np.int64], months: Floats, event: NDArray[np.bool_], weights: Floats, last: int) -> Any:
    groups = len(ends)
    survived = np.full((groups, last), np.nan)
    variance = np.full((groups, last), np.nan)
    at_risk = np.zeros((groups, last))
    effective = np.full((groups, last), np.nan)
    n = len(months)
    # What is still watched is summed from the end, so that no rounding is left over when the last one goes.
    heavy = np.zeros(n + 1)
    squares = np.zeros(n + 1)
    begin = 0
    for group in range(groups):
        stop = ends[group]
        above = 0.0
        above_squares = 0.0
        for row in range(stop - 1, begin - 1, -1):
            above += weights[row]
            above_squares += weights[row] * weights[row]
            heavy[row] = above
            squares[row] = above_squares
        alive = 1.0
        spread = 0.0
        size = np.nan
        row = begin
        for month in range(1, last + 1):
            while row < stop and months[row] <= month:
                at = months[row]
                watched = heavy[row]
                size = watched * watched / squares[row]
                gone = 0.0
                everyone = True
                while row < stop and months[row] == at:
                    if event[row]:
                        gone += weights[row]
                    else:
                        everyone = False
                        if at == month:
                            at_risk[group, month - 1] += weights[row]
                    row += 1
                if gone > 0.0:
                    hazard = gone / watched
                    if everyone and row == stop:
                        alive = 0.0
                    else:
                        alive *= 1.0 - hazard
                        spread += hazard / ((1.0 - hazard) * size)
            if row < stop:
                at_risk[group, month - 1] += heavy[row]
                size = heavy[row] * heavy[row] / squares[row]
            if row < stop or at_risk[group, month - 1] > 0.0 or alive == 0.0:
                survived[group, month - 1] = alive
                variance[group, month - 1] = spread
                effective[group, month - 1] = size
        begin = stop
    return survived, variance, at_risk, effective
