"""Applications in bands of PD between cut-offs: counted once, then read for every cut-off by cumulating.

The rows are passed over once for each sum, and nothing as long as the rows is made but a 4-byte number for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.kernels import njit
from roadworthy.measures.checks import Outcomes, frozen
from roadworthy.measures.intervals import Cells
from roadworthy.measures.results import Floats

__all__ = ["Bands", "approved_sums", "declined_sums"]


@dataclass(frozen=True)
class Bands:
    """Band b holds the PDs from cut-off b - 1 up to, not including, cut-off b; one more band than cut-offs."""

    outcomes: Outcomes
    cut_offs: Floats
    count: int
    cell: NDArray[np.int32]
    """Twice the band, plus one for a bad: the cell of each application."""

    @classmethod
    def of(cls, outcomes: Outcomes, cut_offs: Floats) -> Bands:
        """The bands between rising `cut_offs`."""
        cell = _place(outcomes.pd, outcomes.bad, frozen(cut_offs))
        return cls(outcomes, cut_offs, len(cut_offs) + 1, cell)

    def from_pd(self, pd: float) -> NDArray[np.bool_]:
        """Which bands lie at `pd`, one of the cut-offs, or above."""
        return np.arange(self.count) > np.searchsorted(self.cut_offs, pd)

    def by_outcome(self, amounts: Floats | None = None) -> tuple[Floats, Floats]:
        """Weighted sums of `amounts`, or of 1, by band: of the goods, and of the bads."""
        sums = _add(self.cell, self.outcomes.weights, _NONE if amounts is None else frozen(amounts), 2 * self.count)
        return sums[0::2], sums[1::2]

    def cells(self, amounts: Floats, apart: NDArray[np.bool_] | None = None) -> Cells:
        """What the bootstrap needs of the weighted `amounts`: two cells for each band, goods and bads.

        With `apart` (n,) each of the two becomes two: those that are not, and those that are.
        """
        cell, cells = self.cell, 2 * self.count
        if apart is not None:
            cell, cells = cell * np.int32(2) + apart, 2 * cells
        return Cells(*_describe(cell, self.outcomes.weights, frozen(amounts), cells))


_NONE = frozen(np.empty(0))


def approved_sums(by_band: Floats) -> Floats:
    """Sums over what lies below each cut-off; the bands run along the last axis."""
    return np.cumsum(by_band, axis=-1)[..., :-1]


def declined_sums(by_band: Floats) -> Floats:
    """Sums over what lies at each cut-off or above."""
    return np.cumsum(by_band[::-1])[::-1][1:]


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _place(pd: Floats, bad: NDArray[np.bool_], cut_offs: Floats) -> Any:
    cell = np.empty(len(pd), np.int32)
    for row in range(len(pd)):
        low = 0
        high = len(cut_offs)
        while low < high:
            middle = (low + high) // 2
            if pd[row] < cut_offs[middle]:
                high = middle
            else:
                low = middle + 1
        cell[row] = 2 * low + bad[row]
    return cell


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _add(cell: NDArray[np.int32], weights: Floats, amounts: Floats, cells: int) -> Any:
    sums = np.zeros(cells)
    for row in range(len(cell)):
        amount = amounts[row] if amounts.size else 1.0
        sums[cell[row]] += amount * weights[row] if weights.size else amount
    return sums


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _describe(cell: NDArray[np.int32], weights: Floats, amounts: Floats, cells: int) -> Any:
    rows = np.zeros(cells, np.int64)
    sums = np.zeros(cells)
    squares = np.zeros(cells)
    for row in range(len(cell)):
        amount = amounts[row] * weights[row] if weights.size else amounts[row]
        here = cell[row]
        rows[here] += 1
        sums[here] += amount
        squares[here] += amount * amount
    return rows, sums, squares
