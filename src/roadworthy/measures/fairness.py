"""Fair lending at the cut-off: who is approved, at what PD, and how often wrongly, by group.

A group is whatever the caller hands in: it is no input of the model. Figures describe; whether a difference is
justified or lawful they cannot say. Small groups say that they are, and what nobody stated is a group of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_cut_off, check_numbers, check_outcomes, check_weights, frozen
from roadworthy.measures.groups import MINIMUM, check_groups, check_minimum
from roadworthy.measures.intervals import check_confidence, wilson
from roadworthy.measures.results import COUNT, NOT_STATED, RATIO, SHARE, TEXT, Floats, Ints, Table

__all__ = ["FOUR_FIFTHS", "AdverseImpact", "MeanDifference", "adverse_impact_ratio", "standardised_mean_difference"]

_FARTHEST = 300.0
"""Logarithms of a ratio beyond this leave float64; they come of rates that hardly any weight stands behind."""
FOUR_FIFTHS = 0.8
"""Below this the ratio is evidence of adverse impact by the convention of 29 CFR 1607.4(D)."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class AdverseImpact(Table):
    """One row for each group. Rates are weighted.

    group                   "missing" for who states none
    count, weight           applications, and the weight they stand for
    approved                weight approved
    approval_rate           approved / weight
    ratio                   approval rate over that of the `reference` group; NaN where nobody there is approved
    ratio_low, ratio_high   its interval; NaN for the reference, and where nobody there is approved
    small                   1 where the group or the reference is smaller than `minimum`
    verdict                 "below four fifths", "not below" or "not enough evidence yet", by the interval; "reference";
                            "too few to say" where small
    """

    group: NDArray[Any] = field(metadata=TEXT)
    count: Ints = field(metadata=COUNT)
    weight: Floats = field(metadata=COUNT)
    approved: Floats = field(metadata=COUNT)
    approval_rate: Floats = field(metadata=SHARE)
    ratio: Floats = field(metadata=RATIO)
    ratio_low: Floats = field(metadata=RATIO)
    ratio_high: Floats = field(metadata=RATIO)
    small: Ints = field(metadata=COUNT)
    verdict: NDArray[Any] = field(metadata=TEXT)
    reference: str
    minimum: float
    confidence: float
    population: str

    @property
    def caption(self) -> str:
        """Size, what is compared with, what counts as small, and population."""
        return (
            f"Adverse impact: {self.count.sum():,} applications, approval rates over that of {self.reference}, "
            f"{self.confidence:.0%} interval; below {self.minimum:g} applications a group is small; {self.population}"
        )


