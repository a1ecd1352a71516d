"""The cut-off that would have earned most, and whether the difference is more than chance (R18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.bands import Bands, approved_sums
from roadworthy.measures.checks import check_cut_off, check_outcomes
from roadworthy.measures.constraints import Constraints
from roadworthy.measures.cut_off_columns import take
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.intervals import REPLICATES, check_confidence, check_resamples, percentiles, resample
from roadworthy.measures.money import check_money, refuse_stated_bad_rate
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.results import NOT_STATED, Floats, money_text, percent_text
from roadworthy.measures.search import Search, even_cut_offs

__all__ = ["BestCutOff", "Difference", "best_cut_off"]

_OF_IT = " of the difference"
_BANDS = 100
"""Bands of PD in which the bootstrap looks for its own best cut-off."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Profit at the best cut-off less profit elsewhere, with its interval."""

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, kw_only=True, repr=False)
class BestCutOff:
    """The most profitable cut-off on these applications. Counts are weight; money is in `currency`.

    cut_off                      about halfway between the last PD approved and the first declined
    cut_off_low, cut_off_high    where the best one fell in the bootstrap
    profit, approved, approval_rate, bad_rate_approved    at that cut-off
    difference_from_all          profit less that of approving all; its `low` and `high` are less `optimism`
    difference_from_in_force     the same against the cut-off in force, None where none was given
    optimism                     by how much the best of these rows overstates itself, having been chosen on them
    constraints, binding         what it was held to, and what of that costs profit
    referrals                    what was stated about the applications that a person looks at
    """

    cut_off: float
    cut_off_low: float
    cut_off_high: float
    profit: float
    approved: float
    approval_rate: float
    bad_rate_approved: float
    difference_from_all: Difference
    in_force: float | None
    difference_from_in_force: Difference | None
    optimism: float
    confidence: float
    count: int
    currency: str
    economics: Economics | None
    population: str
    constraints: Constraints | None = None
    binding: tuple[str, ...] = ()
    referrals: Referrals | None = None

    @property
    def sentence(self) -> str:
        """The answer in words."""
        if self.approved == 0.0:
            what = "that keeps to what is asked " if self.binding else ""
            answer = f"No cut-off {what}earns anything here: declining all is best."
        elif self.difference_from_all.value == 0.0:
            answer = f"No cut-off beats approving all: profit {money_text(self.profit, self.currency)}."
        else:
            answer = (
                f"Declining from a PD of {self.cut_off:.4g} on approves {percent_text(self.approval_rate)} and has a "
                f"profit of {money_text(self.profit, self.currency)}. "
                f"That is {self._against(self.difference_from_all, 'approving all')}"
            )
        if self.difference_from_in_force is not None and self.in_force is not None:
            in_force = f"the cut-off in force, {self.in_force:.4g}"
            answer += f" It is {self._against(self.difference_from_in_force, in_force)}"
        if self.constraints is not None and self.constraints.stated:
            answer += f" It is held to {self.constraints.sentence}; "
            answer += f"{', '.join(self.binding)} cost profit." if self.binding else "nothing of that costs profit."
        if self.referrals is not None:
            answer += f" {self.referrals.sentence}"
        return f"{answer} ({self.population})"

    def _against(self, difference: Difference, what: str) -> str:
        if difference.value == 0.0:
            return f"no more than {what}."
        low, high = (money_text(bound, self.currency) for bound in (difference.low, difference.high))
        interval = f"({self.confidence:.0%} interval of the difference {low} to {high})"
        if difference.value < 0.0:  # constraints cost
            return f"{money_text(-difference.value, self.currency)} less than {what} {interval}."
        said = f"{money_text(difference.value, self.currency)} more than {what} {interval.replace(_OF_IT, '')}"
        return f"{said}." if difference.certain else f"{said}: not enough evidence yet that it is better."

    def __repr__(self) -> str:
        assumed = "money realised" if self.economics is None else self.economics.basis_text
        return (
            f"Best cut-off {self.cut_off:.4g} ({self.cut_off_low:.4g} to {self.cut_off_high:.4g}) over {self.count:,} "
            f"applications; {assumed}\n{self.sentence}"
        )


