"""By group: was the promised PD kept, and how often did the cut-off err."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.measures.checks import check_cut_off, check_outcomes
from roadworthy.measures.groups import MINIMUM, Groups, check_groups, check_minimum
from roadworthy.measures.intervals import check_confidence, wilson
from roadworthy.measures.results import COUNT, NOT_STATED, PD, SHARE, TEXT, Floats, Ints, Table

__all__ = ["GroupRates", "group_rates"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class GroupRates(Table):
    """One row for each group. Rates are weighted; each has Wilson's interval, NaN where it is of nobody.

    group                      "missing" for who states none
    count, weight              applications with a known outcome, and the weight they stand for
    predicted                  mean PD
    observed, _low, _high      bad rate: the PD was kept where the interval holds `predicted`
    goods_declined, ...        share of the group's goods with PD >= cut-off: good applicants turned away
    bads_approved, ...         share of the group's bads with PD < cut-off: bads let in
    declines_right, ...        share of the group's declined that were bad
    small                      1 where fewer than `minimum` applications, goods or bads stand behind a rate
    """

    group: NDArray[Any] = field(metadata=TEXT)
    count: Ints = field(metadata=COUNT)
    weight: Floats = field(metadata=COUNT)
    predicted: Floats = field(metadata=PD)
    observed: Floats = field(metadata=SHARE)
    observed_low: Floats = field(metadata=SHARE)
    observed_high: Floats = field(metadata=SHARE)
    goods_declined: Floats = field(metadata=SHARE)
    goods_declined_low: Floats = field(metadata=SHARE)
    goods_declined_high: Floats = field(metadata=SHARE)
    bads_approved: Floats = field(metadata=SHARE)
    bads_approved_low: Floats = field(metadata=SHARE)
    bads_approved_high: Floats = field(metadata=SHARE)
    declines_right: Floats = field(metadata=SHARE)
    declines_right_low: Floats = field(metadata=SHARE)
    declines_right_high: Floats = field(metadata=SHARE)
    small: Ints = field(metadata=COUNT)
    cut_off: float
    minimum: float
    confidence: float
    population: str

    @property
    def caption(self) -> str:
        """Size, cut-off, what counts as small, and population."""
        return (
            f"Calibration and errors by group at a cut-off of {self.cut_off:.4g}: {self.count.sum():,} applications, "
            f"{self.confidence:.0%} intervals; below {self.minimum:g} applications, goods or bads a group is small; "
            f"{self.population}"
        )


def group_rates(
    bad: ArrayLike,
    pd: ArrayLike,
    group: ArrayLike,
    *,
    cut_off: float,
    weights: ArrayLike | None = None,
    minimum: float = MINIMUM,
    confidence: float = 0.95,
    population: str = NOT_STATED,
) -> GroupRates:
    """Calibration and error rates of each group where PD >= `cut_off` is declined.

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `group` (n,) are texts or numbers of at most 100 values; `weights`
    (n,) are at least 0; `minimum` is a number of applications. Raises MeasureError.

    With different bad rates no model but a perfect one has both equal calibration and equal error rates in all groups:
    Chouldechova, A. (2017), Fair prediction with disparate impact, Big Data 5(2), doi:10.1089/big.2016.0047. Intervals:
    Wilson (1927), doi:10.1080/01621459.1927.10502953.

    >>> rates = group_rates([0, 0, 1, 1], [.1, .6, .4, .9], ["a", "a", None, None], cut_off=0.5)
    >>> rates.group.tolist(), rates.goods_declined.tolist(), rates.bads_approved.tolist()
    (['a', 'missing'], [0.5, nan], [nan, 0.5])
    """
    outcomes = check_outcomes(bad, pd, weights)
    cut_off = check_cut_off(cut_off)
    groups = check_groups(group, outcomes.weights, len(outcomes))
    confidence, least = check_confidence(confidence), check_minimum(minimum)
    is_bad, promised = outcomes.bad[groups.kept], outcomes.pd[groups.kept]
    declined = promised >= cut_off
    everyone = np.ones(len(promised), dtype=bool)
    sizes = [groups.size(each) for each in (everyone, is_bad, ~is_bad)]
    return GroupRates(
        group=np.array(groups.names, dtype=object),
        count=groups.count,
        weight=groups.sums(),
        predicted=groups.sums(promised) / groups.sums(),
        **_rate("observed", groups, is_bad, everyone, confidence),
        **_rate("goods_declined", groups, declined, ~is_bad, confidence),
        **_rate("bads_approved", groups, ~declined, is_bad, confidence),
        **_rate("declines_right", groups, is_bad, declined, confidence),
        small=(np.min(sizes, axis=0) < least).astype(np.int64),
        cut_off=cut_off,
        minimum=least,
        confidence=confidence,
        population=population,
    )


def _rate(
    name: str, groups: Groups, event: NDArray[np.bool_], among: NDArray[np.bool_], confidence: float
) -> dict[str, Floats]:
    """The share of `among` that has `event`, by group, with its interval."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a rate of nobody is NaN
        rate = groups.sums(event & among) / groups.sums(among)
        low, high = wilson(rate, groups.size(among), confidence)
    return {name: rate, f"{name}_low": low, f"{name}_high": high}
