"""How close the PDs are to what came, application by application: Brier score and log loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.measures.checks import Outcomes, check_outcomes
from roadworthy.measures.intervals import check_confidence, mean_variance, normal_interval
from roadworthy.measures.results import Floats, Interval, Measure

__all__ = ["Brier", "LogLoss", "brier", "log_loss"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Brier(Measure):
    """The mean squared error, beside that of saying the base rate to everyone."""

    name: ClassVar[str] = "Brier"
    at_base_rate: float


@dataclass(frozen=True, kw_only=True, repr=False)
class LogLoss(Measure):
    """The mean loss, and how many rows were certain (PD 0 or 1) and wrong; one of them makes it infinite."""

    name: ClassVar[str] = "log loss"
    certain_and_wrong: int


def brier(bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, confidence: float | None = None) -> Brier:
    """The weighted mean of (PD - bad)^2: 0 is perfect; saying the base rate p to everyone scores p (1 - p).

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. With a `confidence`, the interval
    is that of a mean over rows. Raises MeasureError.

    Brier, G. W. (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78(1).
    doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    >>> brier([0, 0, 1, 1], [.1, .2, .7, .6])
    Brier 0.075 (at_base_rate=0.25)
    """
    outcomes = check_outcomes(bad, pd, weights)
    base_rate = outcomes.bads / outcomes.total
    error = outcomes.pd - outcomes.bad
    value, interval = _mean(outcomes, error * error, confidence)
    return Brier(value=value, interval=interval, at_base_rate=base_rate * (1.0 - base_rate))


def log_loss(
    bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, confidence: float | None = None
) -> LogLoss:
    """The weighted mean of -ln(PD) for bads and -ln(1 - PD) for goods: 0 is perfect.

    Arguments and errors as for `brier`. Nothing is clipped: a PD of 0 for a bad, or of 1 for a good, makes the loss
    infinite, and `certain_and_wrong` counts such rows (those with weight); its interval is then unknown, NaN.

    Good, I. J. (1952), Rational decisions, Journal of the Royal Statistical Society B 14(1).
    doi:10.1111/j.2517-6161.1952.tb00104.x

    >>> log_loss([0, 1], [.25, .75])
    log loss 0.287682 (certain_and_wrong=0)
    """
    outcomes = check_outcomes(bad, pd, weights)
    with np.errstate(divide="ignore"):  # ln(0) is the infinite loss meant
        loss = -np.where(outcomes.bad, np.log(outcomes.pd), np.log1p(-outcomes.pd))
    wrong = np.isinf(loss)
    if outcomes.weights.size:
        wrong &= outcomes.weights > 0.0
        loss[outcomes.weights == 0.0] = 0.0
    value, interval = _mean(outcomes, loss, confidence)
    return LogLoss(value=value, interval=interval, certain_and_wrong=int(np.count_nonzero(wrong)))


def _mean(outcomes: Outcomes, loss: Floats, confidence: float | None) -> tuple[float, Interval | None]:
    value = float(outcomes.weighted(loss).sum() / outcomes.total)
    if confidence is None:
        return value, None
    heavy = outcomes.weights > 0.0 if outcomes.weights.size else slice(None)
    spread = mean_variance(loss[heavy], outcomes.weights[heavy]) if np.isfinite(value) else np.nan
    return value, normal_interval(value, spread, check_confidence(confidence), "normal, of a mean over rows")
