"""Where in a raw column a tree changes its mind: the numbers at which a last bit decides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.model.composed import ComposedEngine, Started
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.forest import Forest
from roadworthy.model.plan import Plan

__all__ = ["find_crossings"]

MOST_PER_COLUMN = 60
HALVINGS = 100


def find_crossings(engine: CompiledEngine | ComposedEngine, batch: Batch) -> dict[str, NDArray[np.float64]]:
    """By column the largest numbers that still go left at up to 60 splits.

    A column that reaches a tree unchanged is split where the tree says; where it is scaled or transformed on the way,
    the place is found by halving between the smallest and the largest number of `batch`.
    """
    plan = engine.plan
    unchanged, found = plan.unchanged(), dict[str, NDArray[np.float64]]()
    points: dict[tuple[int, bool], NDArray[np.float64]] = {}
    for j, float32, thresholds in _splits(engine):
        points[j, float32] = np.unique(np.concatenate([points.get((j, float32), np.zeros(0)), thresholds]))
    for (j, float32), thresholds in points.items():
        name = plan.inputs[plan.origin[j]]
        if batch.contract[name].type == "category" or not len(thresholds):
            continue  # there it splits by sets only
        some = thresholds[:: max(1, len(thresholds) // MOST_PER_COLUMN)]
        raw = some if unchanged[j] is not None else _halve(plan, j, float32, some, batch)
        found[name] = np.unique(np.concatenate([found.get(name, np.zeros(0)), raw]))
    return found


def _splits(engine: CompiledEngine | ComposedEngine) -> Iterator[tuple[int, bool, NDArray[np.float64]]]:
    """(feature, whether it is rounded to float32, thresholds) of every forest that splits on it."""
    m = len(engine.plan.outputs)
    if isinstance(engine, CompiledEngine):
        forests = [(engine.scorer, tuple(range(m)))] if isinstance(engine.scorer, Forest) else []
    else:
        forests = [
            (part.what.forest if isinstance(part.what, Started) else part.what, part.sources)
            for part in engine.parts
            if isinstance(part.what, (Forest, Started))
        ]
    for forest, sources in forests:
        at_numbers = forest.category_begin < 0
        for place in np.unique(forest.feature[forest.feature >= 0]):
            if sources[place] < m:
                yield sources[place], forest.float32_inputs, forest.threshold[(forest.feature == place) & at_numbers]


def _halve(plan: Plan, j: int, float32: bool, thresholds: NDArray[np.float64], batch: Batch) -> NDArray[np.float64]:
    """The raw numbers next to which feature `j` passes its thresholds, where it passes them once."""
    column = int(plan.origin[j])
    raw = batch.matrix(plan.inputs)
    known = raw[np.isfinite(raw[:, column]), column]
    if not len(known):
        return np.zeros(0)
    filled = np.nan_to_num(raw[0], nan=0.0)

    def make(x: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = np.tile(filled, (len(x), 1))
        rows[:, column] = x
        made = plan.only(j).run(rows)[0][:, 0]
        return made.astype(np.float32).astype(np.float64) if float32 else made

    low, high = (np.full(len(thresholds), end) for end in (known.min(), known.max()))
    with np.errstate(all="ignore"):
        rises = make(low[:1])[0] <= make(high[:1])[0]

        def stays(x: NDArray[np.float64]) -> NDArray[np.bool_]:
            return np.asarray((make(x) <= thresholds) == rises)

        inside = stays(low) & ~stays(high)
        for _ in range(HALVINGS):
            middle = low + (high - low) / 2
            left = stays(middle)
            low, high = np.where(left, middle, low), np.where(left, high, middle)
    return low[inside]
