"""EMP: the expected maximum profit of a credit model, as a share of the amount lent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import Outcomes, check_outcomes, is_number
from roadworthy.measures.ranking import rank, riskiest_first
from roadworthy.measures.results import Measure

__all__ = ["EMP", "MPCS", "emp", "mpcs"]


@dataclass(frozen=True, kw_only=True, repr=False)
class EMP(Measure):
    """Expected gain over approving all, per unit lent, and the share of applications to decline for it."""

    name: ClassVar[str] = "EMP"
    fraction: float
    tied_rows: int


@dataclass(frozen=True, kw_only=True, repr=False)
class MPCS(Measure):
    """Gain over approving all, per unit lent, the share of applications to decline for it, and the PD to decline from.

    `at` is above 1 where declining nobody is best.
    """

    name: ClassVar[str] = "MPCS"
    fraction: float
    at: float
    tied_rows: int


def emp(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    p0: float = 0.55,
    p1: float = 0.10,
    roi: float = 0.2644,
) -> EMP:
    """The expected maximum profit of declining the riskiest, over the uncertain loss of a bad.

    `bad` (n,) holds 0 and 1, with both present; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. Of the bads a
    share `p0` loses nothing, `p1` the whole amount, and the rest a share uniform in 0..1; `roi`, above 0, is what a
    good brings. Raises MeasureError.

    EMP = integral over loss of max over cut-offs of [loss P(bad, declined) - roi P(good, declined)] f(loss). The
    optimum moves along the upper hull of the ROC curve, so the integral is a sum over its vertices.

    Verbraken, T., Bravo, C., Weber, R. and Baesens, B. (2014), Development and application of consumer credit scoring
    models using profit-based classification measures, European Journal of Operational Research 238(2).
    doi:10.1016/j.ejor.2014.04.001

    >>> emp([0, 1] * 10, [0.0, 1.0] * 10)
    EMP 0.1375 (fraction=0.225, tied_rows=20)
    """
    _check_losses(p0, p1, roi)
    ranking = rank(check_outcomes(bad, pd, weights, both_classes="EMP"))
    total = ranking.goods + ranking.bads
    goods, bads = ranking.hull_goods / total, ranking.hull_bads / total
    with np.errstate(divide="ignore"):  # a segment of goods only is never worth declining: infinite loss
        switch = roi * np.diff(goods) / np.diff(bads)
    # Vertex k is the best cut-off for losses between its neighbours' switches; beyond a loss of 1 there is none.
    bounds = np.concatenate([[0.0], switch[switch < 1.0], [1.0]])
    low, high = bounds[:-1], bounds[1:]
    reached = len(low)
    goods, bads = goods[:reached], bads[:reached]
    density = 1.0 - p0 - p1
    gain = density * (bads * (high**2 - low**2) / 2.0 - roi * goods * (high - low)).sum()
    gain += p1 * (bads[-1] - roi * goods[-1])
    fraction = density * ((high - low) * (bads + goods)).sum() + p1 * (bads[-1] + goods[-1])
    return EMP(value=float(gain), fraction=float(fraction), tied_rows=ranking.tied_rows)


def mpcs(
    bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, lgd: float = 0.275, roi: float = 0.2644
) -> MPCS:
    """The maximum profit of declining the riskiest where every bad loses the same share, `lgd`, in 0..1.

    Other arguments and errors as for `emp`, whose expected loss with its defaults is 0.1 + 0.35 / 2 = 0.275.

    MPCS = max over cut-offs of lgd P(bad, declined) - roi P(good, declined). Of equal ones the highest cut-off counts.

    Verbraken et al. (2014), doi:10.1016/j.ejor.2014.04.001, there the deterministic case.

    >>> mpcs([0, 1] * 10, [0.0, 1.0] * 10)
    MPCS 0.1375 (fraction=0.5, at=1, tied_rows=20)
    """
    if not (is_number(lgd) and 0.0 <= lgd <= 1.0):
        raise MeasureError(f"lgd is a fraction, 0 to 1, not {lgd!r}", mend="lgd=0.275")
    _check_losses(0.0, 0.0, roi)
    outcomes = check_outcomes(bad, pd, weights, both_classes="MPCS")
    ranking = rank(outcomes)
    total = ranking.goods + ranking.bads
    goods, bads = ranking.hull_goods / total, ranking.hull_bads / total
    gain = lgd * bads - roi * goods
    # Vertices that are equal but for rounding: the one that declines fewest.
    best = int(np.flatnonzero(gain >= gain.max() - 1e-12)[0])
    fraction = float(goods[best] + bads[best])
    return MPCS(
        value=float(gain[best]),
        fraction=fraction,
        at=float(np.nextafter(1.0, 2.0)) if best == 0 else _declined_from(outcomes, fraction),
        tied_rows=ranking.tied_rows,
    )


def _declined_from(outcomes: Outcomes, fraction: float) -> float:
    """The PD from which the riskiest `fraction` of the weight is declined, ties whole."""
    order = riskiest_first(outcomes.pd)
    weight = np.cumsum(outcomes.weights[order]) if outcomes.weights.size else np.arange(1.0, len(order) + 1.0)
    position = int(np.searchsorted(weight, fraction * weight[-1] * (1.0 - 1e-12)))
    return float(outcomes.pd[order[position]])


def _check_losses(p0: float, p1: float, roi: float) -> None:
    if not (is_number(p0) and is_number(p1) and 0.0 <= p0 <= 1.0 and 0.0 <= p1 <= 1.0 and p0 + p1 <= 1.0):
        raise MeasureError(f"p0 and p1 are shares that sum to at most 1, not {p0!r} and {p1!r}", mend="p0=0.55, p1=0.1")
    if not (is_number(roi) and roi > 0.0):
        raise MeasureError(f"roi is above 0, not {roi!r}", mend="roi=0.2644: a good brings 26.44% of the amount")
