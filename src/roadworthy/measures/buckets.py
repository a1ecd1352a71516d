"""Applications in buckets from the riskiest down: of equal weight, of equal width, or between stated edges.

Whatever the rule, rows that cannot be told apart (equal PD, or equal score where one is given) share one bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.kernels import njit
from roadworthy.measures.checks import Outcomes, check_buckets, check_numbers, check_rows, frozen
from roadworthy.measures.ranking import riskiest_first
from roadworthy.measures.results import Floats, Ints

__all__ = ["Buckets", "By", "fill_buckets"]

By = Literal["count", "width"]
_FITS = 1.0 + 1e-9
"""A bucket may overflow by this factor: sums of weights such as 0.1 are not exact."""


@dataclass(frozen=True)
class Buckets:
    """What each bucket holds, riskiest first; buckets without a row are left out. `key` is the score, else the PD."""

    number: Ints
    """1 is the riskiest. Between edges the numbers of empty buckets are skipped, so that two tables can be joined."""
    count: Ints
    weight: Floats
    squared_weight: Floats
    bads: Floats
    pd_sum: Floats
    pd_low: Floats
    pd_high: Floats
    key_low: Floats
    key_high: Floats
    tied_rows: int
    asked: int
    """The largest number a bucket could have, empty or not."""
    rule: str


def fill_buckets(
    outcomes: Outcomes,
    buckets: int,
    *,
    by: By = "count",
    edges: ArrayLike | None = None,
    score: ArrayLike | None = None,
) -> Buckets:
    """Cut the ranking by PD, or from the lowest `score` up, into buckets.

    by="count"  after the last whole group of ties that fits k / buckets of the weight
    by="width"  into equal parts of the range from the lowest to the highest
    edges       at each edge, which belongs to the bucket above it; the outer buckets are open
    """
    buckets = check_buckets(buckets)
    if by not in ("count", "width"):
        raise MeasureError(f"by is 'count' or 'width', not {by!r}", mend="by='count', or edges=[0.05, 0.1, 0.2]")
    key = None if score is None else check_numbers(score, "score")
    if key is not None:
        check_rows(key, "score", len(outcomes))
        if outcomes.weights.size and not outcomes.weights.all():
            key = frozen(key[outcomes.weights > 0.0])
    outcomes = outcomes.that_weigh()
    word = "PD" if key is None else "score"
    key, order = (outcomes.pd, riskiest_first(outcomes.pd)) if key is None else (key, np.argsort(key))
    if edges is not None:
        cuts = np.unique(check_numbers(edges, "edges"))
        rule = f"{word} at {len(cuts)} edges handed in"
    elif by == "width":
        cuts, rule = _equal_width(float(key.min()), float(key.max()), buckets, word)
    else:
        cuts, rule = np.empty(0), f"{word} in {buckets} parts of near-equal weight"
    if edges is None and by == "count":
        room = outcomes.total * np.arange(1, buckets + 1) / buckets * _FITS
        room[-1] = np.inf
        ends = np.full(buckets, len(key))
    else:
        room = np.full(len(cuts) + 1, np.inf)
        ends = _ends(key, order, cuts, rising=score is not None)
    poured = _pour(order, key, outcomes.pd, outcomes.bad, outcomes.weights, room, ends)
    held = np.flatnonzero(poured[0] > 0)
    count, weight, squared_weight, bads, pd_sum, pd_low, pd_high, key_low, key_high = (
        array[held] for array in poured[:-1]
    )
    # By count, a bucket that a tie jumps over does not exist; between edges it does, and is empty.
    by_count = edges is None and by == "count"
    return Buckets(
        number=np.arange(1, len(held) + 1) if by_count else held + 1,
        count=count,
        weight=weight,
        squared_weight=squared_weight,
        bads=bads,
        pd_sum=pd_sum,
        pd_low=pd_low,
        pd_high=pd_high,
        key_low=key_low,
        key_high=key_high,
        tied_rows=poured[-1],
        asked=len(held) if by_count else len(room),
        rule=rule,
    )


def _equal_width(low: float, high: float, buckets: int, word: str) -> tuple[Floats, str]:
    width = (high - low) / buckets
    # To 12 digits: a cut of 0.30000000000000004 would leave a PD of 0.3 on the wrong side.
    cuts = np.unique([float(f"{low + width * part:.12g}") for part in range(1, buckets)])
    return cuts, f"{word} from {low:.4g} to {high:.4g} in {buckets} parts {width:.4g} wide"


def _ends(key: Floats, order: NDArray[np.intp], cuts: Floats, *, rising: bool) -> NDArray[np.intp]:
    """How many rows, from the riskiest, lie in each bucket and those before it."""
    if rising:
        return np.append(np.searchsorted(key, cuts, side="left", sorter=order), len(key))
    below = np.searchsorted(key, cuts[::-1], side="left", sorter=order[::-1])
    return np.append(len(key) - below, len(key))


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _pour(
    order: NDArray[np.intp],
    key: Floats,
    pd: Floats,
    bad: NDArray[np.bool_],
    weights: Floats,
    room: Floats,
    ends: NDArray[np.intp],
) -> Any:
    n = len(order)
    buckets = len(room)
    count = np.zeros(buckets, np.int64)
    weight = np.zeros(buckets)
    squared_weight = np.zeros(buckets)
    bads = np.zeros(buckets)
    pd_sum = np.zeros(buckets)
    pd_low = np.full(buckets, np.inf)
    pd_high = np.full(buckets, -np.inf)
    key_low = np.full(buckets, np.inf)
    key_high = np.full(buckets, -np.inf)
    poured = 0.0
    tied = 0
    bucket = 0
    start = 0
    while start < n:
        value = key[order[start]]
        group = 0.0
        end = start
        while end < n and key[order[end]] == value:
            row = order[end]
            group += weights[row] if weights.size else 1.0
            end += 1
        if end - start > 1:
            tied += end - start
        poured += group
        while poured > room[bucket] or start >= ends[bucket]:
            bucket += 1
        for position in range(start, end):
            row = order[position]
            heavy = weights[row] if weights.size else 1.0
            squared_weight[bucket] += heavy * heavy
            pd_sum[bucket] += heavy * pd[row]
            if bad[row]:
                bads[bucket] += heavy
            pd_low[bucket] = min(pd_low[bucket], pd[row])
            pd_high[bucket] = max(pd_high[bucket], pd[row])
        key_low[bucket] = min(key_low[bucket], value)
        key_high[bucket] = max(key_high[bucket], value)
        count[bucket] += end - start
        weight[bucket] += group
        start = end
    return count, weight, squared_weight, bads, pd_sum, pd_low, pd_high, key_low, key_high, tied
