"""What a Brier score is made of: how calibrated the PDs are, how well they separate, how uncertain the outcome is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.measures.buckets import By, fill_buckets
from roadworthy.measures.checks import check_outcomes
from roadworthy.measures.results import Measure

__all__ = ["BrierDecomposition", "brier_decomposition"]


@dataclass(frozen=True, kw_only=True, repr=False)
class BrierDecomposition(Measure):
    """The Brier score as reliability - resolution + uncertainty + within_variance - within_covariance.

    reliability        squared distance of mean PD and bad rate of the buckets: 0 is calibrated
    resolution         squared distance of the buckets' bad rates from the base rate: higher separates better
    uncertainty        base rate x (1 - base rate): the same for every model
    within_variance    spread of the PDs inside the buckets
    within_covariance  twice the covariance of PD and outcome inside the buckets
    """

    name: ClassVar[str] = "Brier"
    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float
    rule: str


def brier_decomposition(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    buckets: int = 10,
    by: By = "count",
    edges: ArrayLike | None = None,
) -> BrierDecomposition:
    """Split the Brier score so that the parts add up exactly, whatever the buckets.

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0; `buckets`, `by` and `edges` as in
    `gains_table`. One class only is allowed. Raises MeasureError.

    Murphy, A. H. (1973), A new vector partition of the probability score, Journal of Applied Meteorology 12(4),
    doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2. The two parts within buckets, without which PDs that differ
    inside a bucket do not add up: Stephenson, D. B., Coelho, C. A. S. and Jolliffe, I. T. (2008), Two extra components
    in the Brier score decomposition, Weather and Forecasting 23(4), doi:10.1175/2007WAF2006116.1.

    >>> found = brier_decomposition([0, 0, 1, 1, 0, 1, 1, 1], [.2, .2, .2, .2, .7, .7, .7, .7], buckets=2)
    >>> [round(each, 6) for each in (found.reliability, found.resolution, found.uncertainty, found.value)]
    [0.04625, 0.015625, 0.234375, 0.265]
    """
    outcomes = check_outcomes(bad, pd, weights)
    filled = fill_buckets(outcomes, buckets, by=by, edges=edges)
    outcomes = outcomes.that_weigh()
    held = np.searchsorted(filled.pd_low[::-1], outcomes.pd, side="right") - 1
    share, predicted, observed = (
        each[::-1]
        for each in (filled.weight / filled.weight.sum(), filled.pd_sum / filled.weight, filled.bads / filled.weight)
    )
    base_rate = float(share @ observed)
    # Summed as distances from the buckets' means: sums of squares less squares of sums would lose the digits.
    pd_apart = outcomes.pd - predicted[held]
    bad_apart = outcomes.bad - observed[held]
    total = outcomes.total
    reliability = float(share @ (predicted - observed) ** 2)
    resolution = float(share @ (observed - base_rate) ** 2)
    uncertainty = base_rate * (1.0 - base_rate)
    within_variance = float(outcomes.weighted(pd_apart * pd_apart).sum() / total)
    within_covariance = 2.0 * float(outcomes.weighted(pd_apart * bad_apart).sum() / total)
    error = outcomes.pd - outcomes.bad
    return BrierDecomposition(
        value=float(outcomes.weighted(error * error).sum() / total),
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within_variance=within_variance,
        within_covariance=within_covariance,
        rule=filled.rule,
    )
