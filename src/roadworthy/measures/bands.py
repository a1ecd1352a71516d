"""Applications in bands of PD between cut-offs: counted once, then read for every cut-off by cumulating."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures.checks import Outcomes
from roadworthy.measures.results import Floats

__all__ = ["Bands", "approved_sums", "declined_sums"]


@dataclass(frozen=True)
class Bands:
    """Band b holds the PDs from cut-off b - 1 up to, not including, cut-off b; one more band than cut-offs."""

    outcomes: Outcomes
    count: int
    cell: NDArray[np.intp]
    """Twice the band, plus one for a bad: the cell of each application."""

    @classmethod
    def of(cls, outcomes: Outcomes, cut_offs: Floats) -> Bands:
        """The bands between rising `cut_offs`."""
        cell = np.searchsorted(cut_offs, outcomes.pd, side="right")
        cell *= 2
        cell += outcomes.bad
        return cls(outcomes, len(cut_offs) + 1, cell)

    def by_outcome(self, amounts: Floats | None = None) -> tuple[Floats, Floats]:
        """Weighted sums of `amounts`, or of 1, by band: of the goods, and of the bads."""
        weighted: Floats | None = None
        if amounts is not None:
            weighted = self.outcomes.weighted(amounts)
        elif self.outcomes.weights.size:
            weighted = self.outcomes.weights
        sums = np.bincount(self.cell, weights=weighted, minlength=2 * self.count).astype(np.float64)
        return sums[0::2], sums[1::2]


def approved_sums(by_band: Floats) -> Floats:
    """Sums over what lies below each cut-off; the bands run along the last axis."""
    return np.cumsum(by_band, axis=-1)[..., :-1]


def declined_sums(by_band: Floats) -> Floats:
    """Sums over what lies at each cut-off or above."""
    return np.cumsum(by_band[::-1])[::-1][1:]
