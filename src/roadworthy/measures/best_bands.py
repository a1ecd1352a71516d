"""The two cut-offs, approve / refer / decline, that would have earned most (R18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.bands import Bands, approved_sums
from roadworthy.measures.checks import Outcomes, check_cut_off, check_outcomes, frozen
from roadworthy.measures.comparison import compare_profit
from roadworthy.measures.constraints import Constraints, Reach, binding, refuse_infeasible
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.money import Money, check_money, refuse_stated_bad_rate
from roadworthy.measures.referral_trade import ReferralTrade, trade_referrals
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.results import NOT_STATED, Floats, money_text, percent_text
from roadworthy.measures.search import even_cut_offs
from roadworthy.measures.verdict import Comparison

__all__ = ["BestBands", "best_bands"]

_STEPS = 200
"""Cut-offs tried on either side; where there are fewer distinct PDs, all of them."""
_FOLDS = 5


@dataclass(frozen=True, kw_only=True, repr=False)
class BestBands:
    """The most profitable pair of cut-offs on these applications. Counts are weight; money is in `currency`.

    refer_from, decline_from    below the first, approve; from the second on, decline; between them a person looks.
                                Equal where referring does not pay
    profit                      on these applications, on which the pair was chosen
    approved, approval_rate, bad_rate_approved    those that people approve, as `referrals` state, included
    referred, referred_share    weight a person looks at
    against_all, against_in_force    profit less that of approving all, and of the pair in force. Each application is
                                judged by a pair chosen without it, so that the choice does not flatter itself
    in_force, profit_in_force, referred_share_in_force    of the pair in force, on these applications; None without one
    trade                       the most profit for each share referred, under the constraints
    constraints, binding        what the pair was held to, and what of that costs profit
    """

    refer_from: float
    decline_from: float
    profit: float
    approved: float
    approval_rate: float
    bad_rate_approved: float
    referred: float
    referred_share: float
    against_all: Comparison | None
    against_in_force: Comparison | None
    in_force: tuple[float, float] | None
    profit_in_force: float | None
    referred_share_in_force: float | None
    trade: ReferralTrade
    constraints: Constraints | None
    binding: tuple[str, ...]
    referrals: Referrals
    count: int
    currency: str
    economics: Economics | None
    population: str

    @property
    def sentence(self) -> str:
        """The answer in words."""
        if self.refer_from == self.decline_from:
            said = f"Referring does not pay: approve below a PD of {self.decline_from:.4g} and decline from there on"
        else:
            said = (
                f"Approve below a PD of {self.refer_from:.4g}, refer up to {self.decline_from:.4g} "
                f"({percent_text(self.referred_share)} of applications) and decline from there on"
            )
        said += f": profit {money_text(self.profit, self.currency)}. {self.referrals.sentence}"
        if self.constraints is not None and self.constraints.stated:
            said += f" It is held to {self.constraints.sentence}; "
            said += f"{', '.join(self.binding)} cost profit." if self.binding else "nothing of that costs profit."
        for what, found in (("approving all", self.against_all), ("the bands in force", self.against_in_force)):
            said += "" if found is None else f" Against {what}: {found.verdict}."
        return f"{said} ({self.population})"

    def __repr__(self) -> str:
        return f"Best bands {self.refer_from:.4g} and {self.decline_from:.4g}\n{self.sentence}"


def best_bands(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    referrals: Referrals,
    economics: Economics | Priced | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
    value: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    constraints: Constraints | None = None,
    in_force: tuple[float, float] | None = None,
    currency: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    population: str = NOT_STATED,
) -> BestBands:
    """Search pairs of cut-offs for the highest profit; of equal ones, the one that approves most.

    Arguments and errors as for `best_cut_off`. `referrals` has to be stated: without a word on what people do with the
    referred, no pair is better than one cut-off. `in_force` is (refer from, decline from). Tried are all pairs of 200
    cut-offs that part the applications evenly, or of all distinct PDs where they are fewer. The differences are judged
    on each fifth of the applications with the pair chosen on the other four; `seed` deals them out. They are None for
    fewer than 50 applications.

    Cross-validation: Stone, M. (1974), Cross-validatory choice and assessment of statistical predictions, Journal of
    the Royal Statistical Society B 36(2). doi:10.1111/j.2517-6161.1974.tb00994.x

    >>> economics = Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=5)
    >>> found = best_bands([0, 0, 0, 1, 0, 1, 1, 1], [.1, .1, .3, .3, .3, .3, .8, .9], economics=economics,
    ...                    referrals=Referrals(approved=0.4, bad_rate_ratio=0.25))
    >>> found.refer_from, found.decline_from, round(found.profit, 6)
    (0.2, 0.55, 220.0)
    """
    outcomes = check_outcomes(bad, pd, weights)
    if not isinstance(referrals, Referrals):
        raise MeasureError("best_bands needs referrals", mend="referrals=Referrals(approved=0.6, minutes=20)")
    refuse_stated_bad_rate(referrals)
    stated = {"economics": economics, "columns": columns, "value": value, "currency": currency}
    own = check_money(outcomes, **stated, refer_from=None)  # type: ignore[arg-type]  # handed on as they came
    sent = check_money(outcomes, **stated, refer_from=0.0, referrals=referrals)  # type: ignore[arg-type]  # likewise
    if own is None or sent is None:
        raise MeasureError(
            "best_bands needs money, and neither economics nor value states it",
            mend="economics=Economics(revenue=..., funding=..., ead=..., lgd=...), or value=realised money if approved",
        )
    asked = constraints or Constraints()
    cut_offs = _grid(outcomes)
    whole = _Pairs.of(outcomes, own, sent, referrals, cut_offs)
    total = outcomes.total

    def reach(under: Constraints) -> Reach | None:
        return whole.reach(under, total)

    best = whole.choose(asked, total)
    if best is None:
        raise refuse_infeasible(asked, reach, total)
    profit, approved, bads, referred = (float(each[best]) for each in whole.matrices)
    compared = None if in_force is None else _check_pair(in_force)
    brought = looked = None
    if compared is not None:
        brought = _by_pair(outcomes, own, sent, compared)
        looked = outcomes.weighted(((outcomes.pd >= compared[0]) & (outcomes.pd < compared[1])).astype(np.float64))
    judged = _judge_unseen(outcomes, own, sent, referrals, cut_offs, asked, seed)

    def compare(others: Floats) -> Comparison | None:
        if judged is None:
            return None
        heavy = outcomes.weights if outcomes.weights.size else None
        return compare_profit(
            others, judged, weights=heavy, currency=own.currency, confidence=confidence, population=population
        )

    return BestBands(
        refer_from=float(cut_offs[best[0]]),
        decline_from=float(cut_offs[best[1]]),
        profit=profit,
        approved=approved,
        approval_rate=approved / total,
        bad_rate_approved=bads / approved if approved else float("nan"),
        referred=referred,
        referred_share=referred / total,
        against_all=compare(own.profit),
        against_in_force=None if brought is None else compare(brought),
        in_force=compared,
        profit_in_force=None if brought is None else float(outcomes.weighted(brought).sum()),
        referred_share_in_force=None if looked is None else float(looked.sum()) / total,
        trade=trade_referrals(
            whole.matrices,
            whole.kept(asked, total),
            cut_offs,
            total=total,
            currency=own.currency,
            population=population,
        ),
        constraints=constraints,
        binding=binding(asked, reach, profit),
        referrals=referrals,
        count=len(outcomes),
        currency=own.currency,
        economics=own.economics,
        population=population,
    )


@dataclass(frozen=True)
class _Pairs:
    """For every pair of cut-offs, refer from (rows) and decline from (columns): profit, approved, bads, referred."""

    matrices: tuple[Floats, Floats, Floats, Floats]

    @classmethod
    def of(cls, outcomes: Outcomes, own: Money, sent: Money, referrals: Referrals, cut_offs: Floats) -> _Pairs:
        bands = Bands.of(outcomes, cut_offs)
        goods, bads = bands.by_outcome()
        goods_sent, bads_sent = referrals.goods_and_bads(goods, bads)
        approved_all, referred_all = (
            (np.add(*bands.by_outcome(own.profit)), goods + bads, bads, np.zeros(len(goods))),
            (np.add(*bands.by_outcome(sent.profit)), goods_sent + bads_sent, bads_sent, goods + bads),
        )
        pairs = []
        for approved, referred in zip(approved_all, referred_all, strict=True):
            below, looked = approved_sums(approved), approved_sums(referred)
            pairs.append((below - looked)[:, None] + looked[None, :])
        return cls((pairs[0], pairs[1], pairs[2], pairs[3]))

    def kept(self, constraints: Constraints, total: float) -> NDArray[np.bool_]:
        """Which pairs keep to the constraints; of a pair, refer from is at most decline from."""
        _, approved, bads, referred = self.matrices
        limits = constraints.limits(total)
        rate = np.divide(bads, approved, out=np.zeros_like(bads), where=approved > 0.0)
        slack = 1e-12 * total  # differences of sums leave a little where nobody is
        kept: NDArray[np.bool_] = (
            (approved >= limits.approved - slack) & (rate <= limits.bad_rate) & (referred <= limits.referred + slack)
        )
        return np.triu(kept)

    def choose(self, constraints: Constraints, total: float) -> tuple[int, int] | None:
        kept = self.kept(constraints, total)
        if not kept.any():
            return None
        profit = np.where(kept, self.matrices[0], -np.inf)
        highest = float(profit.max())
        equal = profit >= highest - 1e-12 * abs(highest)
        position = int(np.where(equal, self.matrices[1], -np.inf).argmax())
        return position // profit.shape[1], position % profit.shape[1]

    def reach(self, constraints: Constraints, total: float) -> Reach | None:
        kept = self.kept(constraints, total)
        if not kept.any():
            return None
        profit, approved, bads, referred = (each[kept] for each in self.matrices)
        rate = np.divide(bads, approved, out=np.zeros_like(bads), where=approved > 0.0)
        return Reach(float(profit.max()), float(approved.max()), float(rate.min()), float(referred.min()))


def _grid(outcomes: Outcomes) -> Floats:
    order = np.argsort(outcomes.pd)
    spread = even_cut_offs(outcomes, order, _STEPS)
    top = 1.0 if float(outcomes.pd[order[-1]]) < 1.0 else float(np.nextafter(1.0, 2.0))
    return np.unique([0.0, *spread, top])


def _by_pair(outcomes: Outcomes, own: Money, sent: Money, pair: tuple[float, float]) -> Floats:
    """What each application brings under the pair."""
    return np.where(outcomes.pd < pair[0], own.profit, np.where(outcomes.pd < pair[1], sent.profit, 0.0))


def _judge_unseen(
    outcomes: Outcomes, own: Money, sent: Money, referrals: Referrals, cut_offs: Floats, asked: Constraints, seed: int
) -> Floats | None:
    """What each application brings under the pair chosen without it; None where too few are left to choose on."""
    n = len(outcomes)
    if n < 10 * _FOLDS:
        return None
    dealt = np.random.default_rng(seed).permutation(n) % _FOLDS
    profit = np.empty(n)
    for fold in range(_FOLDS):
        others = dealt != fold
        seen = Outcomes(
            frozen(outcomes.bad[others]),
            frozen(outcomes.pd[others]),
            frozen(outcomes.weights[others]) if outcomes.weights.size else outcomes.weights,
        )
        if not seen.total > 0.0:
            return None
        pairs = _Pairs.of(seen, _of_rows(own, others), _of_rows(sent, others), referrals, cut_offs)
        # Four fifths of the applications come with four fifths of the days in which people can look at them.
        days = None if asked.days is None else asked.days * seen.total / outcomes.total
        chosen = pairs.choose(replace(asked, days=days), seen.total)
        if chosen is None:  # the constraints hold on all applications, and on these, narrowly, they do not
            return None
        pair = float(cut_offs[chosen[0]]), float(cut_offs[chosen[1]])
        profit[~others] = _by_pair(outcomes, own, sent, pair)[~others]
    return profit


def _of_rows(money: Money, rows: NDArray[np.bool_]) -> Money:
    return Money(frozen(money.profit[rows]), None, None, frozen(money.review[rows]), money.currency)


def _check_pair(pair: object) -> tuple[float, float]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise MeasureError(f"in_force is (refer from, decline from), not {pair!r}", mend="in_force=(0.1, 0.3)")
    low, high = (check_cut_off(each, "in_force") for each in pair)
    if low > high:
        raise MeasureError(
            f"in_force refers from {low:g}, above {high:g} where it declines", mend="the lower one first"
        )
    return low, high
