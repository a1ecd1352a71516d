"""What if the applications without an outcome were riskier than the model says: a sensitivity, not a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_cut_off, check_numbers
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.money import check_priced
from roadworthy.measures.results import MONEY, NOT_STATED, PD, RATIO, SHARE, Floats, Table
from roadworthy.measures.search import Search
from roadworthy.measures.unknown import bound_profit, check_partly_known

__all__ = ["RejectSensitivity", "reject_sensitivity"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RejectSensitivity(Table):
    """One row for each assumption about the applications whose outcome is unknown. Nothing here was observed.

    multiplier         assumed: their chance of bad is their PD times this, at most 1
    bad_rate_unknown   of them, under the assumption
    bad_rate           of all
    best_cut_off, approval_rate, profit    of the most profitable cut-off, were it so
    profit_all         of approving all
    profit_in_force    at the cut-off in force; None without
    """

    multiplier: Floats = field(metadata=RATIO)
    bad_rate_unknown: Floats = field(metadata=SHARE)
    bad_rate: Floats = field(metadata=SHARE)
    best_cut_off: Floats = field(metadata=PD)
    approval_rate: Floats = field(metadata=SHARE)
    profit: Floats = field(metadata=MONEY)
    profit_all: Floats = field(metadata=MONEY)
    profit_in_force: Floats | None = field(default=None, metadata=MONEY)
    count: int
    unknown: int
    currency: str
    economics: Economics
    population: str

    @property
    def caption(self) -> str:
        """That it is a sensitivity, what rests on it, and population."""
        return (
            f"Sensitivity, assumed and not observed: {self.unknown:,} of {self.count:,} applications have no known "
            f"outcome; money in {self.currency}, {self.economics.basis_text}; {self.population}"
        )


def reject_sensitivity(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    economics: Economics | Priced,
    columns: Mapping[str, ArrayLike] | None = None,
    multipliers: ArrayLike = (1.0, 1.5, 2.0, 3.0),
    in_force: float | None = None,
    weights: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> RejectSensitivity:
    """Redo the cut-offs for several assumed bad rates of the applications whose outcome is unknown.

    `bad` (n,) holds 0, 1, and NaN or None where nobody knows; `multipliers` are above 0; the other arguments as for
    `best_cut_off`. If the best cut-off hardly moves, the decision does not hang on what is unknown. It is no
    estimate of how the declined would have done: data without their outcomes cannot give one. Raises MeasureError.

    Hand, D. J. and Henley, W. E. (1993), Can reject inference ever work?, IMA Journal of Management Mathematics 5(1).
    doi:10.1093/imaman/5.1.45

    >>> economics = Economics(revenue=100, funding=20, ead=1000, lgd=0.5)
    >>> found = reject_sensitivity([0, 0, None], [.05, .1, .1], economics=economics, multipliers=[1, 2])
    >>> found.bad_rate_unknown.tolist(), found.profit.round(6).tolist()
    ([0.1, 0.2], [180.0, 120.0])
    """
    applications = check_partly_known(bad, pd, weights)
    outcomes, known = applications.outcomes, applications.known
    if known.all():
        raise MeasureError("every outcome is known: there is nothing to assume", mend="cut_off_table(bad, pd, ...)")
    tried = check_numbers(multipliers, "multipliers")
    if float(tried.min()) <= 0.0 or float(tried.max()) > 1000.0:
        raise MeasureError("multipliers lie above 0, at most 1,000", mend="multipliers=(1, 1.5, 2)")
    priced = check_priced(economics, columns, len(outcomes))
    compared = None if in_force is None else check_cut_off(in_force, "in_force")
    observed = bound_profit(applications, priced).expected  # of the known: the others are assumed below
    weight = outcomes.weights if outcomes.weights.size else np.ones(len(outcomes))
    order = np.argsort(outcomes.pd)
    rows = []
    for multiplier in tried:
        assumed = np.minimum(multiplier * outcomes.pd, 1.0)
        profit = np.where(known, observed, priced.expected(assumed))
        bads = weight * np.where(known, outcomes.bad, assumed)
        found = Search(outcomes, profit).best(order)
        unknown_weight = float(weight[~known].sum())
        rows.append(
            [
                float(multiplier),
                float(bads[~known].sum()) / unknown_weight if unknown_weight else float("nan"),
                float(bads.sum()) / outcomes.total,
                found.cut_off,
                float(weight[outcomes.pd < found.cut_off].sum()) / outcomes.total,
                found.profit,
                float((weight * profit).sum()),
                float("nan") if compared is None else float((weight * profit)[outcomes.pd < compared].sum()),
            ]
        )
    columns_found = np.array(rows).T
    return RejectSensitivity(
        multiplier=columns_found[0],
        bad_rate_unknown=columns_found[1],
        bad_rate=columns_found[2],
        best_cut_off=columns_found[3],
        approval_rate=columns_found[4],
        profit=columns_found[5],
        profit_all=columns_found[6],
        profit_in_force=None if compared is None else columns_found[7],
        count=len(outcomes),
        unknown=int(np.count_nonzero(~known)),
        currency=priced.economics.currency,
        economics=priced.economics,
        population=population,
    )
