"""Calibrators fitted to outcomes: a shift of the log-odds, a line of them, or steps; judged on rows they did not see.

Shift and line: Cox 1958, doi:10.1093/biomet/45.3-4.562, and Platt 1999. Steps: isotonic regression by pooling adjacent
violators (Zadrozny and Elkan 2002, doi:10.1145/775047.775151).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, logit

from roadworthy.errors import SealError

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
    return np.asarray(logit(np.clip(pd, _NEAR, 1.0 - _NEAR)), dtype=np.float64)


def _fit_shift(pd: Numbers, bad: Numbers, weights: Numbers) -> Line:
    return Line(1.0, _minimize(log_odds(pd), bad, weights, sloped=False)[1])


def _fit_line(pd: Numbers, bad: Numbers, weights: Numbers) -> Line:
    slope, shift = _minimize(log_odds(pd), bad, weights, sloped=True)
    if not slope > 0:
        raise SealError(
            f"the newer outcomes turn the model round: the fitted slope is {slope:.3g}",
            mend="check that the outcome is 1 for bad, and the rows; else train anew",
        )
    return Line(slope, shift)


def _minimize(x: Numbers, bad: Numbers, weights: Numbers, *, sloped: bool) -> tuple[float, float]:
    """Slope and shift of the largest likelihood, the slope held at 1 unless `sloped`."""
    share = weights / weights.sum()

    def loss(parameters: Numbers) -> tuple[float, Numbers]:
        slope, shift = (parameters[0], parameters[1]) if sloped else (1.0, parameters[0])
        z = slope * x + shift
        gap = share * (expit(z) - bad)
        slopes = np.array([gap @ x, gap.sum()] if sloped else [gap.sum()])
        return float(share @ (np.logaddexp(0.0, z) - bad * z)), slopes

    start = np.array([1.0, 0.0] if sloped else [0.0])
    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9})
    return (float(found.x[0]), float(found.x[1])) if sloped else (1.0, float(found.x[0]))


def _fit_steps(pd: Numbers, bad: Numbers, weights: Numbers) -> Steps:
    """Pooled bad rates, kept half a row away from 0 and 1, at the PDs where a pool begins and ends."""
    knots, place = np.unique(pd, return_inverse=True)
    weight = np.bincount(place, weights)
    rate = np.bincount(place, weights * bad) / weight
    levels = isotonic_regression(rate, weights=weight).x
    edge = 0.5 / len(pd)
    levels = np.clip(levels, edge, 1.0 - edge)
    ends = np.ones(len(knots), dtype=np.bool_)
    ends[1:-1] = (levels[1:-1] != levels[:-2]) | (levels[1:-1] != levels[2:])
    return Steps(knots[ends], levels[ends])


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
    kept = np.clip(pd, _NEAR, 1.0 - _NEAR)
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