def adverse_impact_ratio(
    group: ArrayLike,
    pd: ArrayLike | None = None,
    *,
    cut_off: float | None = None,
    approved: ArrayLike | None = None,
    reference: object = None,
    weights: ArrayLike | None = None,
    minimum: float = MINIMUM,
    confidence: float = 0.95,
    population: str = NOT_STATED,
) -> AdverseImpact:
    """Compare the groups' approval rates with that of the reference group.

    `group` (n,) are texts or numbers, of at most 100 values. Either `pd` (n,) in 0..1 with a `cut_off`, PD below it
    being approved, or `approved` (n,), 0 and 1, as the whole policy or people answered. It takes no outcomes, so hand
    in everyone who applied. `reference` is one of the groups; by default the one with the highest approval rate among
    those stated and not small: "missing", "unknown" and "not stated" only where there is no other. `weights` (n,) are
    at least 0; with them a group's size is (sum of weights)^2 / (sum of squares). Groups, or a reference, smaller than
    `minimum` are called small and get no verdict. Raises MeasureError.

    ratio = approval rate / approval rate of the reference, with the interval of Katz, D., Baptista, J., Azen, S. P. and
    Pike, M. C. (1978), Obtaining confidence intervals for the risk ratio in cohort studies, Biometrics 34(3),
    doi:10.2307/2530610: exp(ln ratio +- z sqrt((1 - p) / (n p) + (1 - q) / (m q))). Where nobody of the group, or
    everybody in both, is approved, it says nothing, and the interval is made from Wilson's of both rates: Newcombe,
    R. G. (2016), MOVER-R confidence intervals for ratios and products of two independently estimated quantities,
    Statistical Methods in Medical Research 25(5), doi:10.1177/0962280213502144. The line of 0.8 is a convention from
    employment, the Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D) (1978), not a test.

    >>> table = adverse_impact_ratio(["a"] * 200 + ["b"] * 200, approved=[1] * 160 + [0] * 40 + [1] * 100 + [0] * 100)
    >>> table.ratio.tolist(), table.ratio_high.round(3).tolist(), table.verdict.tolist()
    ([1.0, 0.625], [nan, 0.73], ['reference', 'below four fifths'])
    """
    if (approved is None) == (pd is None) or (pd is None) != (cut_off is None):
        raise MeasureError(
            "adverse_impact_ratio takes pd with its cut_off, or approved",
            mend="adverse_impact_ratio(group, pd, cut_off=0.2)",
        )
    if pd is not None:
        outcomes = check_outcomes(np.zeros(np.shape(np.asarray(pd))), pd, weights)
        yes, heavy = outcomes.pd < check_cut_off(cut_off), outcomes.weights
    else:
        yes, heavy = check_answers(approved, weights)
    groups = check_groups(group, heavy, len(yes))
    confidence, least = check_confidence(confidence), check_minimum(minimum)
    weight, said_yes, size = groups.sums(), groups.sums(yes[groups.kept]), groups.size()
    rate = said_yes / weight
    small = size < least
    at = groups.reference(reference, rate, small)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = rate / (rate[at] or np.nan)
        spread = np.sqrt((1.0 - rate) / (size * rate) + (1.0 - rate[at]) / (size[at] * rate[at]))
        far = float(ndtri(0.5 + confidence / 2.0)) * spread
        told = (rate > 0.0) & (spread > 0.0) & (far < _FARTHEST)
        factor = np.exp(np.where(told, far, 0.0))
        recovered_low, recovered_high = _recovered(rate, size, at, confidence)
        low, high = np.where(told, ratio / factor, recovered_low), np.where(told, ratio * factor, recovered_high)
    low[at] = high[at] = np.nan
    high[np.isinf(high)] = np.nan
    unsure = small | small[at]
    return AdverseImpact(
        group=np.array(groups.names, dtype=object),
        count=groups.count,
        weight=weight,
        approved=said_yes,
        approval_rate=rate,
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        small=unsure.astype(np.int64),
        verdict=np.array(
            [
                "reference" if row == at else "too few to say" if unsure[row] else _verdict(low[row], high[row])
                for row in range(len(rate))
            ],
            dtype=object,
        ),
        reference=groups.names[at],
        minimum=least,
        confidence=confidence,
        population=population,
    )


def _recovered(rate: Floats, size: Floats, at: int, confidence: float) -> tuple[Floats, Floats]:
    """The interval of each rate over that of group `at`, recovered from Wilson's interval of either (MOVER-R)."""
    if not rate[at] > 0.0:
        return np.full(len(rate), np.nan), np.full(len(rate), np.nan)
    low, high = wilson(rate, size, confidence)

    def end(mine: Floats, theirs: float, side: float) -> Floats:
        both, over = rate * rate[at], theirs * (2.0 * rate[at] - theirs)
        found: Floats = (both + side * np.sqrt(np.maximum(both**2 - mine * (2.0 * rate - mine) * over, 0.0))) / over
        return found

    return end(low, float(high[at]), -1.0), end(high, float(low[at]), 1.0)


