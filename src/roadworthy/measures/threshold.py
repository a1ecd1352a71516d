"""The PD from which declining is the better bet, from what each answer brings: no data needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import is_number
from roadworthy.measures.results import Measure

__all__ = ["CostSensitiveCutOff", "cost_sensitive_cut_off"]


@dataclass(frozen=True, kw_only=True, repr=False)
class CostSensitiveCutOff(Measure):
    """The cut-off, and what an application at it brings with either answer."""

    name: ClassVar[str] = "cost-sensitive cut-off"
    at_cut_off: float


def cost_sensitive_cut_off(
    *, approved_good: float, approved_bad: float, declined_good: float = 0.0, declined_bad: float = 0.0
) -> CostSensitiveCutOff:
    """The PD at which approving and declining bring the same on average; above it, declining brings more.

    The four amounts are what each outcome brings with each answer, in one currency, losses negative. A good has to be
    worth more approved than declined, and a bad more declined than approved; else one answer is right whatever the PD,
    and MeasureError says which. It presumes calibrated PDs, and that an application declined brings what is stated.

    cut-off = g / (g + b), g = approved good - declined good, b = declined bad - approved bad. Elkan, C. (2001), The
    foundations of cost-sensitive learning, Proceedings of the 17th International Joint Conference on Artificial
    Intelligence, 973-978.

    >>> cost_sensitive_cut_off(approved_good=1, approved_bad=-5)
    cost-sensitive cut-off 0.166667 (at_cut_off=0)
    """
    stated = {
        "approved_good": approved_good,
        "approved_bad": approved_bad,
        "declined_good": declined_good,
        "declined_bad": declined_bad,
    }
    for name, amount in stated.items():
        if not is_number(amount) or abs(amount) > 1e60:
            raise MeasureError(f"{name} is an amount, not {amount!r}", mend=f"{name}=-500.0")
    good, bad = float(approved_good) - declined_good, float(declined_bad) - approved_bad
    if good <= 0.0 or bad <= 0.0:
        answer = "declining" if good <= 0.0 else "approving"
        why = "a good brings no more approved than declined" if good <= 0.0 else "a bad brings no less approved"
        raise MeasureError(
            f"{answer} is right whatever the PD: {why}", mend="check the signs: what is lost is negative"
        )
    cut_off = float(np.float64(good) / (np.float64(good) + bad))
    return CostSensitiveCutOff(value=cut_off, at_cut_off=(1.0 - cut_off) * declined_good + cut_off * declined_bad)
