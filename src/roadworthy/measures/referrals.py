"""What becomes of the applications a person looks at, where somebody states it (R18)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import is_number
from roadworthy.measures.economics import Priced
from roadworthy.measures.results import Floats

__all__ = ["Referrals"]


@dataclass(frozen=True, kw_only=True)
class Referrals:
    """A statement about referred applications; every figure made with it says so.

    approved  share, of those that people look at, that people approve; 0..1
    bad_rate  share of the approved that goes bad, within the PD's horizon, whatever the PD; 0..1. It describes a band
              in force, and no search for another may lean on it: people would seem to see through any risk
    bad_rate_ratio  instead, their bad rate over that of all referred at the same PD: 0.8 where what people approve goes
              bad a fifth less often. Where neither is stated people choose as if at random: 1
    minutes   a person's time for one look, at least 0
    cost      of one look, in the economics' currency, at least 0; None for the economics' `review`
    lost      share of the referred that leaves while waiting, before anybody looks: it costs and earns nothing; 0..1

    >>> Referrals(approved=0.6, bad_rate=0.1, minutes=25, lost=0.05).booked
    0.57
    """

    approved: float
    bad_rate: float | None = None
    bad_rate_ratio: float | None = None
    minutes: float = 0.0
    cost: float | None = None
    lost: float = 0.0

    def __post_init__(self) -> None:
        for name in ("approved", "bad_rate", "lost"):
            share = getattr(self, name)
            if not (share is None and name == "bad_rate") and not (is_number(share) and 0.0 <= share <= 1.0):
                raise MeasureError(f"{name} is a share, 0 to 1, not {share!r}", where="referrals", mend=f"{name}=0.1")
        for name in ("minutes", "cost"):
            amount = getattr(self, name)
            if not (amount is None and name == "cost") and not (is_number(amount) and 0.0 <= amount <= 1e9):
                raise MeasureError(f"{name} is at least 0, not {amount!r}", where="referrals", mend=f"{name}=20")

        ratio = self.bad_rate_ratio
        if ratio is not None and not (is_number(ratio) and 0.0 <= ratio <= 100.0):
            raise MeasureError(f"bad_rate_ratio is at least 0, not {ratio!r}", where="referrals", mend="0.8")
        if ratio is not None and self.bad_rate is not None:
            raise MeasureError("bad_rate and bad_rate_ratio both state it", where="referrals", mend="keep one")

    @property
    def ratio(self) -> float:
        """Bads among the approved for each bad among as many referred."""
        return 1.0 if self.bad_rate_ratio is None else self.bad_rate_ratio

    @property
    def booked(self) -> float:
        """Share of the referred that stays, is looked at and is approved."""
        return (1.0 - self.lost) * self.approved

    def look(self, review: Floats) -> Floats:
        """Mean cost of the looks at each referred application, of whom `lost` is never looked at."""
        each = review if self.cost is None else np.broadcast_to(np.float64(self.cost), review.shape)
        return (1.0 - self.lost) * each

    def earn(self, priced: Priced, bad: NDArray[np.bool_]) -> Floats:
        """What each application brings if referred, its look not counted."""
        if self.bad_rate is None:
            return self.booked * priced.profit(bad, bads_per_bad=self.ratio)
        return self.booked * priced.expected(np.broadcast_to(np.float64(self.bad_rate), bad.shape))

    def goods_and_bads(self, goods: Floats, bads: Floats) -> tuple[Floats, Floats]:
        """Sums over referred applications, by outcome, as sums over those that get approved, by outcome."""
        if self.bad_rate is None:
            return self.booked * (goods + (1.0 - self.ratio) * bads), self.booked * self.ratio * bads
        everyone = goods + bads
        return self.booked * (1.0 - self.bad_rate) * everyone, self.booked * self.bad_rate * everyone

    @property
    def sentence(self) -> str:
        """The statement in words."""
        said = f"Of the referred, {self.lost:.1%} leave while waiting; " if self.lost else "Of the referred, "
        who = "of the others people approve" if self.lost else "people approve"
        said += f"{who} {self.approved:.1%}"
        said += "" if self.bad_rate is None else f", of which {self.bad_rate:.1%} go bad"
        if self.bad_rate_ratio is not None:
            said += f", whose bad rate is {self.bad_rate_ratio:g} times that of all referred"
        return f"{said} (as stated, not observed)."
