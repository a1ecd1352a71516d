"""The bootstrap of a ranking without copying a row: goods and bads drawn apart, counted in narrow cells of PD.

The cells hold near-equal numbers of rows, ties whole. Within a cell the order is lost, so what is computed on the
replicates is moved by what that costs on the rows themselves, and by the bootstrap's own bias.

Efron, B. and Tibshirani, R. J. (1993), An Introduction to the Bootstrap, chapters 8 and 10. doi:10.1201/9780429246593
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from roadworthy.measures.checks import Outcomes
from roadworthy.measures.intervals import Cells, percentiles, resample
from roadworthy.measures.results import Floats, Interval

__all__ = ["Statistic", "bootstrap_ranking"]

_CELLS = 200
Statistic = Callable[[Floats, Floats], Floats]
"""From the weights of goods and of bads by cell, riskiest first along the last axis, to one number per replicate."""


def bootstrap_ranking(
    value: float, statistic: Statistic, outcomes: Outcomes, *, confidence: float, seed: int
) -> Interval:
    """The interval of `value`, which is `statistic` on the rows themselves: bias-corrected percentiles, in 0..1."""
    outcomes = outcomes.that_weigh()
    ordered = np.sort(outcomes.pd)
    cuts = np.unique(ordered[np.linspace(0, len(ordered) - 1, _CELLS + 1).astype(np.intp)[1:]])
    cell = len(cuts) - np.searchsorted(cuts, outcomes.pd, side="right")
    heavy = outcomes.weighted(np.ones(len(outcomes)))
    goods, bads = (
        resample(Cells.of(cell[side], heavy[side], len(cuts) + 1), seed=(seed, stratum))
        for stratum, side in enumerate((~outcomes.bad, outcomes.bad))
    )
    # Noise within cells of uneven weights can go a little below zero; no weight does.
    replicates = statistic(np.maximum(goods, 0.0), np.maximum(bads, 0.0))
    low, high = (float(bound[0]) for bound in percentiles(replicates[:, None], confidence))
    # Seen from the mean of the replicates, as far as they lie from the rows they were drawn from.
    seen = Cells.of(2 * cell + outcomes.bad, heavy, 2 * (len(cuts) + 1)).sums
    coarse = float(statistic(seen[None, 0::2], seen[None, 1::2])[0])
    bias = float(replicates.mean()) - coarse
    moved = value - coarse - 2.0 * bias
    if low == high:
        low = high = float("nan")  # no spread: the rows cannot tell
    return Interval(
        low=float(np.clip(low + moved, 0.0, 1.0)),
        high=float(np.clip(high + moved, 0.0, 1.0)),
        confidence=confidence,
        method="bootstrap of goods and bads apart, bias-corrected percentiles",
    )
