"""Choosing cut-offs (R18): constraints and what binds, two cut-offs, the frontier, Elkan's threshold, MPCS."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from roadworthy.errors import MeasureError
from roadworthy.measures import (
    Constraints,
    Economics,
    Referrals,
    best_bands,
    best_cut_off,
    cost_sensitive_cut_off,
    cut_off_table,
    efficient_frontier,
    emp,
    mpcs,
)


def _sample(rows: int, seed: int) -> tuple[Any, Any, Any, Any]:
    generator = np.random.default_rng(seed)
    pd = generator.beta(1, 4, rows).round(2)
    bad = generator.random(rows) < pd
    value = np.where(bad, -generator.random(rows) * 300, generator.random(rows) * 60)
    return bad, pd, value, generator.integers(1, 4, rows).astype(float)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_under_constraints_is_the_best_of_all_that_keep_to_them(seed: int) -> None:
    bad, pd, value, weights = _sample(200, seed)
    asked = Constraints(approved_at_least=0.75, bad_rate_at_most=0.19, referred_at_most=0.6)
    best = best_cut_off(bad, pd, value=value, weights=weights, refer_from=0.1, constraints=asked)
    highest = -np.inf
    for cut_off in [0.0, *np.unique(pd), 2.0]:
        taken = pd < cut_off
        share = weights[taken].sum() / weights.sum()
        rate = weights[taken & bad].sum() / max(weights[taken].sum(), 1.0)
        referred = weights[taken & (pd >= 0.1)].sum() / weights.sum()
        if share >= 0.75 and rate <= 0.19 and referred <= 0.6:
            highest = max(highest, (weights * value)[taken].sum())
    assert best.profit == pytest.approx(highest)
    assert best.approval_rate >= 0.75
    assert best.bad_rate_approved <= 0.19


def test_what_binds_is_named() -> None:
    """The best declines two of five; four have to be approved, and a bad rate of a half is no burden."""
    case: dict[str, Any] = {"value": [10, 10, 10, -50, -60]}
    asked = Constraints(approved_at_least=0.8, bad_rate_at_most=0.5)
    best = best_cut_off([0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.8], constraints=asked, **case)
    assert best.approved == 4
    assert best.profit == -20
    assert best.binding == ("approved_at_least",)
    assert "at least 80% approved" in best.sentence
    assert "approved_at_least cost profit" in best.sentence
    free = best_cut_off([0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.8], constraints=Constraints(), **case)
    assert free.profit == 30
    assert free.binding == ()


def test_where_nothing_will_do_the_error_tells_how_near_one_can_come() -> None:
    with pytest.raises(
        MeasureError, match=r"nothing keeps to all of: at least 80% approved, a bad rate of at most 10%"
    ) as told:
        best_cut_off(
            [0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.8], value=[1] * 5,
            constraints=Constraints(approved_at_least=0.8, bad_rate_at_most=0.1),
        )  # fmt: skip
    assert told.value.available == [
        "approved_at_least=0.6 at the nearest, the others kept",
        "bad_rate_at_most=0.25 at the nearest, the others kept",
    ]


def test_people_can_look_at_so_many_a_day() -> None:
    pd = np.repeat([0.1, 0.3, 0.4], 10)
    bad = np.zeros(30)
    asked = Constraints(reviews_per_day=2, days=5)
    best = best_cut_off(bad, pd, value=np.ones(30), refer_from=0.2, constraints=asked)
    assert best.approved == 20
    assert best.binding == ("reviews_per_day",)


def test_declining_all_is_told_apart_from_being_held_to_it() -> None:
    """Of the 12 the safest 3 hold the bad: no part of them from the lowest PD up is without one, though 12 earn 60."""
    bad, pd = [1] + [0] * 11, [0.1] * 3 + [0.2] * 9
    held = best_cut_off(bad, pd, value=[-50] + [10] * 11, constraints=Constraints(bad_rate_at_most=0.0))
    assert held.approved == 0
    assert held.sentence.startswith("No cut-off that keeps to what is asked earns anything here")
    free = best_cut_off(bad, pd, value=[-50] * 12)
    assert free.sentence.startswith("No cut-off earns anything here")


def test_what_is_at_a_bound_but_for_rounding_keeps_to_it() -> None:
    """Weights of 0.7 do not sum exactly: four in five of the rows are four in five of the weight all the same."""
    n = 100_000
    pd = np.linspace(0, 1, n)
    found = best_cut_off(
        np.zeros(n), pd, value=-pd, weights=np.full(n, 0.7), resamples=100,
        constraints=Constraints(approved_at_least=0.8),
    )  # fmt: skip
    assert np.count_nonzero(pd < found.cut_off) == 80_000


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"approved_at_least": 1.1}, "approved_at_least is a share"),
        ({"bad_rate_at_most": -0.1}, "bad_rate_at_most is a share"),
        ({"reviews_per_day": 10}, "needs days"),
        ({"reviews_per_day": -1, "days": 1}, "reviews_per_day is at least 0"),
    ],
)
def test_constraints_that_cannot_be_are_refused(stated: dict[str, Any], problem: str) -> None:
    with pytest.raises(MeasureError, match=problem):
        Constraints(**stated)


ECONOMICS = Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=5)


@pytest.mark.parametrize("asked", [None, Constraints(referred_at_most=0.1, approved_at_least=0.6)])
def test_no_pair_of_cut_offs_earns_more(asked: Constraints | None) -> None:
    bad, pd, _, weights = _sample(150, 7)
    stated = Referrals(approved=0.5, bad_rate_ratio=0.4)
    best = best_bands(bad, pd, economics=ECONOMICS, weights=weights, referrals=stated, constraints=asked)
    own, sent = np.where(bad, -500.0, 100.0), np.where(bad, 0.5 * (100 - 0.4 * 600), 50.0) - 5
    highest = -np.inf
    for low, high in itertools.combinations_with_replacement([0.0, *np.unique(pd), 2.0], 2):
        approved, looked = pd < low, (pd >= low) & (pd < high)
        taken = (weights * approved).sum() + 0.5 * (weights * looked).sum()
        if asked is not None and ((weights * looked).sum() > 0.1 * weights.sum() or taken < 0.6 * weights.sum()):
            continue
        highest = max(highest, (weights * own)[approved].sum() + (weights * sent)[looked].sum())
    assert best.profit == pytest.approx(highest)
    looked = (pd >= best.refer_from) & (pd < best.decline_from)
    assert best.referred == pytest.approx(weights[looked].sum())
    assert best.against_all is not None
    assert best.against_all.verdict == "better"


def test_the_trade_of_referrals_is_the_most_profit_with_as_few_looks() -> None:
    bad, pd, _, weights = _sample(150, 7)
    stated = Referrals(approved=0.5, bad_rate_ratio=0.4)
    best = best_bands(
        bad, pd, economics=ECONOMICS, weights=weights, referrals=stated, in_force=(0.1, 0.2), population="May"
    )
    own, sent = np.where(bad, -500.0, 100.0), np.where(bad, 0.5 * (100 - 0.4 * 600), 50.0) - 5
    pairs = []
    for low, high in itertools.combinations_with_replacement([0.0, *np.unique(pd), 2.0], 2):
        approved, looked = pd < low, (pd >= low) & (pd < high)
        pairs.append(((weights * looked).sum(), (weights * own)[approved].sum() + (weights * sent)[looked].sum()))
    trade = best.trade
    for referred, profit in zip(trade.referred, trade.profit, strict=True):
        assert profit == pytest.approx(max(earned for looks, earned in pairs if looks <= referred + 1e-9))
    assert trade.referred[0] == 0.0
    assert trade.refer_from[0] == trade.decline_from[0]
    assert (np.diff(trade.referred) > 0).all()
    assert (np.diff(trade.profit) > 0).all()
    assert trade.profit[-1] == pytest.approx(best.profit)
    assert trade.caption.startswith(f"Most profit by share referred: {len(trade)} pairs of cut-offs, EUR; May")
    looked = (pd >= 0.1) & (pd < 0.2)
    assert best.referred_share_in_force == pytest.approx((weights * looked).sum() / weights.sum())
    assert best.profit_in_force == pytest.approx((weights * own)[pd < 0.1].sum() + (weights * sent)[looked].sum())


def test_a_trade_of_referrals_is_thinned_evenly_and_keeps_to_the_constraints() -> None:
    bad, pd, _, _ = _sample(5000, 3)
    asked = Constraints(referred_at_most=0.3, approved_at_least=0.2)
    sees = Referrals(approved=0.6, bad_rate_ratio=0.3)
    trade = best_bands(bad, pd, economics=ECONOMICS, referrals=sees, constraints=asked).trade
    assert 20 < len(trade) <= 60
    assert trade.referred_share.max() <= 0.3 + 1e-9
    assert trade.approval_rate.min() >= 0.2 - 1e-9
    assert np.diff(trade.referred_share).max() < 0.05


def test_referring_that_does_not_pay_is_not_proposed() -> None:
    dear = Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=1000)
    best = best_bands([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], economics=dear, referrals=Referrals(approved=0.5))
    assert best.refer_from == best.decline_from == 0.45
    assert best.sentence.startswith("Referring does not pay")
    assert best.against_all is None  # too few to judge a choice by
    assert best.trade.referred.tolist() == [0.0]
    assert best.profit_in_force is best.referred_share_in_force is None


def test_the_pair_in_force_is_compared_on_applications_the_choice_has_not_seen() -> None:
    bad, pd, _, _ = _sample(2000, 9)
    best = best_bands(
        bad, pd, economics=ECONOMICS, referrals=Referrals(approved=0.5, bad_rate_ratio=0.4), in_force=(0.02, 0.04)
    )
    assert best.against_in_force is not None
    assert best.against_in_force.verdict == "better"
    assert best.in_force == (0.02, 0.04)


def test_choosing_a_pair_on_noise_does_not_pass_for_evidence() -> None:
    better = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        value = generator.choice([-1.0, 1.0], 300)
        best = best_bands(value < 0, generator.random(300), value=value, referrals=Referrals(approved=0.5))
        assert best.against_all is not None
        better += best.against_all.verdict == "better"
    assert better <= 3


def test_bands_that_cannot_be_are_refused() -> None:
    case: dict[str, Any] = {"bad": [0, 1], "pd": [0.1, 0.8], "referrals": Referrals(approved=0.5)}
    with pytest.raises(MeasureError, match="needs money"):
        best_bands(**case)
    with pytest.raises(MeasureError, match=r"above 0.1 where it declines"):
        best_bands(**case, value=[1, -1], in_force=(0.3, 0.1))
    with pytest.raises(MeasureError, match="one bad_rate for whatever PD"):
        best_bands([0, 1], [0.1, 0.8], economics=ECONOMICS, referrals=Referrals(approved=0.5, bad_rate=0.1))
    with pytest.raises(MeasureError, match="nothing keeps to all"):
        best_bands(**case, value=[1, -1], constraints=Constraints(approved_at_least=1, bad_rate_at_most=0.1))


@pytest.mark.parametrize("seed", range(3))
def test_the_frontier_holds_what_nothing_beats(seed: int) -> None:
    bad, pd, value, _ = _sample(300, seed)
    table = cut_off_table(bad, pd, value=value, resamples=100)
    found = efficient_frontier(table)
    points = [
        (table.approval_rate[row], -table.bad_rate_approved[row], table.columns["profit"][row])
        for row in range(len(table))
        if table.approved[row] > 0
    ]
    kept = [
        each
        for each in points
        if not any(other != each and all(np.greater_equal(other, each)) for other in points)
    ]  # fmt: skip
    assert found.approval_rate.tolist() == [each[0] for each in kept]
    assert found.beaten == len(points) - len(kept)
    best = table.columns["profit"][table.approved > 0].max()
    assert found.columns["profit"].max() == best


def test_a_frontier_needs_a_table_that_approves_somebody() -> None:
    with pytest.raises(MeasureError, match="approves nobody"):
        efficient_frontier(cut_off_table([0, 1], [0.1, 0.2], cut_offs=[0.0]))
    with pytest.raises(MeasureError, match="is a CutOffTable"):
        efficient_frontier([0.1])  # type: ignore[arg-type]  # on purpose


def test_the_cost_sensitive_threshold_of_elkan() -> None:
    """V2's costs: 1 for a good declined, 5 for a bad approved; declining pays from a PD of 1/6."""
    found = cost_sensitive_cut_off(approved_good=0, approved_bad=-5, declined_good=-1)
    assert found.value == pytest.approx(1 / 6)
    assert found.value == pytest.approx(cost_sensitive_cut_off(approved_good=1, approved_bad=-5).value)
    at = found.value
    assert found.at_cut_off == pytest.approx((1 - at) * 0 + at * -5)


