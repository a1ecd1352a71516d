"""Which columns are stated as reasons: those that raised the PD most, and truly so.

A stated reason must be true (R27): with the stated columns as the reference applicant has them, the PD is lower. Where
the columns with the largest contributions do not pass that test, columns are chosen anew, one by one, each the one that
lowers the PD most, and those that it does not need are left out again. Where no such set is found, there is no true
reason and a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, Batch
from roadworthy.decision.catalogue import DIRECTIONS
from roadworthy.model import Package, move_to_reference

__all__ = ["ColumnReasons", "choose_columns", "compare_with_reference"]

_HIGHER, _LOWER = DIRECTIONS.index("higher"), DIRECTIONS.index("lower")
_DIFFERENT, _NOT_GIVEN = DIRECTIONS.index("different"), DIRECTIONS.index("missing")


@dataclass(frozen=True)
class ColumnReasons:
    """Stated columns of n applications, at most m each.

    column          int32 (n, m): position among the engine's inputs, largest contribution first; -1 for none
    contribution    float64 (n, m): in the engine's unit, `quantity`; NaN for none
    pd_at_reference float64 (n,): the PD with these columns at the reference; NaN where that is not lower
    adjusted        bool (n,): chosen by PD drop, since the largest contributions did not lower it
    true            bool (n,): moving them lowers the PD
    """

    column: NDArray[np.int32]
    contribution: NDArray[np.float64]
    pd_at_reference: NDArray[np.float64]
    adjusted: NDArray[np.bool_]
    true: NDArray[np.bool_]
    quantity: str


def choose_columns(package: Package, batch: Batch, pd: NDArray[np.float64], most: NDArray[np.int64]) -> ColumnReasons:
    """The columns to state for each application of `batch`, whose PDs (n,) are given; at most `most` (n,) of each."""
    explanation = package.engine.explain(batch, package.reference)
    contributions = explanation.contributions
    places = min(int(most.max(initial=0)), len(explanation.columns))
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :places]
    top = np.take_along_axis(contributions, order, axis=1)
    column = np.where((top > 0) & (np.arange(places) < most[:, None]), order, -1).astype(np.int32)
    search = _Search(package, batch, pd)
    moved = search.pd_with(search.marked(column))
    adjusted = np.zeros(len(batch), dtype=np.bool_)
    again = np.flatnonzero(~(moved < pd))
    if len(again):
        anew = _Search(package, batch.take(again), pd[again])
        column[again] = anew.choose(contributions[again], most[again], places)
        moved[again] = anew.pd_with(anew.marked(column[again]))
        adjusted[again] = moved[again] < pd[again]
    true = moved < pd
    stated = np.take_along_axis(contributions, np.maximum(column, 0), axis=1)
    return ColumnReasons(
        column=column,
        contribution=np.where(column >= 0, stated, np.nan),
        pd_at_reference=np.where(true, moved, np.nan),
        adjusted=adjusted,
        true=true,
        quantity=explanation.quantity,
    )


@dataclass(frozen=True)
class _Search:
    """What the PDs (n,) of a batch become when columns are moved to the reference."""

    package: Package
    batch: Batch
    pd: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        return self.package.engine.inputs

    def marked(self, column: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Columns by position (n, m), -1 for none, as a mask (n, k)."""
        mask = np.zeros((len(self.batch), len(self.names)), dtype=np.bool_)
        rows, places = np.nonzero(column >= 0)
        mask[rows, column[rows, places]] = True
        return mask

    def pd_with(self, moved: NDArray[np.bool_]) -> NDArray[np.float64]:
        return self.package.engine.pd(move_to_reference(self.batch, self.package.reference, self.names, moved))

    def choose(self, contributions: NDArray[np.float64], most: NDArray[np.int64], places: int) -> NDArray[np.int32]:
        """At each step the column whose move lowers the PD most; columns by position (n, places), -1 for none.

        Where none lowers it, and the PD is not below the applicant's yet, the one with the largest contribution: it may
        lower it together with the next. What the set does not need is then left out.
        """
        n, rows = len(self.batch), np.arange(len(self.batch))
        moved = np.zeros((n, len(self.names)), dtype=np.bool_)
        best = self.pd.copy()
        for place in range(places):
            trial = np.full(moved.shape, np.inf)
            for j in range(len(self.names)):
                with_j = moved.copy()
                with_j[:, j] = True
                trial[:, j] = np.nan_to_num(self.pd_with(with_j), nan=np.inf)
            trial[moved] = np.inf
            lowest = trial.argmin(axis=1)
            helps = trial[rows, lowest] < best
            blamed = np.where(moved, -np.inf, contributions).argmax(axis=1)
            column = np.where(helps, lowest, blamed)
            take = (helps | (best >= self.pd)) & (place < most)
            moved[rows[take], column[take]] = True
            best = np.where(take, trial[rows, column], best)
        for column in np.argsort(contributions, axis=1).T:  # the least contributions are left out first
            without = moved.copy()
            without[rows, column] = False
            idle = moved[rows, column] & (self.pd_with(without) <= best)
            moved[rows[idle], column[idle]] = False
        order = np.argsort(np.where(moved, -contributions, np.inf), axis=1, kind="stable")[:, :places]
        return np.where(moved[rows[:, None], order], order, -1).astype(np.int32)


def compare_with_reference(
    batch: Batch, reference: Batch, names: tuple[str, ...], column: NDArray[np.int32]
) -> NDArray[np.int64]:
    """How the values of the columns at positions `column` (n, m) lie to the reference's, as positions in DIRECTIONS.

    Any number where a position is -1.
    """
    is_category = np.array([*(batch.contract[name].type == "category" for name in names), False])[column]
    rows = np.arange(len(batch))[:, None]
    value = batch.matrix(names)[rows, column]
    other = reference.matrix(names)[0, column]
    number = np.where(value > other, _HIGHER, np.where(value < other, _LOWER, _DIFFERENT))
    kind = np.where(is_category, _DIFFERENT, number)
    return np.where(np.isnan(value) | (is_category & (value == MISSING)), _NOT_GIVEN, kind)
