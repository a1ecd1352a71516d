"""Applications of which some have no known outcome: what they could bring at worst, at best, and on the model's word.

An application that was declined never showed how it would have done. Nothing here fills that in: each unknown outcome
is counted once as good and once as bad, and everything that could be so lies between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.measures.checks import Outcomes, check_numbers, check_outcomes
from roadworthy.measures.economics import Priced
from roadworthy.measures.money import refuse_more_bads
from roadworthy.measures.results import Floats

__all__ = ["Bounds", "PartlyKnown", "bound_profit", "check_partly_known"]


@dataclass(frozen=True)
class PartlyKnown:
    """Applications with `known` (n,) saying whose outcome is known; `outcomes.bad` is False where it is not."""

    outcomes: Outcomes
    known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.known)


@dataclass(frozen=True)
class Bounds:
    """What each application brings if approved: equal where its outcome is known."""

    worst: Floats
    best: Floats
    expected: Floats
    """On the model's word: with its PD as the chance of bad. Not observed."""


def check_partly_known(bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None) -> PartlyKnown:
    """The three arrays every measure takes, with NaN or None in `bad` where the outcome is unknown."""
    outcome = check_numbers(bad, "bad", missing_allowed=True)
    known = ~np.isnan(outcome)
    return PartlyKnown(check_outcomes(np.where(known, outcome, 0.0), pd, weights), known)


def bound_profit(applications: PartlyKnown, priced: Priced) -> Bounds:
    """The profit of each application if approved, bounded where its outcome is unknown.

    A lifetime factor that the known outcomes contradict is refused. Of the unknown it is held to nothing, so that the
    worst bound may count more bads than there are applications: too low, and never too high.
    """
    outcomes, known = applications.outcomes, applications.known
    heavy = outcomes.weighted(known.astype(np.float64))
    refuse_more_bads(priced, outcomes.bads, float(heavy.sum()))
    profit = priced.profit(outcomes.bad)
    if known.all():
        return Bounds(profit, profit, profit)
    other = priced.profit(np.ones(len(applications), dtype=np.bool_))
    return Bounds(
        worst=np.where(known, profit, np.minimum(profit, other)),
        best=np.where(known, profit, np.maximum(profit, other)),
        expected=np.where(known, profit, priced.expected(outcomes.pd)),
    )
