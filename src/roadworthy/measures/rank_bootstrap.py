"""The bootstrap of a ranking without copying a row: rows drawn anew are counted in narrow cells of PD.

The cells hold near-equal numbers of rows, ties whole. Within a cell the order is lost, so what is computed on the
replicates is judged against the same on the rows themselves, counted in the same cells.

Efron, B. and Tibshirani, R. J. (1993), An Introduction to the Bootstrap, chapters 8 and 10. doi:10.1201/9780429246593
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from roadworthy.measures.checks import Outcomes
from roadworthy.measures.intervals import Cells, resample
from roadworthy.measures.results import Floats

__all__ = ["Statistic", "deviations"]

_CELLS = 200
Statistic = Callable[[Floats, Floats], Floats]
"""From the weights of goods and of bads by cell, riskiest first along the last axis, to one number per replicate."""


def deviations(statistic: Statistic, outcomes: Outcomes, *, seed: int, stratified: bool) -> Floats:
    """How far `statistic` falls from its value on the rows, in each replicate; `stratified` draws the classes apart."""
    outcomes = outcomes.that_weigh()
    ordered = np.sort(outcomes.pd)
    cuts = np.unique(ordered[np.linspace(0, len(ordered) - 1, _CELLS + 1).astype(np.intp)[1:]])
    cell = 2 * (len(cuts) - np.searchsorted(cuts, outcomes.pd, side="right")) + outcomes.bad
    heavy = outcomes.weighted(np.ones(len(outcomes)))
    count = 2 * (len(cuts) + 1)
    if stratified:
        drawn = sum(
            resample(Cells.of(cell[side], heavy[side], count), seed=(seed, stratum))
            for stratum, side in enumerate((~outcomes.bad, outcomes.bad))
        )
    else:
        drawn = resample(Cells.of(cell, heavy, count), seed=seed)
    # Noise within cells of uneven weights can go a little below zero; no weight does.
    drawn = np.maximum(drawn, 0.0)
    both = (drawn[:, 0::2].sum(axis=1) > 0.0) & (drawn[:, 1::2].sum(axis=1) > 0.0)
    seen = Cells.of(cell, heavy, count).sums[None, :]
    apart: Floats = statistic(drawn[both, 0::2], drawn[both, 1::2]) - statistic(seen[:, 0::2], seen[:, 1::2])
    return apart
