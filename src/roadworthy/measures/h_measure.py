"""The H-measure: discrimination under one stated distribution of misclassification costs, the same for every model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_outcomes, is_number
from roadworthy.measures.ranking import rank
from roadworthy.measures.results import Floats, Measure

__all__ = ["HMeasure", "h_measure"]


@dataclass(frozen=True, kw_only=True, repr=False)
class HMeasure(Measure):
    """The value in 0..1, and the two shape parameters of the Beta distribution of costs it rests on."""

    name: ClassVar[str] = "H"
    alpha: float
    beta: float
    tied_rows: int


def h_measure(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    severity_ratio: float | None = None,
    shape: tuple[float, float] | None = None,
) -> HMeasure:
    """One minus the expected minimum loss of the ranking over that of ignoring it.

    `bad` (n,) holds 0 and 1, with both present; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. Raises
    MeasureError.

    With cost c of turning away a good and 1 - c of approving a bad, the loss at the best cut-off is
    min over cut-offs of c P(good, declined) + (1 - c) P(bad, approved); H averages it over c ~ Beta(alpha, beta).
    `severity_ratio`, above 0, is the cost of turning away a good over that of approving a bad: it takes
    Beta(2, 1 + 1 / severity_ratio), whose mode lies there. By default it is bads / goods, as in the authors' software.
    `shape` states alpha and beta, each at least 1, instead: (2, 2) is that of Hand (2009), and
    (1 + P(bad), 1 + P(good)) that of Hand and Anagnostopoulos (2014).

    Hand, D. J. (2009), Measuring classifier performance: a coherent alternative to the area under the ROC curve,
    Machine Learning 77, doi:10.1007/s10994-009-5119-5. Hand, D. J. and Anagnostopoulos, C. (2014), A better Beta for
    the H measure of classification performance, Pattern Recognition Letters 40, doi:10.1016/j.patrec.2013.12.011.

    >>> h_measure([0, 0, 1, 1], [.1, .4, .4, .8])
    H 0.5 (alpha=2, beta=2, tied_rows=2)
    """
    outcomes = check_outcomes(bad, pd, weights, both_classes="the H-measure")
    ranking = rank(outcomes)
    total = ranking.goods + ranking.bads
    alpha, beta = _shape(severity_ratio, shape, ranking.bads / ranking.goods)
    goods, bads = ranking.hull_goods, ranking.hull_bads
    gained_goods, gained_bads = np.diff(goods), np.diff(bads)
    # The cost at which the best cut-off moves past a segment of the hull is the segment's bad rate.
    switch = gained_bads / (gained_bads + gained_goods)
    low, high = np.append(switch, 0.0), np.insert(switch, 0, 1.0)
    loss = _expected_loss(low, high, goods, ranking.bads - bads, alpha, beta).sum()
    base_rate = np.array([ranking.bads / total])
    zero, one = np.zeros(1), np.ones(1)
    # Without the ranking: decline all while that is cheap, approve all from there on.
    decline_all = _expected_loss(zero, base_rate, np.array([ranking.goods]), zero, alpha, beta)
    approve_all = _expected_loss(base_rate, one, zero, np.array([ranking.bads]), alpha, beta)
    return HMeasure(
        value=float(1.0 - loss / (decline_all + approve_all)[0]),
        alpha=alpha,
        beta=beta,
        tied_rows=ranking.tied_rows,
    )


def _shape(severity_ratio: float | None, shape: tuple[float, float] | None, class_ratio: float) -> tuple[float, float]:
    if shape is not None:
        if severity_ratio is not None:
            raise MeasureError("severity_ratio and shape both state the costs", mend="keep one of them")
        if not (
            isinstance(shape, tuple) and len(shape) == 2 and all(is_number(each) and each >= 1.0 for each in shape)
        ):
            raise MeasureError(f"shape is two numbers of at least 1, not {shape!r}", mend="shape=(2.0, 2.0)")
        return shape
    if severity_ratio is None:
        severity_ratio = class_ratio
    if not (is_number(severity_ratio) and severity_ratio > 0.0):
        raise MeasureError(
            f"severity_ratio is a number above 0, not {severity_ratio!r}",
            mend="severity_ratio=0.2 where approving a bad costs five times turning away a good",
        )
    return 2.0, 1.0 + 1.0 / severity_ratio


def _expected_loss(
    low: Floats, high: Floats, goods_declined: Floats, bads_approved: Floats, alpha: float, beta: float
) -> Floats:
    """The loss integrated over costs from `low` to `high` under Beta(alpha, beta)."""
    mean = alpha / (alpha + beta)
    of_goods = mean * (betainc(alpha + 1.0, beta, high) - betainc(alpha + 1.0, beta, low))
    of_bads = (1.0 - mean) * (betainc(alpha, beta + 1.0, high) - betainc(alpha, beta + 1.0, low))
    loss: Floats = goods_declined * of_goods + bads_approved * of_bads
    return loss
