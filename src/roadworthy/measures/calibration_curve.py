"""The calibration curve without buckets to choose: the best rising fit of bad rate on PD."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.kernels import njit
from roadworthy.measures.checks import check_numbers, check_outcomes, frozen
from roadworthy.measures.results import COUNT, NOT_STATED, PD, SHARE, Floats, Ints, Table

__all__ = ["CalibrationCurve", "calibration_curve"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CalibrationCurve(Table):
    """One row for each level stretch of the curve, from the lowest PD up.

    count, weight     rows in the stretch, and the weight they stand for
    pd_low, pd_high   lowest and highest PD in it
    predicted         weighted mean PD
    observed          weighted bad rate: what PDs of this stretch should have been

    `miscalibration` is what the Brier score would fall by if the PDs were moved onto the curve, `discrimination` by how
    much the curve's Brier score is below that of the base rate, `uncertainty`: Brier = miscalibration - discrimination
    + uncertainty, exactly.
    """

    count: Ints = field(metadata=COUNT)
    weight: Floats = field(metadata=COUNT)
    pd_low: Floats = field(metadata=PD)
    pd_high: Floats = field(metadata=PD)
    predicted: Floats = field(metadata=PD)
    observed: Floats = field(metadata=SHARE)
    miscalibration: float
    discrimination: float
    uncertainty: float
    population: str

    @property
    def caption(self) -> str:
        """Size, what would be won by recalibrating, and population."""
        return (
            f"Calibration curve: {self.count.sum():,} applications on {len(self)} levels, miscalibration "
            f"{self.miscalibration:.4g} of the Brier score; {self.population}"
        )

    def recalibrate(self, pd: ArrayLike) -> Floats:
        """PDs moved onto the curve; straight between stretches, level beyond its ends."""
        at = np.column_stack([self.pd_low, self.pd_high]).ravel()
        moved: Floats = np.interp(check_numbers(pd, "pd"), at, np.repeat(self.observed, 2))
        return moved


def calibration_curve(
    bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, population: str = NOT_STATED
) -> CalibrationCurve:
    """Fit the rising steps closest to the outcomes (isotonic regression, by pooling adjacent violators).

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. Rows with equal PD move together;
    rows of weight 0 are left out. One class only is allowed. Raises MeasureError.

    Ayer, M. et al. (1955), An empirical distribution function for sampling with incomplete information, Annals of
    Mathematical Statistics 26(4), doi:10.1214/aoms/1177728423; as a calibration curve with its parts of the score:
    Dimitriadis, T., Gneiting, T. and Jordan, A. I. (2021), Stable reliability diagrams for probabilistic classifiers,
    PNAS 118(8), doi:10.1073/pnas.2016191118.

    >>> curve = calibration_curve([0, 1, 0, 1, 1], [.1, .2, .3, .6, .9])
    >>> curve.observed.tolist(), curve.pd_high.tolist()
    ([0.0, 0.5, 1.0], [0.1, 0.3, 0.9])
    """
    outcomes = check_outcomes(bad, pd, weights).that_weigh()
    order = np.argsort(outcomes.pd)
    ordered = outcomes.pd[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    heavy = outcomes.weights[order] if outcomes.weights.size else np.ones(len(order))
    weight = np.add.reduceat(heavy, starts)
    bads = np.add.reduceat(heavy * outcomes.bad[order], starts)
    last = _pool(frozen(weight), frozen(bads))
    first = np.append(0, last[:-1] + 1)
    values = ordered[starts]
    stretch_weight, stretch_bads = np.add.reduceat(weight, first), np.add.reduceat(bads, first)
    observed = stretch_bads / stretch_weight
    total = outcomes.total
    base_rate = outcomes.bads / total
    error = outcomes.pd - outcomes.bad
    score = float(outcomes.weighted(error * error).sum() / total)
    uncertainty = base_rate * (1.0 - base_rate)
    on_curve = float(stretch_weight @ (observed * (1.0 - observed)) / total)
    return CalibrationCurve(
        count=np.diff(np.append(starts, len(order))[np.append(first, len(starts))]),
        weight=stretch_weight,
        pd_low=values[first],
        pd_high=values[last],
        predicted=np.add.reduceat(weight * values, first) / stretch_weight,
        observed=observed,
        miscalibration=score - on_curve,
        discrimination=uncertainty - on_curve,
        uncertainty=uncertainty,
        population=population,
    )


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _pool(weight: Floats, bads: Floats) -> Any:
    """The last position of each stretch of rising bad rate."""
    n = len(weight)
    last = np.empty(n, np.int64)
    weights = np.empty(n)
    sums = np.empty(n)
    top = -1
    for position in range(n):
        top += 1
        last[top] = position
        weights[top] = weight[position]
        sums[top] = bads[position]
        while top > 0 and sums[top - 1] * weights[top] >= sums[top] * weights[top - 1]:
            weights[top - 1] += weights[top]
            sums[top - 1] += sums[top]
            last[top - 1] = position
            top -= 1
    return last[: top + 1].copy()
