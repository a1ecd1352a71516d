"""Discrimination among approved applications, before and after a cut-off moved: at equal range, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import Outcomes, check_cut_off, check_outcomes, frozen
from roadworthy.measures.delong import contributions, variance
from roadworthy.measures.intervals import check_confidence
from roadworthy.measures.results import NOT_STATED

__all__ = ["EqualRange", "at_equal_range"]

_FEWEST = 10
"""Goods and bads on either side, below which an AUC says nothing."""


@dataclass(frozen=True, kw_only=True)
class EqualRange:
    """AUC among applications with PD below `below`, which both policies approved.

    before, after        AUC in that range
    value, low, high     after less before, and its interval: the two samples are independent
    rows_before, rows_after          applications in the range
    left_out_before, left_out_after  approved applications outside it
    """

    below: float
    before: float
    after: float
    value: float
    low: float
    high: float
    rows_before: int
    rows_after: int
    left_out_before: int
    left_out_after: int
    confidence: float
    population: str

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        change = "no change that chance could not make" if self.low <= 0.0 <= self.high else "more than chance"
        return (
            f"Among applications with a PD below {self.below:.4g}, AUC was {self.before:.3f} and is {self.after:.3f}: "
            f"{self.value:+.3f} ({self.confidence:.0%} interval {self.low:+.3f} to {self.high:+.3f}), {change}. "
            f"{self.left_out_before + self.left_out_after:,} approved at higher PDs are left out ({self.population})."
        )


def at_equal_range(
    before: tuple[ArrayLike, ArrayLike],
    after: tuple[ArrayLike, ArrayLike],
    *,
    cut_offs: tuple[float, float],
    weights: tuple[ArrayLike | None, ArrayLike | None] = (None, None),
    confidence: float = 0.95,
    population: str = NOT_STATED,
) -> EqualRange:
    """Compare AUC on approved applications of two times where both cut-offs approved.

    `before` and `after` are (bad, pd) of the approved, by the same model; `cut_offs` those then in force. A lower
    cut-off cuts the risky off, and AUC falls though the model is what it was: so both are looked at below the lower of
    the two. `weights` are at least 0. Raises MeasureError where fewer than 10 goods or bads are left on either side.

    The interval is DeLong's for independent samples: DeLong et al. (1988), doi:10.2307/2531595. On restricted range:
    Thorndike, R. L. (1949), Personnel Selection, Wiley.

    >>> generator = np.random.default_rng(1)
    >>> pd = generator.beta(1, 4, 8000)
    >>> bad = generator.random(8000) < pd
    >>> first, second = pd[:4000] < 0.5, pd[4000:] < 0.2
    >>> found = at_equal_range((bad[:4000][first], pd[:4000][first]), (bad[4000:][second], pd[4000:][second]),
    ...                        cut_offs=(0.5, 0.2))
    >>> found.below, found.low < 0 < found.high
    (0.2, True)
    """
    confidence = check_confidence(confidence)
    if not isinstance(cut_offs, tuple | list) or len(cut_offs) != 2:
        raise MeasureError(f"cut_offs are the one before and the one after, not {cut_offs!r}", mend="(0.3, 0.2)")
    below = min(check_cut_off(each, "cut_offs") for each in cut_offs)
    areas, variances, rows, left_out = [], [], [], []
    for name, sample, heavy in (("before", before, weights[0]), ("after", after, weights[1])):
        if not isinstance(sample, tuple | list) or len(sample) != 2:
            raise MeasureError(f"{name} is bad and pd of the approved", mend=f"{name}=(bad, pd)")
        outcomes = check_outcomes(*sample, heavy).that_weigh()
        inside = outcomes.pd < below
        kept = Outcomes(
            frozen(outcomes.bad[inside]),
            frozen(outcomes.pd[inside]),
            frozen(outcomes.weights[inside]) if outcomes.weights.size else outcomes.weights,
        )
        bads = int(np.count_nonzero(kept.bad))
        if min(bads, len(kept) - bads) < _FEWEST:
            raise MeasureError(
                f"{name} holds {len(kept) - bads:,} goods and {bads:,} bads with a PD below {below:.4g}, too few",
                mend="wait for more outcomes; a comparison over unequal ranges would mislead",
            )
        area, moved = contributions(kept)
        areas.append(area)
        variances.append(variance(kept, moved))
        rows.append(len(kept))
        left_out.append(len(outcomes) - len(kept))
    half = float(ndtri(0.5 + confidence / 2.0)) * float(np.sqrt(sum(variances)))
    value = areas[1] - areas[0]
    return EqualRange(
        below=below,
        before=areas[0],
        after=areas[1],
        value=value,
        low=value - half,
        high=value + half,
        rows_before=rows[0],
        rows_after=rows[1],
        left_out_before=left_out[0],
        left_out_after=left_out[1],
        confidence=confidence,
        population=population,
    )
