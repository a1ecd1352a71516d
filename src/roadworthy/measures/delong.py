"""How far an AUC, or the difference of two, could be off: the variance of DeLong, from placements.

DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988), Comparing the areas under two or more correlated receiver
operating characteristic curves: a nonparametric approach, Biometrics 44(3). doi:10.2307/2531595
Sun, X. and Xu, W. (2014), Fast implementation of DeLong's algorithm for comparing the areas under correlated receiver
operating characteristic curves, IEEE Signal Processing Letters 21(11). doi:10.1109/LSP.2014.2337313
"""

from __future__ import annotations

import numpy as np

from roadworthy.measures.checks import Outcomes
from roadworthy.measures.ranking import placements
from roadworthy.measures.results import Floats

__all__ = ["contributions", "variance"]


def contributions(outcomes: Outcomes) -> tuple[float, Floats]:
    """The AUC, and what each row, with its weight, moves it by; `outcomes` hold both classes, and every row weighs."""
    placed = placements(outcomes)
    bad = outcomes.bad
    heavy = outcomes.weighted(np.ones(len(outcomes)))
    area = float((heavy * placed)[bad].sum() / outcomes.bads)
    placed -= area
    placed *= heavy
    placed /= np.where(bad, outcomes.bads, outcomes.goods)
    return area, placed


def variance(outcomes: Outcomes, moved: Floats) -> float:
    """The variance of the sum of `moved`, goods and bads drawn apart; NaN where there is one row of a class."""
    total = 0.0
    for side in (moved[outcomes.bad], moved[~outcomes.bad]):
        if len(side) < 2:
            return float("nan")
        total += float(side @ side) * len(side) / (len(side) - 1)
    return total
