"""Calibration: what was predicted beside what was observed, bucket by bucket (R16)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.measures.buckets import By, fill_buckets
from roadworthy.measures.checks import check_outcomes
from roadworthy.measures.intervals import check_confidence, wilson
from roadworthy.measures.results import COUNT, NOT_STATED, PD, SHARE, Floats, Ints, Table

__all__ = ["Calibration", "calibration"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Calibration(Table):
    """Buckets from the lowest PD up.

    bucket                       1 holds the lowest PDs; of stated edges or equal width, empty ones are left out
    count, weight                rows in the bucket, and the weight they stand for
    pd_low, pd_high              lowest and highest PD
    predicted, observed          weighted mean PD; weighted bad rate
    observed_low, observed_high  Wilson interval of the bad rate, with (sum w)^2 / (sum w^2) as the effective size

    `expected_calibration_error` is the weighted mean of |predicted - observed|; `predicted_rate` and `observed_rate`
    are those of all applications together; `rule` says how the buckets were made.
    """

    bucket: Ints = field(metadata=COUNT)
    count: Ints = field(metadata=COUNT)
    weight: Floats = field(metadata=COUNT)
    pd_low: Floats = field(metadata=PD)
    pd_high: Floats = field(metadata=PD)
    predicted: Floats = field(metadata=PD)
    observed: Floats = field(metadata=SHARE)
    observed_low: Floats = field(metadata=SHARE)
    observed_high: Floats = field(metadata=SHARE)
    expected_calibration_error: float
    predicted_rate: float
    observed_rate: float
    confidence: float
    tied_rows: int
    rule: str
    population: str

    @property
    def caption(self) -> str:
        """Size, overall rates, calibration error and population."""
        return (
            f"Calibration: {self.count.sum():,} applications, predicted {self.predicted_rate:.2%}, observed "
            f"{self.observed_rate:.2%}, expected calibration error {self.expected_calibration_error:.4f}; "
            f"{self.population}"
        )


def calibration(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    buckets: int = 10,
    by: By = "count",
    edges: ArrayLike | None = None,
    confidence: float = 0.95,
    population: str = NOT_STATED,
) -> Calibration:
    """Compare mean PD and bad rate in buckets.

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. `buckets`, `by` and `edges` make
    the buckets as in `gains_table`: near-equal weight by default. Rows with equal PD stay in one bucket; rows of weight
    0 are left out. One class only is allowed. Raises MeasureError.

    The error is that of Naeini, Cooper and Hauskrecht (2015), AAAI 29(1), doi:10.1609/aaai.v29i1.9602, where
    `edges=[0.1, 0.2, ..., 0.9]`. The intervals are Wilson's (1927), doi:10.1080/01621459.1927.10502953.

    >>> table = calibration([0, 0, 0, 1, 1, 1, 0, 1], [.1, .1, .2, .2, .6, .6, .7, .7], buckets=2)
    >>> table.predicted.round(3).tolist(), table.observed.tolist()
    ([0.15, 0.65], [0.25, 0.75])
    >>> round(table.expected_calibration_error, 3)
    0.1
    """
    outcomes = check_outcomes(bad, pd, weights)
    confidence = check_confidence(confidence)
    filled = fill_buckets(outcomes, buckets, by=by, edges=edges)
    # The ranking goes from the riskiest down; a calibration curve is read from the lowest PD up.
    weight, bads, pd_sum = filled.weight[::-1], filled.bads[::-1], filled.pd_sum[::-1]
    predicted, observed = pd_sum / weight, bads / weight
    low, high = wilson(observed, weight**2 / filled.squared_weight[::-1], confidence)
    return Calibration(
        bucket=filled.asked + 1 - filled.number[::-1],
        count=filled.count[::-1],
        weight=weight,
        pd_low=filled.pd_low[::-1],
        pd_high=filled.pd_high[::-1],
        predicted=predicted,
        observed=observed,
        observed_low=low,
        observed_high=high,
        expected_calibration_error=float(weight @ np.abs(predicted - observed) / weight.sum()),
        predicted_rate=float(pd_sum.sum() / weight.sum()),
        observed_rate=float(bads.sum() / weight.sum()),
        confidence=confidence,
        tied_rows=filled.tied_rows,
        rule=filled.rule,
        population=population,
    )
