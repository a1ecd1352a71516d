"""What a cut-off means where some outcomes are unknown: bounds that hold whatever they were (R18, R22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.measures.bands import Bands, approved_sums, declined_sums
from roadworthy.measures.cut_off import check_cut_offs, default_cut_offs
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.intervals import REPLICATES, check_confidence, check_resamples, percentiles, resample
from roadworthy.measures.money import check_priced, looked_at
from roadworthy.measures.results import COUNT, MONEY, NOT_STATED, PD, SHARE, Floats, Table, money_text, percent_text
from roadworthy.measures.unknown import bound_profit, check_partly_known

__all__ = ["BoundedCutOffTable", "bounded_cut_off_table"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class BoundedCutOffTable(Table):
    """One row for each cut-off. Counts are weight; money is in `currency`.

    cut_off, approved, declined, approval_rate    as in a cut-off table
    unknown_approved, unknown_declined    of them, those whose outcome is unknown
    bad_rate_known             bads among the approved whose outcome is known: says nothing certain of the others
    bad_rate_low, bad_rate_high    bad rate of the approved if all the unknown were good; if all were bad
    bad_rate_expected          with the model's PD for the unknown: its expectation, not an observation
    declines_right_low, declines_right_high    share of the declined that was or could have been bad
    profit_worst, profit_best  with every unknown outcome the worse, the better one; the truth lies between
    profit_expected            with the model's PD for the unknown: its expectation, not an observation
    profit_low, profit_high    what chance in the sample adds: the lower end of the interval of the worst, the upper end
                               of that of the best

    NaN stands where a share is undefined. Without economics the money columns are None.
    """

    cut_off: Floats = field(metadata=PD)
    approved: Floats = field(metadata=COUNT)
    declined: Floats = field(metadata=COUNT)
    approval_rate: Floats = field(metadata=SHARE)
    unknown_approved: Floats = field(metadata=COUNT)
    unknown_declined: Floats = field(metadata=COUNT)
    bad_rate_known: Floats = field(metadata=SHARE)
    bad_rate_low: Floats = field(metadata=SHARE)
    bad_rate_high: Floats = field(metadata=SHARE)
    bad_rate_expected: Floats = field(metadata=SHARE)
    declines_right_low: Floats = field(metadata=SHARE)
    declines_right_high: Floats = field(metadata=SHARE)
    profit_worst: Floats | None = field(default=None, metadata=MONEY)
    profit_best: Floats | None = field(default=None, metadata=MONEY)
    profit_expected: Floats | None = field(default=None, metadata=MONEY)
    profit_low: Floats | None = field(default=None, metadata=MONEY)
    profit_high: Floats | None = field(default=None, metadata=MONEY)
    count: int
    unknown: int
    currency: str | None
    economics: Economics | None
    confidence: float
    population: str

    @property
    def caption(self) -> str:
        """Size, how much is unknown, where the money comes from, and population."""
        money = "no money: economics not stated"
        if self.economics is not None:
            money = f"money in {self.currency}, {self.economics.basis_text}"
        return (
            f"Cut-offs with bounds: {self.count:,} applications, the outcome of {self.unknown:,} unknown; {money}; "
            f"{self.population}"
        )

    def sentence(self, row: int) -> str:
        """One row in plain words."""
        said = (
            f"At a cut-off of {self.cut_off[row]:.4g}, {percent_text(self.approval_rate[row])} are approved and "
            f"between {percent_text(self.bad_rate_low[row])} and {percent_text(self.bad_rate_high[row])} of them go "
            f"bad: the outcome of {self.unknown_approved[row]:,.0f} is unknown"
        )
        if self.profit_worst is not None and self.profit_best is not None and self.currency is not None:
            low, high = (money_text(each[row], self.currency) for each in (self.profit_worst, self.profit_best))
            said += f"; profit lies between {low} and {high}"
        return f"{said} ({self.population})."


def bounded_cut_off_table(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    economics: Economics | Priced | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
    weights: ArrayLike | None = None,
    cut_offs: ArrayLike | None = None,
    refer_from: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = REPLICATES,
    population: str = NOT_STATED,
) -> BoundedCutOffTable:
    """Bound what each cut-off means for applications of which some have no known outcome.

    `bad` (n,) holds 0, 1, and NaN or None where nobody knows; the other arguments as for `cut_off_table`. Realised
    value is no argument: what an unknown application would have brought has to be stated by `economics`. From
    `refer_from` on, each application not declined costs `review` and counts as approved. Raises MeasureError.

    Each unknown outcome counts once as good and once as bad: Manski, C. F. (1989), Anatomy of the selection problem,
    Journal of Human Resources 24(3). doi:10.2307/145818

    >>> economics = Economics(revenue=100, funding=20, ead=1000, lgd=0.5)
    >>> table = bounded_cut_off_table([0, 1, None, None], [.1, .2, .3, .7], economics=economics, cut_offs=[0.5])
    >>> table.bad_rate_low.round(3).tolist(), table.bad_rate_high.round(3).tolist()
    ([0.333], [0.667])
    >>> table.profit_worst.tolist(), table.profit_best.tolist(), table.profit_expected.round(6).tolist()
    ([-960.0], [-360.0], [-540.0])
    """
    applications = check_partly_known(bad, pd, weights)
    outcomes, known = applications.outcomes, applications.known
    confidence, resamples = check_confidence(confidence), check_resamples(resamples)
    at = default_cut_offs(outcomes.pd) if cut_offs is None else check_cut_offs(cut_offs)
    bands = Bands.of(outcomes, at)
    goods, bads = bands.by_outcome()
    unknown, _ = bands.by_outcome((~known).astype(np.float64))
    hoped, _ = bands.by_outcome(np.where(known, 0.0, outcomes.pd))
    everyone = goods + bads
    approved, declined = approved_sums(everyone), declined_sums(everyone)
    bads_approved, unknown_approved = approved_sums(bads), approved_sums(unknown)
    bads_declined, unknown_declined = declined_sums(bads), declined_sums(unknown)
    money: dict[str, Floats] = {}
    priced = None
    if economics is not None:
        priced = check_priced(economics, columns, len(outcomes))
        bounds = bound_profit(applications, priced)
        review = None if refer_from is None else np.where(looked_at(outcomes, refer_from), priced.review, 0.0)
        for name, amounts in (("worst", bounds.worst), ("best", bounds.best), ("expected", bounds.expected)):
            cells = bands.cells(amounts if review is None else amounts - review)
            money[f"profit_{name}"] = approved_sums(cells.sums[0::2] + cells.sums[1::2])
            if name != "expected":
                drawn = resample(cells, seed=seed, replicates=resamples)
                low, high = percentiles(approved_sums(drawn[:, 0::2] + drawn[:, 1::2]), confidence)
                money |= {"profit_low": low} if name == "worst" else {"profit_high": high}
    with np.errstate(invalid="ignore"):  # a share of nobody is NaN
        return BoundedCutOffTable(
            cut_off=at,
            approved=approved,
            declined=declined,
            approval_rate=approved / outcomes.total,
            unknown_approved=unknown_approved,
            unknown_declined=unknown_declined,
            bad_rate_known=bads_approved / (approved - unknown_approved),
            bad_rate_low=bads_approved / approved,
            bad_rate_high=(bads_approved + unknown_approved) / approved,
            bad_rate_expected=(bads_approved + approved_sums(hoped)) / approved,
            declines_right_low=bads_declined / declined,
            declines_right_high=(bads_declined + unknown_declined) / declined,
            **money,
            count=len(outcomes),
            unknown=int(np.count_nonzero(~known)),
            currency=None if priced is None else priced.economics.currency,
            economics=None if priced is None else priced.economics,
            confidence=confidence,
            population=population,
        )
