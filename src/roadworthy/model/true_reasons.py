"""Which columns are stated as reasons: those that raised the PD most, and truly so.

A stated reason must be true (R27): with the stated columns as the reference applicant has them, the PD is lower. Where
the columns with the largest contributions do not pass that test, columns are chosen anew, one by one, each the one that
lowers the PD most, and those that it does not need are left out again. Where no such set is found, there is no true
reason and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.model.columns import move_to_reference
from roadworthy.model.engine import Engine
from roadworthy.model.evaluate import TrueReasons

__all__ = ["ColumnReasons", "choose_columns", "measure_true_reasons"]

MOST = 4
MEASURED, MEASURED_NATIVE = 5_000, 100
RISKIEST = 0.1


@dataclass(frozen=True)
class ColumnReasons:
    """Stated columns of n applications, at most m each.

    column          int32 (n, m): position among the engine's inputs, largest contribution first; -1 for none
    contribution    float64 (n, m): in the engine's unit, `quantity`; NaN for none
    error           float64 (n, m): its standard error, 0 where it is exact; NaN for none
    close           bool (n, m): another column's contribution is nearer than their error: which comes first is open
    pd_at_reference float64 (n,): the PD with these columns at the reference; NaN where that is not lower
    adjusted        bool (n,): chosen by PD drop, since the largest contributions did not lower it
    true            bool (n,): moving them lowers the PD
    """

    column: NDArray[np.int32]
    contribution: NDArray[np.float64]
    error: NDArray[np.float64]
    close: NDArray[np.bool_]
    pd_at_reference: NDArray[np.float64]
    adjusted: NDArray[np.bool_]
    true: NDArray[np.bool_]
    quantity: str
    method: str


def choose_columns(
    engine: Engine, reference: Batch, batch: Batch, pd: NDArray[np.float64], most: NDArray[np.int64]
) -> ColumnReasons:
    """The columns to state for each application of `batch`, whose PDs (n,) are given; at most `most` (n,) of each.

    A column is among the largest contributions only where its own is above its standard error. The PDs with columns at
    `reference` are asked of the whole batch at once.
    """
    explanation = engine.explain(batch, reference)
    contributions = explanation.contributions
    places = min(int(most.max(initial=0)), len(explanation.columns))
    order = np.argsort(-contributions, axis=1, kind="stable")[:, :places]
    rows = np.arange(len(batch))[:, None]
    top = contributions[rows, order]
    error = np.zeros_like(contributions) if explanation.error is None else explanation.error
    known = top > error[rows, order]
    column = np.where(known & (np.arange(places) < most[:, None]), order, -1).astype(np.int32)
    search = _Search(engine, reference, batch, pd)
    moved = search.pd_with(search.marked(column))
    adjusted = np.zeros(len(batch), dtype=np.bool_)
    again = np.flatnonzero(~(moved < pd))
    if len(again):
        anew = _Search(engine, reference, batch.take(again), pd[again])
        column[again] = anew.choose(contributions[again], most[again], places)
        moved[again] = anew.pd_with(anew.marked(column[again]))
        adjusted[again] = moved[again] < pd[again]
    true = moved < pd
    stated = np.maximum(column, 0)
    return ColumnReasons(
        column=column,
        contribution=np.where(column >= 0, contributions[rows, stated], np.nan),
        error=np.where(column >= 0, error[rows, stated], np.nan),
        close=(column >= 0) & _find_close(contributions, error)[rows, stated],
        pd_at_reference=np.where(true, moved, np.nan),
        adjusted=adjusted,
        true=true,
        quantity=explanation.quantity,
        method=explanation.method,
    )


def _find_close(contributions: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a contribution (n, k) is nearer to another column's than the standard error of their difference.

    >>> _find_close(np.array([[0.30, 0.29, 0.1]]), np.array([[0.01, 0.01, 0.0]]))
    array([[ True,  True, False]])
    """
    if not error.any():
        return np.zeros(contributions.shape, dtype=np.bool_)
    apart = np.abs(contributions[:, :, None] - contributions[:, None, :])
    within = np.sqrt(error[:, :, None] ** 2 + error[:, None, :] ** 2)
    return np.asarray(((apart < within) & ~np.eye(contributions.shape[1], dtype=np.bool_)).any(axis=2))


@dataclass(frozen=True)
class _Search:
    """What the PDs (n,) of a batch become when columns are moved to the reference."""

    engine: Engine
    reference: Batch
    batch: Batch
    pd: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        return self.engine.inputs

    def marked(self, column: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Columns by position (n, m), -1 for none, as a mask (n, k)."""
        mask = np.zeros((len(self.batch), len(self.names)), dtype=np.bool_)
        rows, places = np.nonzero(column >= 0)
        mask[rows, column[rows, places]] = True
        return mask

    def pd_with(self, moved: NDArray[np.bool_]) -> NDArray[np.float64]:
        return self.engine.pd(move_to_reference(self.batch, self.reference, self.names, moved))

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


def measure_true_reasons(
    engine: Engine, reference: Batch, batch: Batch, pd: NDArray[np.float64], cut_offs: Sequence[float]
) -> TrueReasons:
    """How often reasons are adjusted, and how often none is true, of those of `batch` who are declined by PD (n,).

    Declined is from the highest of `cut_offs` on; where none is given, the riskiest tenth. Of many, up to 5,000 are
    asked about (100 of a native model), evenly spread.
    """
    known = pd[~np.isnan(pd)]
    cut_off = max(cut_offs) if len(cut_offs) else float(np.quantile(known, 1 - RISKIEST)) if len(known) else 1.0
    declined = np.flatnonzero(pd >= cut_off)
    most = MEASURED_NATIVE if engine.kind == "native" else MEASURED
    rows = declined[np.linspace(0, len(declined) - 1, min(most, len(declined))).astype(np.int64)]
    stated = choose_columns(engine, reference, batch.take(rows), pd[rows], np.full(len(rows), MOST))
    return {
        "cut_off": cut_off,
        "most": MOST,
        "count": len(rows),
        "adjusted": int(stated.adjusted.sum()),
        "none": int(np.sum(~stated.true)),
    }
