"""The columns of a cut-off table: sums by band of PD, cumulated on either side of each cut-off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures.bands import Bands, approved_sums, declined_sums
from roadworthy.measures.intervals import percentiles, resample
from roadworthy.measures.money import Money
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.results import Floats

__all__ = ["differences", "money_columns", "referral_columns", "take"]


def take(
    goods: Floats, bads: Floats, looked: NDArray[np.bool_] | None, referrals: Referrals | None
) -> tuple[Floats, Floats]:
    """Sums by band and outcome, as sums over those that are approved if the band is not declined."""
    if looked is None or referrals is None:
        return goods, bads
    goodstaken, badstaken = referrals.goods_and_bads(goods, bads)
    return np.where(looked, goodstaken, goods), np.where(looked, badstaken, bads)


def referral_columns(referred: Floats, referrals: Referrals | None) -> dict[str, Floats]:
    """What people look at, and what becomes of it where that is stated."""
    if referrals is None:
        return {"referred": referred}
    stay = (1.0 - referrals.lost) * referred
    return {
        "referred": referred,
        "referred_approved": referrals.booked * referred,
        "referred_declined": stay - referrals.booked * referred,
        "lost_waiting": referrals.lost * referred,
        "review_hours": stay * referrals.minutes / 60.0,
    }


def money_columns(
    bands: Bands, money: Money, looked: NDArray[np.bool_] | None, referrals: Referrals | None, shown: NDArray[np.intp]
) -> dict[str, Floats]:
    """Revenue, costs and losses of the approved; what the declined would have brought and lost."""
    named: dict[str, Floats] = {}
    more = money.bads_per_bad - 1.0

    def goods_only(amounts: Floats, *, taken: bool) -> Floats:
        """What the goods bring: where the money looks further, less what the bads to come would have brought."""
        goods, bads = bands.by_outcome(amounts)
        if taken:
            goods, bads = take(goods, bads, looked, referrals)
        return goods - more * bads if more else goods

    def bads_only(amounts: Floats, *, taken: bool) -> Floats:
        goods, bads = bands.by_outcome(amounts)
        return (1.0 + more) * (take(goods, bads, looked, referrals)[1] if taken else bads)

    if money.priced is not None:
        revenue, costs, losses = money.priced.revenue, money.priced.costs, money.priced.credit_loss
        named["revenue"] = approved_sums(goods_only(revenue, taken=True))[shown]
        named["revenue_lost"] = declined_sums(goods_only(revenue, taken=False))[shown]
        named["costs"] = approved_sums(np.add(*take(*bands.by_outcome(costs), looked, referrals)))[shown]
        own = money.priced.if_good
    elif money.value is not None:
        own, losses = money.value, -money.value
    if money.priced is not None or referrals is not None:
        named["review"] = approved_sums(np.add(*bands.by_outcome(money.review)))[shown]
    named["losses"] = approved_sums(bads_only(losses, taken=True))[shown]
    named["losses_avoided"] = declined_sums(bads_only(losses, taken=False))[shown]
    named["forgone_profit"] = declined_sums(goods_only(own, taken=False))[shown]
    return named


def differences(
    bands: Bands,
    money: Money,
    shown: NDArray[np.intp],
    against: dict[str, float | None],
    *,
    approved_in_force: NDArray[np.bool_] | None = None,
    confidence: float,
    seed: int,
    resamples: int,
) -> dict[str, Floats]:
    """Profit at each cut-off and its difference from others, all from the same drawn applications."""
    cells = bands.cells(money.profit, approved_in_force)
    drawn = resample(cells, seed=seed, replicates=resamples)
    replicates, here = approved_sums(_by_band(drawn, bands.count)), approved_sums(_by_band(cells.sums, bands.count))
    named = {"profit": here[shown]}
    named["profit_low"], named["profit_high"] = percentiles(replicates[:, shown], confidence)
    for name, cut_off in against.items():
        if cut_off is None and name != "all":
            continue
        other = len(here) - 1 if cut_off is None else int(np.searchsorted(bands.cut_offs, cut_off))
        named |= _less(name, here, replicates, here[other], replicates[:, other], shown, confidence)
    if approved_in_force is not None:  # every second cell holds those it approves
        there, drawn_there = cells.sums[1::2].sum(), drawn[:, 1::2].sum(axis=1)
        named |= _less("in_force", here, replicates, float(there), drawn_there, shown, confidence)
    return named


def _by_band(cells: Floats, bands: int) -> Floats:
    """Sums by cell, along the last axis, as sums by band."""
    summed: Floats = cells.reshape(*cells.shape[:-1], bands, -1).sum(axis=-1)
    return summed


def _less(
    name: str, here: Floats, replicates: Floats, there: float, drawn: Floats, shown: NDArray[np.intp], confidence: float
) -> dict[str, Floats]:
    """Profit at each cut-off less that of another choice, `there`, of which `drawn` are the replicates."""
    low, high = percentiles(replicates[:, shown] - drawn[:, None], confidence)
    column = f"difference_from_{name}"
    return {column: here[shown] - there, f"{column}_low": low, f"{column}_high": high}
