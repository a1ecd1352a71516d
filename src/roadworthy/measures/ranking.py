"""One sort and one pass from the riskiest application down: what KS, AUC and the ROC hull are read from.

Applications with equal PD cannot be told apart by the model, so they move as one group everywhere: no order among them,
which would depend on how the file happened to be sorted, changes a measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.kernels import njit
from roadworthy.measures.checks import Outcomes
from roadworthy.measures.results import Floats

__all__ = ["Ranking", "placements", "rank", "riskiest_first"]


@dataclass(frozen=True)
class Ranking:
    """What one pass over the ranked applications leaves: sums, and the upper hull of the ROC curve."""

    goods: float
    bads: float
    pairs_right: float
    """Weight of (bad, good) pairs in which the bad has the higher PD; a tied pair counts half."""
    ks: float
    ks_at: float
    """The PD from which declining separates goods and bads most."""
    tied_rows: int
    """Rows that share their PD with another row; rows of weight 0 are left out everywhere."""
    average_precision: float
    """Mean over the bads of the bad rate among all whose PD is at least as high."""
    hull_goods: Floats
    hull_bads: Floats
    """Vertices of the hull as cumulative weights, from (0, 0) to (goods, bads)."""


def riskiest_first(pd: Floats) -> NDArray[np.intp]:
    """The order of rows by falling PD."""
    return np.argsort(pd)[::-1]


def rank(outcomes: Outcomes) -> Ranking:
    """Rank `outcomes`, which hold goods and bads with weight."""
    outcomes = outcomes.that_weigh()
    order = riskiest_first(outcomes.pd)
    goods, bads, pairs, ks, at, tied, precision, hull_goods, hull_bads = _sweep(
        order, outcomes.pd, outcomes.bad, outcomes.weights, outcomes.goods, outcomes.bads
    )
    return Ranking(
        goods=goods,
        bads=bads,
        pairs_right=pairs,
        ks=ks,
        ks_at=at,
        tied_rows=tied,
        average_precision=precision,
        hull_goods=hull_goods,
        hull_bads=hull_bads,
    )


def placements(outcomes: Outcomes) -> Floats:
    """Of each bad the share of goods with a lower PD, of each good the share of bads with a higher one; ties half.

    The mean over the bads, and that over the goods, is the AUC.
    """
    order = np.argsort(outcomes.pd)
    placed: Floats = _place(order, outcomes.pd, outcomes.bad, outcomes.weights, outcomes.goods, outcomes.bads)
    return placed


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _sweep(
    order: NDArray[np.intp], pd: Floats, bad: NDArray[np.bool_], weights: Floats, all_goods: float, all_bads: float
) -> Any:
    n = len(order)
    hull_x = np.empty(n + 1)
    hull_y = np.empty(n + 1)
    hull_x[0] = 0.0
    hull_y[0] = 0.0
    top = 0
    goods = 0.0
    bads = 0.0
    pairs = 0.0
    ks = 0.0
    reached = 0.0
    precision = 0.0
    at = pd[order[0]]
    tied = 0
    start = 0
    while start < n:
        value = pd[order[start]]
        group_goods = 0.0
        group_bads = 0.0
        end = start
        while end < n and pd[order[end]] == value:
            row = order[end]
            weight = weights[row] if weights.size else 1.0
            if bad[row]:
                group_bads += weight
            else:
                group_goods += weight
            end += 1
        if end - start > 1:
            tied += end - start
        pairs += group_goods * (bads + 0.5 * group_bads)
        goods += group_goods
        bads += group_bads
        precision += group_bads / all_bads * (bads / (bads + goods))
        distance = abs(bads / all_bads - goods / all_goods)
        # Of distances that are equal but for rounding, the first: where declining starts at the higher PD.
        if distance > reached + 1e-12:
            reached = distance
            at = value
        ks = max(ks, distance)
        # A vertex stays on the hull only while the curve turns right at it.
        while top > 0 and (hull_x[top] - hull_x[top - 1]) * (bads - hull_y[top - 1]) >= (
            hull_y[top] - hull_y[top - 1]
        ) * (goods - hull_x[top - 1]):
            top -= 1
        top += 1
        hull_x[top] = goods
        hull_y[top] = bads
        start = end
    return goods, bads, pairs, ks, at, tied, precision, hull_x[: top + 1].copy(), hull_y[: top + 1].copy()


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _place(
    order: NDArray[np.intp], pd: Floats, bad: NDArray[np.bool_], weights: Floats, all_goods: float, all_bads: float
) -> Any:
    n = len(order)
    placed = np.empty(n)
    goods = 0.0
    bads = 0.0
    start = 0
    while start < n:
        value = pd[order[start]]
        group_goods = 0.0
        group_bads = 0.0
        end = start
        while end < n and pd[order[end]] == value:
            row = order[end]
            weight = weights[row] if weights.size else 1.0
            if bad[row]:
                group_bads += weight
            else:
                group_goods += weight
            end += 1
        of_bads = (goods + 0.5 * group_goods) / all_goods
        of_goods = 1.0 - (bads + 0.5 * group_bads) / all_bads
        for position in range(start, end):
            row = order[position]
            placed[row] = of_bads if bad[row] else of_goods
        goods += group_goods
        bads += group_bads
        start = end
    return placed
