"""What a cut-off means: who is declined, how often rightly, and what it is worth (R18).

PD >= cut-off is declined. With one cut-off nobody is referred, unless `refer_from` says from which PD a person looks;
those applications count as approved, since what the person would answer is not known, and each costs `review`. Where
`referrals` state what becomes of them, that is counted instead, and the table says so.

    profit = revenue - costs - review - losses, of the applications approved

Forgone profit (of goods declined) and losses avoided (of bads declined) are shown beside profit and are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.bands import Bands, approved_sums, declined_sums
from roadworthy.measures.checks import check_cut_off, check_numbers, check_outcomes, check_rows
from roadworthy.measures.cut_off_columns import differences, money_columns, referral_columns, take
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.intervals import REPLICATES, check_confidence, check_resamples
from roadworthy.measures.money import check_money
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.results import COUNT, MONEY, NOT_STATED, PD, SHARE, Floats, Table, money_text, percent_text
from roadworthy.measures.search import Search

__all__ = ["CutOffTable", "check_cut_offs", "cut_off_table", "default_cut_offs", "spread_cut_offs"]

_STEPS = 20
_MOST = 2_000
"""Cut-offs in one table: more are no table to read, and each takes part in every bootstrap replicate."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CutOffTable(Table):
    """One row for each cut-off, from declining all to approving all. Counts are weight; money is in `currency`.

    cut_off                    PD from which applications are declined
    approved, declined         weight on either side; approval_rate is the share approved
    bad_rate_approved          bads among the approved, as a share of them
    bads_approved, bads_declined, goods_declined
    declines_right             share of the declined that were bad
    good_turned_away           share of the declined that were good: 1 - declines_right
    referred                   below the cut-off, those a person looks at; None without `refer_from`
    referred_approved          of them, those that people approve as `referrals` state: part of `approved`; None without
    referred_declined, lost_waiting, review_hours    likewise: declined by people, gone before a look, people's time
    revenue, costs, review     of the approved; revenue is that of the goods among them
    losses, losses_avoided     credit loss of bads approved; of bads declined
    revenue_lost               revenue of goods declined
    forgone_profit             profit of goods declined; shown apart, never subtracted
    profit                     revenue - costs - review - losses
    profit_low, profit_high    its bootstrap interval
    difference_from_all        profit less that of approving all, with `_low` and `_high`
    difference_from_in_force   profit less that of the cut-off, or of the policy, in force, likewise; None without
    difference_from_best       profit less that of the best cut-off on these rows, `best`, likewise: never above 0. That
                               one was chosen on these rows and looks better than it is: see `best_cut_off`. None
                               where `referrals` state one bad rate for whatever PD

    `declined` is what the cut-off declines: approved + declined + referred_declined + lost_waiting is everyone. Where
    the money looks further than the PD, revenue and losses count the bads still to come, see `join_horizons`.
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
    referred_approved: Floats | None = field(default=None, metadata=COUNT)
    referred_declined: Floats | None = field(default=None, metadata=COUNT)
    lost_waiting: Floats | None = field(default=None, metadata=COUNT)
    review_hours: Floats | None = field(default=None, metadata=COUNT)
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
    difference_from_all: Floats | None = field(default=None, metadata=MONEY)
    difference_from_all_low: Floats | None = field(default=None, metadata=MONEY)
    difference_from_all_high: Floats | None = field(default=None, metadata=MONEY)
    difference_from_in_force: Floats | None = field(default=None, metadata=MONEY)
    difference_from_in_force_low: Floats | None = field(default=None, metadata=MONEY)
    difference_from_in_force_high: Floats | None = field(default=None, metadata=MONEY)
    difference_from_best: Floats | None = field(default=None, metadata=MONEY)
    difference_from_best_low: Floats | None = field(default=None, metadata=MONEY)
    difference_from_best_high: Floats | None = field(default=None, metadata=MONEY)
    count: int
    currency: str | None
    economics: Economics | None
    confidence: float
    population: str
    in_force: float | None = None
    best: float | None = None
    referrals: Referrals | None = None

    @property
    def caption(self) -> str:
        """Size, where the money comes from, and population."""
        if self.profit is None:
            money = "no money: economics not stated"
        elif self.economics is None:
            money = f"money realised, {self.currency}"
        else:
            money = f"money in {self.currency}, {self.economics.basis_text}"
        stated = "" if self.referrals is None else f"; {self.referrals.sentence.rstrip('.').lower()}"
        return f"Cut-offs: {self.count:,} applications; {money}{stated}; {self.population}"

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
    referrals: Referrals | None = None,
    in_force: float | None = None,
    approved_in_force: ArrayLike | None = None,
    currency: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = REPLICATES,
    population: str = NOT_STATED,
) -> CutOffTable:
    """Show what each cut-off would have meant for applications whose outcome is known.

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. Money comes from `economics`, with
    `columns` for what its terms read (or already priced), or from `value` (n,): realised money if approved, negative
    where it lost. Without either no money is shown. `cut_offs` are PDs; by default every 20th part of the rows, rounded
    to three digits, with declining all (0) and approving all; at most 2,000. `refer_from` is the PD from which a person
    looks at what is not declined, and `referrals` states what becomes of those. `in_force` is the cut-off to compare
    with; or `approved_in_force` (n,), 0 and 1, are the applications that the whole policy in force approves, rules
    included, each worth to it what it is worth here, so not with `refer_from`. `resamples` (100 to 100,000) and `seed`
    fix the bootstrap of profit and of the differences, which are paired: the same applications are drawn on both sides.
    An application without a known outcome has no place here; see `bounded_cut_off_table`. Raises MeasureError.

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
        outcomes, economics=economics, columns=columns, value=value, currency=currency, refer_from=refer_from,
        referrals=referrals,
    )  # fmt: skip
    confidence, resamples = check_confidence(confidence), check_resamples(resamples)
    at = default_cut_offs(outcomes.pd) if cut_offs is None else check_cut_offs(cut_offs)
    compared = None if in_force is None else check_cut_off(in_force, "in_force")
    taken_now = _check_in_force(approved_in_force, len(outcomes), in_force, refer_from)
    best = None
    if money is not None and (referrals is None or referrals.bad_rate is None):
        best = Search(outcomes, money.profit).best(np.argsort(outcomes.pd)).cut_off
    marks = [mark for mark in (refer_from, compared, best) if mark is not None]
    bands = Bands.of(outcomes, np.unique([*at, *marks, np.nextafter(1.0, 2.0)]))
    shown = np.searchsorted(bands.cut_offs, at)
    looked = None if refer_from is None else bands.from_pd(refer_from)
    goods, bads = bands.by_outcome()
    goods_taken, bads_taken = take(goods, bads, looked, referrals)
    bads_approved, bads_declined = approved_sums(bads_taken)[shown], declined_sums(bads)[shown]
    approved = approved_sums(goods_taken)[shown] + bads_approved
    goods_declined = declined_sums(goods)[shown]
    declined = goods_declined + bads_declined
    with np.errstate(invalid="ignore"):  # a share of nobody is NaN
        bad_rate_approved = bads_approved / approved
        declines_right = bads_declined / declined
    named = (
        {} if looked is None else referral_columns(approved_sums(np.where(looked, goods + bads, 0.0))[shown], referrals)
    )
    if money is not None:
        named |= money_columns(bands, money, looked, referrals, shown)
        named |= differences(
            bands, money, shown, {"all": None, "in_force": compared, "best": best}, approved_in_force=taken_now,
            confidence=confidence, seed=seed, resamples=resamples,
        )  # fmt: skip
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
        **named,
        count=len(outcomes),
        currency=None if money is None else money.currency,
        economics=None if money is None else money.economics,
        confidence=confidence,
        population=population,
        in_force=compared,
        best=best,
        referrals=referrals,
    )


