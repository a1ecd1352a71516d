"""Calibration in two numbers, and what would mend it: ln odds of the outcome against ln odds of the PD.

    ln(odds of bad) = intercept + slope x ln(PD / (1 - PD))

Cox, D. R. (1958), Two further applications of a model for binary regression, Biometrika 45(3/4). doi:10.2307/2333203
Steyerberg, E. W. (2019), Clinical Prediction Models, 2nd edition, chapter 15. doi:10.1007/978-3-030-16399-0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtr, ndtri

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import Outcomes, check_numbers, check_outcomes
from roadworthy.measures.intervals import check_confidence
from roadworthy.measures.results import Floats, Interval, Measure

__all__ = ["CalibrationInTheLarge", "CalibrationSlope", "calibration_in_the_large", "calibration_slope"]

_STEPS = 100
_NEAR = 1e-10


@dataclass(frozen=True, kw_only=True, repr=False)
class CalibrationInTheLarge(Measure):
    """The shift in ln odds, 0 where right; the rates it stands for; the chance of one this far from 0 by luck."""

    name: ClassVar[str] = "calibration in the large"
    predicted_rate: float
    observed_rate: float
    standard_error: float
    p_value: float

    def recalibrate(self, pd: ArrayLike) -> Floats:
        """PDs with their level moved by the shift."""
        return _moved(pd, self.value, 1.0)


@dataclass(frozen=True, kw_only=True, repr=False)
class CalibrationSlope(Measure):
    """The slope, 1 where right, with its intercept; the chance of both being this far from 1 and 0 by luck."""

    name: ClassVar[str] = "calibration slope"
    intercept: float
    standard_error: float
    intercept_standard_error: float
    p_value: float

    def recalibrate(self, pd: ArrayLike) -> Floats:
        """PDs moved by slope and intercept."""
        return _moved(pd, self.intercept, self.value)


def calibration_in_the_large(
    bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, confidence: float | None = None
) -> CalibrationInTheLarge:
    """How far all PDs together are off: the intercept, with the slope held at 1. Above 0, too few bads were foreseen.

    `bad` (n,) holds 0 and 1, with both present; `pd` (n,) lies within 0..1, 0 and 1 excluded (with weight), whose ln
    odds are infinite; `weights` (n,) are at least 0. With a `confidence`, the interval is Wald's. Raises MeasureError.

    >>> found = calibration_in_the_large([0, 0, 0, 1, 0, 1], [.1, .1, .1, .2, .2, .2])
    >>> round(found.value, 3), round(found.observed_rate - found.predicted_rate, 3)
    (1.071, 0.183)
    """
    outcomes, log_odds = _log_odds(bad, pd, weights, "calibration in the large")
    found, covariance = _fit(outcomes, log_odds, slope=False)
    value, error = float(found[0]), float(np.sqrt(covariance[0, 0]))
    heavy = outcomes.weighted(np.ones(len(outcomes)))
    return CalibrationInTheLarge(
        value=value,
        interval=_wald(value, error, confidence),
        predicted_rate=float(heavy @ outcomes.pd / outcomes.total),
        observed_rate=outcomes.bads / outcomes.total,
        standard_error=error,
        p_value=2.0 * float(ndtr(-abs(value) / error)) if error > 0.0 else float("nan"),
    )


def calibration_slope(
    bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, confidence: float | None = None
) -> CalibrationSlope:
    """Whether the PDs are spread too far: below 1, high ones are too high and low ones too low, as after overfitting.

    Arguments and errors as for `calibration_in_the_large`. The PDs have to differ, and the bads must not all lie on one
    side of the goods, where no finite slope fits. `p_value` is of Wald's test of slope 1 and intercept 0 together.

    >>> found = calibration_slope([0, 0, 0, 1, 0, 0, 1, 1], [.1, .1, .1, .1, .7, .7, .7, .7])
    >>> round(found.value, 3), round(found.intercept, 3)
    (0.361, -0.306)
    """
    outcomes, log_odds = _log_odds(bad, pd, weights, "the calibration slope")
    goods, bads = log_odds[~outcomes.bad], log_odds[outcomes.bad]
    if float(bads.min()) >= float(goods.max()) or float(bads.max()) <= float(goods.min()):
        raise MeasureError(
            "no finite calibration slope fits: pd is the same for all, or all bads lie on one side of all goods",
            mend="calibration_in_the_large needs no spread; or take more applications",
        )
    found, covariance = _fit(outcomes, log_odds, slope=True)
    (intercept_error, error), value = np.sqrt(np.diag(covariance)), float(found[1])
    apart = found - np.array([0.0, 1.0])
    far = float(apart @ np.linalg.solve(covariance, apart))
    return CalibrationSlope(
        value=value,
        interval=_wald(value, float(error), confidence),
        intercept=float(found[0]),
        standard_error=float(error),
        intercept_standard_error=float(intercept_error),
        p_value=float(np.exp(-far / 2.0)),  # chi-squared with two degrees of freedom
    )


def _log_odds(bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None, name: str) -> tuple[Outcomes, Floats]:
    outcomes = check_outcomes(bad, pd, weights, both_classes=name).that_weigh()
    certain = (outcomes.pd == 0.0) | (outcomes.pd == 1.0)
    if certain.any():
        raise MeasureError(
            f"pd is exactly 0 or 1 in {np.count_nonzero(certain):,} rows, and their ln odds are infinite",
            mend="pd = np.clip(pd, 1e-6, 1 - 1e-6), saying so; or ask the model why it is certain",
        )
    return outcomes, np.log(outcomes.pd) - np.log1p(-outcomes.pd)


def _fit(outcomes: Outcomes, log_odds: Floats, *, slope: bool) -> tuple[Floats, Floats]:
    """Newton's steps on the likelihood, halved where they overshoot; the sandwich covariance where rows weigh."""
    heavy = outcomes.weighted(np.ones(len(outcomes)))
    heavy = heavy / heavy.max()
    columns = np.column_stack([np.ones(len(log_odds)), log_odds]) if slope else np.ones((len(log_odds), 1))
    held = np.zeros(len(log_odds)) if slope else log_odds
    found = np.array([0.0, 1.0]) if slope else np.zeros(1)

    def loss(at: Floats) -> float:
        margin = held + columns @ at
        return float(heavy @ np.logaddexp(0.0, np.where(outcomes.bad, -margin, margin)))

    reached = loss(found)
    for _ in range(_STEPS):
        rate = expit(held + columns @ found)
        gradient = columns.T @ (heavy * (outcomes.bad - rate))
        curvature = (columns * (heavy * rate * (1.0 - rate))[:, None]).T @ columns
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        while loss(found + step) > reached * (1.0 + 1e-14) and np.abs(step).max() > _NEAR:
            step = step / 2.0
        found = found + step
        reached = loss(found)
        if np.abs(step).max() <= _NEAR * (1.0 + np.abs(found).max()):
            break
    rate = expit(held + columns @ found)
    curvature = (columns * (heavy * rate * (1.0 - rate))[:, None]).T @ columns
    bread = np.linalg.pinv(curvature)
    if not outcomes.weights.size:
        return found, bread
    each = columns * (heavy * (outcomes.bad - rate))[:, None]
    return found, bread @ (each.T @ each) @ bread


def _wald(value: float, error: float, confidence: float | None) -> Interval | None:
    if confidence is None:
        return None
    confidence = check_confidence(confidence)
    half = float(ndtri(0.5 + confidence / 2.0)) * error
    return Interval(low=value - half, high=value + half, confidence=confidence, method="Wald")


def _moved(pd: ArrayLike, intercept: float, slope: float) -> Floats:
    probability = check_numbers(pd, "pd")
    if float(probability.min()) < 0.0 or float(probability.max()) > 1.0:
        raise MeasureError("pd lies in 0..1", mend="hand in probabilities, not scores")
    with np.errstate(divide="ignore"):  # certainty stays certain
        moved: Floats = expit(intercept + slope * (np.log(probability) - np.log1p(-probability)))
    return moved
