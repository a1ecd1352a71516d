"""What a cut-off means: who is declined, how often rightly, and what it is worth (R18).

PD >= cut-off is declined. With one cut-off nobody is referred, unless `refer_from` says from which PD a person looks;
those applications count as approved, since what the person would answer is not known, and each costs `review`.

    profit = revenue - costs - review - losses, of the applications approved

Forgone profit (of goods declined) and losses avoided (of bads declined) are shown beside profit and are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.measures.bands import Bands, approved_sums, declined_sums
from roadworthy.measures.checks import check_cut_off, check_numbers, check_outcomes
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.intervals import Cells, check_confidence, percentiles, resample
from roadworthy.measures.money import Money, check_money, looked_at
from roadworthy.measures.results import COUNT, MONEY, NOT_STATED, PD, SHARE, Floats, Table, money_text, percent_text

__all__ = ["CutOffTable", "cut_off_table", "spread_cut_offs"]

_STEPS = 20


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CutOffTable(Table):
    """One row for each cut-off, from declining all to approving all. Counts are weight; money is in `currency`.

    cut_off                    PD from which applications are declined
    approved, declined         weight on either side; approval_rate is the share approved
    bad_rate_approved          bads among the approved, as a share of them
    bads_approved, bads_declined, goods_declined
    declines_right             share of the declined that were bad
    good_turned_away           share of the declined that were good: 1 - declines_right
    referred                   of the approved, those a person looks at; None without `refer_from`
    revenue, costs, review     of the approved; revenue is that of the goods among them
    losses, losses_avoided     credit loss of bads approved; of bads declined
    revenue_lost               revenue of goods declined
    forgone_profit             profit of goods declined; shown apart, never subtracted
    profit                     revenue - costs - review - losses
    profit_low, profit_high    its bootstrap interval

    NaN stands where a share is undefined (nobody declined). Without money the money columns are None; with realised
    value there are no terms, so revenue, costs and review are None and losses are the negated value of bads.
    """

    cut_off: Floats = field(metadata=PD)
    approved: Floats = field(metadata=COUNT)
    declined: Floats = field(metadata=COUNT)
    approval_rate: Floats = field(metadata=SHARE)
    bad_rate_approved: Floats = field(metadata=SHARE)
    bads_approved: Floats = field(metadata=COUNT)
    bads_declined: Floats = field(metadata=COUNT)
    goods_declined: Floats = field(metadata=COUNT)
    declines_right: Floats = field(metadata=SHARE)
    good_turned_away: Floats = field(metadata=SHARE)
    referred: Floats | None = field(default=None, metadata=COUNT)
    revenue: Floats | None = field(default=None, metadata=MONEY)
    costs: Floats | None = field(default=None, metadata=MONEY)
    review: Floats | None = field(default=None, metadata=MONEY)
    losses: Floats | None = field(default=None, metadata=MONEY)
    losses_avoided: Floats | None = field(default=None, metadata=MONEY)
    revenue_lost: Floats | None = field(default=None, metadata=MONEY)
    forgone_profit: Floats | None = field(default=None, metadata=MONEY)
    profit: Floats | None = field(default=None, metadata=MONEY)
    profit_low: Floats | None = field(default=None, metadata=MONEY)
    profit_high: Floats | None = field(default=None, metadata=MONEY)
    count: int
    currency: str | None
    economics: Economics | None
    confidence: float
    population: str

    @property
    def caption(self) -> str:
        """Size, where the money comes from, and population."""
        if self.profit is None:
            money = "no money: economics not stated"
        elif self.economics is None:
            money = f"money realised, {self.currency}"
        else:
            money = f"money in {self.currency}, assumed: {', '.join(self.economics.assumed) or 'nothing'}"
        return f"Cut-offs: {self.count:,} applications; {money}; {self.population}"

    def sentence(self, row: int) -> str:
        """One row in plain words."""
        said = f"At a cut-off of {self.cut_off[row]:.4g}, {percent_text(self.approval_rate[row])} are approved"
        if self.declined[row] > 0:
            said += (
                f"; of the declined, {percent_text(self.declines_right[row])} were bad (right) and "
                f"{percent_text(self.good_turned_away[row])} were good applicants turned away"
            )
        if self.profit is not None and self.currency is not None:
            said += f"; profit {money_text(self.profit[row], self.currency)}"
        return f"{said} ({self.population})."


def cut_off_table(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    economics: Economics | Priced | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
    value: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    cut_offs: ArrayLike | None = None,
    refer_from: float | None = None,
    currency: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    population: str = NOT_STATED,
) -> CutOffTable:
    """Show what each cut-off would have meant for applications whose outcome is known.

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. Money comes from `economics`, with
    `columns` for what its terms read (or already priced), or from `value` (n,): realised money if approved, negative
    where it lost. Without either no money is shown. `cut_offs` are PDs; by default every 20th part of the rows, rounded
    to three digits, with declining all (0) and approving all. `refer_from` is the PD from which a person looks at
    what is not declined. `seed` fixes the bootstrap of profit. Raises MeasureError.

    >>> economics = Economics(revenue=100, funding=20, ead=1000, lgd=0.5, currency="EUR")
    >>> table = cut_off_table([0, 0, 0, 1], [.1, .2, .6, .7], economics=economics, cut_offs=[0.5, 1.0])
    >>> table.profit.tolist(), table.forgone_profit.tolist(), table.losses_avoided.tolist()
    ([160.0, -280.0], [80.0, 0.0], [500.0, 0.0])
    >>> print(table.sentence(0))
    At a cut-off of 0.5, 50.0% are approved; of the declined, 50.0% were bad (right) and 50.0% were good applicants
    turned away; profit EUR 160 (population not stated).
    """
    outcomes = check_outcomes(bad, pd, weights)
    money = check_money(
        outcomes, economics=economics, columns=columns, value=value, currency=currency, refer_from=refer_from
    )
    confidence = check_confidence(confidence)
    at = _default_cut_offs(outcomes.pd) if cut_offs is None else _check_cut_offs(cut_offs)
    bands = Bands.of(outcomes, at)
    goods, bads = bands.by_outcome()
    bads_approved, bads_declined = approved_sums(bads), declined_sums(bads)
    approved, goods_declined = approved_sums(goods) + bads_approved, declined_sums(goods)
    declined = goods_declined + bads_declined
    with np.errstate(invalid="ignore"):  # a share of nobody is NaN
        bad_rate_approved = bads_approved / approved
        declines_right = bads_declined / declined
    return CutOffTable(
        cut_off=at,
        approved=approved,
        declined=declined,
        approval_rate=approved / outcomes.total,
        bad_rate_approved=bad_rate_approved,
        bads_approved=bads_approved,
        bads_declined=bads_declined,
        goods_declined=goods_declined,
        declines_right=declines_right,
        good_turned_away=1.0 - declines_right,
        referred=None if refer_from is None else _referred(bands, refer_from),
        **({} if money is None else _money_columns(bands, money, confidence, seed)),
        count=len(outcomes),
        currency=None if money is None else money.currency,
        economics=None if money is None else money.economics,
        confidence=confidence,
        population=population,
    )


def spread_cut_offs(pd: ArrayLike, marks: ArrayLike = (), *, steps: int = 100) -> Floats:
    """Cut-offs close enough together for a smooth curve: 0, 1, `marks`, and PDs between which equally many lie.

    >>> spread_cut_offs([0.1, 0.2, 0.3, 0.4], [0.25], steps=2)
    array([0.  , 0.25, 1.  ])
    """
    inner = np.quantile(np.asarray(pd, dtype=np.float64), np.linspace(0, 1, steps + 1)[1:-1])
    return np.unique([0.0, *(float(f"{step:.3g}") for step in inner), *np.asarray(marks, dtype=np.float64), 1.0])


def _referred(bands: Bands, refer_from: float) -> Floats:
    of_goods, of_bads = bands.by_outcome(looked_at(bands.outcomes, refer_from).astype(np.float64))
    return approved_sums(of_goods + of_bads)


def _money_columns(bands: Bands, money: Money, confidence: float, seed: int) -> dict[str, Floats]:
    named: dict[str, Floats] = {}
    if money.terms is not None:
        revenue, _ = bands.by_outcome(money.terms.revenue)
        named["revenue"], named["revenue_lost"] = approved_sums(revenue), declined_sums(revenue)
        for name, amounts in (("costs", money.terms.costs), ("review", money.terms.review)):
            of_goods, of_bads = bands.by_outcome(amounts)
            named[name] = approved_sums(of_goods + of_bads)
    _, losses = bands.by_outcome(money.losses)
    named["losses"], named["losses_avoided"] = approved_sums(losses), declined_sums(losses)
    of_goods, of_bads = bands.by_outcome(money.profit)
    named["forgone_profit"] = declined_sums(of_goods)
    named["profit"] = approved_sums(of_goods + of_bads)
    cells = Cells.of(bands.cell, bands.outcomes.weighted(money.profit), 2 * bands.count)
    by_band = resample(cells, seed=seed)
    by_cut_off = approved_sums(by_band[:, 0::2] + by_band[:, 1::2])
    named["profit_low"], named["profit_high"] = percentiles(by_cut_off, confidence)
    return named


def _default_cut_offs(pd: Floats) -> Floats:
    """Cut-offs that decline about 0, 5, ... 100% of the rows, to three significant digits."""
    quantiles = np.quantile(pd, np.arange(1, _STEPS) / _STEPS)
    # What is above every PD approves all; 1 does, unless a PD of 1 occurs.
    top = 1.0 if float(pd.max()) < 1.0 else float(np.nextafter(1.0, 2.0))
    rounded = [float(f"{quantile:.3g}") for quantile in quantiles]
    return np.unique([0.0, *rounded, top])


def _check_cut_offs(cut_offs: ArrayLike) -> Floats:
    return np.unique([check_cut_off(float(each), "cut_offs") for each in check_numbers(cut_offs, "cut_offs")])