def test_with_calibrated_pds_no_cut_off_does_better_than_the_threshold() -> None:
    pd = np.repeat(np.arange(0.05, 1.0, 0.1), 100)
    bad = np.tile(np.arange(100), 10) < np.round(pd * 100)
    best = best_cut_off(bad, pd, value=np.where(bad, -5.0, 1.0))
    threshold = cost_sensitive_cut_off(approved_good=1, approved_bad=-5).value
    assert best.profit == np.where(bad, -5.0, 1.0)[pd < threshold].sum()


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"approved_good": -1, "approved_bad": -5}, "declining is right whatever the PD"),
        ({"approved_good": 1, "approved_bad": 1}, "approving is right whatever the PD"),
        ({"approved_good": float("nan"), "approved_bad": -5}, "approved_good is an amount"),
    ],
)
def test_costs_with_no_threshold_are_refused(stated: dict[str, Any], problem: str) -> None:
    with pytest.raises(MeasureError, match=problem):
        cost_sensitive_cut_off(**stated)


def test_the_published_values_of_mpcs() -> None:
    """V1: perfect .1375 at a fraction of .5; reversed .0053; the small example .08356; the seeded one .0595832."""
    bad = [0, 1] * 10
    perfect = mpcs(bad, [float(each) for each in bad])
    assert perfect.value == pytest.approx(0.1375)
    assert (perfect.fraction, perfect.at) == (0.5, 1.0)
    assert mpcs(bad, [1.0 - each for each in bad]).value == pytest.approx(0.0053, abs=1e-10)
    small = mpcs([0, 1, 1, 0, 0, 0, 1, 0, 0, 1], [0.1, 0.8, 0.4, 0.3, 0.2, 0.05, 0.9, 0.6, 0.15, 0.35])
    assert small.value == pytest.approx(0.08356, abs=1e-10)
    generator = np.random.RandomState(0)  # the published numbers were made with this generator
    pd = generator.rand(1000)
    assert mpcs(generator.rand(1000) < pd, pd).value == pytest.approx(0.0595832, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_mpcs_is_the_best_single_cut_off_and_never_above_emps_expectation(seed: int) -> None:
    bad, pd, _, weights = _sample(200, seed)
    found = mpcs(bad, pd, weights=weights)
    gains = {
        cut_off: (0.275 * weights[bad & (pd >= cut_off)].sum() - 0.2644 * weights[~bad & (pd >= cut_off)].sum())
        / weights.sum()
        for cut_off in [*np.unique(pd), 2.0]
    }
    assert found.value == pytest.approx(max(gains.values()))
    if found.fraction:
        assert gains[found.at] == pytest.approx(found.value)
        assert found.fraction == pytest.approx(weights[pd >= found.at].sum() / weights.sum())
    assert emp(bad, pd, weights=weights).value >= found.value - 1e-12
    with pytest.raises(MeasureError, match="lgd is a fraction"):
        mpcs(bad, pd, lgd=1.2)
