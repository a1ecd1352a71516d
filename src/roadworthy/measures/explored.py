"""Applications approved at random to learn from them: each stands for those like it that were not (R26)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_numbers, check_weights, frozen, is_number
from roadworthy.measures.results import Floats

__all__ = ["InverseWeights", "weigh_by_selection"]


@dataclass(frozen=True, kw_only=True, eq=False)
class InverseWeights:
    """Weights for any measure: `weights=found.weights`.

    weights                (n,), weight / probability of selection, at most `cap` times the weight
    effective_sample_size  (sum of weights)^2 / sum of squares: so many equally weighted rows say as much
    capped                 rows whose weight was cut; figures lean towards what is selected often where it is not 0
    largest_share          share of the largest weight in all
    """

    weights: Floats
    effective_sample_size: float
    capped: int
    cap: float | None
    largest_share: float

    @property
    def sentence(self) -> str:
        """How much these rows can say, in words."""
        said = (
            f"{len(self.weights):,} applications weighted by the inverse of their probability of selection say as much "
            f"as {self.effective_sample_size:,.0f} equally weighted ones; the heaviest is {self.largest_share:.1%} of "
            f"all"
        )
        if self.capped:
            said += f". {self.capped:,} weights were cut to {self.cap:g}: figures lean towards what is selected often"
        return f"{said}."

    def __repr__(self) -> str:
        return self.sentence


def weigh_by_selection(
    probability: ArrayLike, *, weights: ArrayLike | None = None, cap: float | None = None
) -> InverseWeights:
    """Weigh each application by the inverse of the probability with which it came to have an outcome.

    `probability` (n,) lies above 0, at most 1: 1 for what the policy approves anyway, the exploration's share for what
    it approves at random among the declined. `weights` (n,) are at least 0 and multiplied in. Without `cap` no weight
    is cut; with it, at least 1, none exceeds `cap` times its row's own, which is told. Raises MeasureError: an
    application that could never be selected has no weight, and no other stands for it.

    Horvitz, D. G. and Thompson, D. J. (1952), A generalization of sampling without replacement from a finite universe,
    JASA 47(260), doi:10.1080/01621459.1952.10483446; effective size: Kish, L. (1965), Survey Sampling, Wiley.

    >>> weigh_by_selection([1, 1, 0.05]).weights.tolist()
    [1.0, 1.0, 20.0]
    >>> weigh_by_selection([1, 1, 0.05], cap=10)
    3 applications weighted by the inverse of their probability of selection say as much as 1 equally weighted ones; the
    heaviest is 83.3% of all. 1 weights were cut to 10: figures lean towards what is selected often.
    """
    chance = check_numbers(probability, "probability")
    low, high = float(chance.min()), float(chance.max())
    if low <= 0.0 or high > 1.0:
        raise MeasureError(
            f"probability of selection lies above 0, at most 1, and this one goes from {low:.6g} to {high:.6g}",
            mend="leave out what could not be selected, and say so in the population",
        )
    if cap is not None and not (is_number(cap) and cap >= 1.0):
        raise MeasureError(f"cap is at least 1, not {cap!r}", mend="cap=50, or None: no weight is cut")
    inverse = 1.0 / chance
    cut = np.zeros(len(chance), dtype=np.bool_) if cap is None else inverse > cap
    if cap is not None:
        np.minimum(inverse, cap, out=inverse)
    if weights is not None:
        inverse *= check_weights(weights, len(chance))
    if float(inverse.max()) > 1e60:
        raise MeasureError("probability is so small that its inverse goes beyond 1e60", mend="cap=1000")
    total, largest = float(inverse.sum()), float(inverse.max())
    return InverseWeights(
        weights=frozen(inverse),
        effective_sample_size=total / largest * (total / largest) / float(((inverse / largest) ** 2).sum()),
        capped=int(np.count_nonzero(cut & (inverse > 0.0))),
        cap=cap,
        largest_share=largest / total,
    )
