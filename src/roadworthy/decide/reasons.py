"""Which reasons are stated: the rules that settled the answer, then the columns that raised the PD most, and truly so.

A stated reason must be true (R27): with the stated columns as the reference applicant has them, the PD is lower. Where
the columns with the largest contributions do not pass that test, columns are chosen anew, one by one, each the one that
lowers the PD most; where no set lowers it, there is no true reason and a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, Batch
from roadworthy.model import Package, move_to_reference
from roadworthy.policy import Direction

__all__ = ["ColumnReasons", "choose_columns", "compare_with_reference"]

DIRECTIONS: tuple[Direction, ...] = ("higher", "lower", "different", "missing")


@dataclass(frozen=True)
class ColumnReasons:
    """Stated columns of n applications, at most m each.

    column         int32 (n, m): position among the engine's inputs, largest contribution first; -1 for none
    contribution   float64 (n, m): in the engine's unit; NaN for none
    pd_at_reference float64 (n,): the PD with these columns at the reference
    adjusted       bool (n,): chosen by PD drop, since the largest contributions did not lower it
    true           bool (n,): moving them lowers the PD
    """

    column: NDArray[np.int32]
    contribution: NDArray[np.float64]
    pd_at_reference: NDArray[np.float64]
    adjusted: NDArray[np.bool_]
    true: NDArray[np.bool_]


def choose_columns(package: Package, batch: Batch, pd: NDArray[np.float64], most: int) -> ColumnReasons:
    """The columns to state for each application of `batch`, whose PDs (n,) are given; at most `most` each."""
    explanation = package.engine.explain(batch, package.reference)
    contributions, names = explanation.contributions, explanation.columns
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :most]
    top = np.take_along_axis(contributions, order, axis=1)
    column = np.where(top > 0, order, -1).astype(np.int32)
    moved = _pd_with_moved(package, batch, names, column)
    true = moved < pd
    adjusted = np.zeros(len(batch), dtype=np.bool_)
    again = np.flatnonzero(~true & ~np.isnan(pd))
    if len(again):
        chosen, moved_again = _choose_by_drop(package, batch.take(again), pd[again], names, most)
        column[again] = chosen
        moved[again] = moved_again
        true[again] = moved_again < pd[again]
        adjusted[again] = true[again]
    rows = np.arange(len(batch))[:, None]
    return ColumnReasons(
        column=column,
        contribution=np.where(column >= 0, contributions[rows, np.maximum(column, 0)], np.nan),
        pd_at_reference=np.where(true, moved, np.nan),
        adjusted=adjusted,
        true=true,
    )


def _pd_with_moved(
    package: Package, batch: Batch, names: tuple[str, ...], column: NDArray[np.int32]
) -> NDArray[np.float64]:
    moved = np.zeros((len(batch), len(names)), dtype=np.bool_)
    rows, places = np.nonzero(column >= 0)
    moved[rows, column[rows, places]] = True
    return package.engine.pd(move_to_reference(batch, package.reference, names, moved))


def _choose_by_drop(
    package: Package, batch: Batch, pd: NDArray[np.float64], names: tuple[str, ...], most: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Greedy: at each step the column whose move lowers the PD most, until it is lower or `most` are chosen."""
    n, k = len(batch), len(names)
    most = min(most, k)
    moved = np.zeros((n, k), dtype=np.bool_)
    chosen = np.full((n, most), -1, dtype=np.int32)
    best = pd.copy()
    for place in range(most):
        trial = np.full((n, k), np.inf)
        for j in range(k):
            with_j = moved.copy()
            with_j[:, j] = True
            trial[:, j] = package.engine.pd(move_to_reference(batch, package.reference, names, with_j))
        trial[moved] = np.inf
        column = np.argmin(np.nan_to_num(trial, nan=np.inf), axis=1)
        lower = trial[np.arange(n), column]
        # Once the PD is below the applicant's, a further column is stated only where it lowers it more.
        take = (best >= pd) | (lower < best)
        moved[take, column[take]] = True
        chosen[take, place] = column[take]
        best = np.where(take, lower, best)
    return chosen, best


def compare_with_reference(batch: Batch, reference: Batch, names: tuple[str, ...]) -> NDArray[np.int8]:
    """How each value lies to the reference's, (n, k), as positions in DIRECTIONS."""
    out = np.empty((len(batch), len(names)), dtype=np.int8)
    for j, name in enumerate(names):
        values, other = batch.columns[name], reference.columns[name][0]
        if batch.contract[name].type == "category":
            out[:, j] = np.where(values == MISSING, 3, 2)
        else:
            with np.errstate(invalid="ignore"):  # a missing value compares as neither; it is said to be missing
                out[:, j] = np.where(np.isnan(values), 3, np.where(values > other, 0, np.where(values < other, 1, 2)))
    return out