def _verdict(low: float, high: float) -> str:
    if high < FOUR_FIFTHS:
        return "below four fifths"
    return "not below" if low >= FOUR_FIFTHS else "not enough evidence yet"


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MeanDifference(Table):
    """One row for each group.

    group, count, weight      as in AdverseImpact
    mean, deviation           weighted mean, and standard deviation with n - 1
    difference                (mean - mean of the reference) / pooled deviation; NaN where nothing varies
    difference_low, _high     its interval; NaN for the reference
    small                     1 where the group or the reference is smaller than `minimum`
    """

    group: NDArray[Any] = field(metadata=TEXT)
    count: Ints = field(metadata=COUNT)
    weight: Floats = field(metadata=COUNT)
    mean: Floats = field(metadata=RATIO)
    deviation: Floats = field(metadata=RATIO)
    difference: Floats = field(metadata=RATIO)
    difference_low: Floats = field(metadata=RATIO)
    difference_high: Floats = field(metadata=RATIO)
    small: Ints = field(metadata=COUNT)
    reference: str
    minimum: float
    confidence: float
    population: str

    @property
    def caption(self) -> str:
        """Size, what is compared with, what counts as small, and population."""
        return (
            f"Standardised mean difference: {self.count.sum():,} applications, from {self.reference}, "
            f"{self.confidence:.0%} interval; below {self.minimum:g} applications a group is small; {self.population}"
        )


def standardised_mean_difference(
    group: ArrayLike,
    values: ArrayLike,
    *,
    reference: object = None,
    weights: ArrayLike | None = None,
    minimum: float = MINIMUM,
    confidence: float = 0.95,
    population: str = NOT_STATED,
) -> MeanDifference:
    """How far the groups' mean PDs (or scores) lie apart, in standard deviations: what no cut-off was chosen for.

    `values` (n,) are PDs or scores, any numbers; the other arguments are those of `adverse_impact_ratio`, but the
    reference is by default the largest group of those stated. Raises MeasureError.

    difference = (mean - mean of the reference) / s, s^2 = ((n - 1) s1^2 + (m - 1) s2^2) / (n + m - 2): Cohen, J.
    (1988), Statistical Power Analysis for the Behavioral Sciences, doi:10.4324/9780203771587. Its interval is d +- z
    sqrt((n + m) / (n m) + d^2 / (2 (n + m))): Hedges, L. V. and Olkin, I. (1985), Statistical Methods for
    Meta-Analysis, doi:10.1016/C2009-0-03396-0.

    >>> standardised_mean_difference(["a", "a", "a", "b", "b"], [.1, .2, .3, .3, .4]).difference.round(3).tolist()
    [0.0, 1.643]
    """
    numbers = check_numbers(values, "values")
    heavy = frozen(np.empty(0)) if weights is None else check_weights(weights, len(numbers))
    groups = check_groups(group, heavy, len(numbers))
    confidence, least = check_confidence(confidence), check_minimum(minimum)
    numbers = numbers[groups.kept]
    weight, size = groups.sums(), groups.size()
    at = groups.reference(reference, weight)
    mean = groups.sums(numbers) / weight
    scatter = groups.sums((numbers - mean[groups.code]) ** 2) / weight * size
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.where(size > 1.0, np.sqrt(scatter / (size - 1.0)), np.nan)
        freedom = size + size[at] - 2.0
        pooled = np.where(freedom > 0.0, np.sqrt((scatter + scatter[at]) / freedom), np.nan)
        difference = (mean - mean[at]) / np.where(pooled > 0.0, pooled, np.nan)
    difference[at] = 0.0
    both = size + size[at]
    half = float(ndtri(0.5 + confidence / 2.0)) * np.sqrt(both / (size * size[at]) + difference**2 / (2.0 * both))
    half[at] = np.nan
    return MeanDifference(
        group=np.array(groups.names, dtype=object),
        count=groups.count,
        weight=weight,
        mean=mean,
        deviation=deviation,
        difference=difference,
        difference_low=difference - half,
        difference_high=difference + half,
        small=((size < least) | (size[at] < least)).astype(np.int64),
        reference=groups.names[at],
        minimum=least,
        confidence=confidence,
        population=population,
    )


def check_answers(approved: ArrayLike | None, weights: ArrayLike | None) -> tuple[NDArray[np.bool_], Floats]:
    """`approved` as booleans, with the weights."""
    numbers = check_numbers([] if approved is None else approved, "approved")
    yes: NDArray[np.bool_] = numbers == 1.0
    if not (yes | (numbers == 0.0)).all():
        raise MeasureError("approved is 0 or 1", mend="approved = (answer == 'approve')")
    return yes, frozen(np.empty(0)) if weights is None else check_weights(weights, len(yes))
