"""Calibrators fitted to outcomes: a shift of the log-odds, a line of them, or steps; judged on rows they did not see.

What is fitted is what the measures of calibration say that the PDs are off by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from roadworthy.errors import SealError
from roadworthy.measures import calibration_curve, calibration_in_the_large, calibration_slope

__all__ = ["METHODS", "Line", "Steps", "Trial", "choose", "cross_fit", "fit"]

FOLDS = 5
LEAST_FOR_STEPS = 1_000
"""With fewer rows isotonic regression learns the noise."""
_NEAR = 1e-12

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """New log-odds are `slope` times the old ones plus `shift`.

    >>> Line(slope=1.0, shift=0.0).value(np.array([0.2])).round(6).tolist()
    [0.2]
    """

    slope: float
    shift: float

    def value(self, pd: Numbers) -> Numbers:
        """The new PD (n,) of old ones (n,)."""
        return np.asarray(expit(self.slope * log_odds(pd) + self.shift), dtype=np.float64)


@dataclass(frozen=True)
class Steps:
    """New PDs at old ones, straight between them and level beyond; `knots` rise, `levels` never fall."""

    knots: Numbers
    levels: Numbers

    def value(self, pd: Numbers) -> Numbers:
        """The new PD (n,) of old ones (n,)."""
        return np.interp(pd, self.knots, self.levels)


@dataclass(frozen=True)
class Trial:
    """One method on rows that it did not see: its PDs (n,), and its log loss with the standard error of what it gains.

    `gain` is how much lower its log loss is than that of the PDs as they are.
    """

    method: str
    pd: Numbers
    log_loss: float
    gain: float
    gain_error: float


def log_odds(pd: Numbers) -> Numbers:
    """Of PDs (n,), kept 1e-12 away from 0 and 1."""
    return np.asarray(logit(_kept(pd)), dtype=np.float64)


def _kept(pd: Numbers) -> Numbers:
    return np.clip(pd, _NEAR, 1.0 - _NEAR)


def _fit_shift(pd: Numbers, bad: Numbers, weights: Numbers) -> Line:
    return Line(1.0, calibration_in_the_large(bad, _kept(pd), weights=weights).value)


def _fit_line(pd: Numbers, bad: Numbers, weights: Numbers) -> Line:
    found = calibration_slope(bad, _kept(pd), weights=weights)
    if not found.value > 0:
        raise SealError(
            f"the newer outcomes turn the model round: the fitted slope is {found.value:.3g}",
            mend="check that the outcome is 1 for bad, and the rows; else train anew",
        )
    return Line(found.value, found.intercept)


def _fit_steps(pd: Numbers, bad: Numbers, weights: Numbers) -> Steps:
    """The curve of pooled bad rates, kept half a row away from 0 and 1."""
    curve = calibration_curve(bad, pd, weights=weights)
    edge = 0.5 / len(pd)
    levels = np.clip(curve.observed, edge, 1.0 - edge)
    wide = curve.pd_high > curve.pd_low  # of a single PD one point is enough
    knots = np.concatenate([curve.pd_low, curve.pd_high[wide]])
    order = np.argsort(knots)
    return Steps(knots[order], np.concatenate([levels, levels[wide]])[order])


METHODS: dict[str, Callable[[Numbers, Numbers, Numbers], Line | Steps]] = {
    "intercept": _fit_shift,
    "sigmoid": _fit_line,
    "isotonic": _fit_steps,
}
"""From the fewest parameters to the most."""


def fit(method: str, pd: Numbers, bad: Numbers, weights: Numbers) -> Line | Steps:
    """The calibrator of `method` for PDs and outcomes (n,) of rows that weigh `weights`, all above 0."""
    if method not in METHODS:
        raise SealError(f"there is no calibrator {method!r}", available=METHODS)
    return METHODS[method](pd, bad, weights)


def cross_fit(method: str, pd: Numbers, bad: Numbers, weights: Numbers) -> Trial:
    """A method judged in five folds, each by a calibrator fitted to the other four.

    The folds are drawn, always in the same way, and each has its share of the bad rows. Dealt out by PD as well they
    would be too much alike: what is fitted to four would look right on the fifth even where it is noise.
    """
    order = np.lexsort((np.random.default_rng(0).random(len(pd)), bad))
    fold = np.empty(len(pd), dtype=np.int64)
    fold[order] = np.arange(len(pd)) % FOLDS
    new = np.empty(len(pd))
    for i in range(FOLDS):
        learned = fold != i
        new[~learned] = fit(method, pd[learned], bad[learned], weights[learned]).value(pd[~learned])
    share = weights / weights.sum()
    now, then = _losses(new, bad), _losses(pd, bad)
    gained = then - now
    gain = float(share @ gained)
    error = float(np.sqrt(np.sum(share**2 * (gained - gain) ** 2)))
    return Trial(method, new, float(share @ now), gain, error)


def _losses(pd: Numbers, bad: Numbers) -> Numbers:
    kept = _kept(pd)
    return np.asarray(-np.where(bad == 1, np.log(kept), np.log1p(-kept)), dtype=np.float64)


def choose(trials: list[Trial], *, beyond_chance: bool) -> Trial | None:
    """The trial to take: one with more parameters only where it gains more by over a standard error.

    None where none gains anything, or, `beyond_chance`, none over two standard errors. `trials` go from the fewest
    parameters to the most.
    """
    chosen: Trial | None = None
    for trial in trials:
        if chosen is not None:
            least = chosen.gain + trial.gain_error
        else:
            least = 2.0 * trial.gain_error if beyond_chance else 0.0
        if trial.gain > least:
            chosen = trial
    return chosen
