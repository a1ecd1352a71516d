"""What people's looks are worth: the most profit for each share of applications that is referred (R18)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures.results import COUNT, MONEY, PD, SHARE, Floats, Table

__all__ = ["ReferralTrade", "trade_referrals"]

_MOST = 60
"""Pairs kept at most, evenly over the share referred."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ReferralTrade(Table):
    """One row for each pair of cut-offs worth a choice, by rising share referred: none earns more with fewer looks.

    refer_from, decline_from    as in BestBands; equal where nobody is referred
    referred, referred_share    weight a person looks at
    approval_rate, bad_rate_approved    those that people approve, as stated, included; NaN where nobody is approved
    profit                      in `currency`, on these applications, on which the pairs were chosen
    """

    refer_from: Floats = field(metadata=PD)
    decline_from: Floats = field(metadata=PD)
    referred: Floats = field(metadata=COUNT)
    referred_share: Floats = field(metadata=SHARE)
    approval_rate: Floats = field(metadata=SHARE)
    bad_rate_approved: Floats = field(metadata=SHARE)
    profit: Floats = field(metadata=MONEY)
    currency: str
    population: str

    @property
    def caption(self) -> str:
        """How many pairs, the currency, and population."""
        return f"Most profit by share referred: {len(self)} pairs of cut-offs, {self.currency}; {self.population}"


def trade_referrals(
    matrices: tuple[Floats, Floats, Floats, Floats],
    kept: NDArray[np.bool_],
    cut_offs: Floats,
    *,
    total: float,
    currency: str,
    population: str,
) -> ReferralTrade:
    """The pairs that no pair beats with as few looks, of those `kept`.

    `matrices` hold profit, approved, bads and referred for each pair, refer from (rows) and decline from (columns),
    both of `cut_offs`.
    """
    low, high = np.nonzero(kept)
    profit, approved, bads, referred = (each[low, high] for each in matrices)
    order = np.lexsort((-profit, referred))
    before = np.concatenate([[-np.inf], np.maximum.accumulate(profit[order])[:-1]])
    worth = order[profit[order] > before]
    if len(worth) > _MOST:
        shares = np.linspace(referred[worth[0]], referred[worth[-1]], _MOST)
        worth = worth[np.unique(np.searchsorted(referred[worth], shares, side="right") - 1)]
    approved, bads = approved[worth], bads[worth]
    return ReferralTrade(
        refer_from=cut_offs[low[worth]],
        decline_from=cut_offs[high[worth]],
        referred=referred[worth],
        referred_share=referred[worth] / total,
        approval_rate=approved / total,
        bad_rate_approved=np.divide(bads, approved, out=np.full(len(worth), np.nan), where=approved > 0.0),
        profit=profit[worth],
        currency=currency,
        population=population,
    )