def best_cut_off(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    economics: Economics | Priced | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
    value: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    in_force: float | None = None,
    refer_from: float | None = None,
    referrals: Referrals | None = None,
    constraints: Constraints | None = None,
    currency: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = REPLICATES,
    population: str = NOT_STATED,
) -> BestCutOff:
    """Search every distinct PD for the cut-off with the highest profit; of equal ones, the one that approves most.

    Arguments and errors as for `cut_off_table`; money, by `economics` or `value`, has to be stated. `in_force` is the
    cut-off to compare with. `constraints` are kept to on these rows; where nothing keeps to them all, the error tells
    how near each can be come by. The intervals are a bootstrap of the rows at the cut-off found, lowered by
    `optimism`: the mean over replicates of what each one's own best cut-off earns there beyond what it earns on the
    real rows.

    Efron, B. (1983), Estimating the error rate of a prediction rule: improvement on cross-validation, Journal of the
    American Statistical Association 78(382). doi:10.1080/01621459.1983.10477973

    >>> best = best_cut_off([0, 0, 0, 1, 1], [.1, .2, .3, .6, .8], value=[10, 10, 10, -50, -50])
    >>> best.cut_off, best.profit, best.approved, best.difference_from_all.value
    (0.45, 30.0, 3.0, 100.0)
    """
    outcomes = check_outcomes(bad, pd, weights)
    confidence = check_confidence(confidence)
    money = check_money(
        outcomes, economics=economics, columns=columns, value=value, currency=currency, refer_from=refer_from,
        referrals=referrals,
    )  # fmt: skip
    if money is None:
        raise MeasureError(
            "best_cut_off needs money, and neither economics nor value states it",
            mend="economics=Economics(revenue=..., funding=..., ead=..., lgd=...), or value=realised money if approved",
        )
    refuse_stated_bad_rate(referrals)
    resamples = check_resamples(resamples)
    order = np.argsort(outcomes.pd)
    found = Search(outcomes, money.profit, refer_from, referrals).best(order, constraints)
    at, grid = found.cut_off, even_cut_offs(outcomes, order, _BANDS)
    compared = None if in_force is None else check_cut_off(in_force, "in_force")
    marks = [mark for mark in (compared, refer_from) if mark is not None]
    cut_offs = np.unique([at, *grid, *marks, np.nextafter(1.0, 2.0)])
    bands = Bands.of(outcomes, cut_offs)
    looked = None if refer_from is None else bands.from_pd(refer_from)
    goods, bads = take(*bands.by_outcome(), looked, referrals)
    bads_approved = approved_sums(bads)
    approved = approved_sums(goods) + bads_approved
    referred = (
        np.zeros(len(cut_offs)) if looked is None else approved_sums(np.where(looked, np.add(*bands.by_outcome()), 0.0))
    )
    cells = bands.cells(money.profit)
    by_band = resample(cells, seed=seed, replicates=resamples)
    replicates = approved_sums(by_band[:, 0::2] + by_band[:, 1::2])
    here = approved_sums(cells.sums[0::2] + cells.sums[1::2])
    best = int(np.searchsorted(cut_offs, at))
    # Summed in another order the best one may be past a bound by its last digits; it was allowed.
    allowed = np.union1d(_keep_to(constraints, outcomes.total, approved, bads_approved, referred), [best])
    chosen = allowed[replicates[:, allowed].argmax(axis=1)]
    everyone = len(cut_offs) - 1
    own_gain = replicates[np.arange(len(replicates)), chosen] - replicates[:, everyone]
    optimism = max(0.0, float(np.mean(own_gain - (here[chosen] - here[everyone]))))
    low, high = percentiles(cut_offs[chosen], confidence)

    def difference_from(position: int) -> Difference:
        gains = replicates[:, best] - replicates[:, position]
        if not gains.any():  # the same applications are approved: nothing was searched for
            return Difference(value=0.0, low=0.0, high=0.0)
        below, above = percentiles(gains, confidence)
        return Difference(
            value=float(here[best] - here[position]), low=float(below) - optimism, high=float(above) - optimism
        )

    return BestCutOff(
        cut_off=at,
        cut_off_low=float(low),
        cut_off_high=float(high),
        profit=float(here[best]),
        approved=float(approved[best]),
        approval_rate=float(approved[best] / outcomes.total),
        bad_rate_approved=float(bads_approved[best] / approved[best]) if approved[best] else float("nan"),
        difference_from_all=difference_from(everyone),
        in_force=compared,
        difference_from_in_force=None
        if compared is None
        else difference_from(int(np.searchsorted(cut_offs, compared))),
        optimism=optimism,
        confidence=confidence,
        count=len(outcomes),
        currency=money.currency,
        economics=money.economics,
        population=population,
        constraints=constraints,
        binding=found.binding,
        referrals=referrals,
    )


def _keep_to(
    constraints: Constraints | None, total: float, approved: Floats, bads: Floats, referred: Floats
) -> NDArray[np.intp]:
    """The positions of the cut-offs that keep to the constraints."""
    limits = (constraints or Constraints()).limits(total)
    rate = np.divide(bads, approved, out=np.zeros(len(approved)), where=approved > 0.0)
    kept = (approved >= limits.approved) & (rate <= limits.bad_rate) & (referred <= limits.referred)
    return np.flatnonzero(kept)