def _check_in_force(
    approved: ArrayLike | None, n: int, cut_off: float | None, refer_from: float | None
) -> NDArray[np.bool_] | None:
    """Whom the policy in force approves, where that is stated, and nothing that it cannot be compared with."""
    if approved is None:
        return None
    if cut_off is not None:
        raise MeasureError("in_force and approved_in_force both state what is in force", mend="keep one")
    if refer_from is not None:
        raise MeasureError(
            "approved_in_force does not say whom the policy in force refers, and refer_from is stated",
            mend="leave refer_from out; swap_set compares answers with referrals",
        )
    numbers = check_numbers(approved, "approved_in_force")
    check_rows(numbers, "approved_in_force", n)
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise MeasureError("approved_in_force is 0 or 1", mend="approved_in_force = (answer == 'approve')")
    yes: NDArray[np.bool_] = numbers == 1.0
    return yes


def spread_cut_offs(pd: ArrayLike, marks: ArrayLike = (), *, steps: int = 100) -> Floats:
    """Cut-offs close enough together for a smooth curve: 0, 1, `marks`, and PDs between which equally many lie.

    `pd` (n,) lies in 0..1, as do the `marks`; `steps` is at most 1,000. Raises MeasureError.

    >>> spread_cut_offs([0.1, 0.2, 0.3, 0.4], [0.25], steps=2)
    array([0.  , 0.25, 1.  ])
    """
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= _MOST // 2:
        raise MeasureError(f"steps is a whole number from 1 to {_MOST // 2:,}, not {steps!r}", mend="steps=100")
    probability = check_outcomes(np.zeros(np.shape(np.asarray(pd))), pd).pd
    marked = check_cut_offs(marks) if np.size(marks) else np.empty(0)
    inner = np.quantile(probability, np.linspace(0, 1, steps + 1)[1:-1])
    return np.unique([0.0, *(float(f"{step:.3g}") for step in inner), *marked, 1.0])


def default_cut_offs(pd: Floats) -> Floats:
    """Cut-offs that decline about 0, 5, ... 100% of the rows, to three significant digits."""
    quantiles = np.quantile(pd, np.arange(1, _STEPS) / _STEPS)
    # What is above every PD approves all; 1 does, unless a PD of 1 occurs.
    top = 1.0 if float(pd.max()) < 1.0 else float(np.nextafter(1.0, 2.0))
    rounded = [float(f"{quantile:.3g}") for quantile in quantiles]
    return np.unique([0.0, *rounded, top])


def check_cut_offs(cut_offs: ArrayLike) -> Floats:
    """Rising, distinct PDs, at most 2,000 of them."""
    if np.size(cut_offs) > _MOST:
        raise MeasureError(
            f"cut_offs holds {np.size(cut_offs):,} cut-offs, more than {_MOST:,}",
            mend="best_cut_off searches every PD; a table shows some: np.quantile(pd, np.linspace(0, 1, 101))",
        )
    return np.unique([check_cut_off(float(each), "cut_offs") for each in check_numbers(cut_offs, "cut_offs")])
