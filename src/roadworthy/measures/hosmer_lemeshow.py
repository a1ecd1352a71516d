"""Hosmer and Lemeshow's test: are the PDs off by more than luck, bucket by bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from roadworthy.errors import MeasureError
from roadworthy.measures.buckets import By, fill_buckets
from roadworthy.measures.checks import check_outcomes
from roadworthy.measures.results import Measure

__all__ = ["HosmerLemeshow", "hosmer_lemeshow"]


@dataclass(frozen=True, kw_only=True, repr=False)
class HosmerLemeshow(Measure):
    """The statistic, its degrees of freedom, the chance of one this large if the PDs were right, and the buckets."""

    name: ClassVar[str] = "Hosmer-Lemeshow"
    degrees_of_freedom: int
    p_value: float
    rule: str


def hosmer_lemeshow(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    buckets: int = 10,
    by: By = "count",
    edges: ArrayLike | None = None,
    fitted: bool = False,
) -> HosmerLemeshow:
    """Sum over buckets of (bads - bads expected)^2 / (expected x (1 - expected / size)), against chi-squared.

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0: they are scaled to the effective
    number of rows, (sum w)^2 / (sum w^2), so that multiplying all changes nothing. `buckets`, `by` and `edges` as in
    `gains_table`. On rows the model did not learn from there are as many degrees of freedom as buckets; with `fitted`,
    on those it did, two fewer. A bucket whose PDs are all exactly 0, or all 1, leaves nothing to chance: it makes the
    value infinite where it is wrong, and is no degree of freedom where it is right. Raises MeasureError.

    Hosmer, D. W. and Lemeshow, S. (1980), Goodness of fit tests for the multiple logistic regression model,
    Communications in Statistics - Theory and Methods 9(10). doi:10.1080/03610928008827941

    >>> found = hosmer_lemeshow([0, 0, 0, 1, 1, 1, 0, 1], [.1, .1, .2, .2, .6, .6, .7, .7], buckets=2)
    >>> round(found.value, 4), found.degrees_of_freedom, round(found.p_value, 4)
    (0.4895, 2, 0.7829)
    """
    outcomes = check_outcomes(bad, pd, weights)
    filled = fill_buckets(outcomes, buckets, by=by, edges=edges)
    predicted, observed = filled.pd_sum / filled.weight, filled.bads / filled.weight
    spread = predicted * (1.0 - predicted)
    certain = spread <= 0.0
    uncertain = int(np.count_nonzero(~certain))
    freedom = uncertain - (2 if fitted else 0)
    if fitted and freedom < 1:
        raise MeasureError(
            f"Hosmer-Lemeshow has no degree of freedom left with {uncertain} buckets whose PDs are not all 0 or 1",
            mend="take more buckets, or PDs with fewer ties",
        )
    size = filled.weight * filled.weight.sum() / filled.squared_weight.sum()
    apart = size * (observed - predicted) ** 2
    terms = np.divide(apart, spread, out=np.zeros_like(apart), where=~certain)
    value = float("inf") if (apart[certain] > 0.0).any() else float(terms.sum())
    p_value = float(chdtrc(freedom, value)) if freedom else float(value == 0.0)
    return HosmerLemeshow(value=value, degrees_of_freedom=freedom, p_value=p_value, rule=filled.rule)
