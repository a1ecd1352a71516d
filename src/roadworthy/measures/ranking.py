"""One sort and one pass from the riskiest application down: what KS, AUC, the ROC hull and the buckets are read from.

Applications with equal PD cannot be told apart by the model, so they move as one group everywhere: no order among them,
which would depend on how the file happened to be sorted, changes a measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from roadworthy.measures.checks import Outcomes
from roadworthy.measures.results import Floats, Ints

__all__ = ["Buckets", "Ranking", "fill_buckets", "rank", "riskiest_first"]

_FITS = 1.0 + 1e-9
"""A bucket may overflow by this factor: sums of weights such as 0.1 are not exact."""


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
    hull_goods: Floats
    hull_bads: Floats
    """Vertices of the hull as cumulative weights, from (0, 0) to (goods, bads)."""


@dataclass(frozen=True)
class Buckets:
    """Applications in buckets of near-equal weight, riskiest first; ties are whole, so there may be fewer buckets."""

    count: Ints
    weight: Floats
    squared_weight: Floats
    bads: Floats
    pd_sum: Floats
    pd_low: Floats
    pd_high: Floats
    tied_rows: int


def riskiest_first(pd: Floats) -> NDArray[np.intp]:
    """The order of rows by falling PD."""
    return np.argsort(pd)[::-1]


def rank(outcomes: Outcomes) -> Ranking:
    """Rank `outcomes`, which hold goods and bads with weight."""
    outcomes = outcomes.that_weigh()
    order = riskiest_first(outcomes.pd)
    goods, bads, pairs, ks, at, tied, hull_goods, hull_bads = _sweep(
        order, outcomes.pd, outcomes.bad, outcomes.weights, outcomes.goods, outcomes.bads
    )
    return Ranking(
        goods=goods,
        bads=bads,
        pairs_right=pairs,
        ks=ks,
        ks_at=at,
        tied_rows=tied,
        hull_goods=hull_goods,
        hull_bads=hull_bads,
    )


def fill_buckets(outcomes: Outcomes, buckets: int) -> Buckets:
    """Cut the ranking after the last whole group of ties that fits k / buckets of the weight; drop empty buckets."""
    outcomes = outcomes.that_weigh()
    room = outcomes.total * np.arange(1, buckets + 1) / buckets * _FITS
    room[-1] = np.inf
    *arrays, tied = _pour(riskiest_first(outcomes.pd), outcomes.pd, outcomes.bad, outcomes.weights, room)
    held = arrays[0] > 0
    count, weight, squared_weight, bads, pd_sum, pd_low, pd_high = (array[held] for array in arrays)
    return Buckets(count, weight, squared_weight, bads, pd_sum, pd_low, pd_high, tied)


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
    return goods, bads, pairs, ks, at, tied, hull_x[: top + 1].copy(), hull_y[: top + 1].copy()


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _pour(order: NDArray[np.intp], pd: Floats, bad: NDArray[np.bool_], weights: Floats, room: Floats) -> Any:
    n = len(order)
    buckets = len(room)
    count = np.zeros(buckets, np.int64)
    weight = np.zeros(buckets)
    squared_weight = np.zeros(buckets)
    bads = np.zeros(buckets)
    pd_sum = np.zeros(buckets)
    pd_low = np.zeros(buckets)
    pd_high = np.zeros(buckets)
    poured = 0.0
    tied = 0
    bucket = 0
    start = 0
    while start < n:
        value = pd[order[start]]
        group = 0.0
        squared = 0.0
        group_bads = 0.0
        end = start
        while end < n and pd[order[end]] == value:
            row = order[end]
            heavy = weights[row] if weights.size else 1.0
            group += heavy
            squared += heavy * heavy
            if bad[row]:
                group_bads += heavy
            end += 1
        if end - start > 1:
            tied += end - start
        poured += group
        while poured > room[bucket]:
            bucket += 1
        if count[bucket] == 0:
            pd_high[bucket] = value
        pd_low[bucket] = value
        count[bucket] += end - start
        weight[bucket] += group
        squared_weight[bucket] += squared
        bads[bucket] += group_bads
        pd_sum[bucket] += group * value
        start = end
    return count, weight, squared_weight, bads, pd_sum, pd_low, pd_high, tied
