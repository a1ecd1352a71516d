"""The most profitable cut-off among all distinct PDs, under constraints: one sort, one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.kernels import njit
from roadworthy.measures.checks import Outcomes, frozen
from roadworthy.measures.constraints import Constraints, Reach, binding, refuse_infeasible
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.results import Floats

__all__ = ["Found", "Search", "even_cut_offs"]


@dataclass(frozen=True)
class Found:
    """The cut-off, its profit, and which constraints cost profit."""

    cut_off: float
    profit: float
    binding: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """Applications with what each brings if it is not declined; `referrals` state no bad rate for whatever PD."""

    outcomes: Outcomes
    profit: Floats
    refer_from: float | None = None
    referrals: Referrals | None = None

    def best(self, order: NDArray[np.intp], constraints: Constraints | None = None) -> Found:
        """The best cut-off; of equally profitable ones, the one that approves most. Raises MeasureError.

        `order` sorts the rows by rising PD.
        """
        asked = constraints or Constraints()
        pd, total = self.outcomes.pd, self.outcomes.total

        def climb(under: Constraints) -> tuple[int, Reach]:
            limits = under.limits(total)
            rows, *reached = _climb(
                order, pd, self.outcomes.bad, self.outcomes.weights, frozen(self.profit),
                2.0 if self.refer_from is None else self.refer_from,
                1.0 if self.referrals is None else self.referrals.booked,
                1.0 if self.referrals is None else self.referrals.ratio,
                limits.approved, limits.bad_rate, limits.referred,
            )  # fmt: skip
            return int(rows), Reach(*reached)

        def reach(under: Constraints) -> Reach | None:
            rows, reached = climb(under)
            return None if rows < 0 else reached

        rows, reached = climb(asked)
        if rows < 0:
            raise refuse_infeasible(asked, reach, total)
        return Found(_between(pd, order, rows), reached.profit, binding(asked, reach, reached.profit))


def even_cut_offs(outcomes: Outcomes, order: NDArray[np.intp], count: int) -> Floats:
    """At most `count` cut-offs that decline parts of the rows of about equal size, between neighbouring PDs."""
    spread = outcomes.pd[order[np.linspace(0, len(order) - 1, count).astype(np.intp)]]
    below = np.unique(np.searchsorted(outcomes.pd, spread, side="left", sorter=order))
    return np.array([_between(outcomes.pd, order, int(rows)) for rows in below])


def _between(pd: Floats, order: NDArray[np.intp], approved: int) -> float:
    """The cut-off that approves the first `approved` rows.

    Halfway to the next PD, so that a last bit flips nobody, with as few digits as that leaves room for: people type it.
    """
    if approved == 0:
        return 0.0
    last = float(pd[order[approved - 1]])
    if approved == len(pd):
        return 1.0 if last < 1.0 else float(np.nextafter(1.0, 2.0))
    first = float(pd[order[approved]])
    middle = last + (first - last) / 2.0
    rounded = (float(f"{middle:.{digits}g}") for digits in range(3, 18))
    return next((cut_off for cut_off in rounded if last < cut_off <= first), first)


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _climb(
    order: NDArray[np.intp],
    pd: Floats,
    bad: NDArray[np.bool_],
    weights: Floats,
    profit: Floats,
    refer_from: float,
    booked: float,
    ratio: float,
    least_approved: float,
    most_bad_rate: float,
    most_referred: float,
) -> Any:
    """Rows to approve from the lowest PD up, -1 where no number will do, and what is reached under the limits."""
    n = len(order)
    best = -1
    highest = -np.inf
    most = -np.inf
    lowest_rate = np.inf
    fewest = np.inf
    gained = 0.0
    approved = 0.0
    bads = 0.0
    referred = 0.0
    for rows in range(n + 1):
        if rows > 0:
            row = order[rows - 1]
            weight = weights[row] if weights.size else 1.0
            gained += profit[row] * weight
            if pd[row] >= refer_from:
                referred += weight
                approved += booked * weight
                if bad[row]:
                    bads += booked * ratio * weight
            else:
                approved += weight
                if bad[row]:
                    bads += weight
        if rows > 0 and rows < n and pd[order[rows]] == pd[order[rows - 1]]:
            continue
        rate = bads / approved if approved > 0.0 else 0.0
        if approved < least_approved or rate > most_bad_rate or referred > most_referred:
            continue
        if gained >= highest:
            highest = gained
            best = rows
        most = max(most, approved)
        lowest_rate = min(lowest_rate, rate)
        fewest = min(fewest, referred)
    return best, highest, most, lowest_rate, fewest
