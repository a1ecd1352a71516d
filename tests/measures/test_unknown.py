"""What cannot be known is bounded, never claimed (R18, R22): tables, answers, swaps, sensitivity, exploration."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd_
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import MeasureError
from roadworthy.measures import (
    Economics,
    answer_table,
    at_equal_range,
    auc,
    bounded_cut_off_table,
    cut_off_table,
    reject_sensitivity,
    swap_set,
    weigh_by_selection,
)
from roadworthy.portfolio import past_applications, simulate

ECONOMICS = Economics(revenue=100, funding=20, ead=1000, lgd=0.5, review=7)


def _worth(bad: Any) -> Any:
    return np.where(bad, -520.0, 80.0)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_the_bounds_contain_every_way_the_unknown_can_have_been(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pd = generator.random(30).round(1)
    truth = (generator.random(30) < pd).astype(float)
    weights = generator.integers(0, 4, 30).astype(float) + (np.arange(30) == 0)
    seen = np.where(generator.random(30) < 0.5, np.nan, truth)
    found = bounded_cut_off_table(seen, pd, economics=ECONOMICS, weights=weights, refer_from=0.5, resamples=100)
    true = cut_off_table(truth, pd, economics=ECONOMICS, weights=weights, refer_from=0.5, cut_offs=found.cut_off)
    lies = ~np.isnan(true.bad_rate_approved)
    assert (found.bad_rate_low[lies] <= true.bad_rate_approved[lies] + 1e-12).all()
    assert (found.bad_rate_high[lies] >= true.bad_rate_approved[lies] - 1e-12).all()
    assert (found.columns["profit_worst"] <= true.columns["profit"] + 1e-6).all()
    assert (found.columns["profit_best"] >= true.columns["profit"] - 1e-6).all()
    assert (found.columns["profit_worst"] <= found.columns["profit_expected"] + 1e-6).all()
    assert (found.columns["profit_best"] >= found.columns["profit_expected"] - 1e-6).all()
    right = ~np.isnan(true.declines_right)
    assert (found.declines_right_low[right] <= true.declines_right[right] + 1e-12).all()
    assert (found.declines_right_high[right] >= true.declines_right[right] - 1e-12).all()


def test_where_all_is_known_the_bounds_are_the_table() -> None:
    generator = np.random.default_rng(1)
    pd = generator.random(200)
    bad = generator.random(200) < pd
    found = bounded_cut_off_table(bad, pd, economics=ECONOMICS, cut_offs=[0.3, 1.0])
    table = cut_off_table(bad, pd, economics=ECONOMICS, cut_offs=[0.3, 1.0])
    assert found.unknown == 0
    for name in ("profit_worst", "profit_best", "profit_expected"):
        assert found.columns[name] == pytest.approx(table.columns["profit"])
    assert found.bad_rate_low.tolist() == found.bad_rate_high.tolist() == table.bad_rate_approved.tolist()


def test_without_economics_no_money_is_bounded_and_none_is_unknown() -> None:
    found = bounded_cut_off_table(
        np.array([0, None, 1, pd_.NA]), [0.1, 0.2, 0.3, 0.9], cut_offs=[0.5], population="all of May"
    )
    assert found.profit_worst is None
    assert found.unknown == 2
    assert found.sentence(0) == (
        "At a cut-off of 0.5, 75.0% are approved and between 33.3% and 66.7% of them go bad: the outcome of 1 is "
        "unknown (all of May)."
    )
    assert "the outcome of 2 unknown; no money" in found.caption


def test_a_cut_off_table_refuses_what_is_unknown() -> None:
    with pytest.raises(MeasureError, match="bad is missing in 1 of 2 rows"):
        cut_off_table(np.array([0, None]), [0.1, 0.2])


@pytest.fixture(scope="module")
def simulated() -> tuple[Any, Any, Any, Economics, dict[str, Any]]:
    """Past applications of a bank, the outcome of the declined unknown to it, and the truth held apart."""
    portfolio = simulate(3_000, seed=5)
    past = past_applications(portfolio, date(2021, 12, 31), 24).to_pandas().drop_duplicates("application_id")
    past = past.merge(portfolio.truth.to_pandas()[["application_id", "pd", "bad"]], on="application_id")
    money = ("scheduled_interest", "scheduled_funding", "scheduled_exposure", "scheduled_servicing")
    economics = Economics(
        revenue=money[0], funding=money[1], ead=money[2], servicing=money[3], lgd=0.6, review=25, horizon_months=24,
        pd_horizon_months=24,
    )  # fmt: skip
    generator = np.random.default_rng(2)
    score = np.clip(past["pd"].to_numpy() * np.exp(generator.normal(0, 0.5, len(past))), 0.0, 1.0)
    return (
        past["default"].to_numpy(float),
        past["bad"].to_numpy(float),
        score,
        economics,
        {name: past[name].to_numpy(float) for name in money},
    )


def test_the_bounds_contain_the_simulated_portfolios_truth(simulated: Any) -> None:
    """R22: what the bank cannot know of those it declined is held apart by the simulation."""
    seen, truth, score, economics, columns = simulated
    unknown = np.isnan(seen)
    assert 0.05 < unknown.mean() < 0.9
    assert (seen[~unknown] == truth[~unknown]).all()
    cut_offs = np.unique([0.0, *np.quantile(score, np.linspace(0.05, 0.95, 19)), 1.0])
    found = bounded_cut_off_table(seen, score, economics=economics, columns=columns, cut_offs=cut_offs)
    true = cut_off_table(truth, score, economics=economics, columns=columns, cut_offs=cut_offs)
    some = true.approved > 0
    assert (found.bad_rate_low[some] <= true.bad_rate_approved[some]).all()
    assert (true.bad_rate_approved[some] <= found.bad_rate_high[some]).all()
    assert (found.columns["profit_worst"] <= true.columns["profit"] + 1e-6).all()
    assert (true.columns["profit"] <= found.columns["profit_best"] + 1e-6).all()


def test_the_bounds_of_a_swap_contain_the_simulated_truth(simulated: Any) -> None:
    """R22: the champion is what the bank did, the challenger approves by a model."""
    seen, truth, score, economics, columns = simulated
    champion = np.where(np.isnan(seen), 2, 0)
    challenger = np.where(score < np.quantile(score, 0.7), 0, 2)
    found = swap_set(seen, champion, challenger, economics=economics, columns=columns)
    each = economics.price(columns, len(seen)).profit(truth == 1)
    true = each[challenger == 0].sum() - each[champion == 0].sum()
    assert found.worst is not None
    assert found.best is not None
    assert found.worst.value <= true <= found.best.value
    assert found.unknown[1] > 0
    assert found.unknown[2] == 0  # what the bank approved it got to know
    swapped_in = (champion == 2) & (challenger == 0)
    assert found.bads_low[1] <= truth[swapped_in].sum() <= found.bads_high[1]


def test_a_swap_set_by_hand() -> None:
    bad: Any = [0, 1, None, None, 1, 0]
    champion = [0.1, 0.1, 0.6, 0.7, 0.2, 0.3]
    challenger = [0.1, 0.8, 0.2, 0.9, 0.9, 0.3]
    amounts = [1, 2, 4, 8, 16, 32]
    found = swap_set(bad, champion, challenger, cut_offs=(0.5, 0.5), amounts=amounts, economics=ECONOMICS)
    assert found.group.tolist() == [
        "both approve", "only the challenger approves", "only the champion approves", "both decline",
    ]  # fmt: skip
    assert found.applications.tolist() == [2, 1, 2, 1]
    assert found.columns["amount"].tolist() == [33, 4, 18, 8]
    assert found.known.tolist() == [2, 0, 2, 0]
    assert found.bads_known.tolist() == [0, 0, 2, 0]
    assert found.bads_high.tolist() == [0, 1, 2, 1]
    assert np.isnan(found.bad_rate_known[1])
    assert found.columns["bads_expected_champion"].tolist() == [0, 0.6, 2, 0.7]
    assert found.columns["bads_expected_challenger"].tolist() == [0, 0.2, 2, 0.9]
    assert found.worst is not None
    assert found.best is not None
    assert (found.worst.value, found.best.value) == (-520 + 1040, 80 + 1040)
    assert "the outcome of 1 is unknown" in found.sentence
    assert found.to_arrow().schema.field("group").type == pa.string()


def test_no_verdict_is_given_that_the_unknown_could_turn() -> None:
    """400 swap-ins, all unknown; at best they earn, at worst they lose: more such data settles nothing."""
    champion = np.repeat([0, 2, 2], [400, 400, 200])
    challenger = np.repeat([0, 0, 2], [400, 400, 200])
    bad = np.repeat([0.0, np.nan, np.nan], [400, 400, 200])
    found = swap_set(bad, champion, challenger, economics=ECONOMICS)
    assert found.verdict == "not enough evidence yet"
    assert found.worst is not None
    assert found.worst.verdict == "worse"
    assert "approving some of the swap-ins at random" in found.sentence


def test_a_verdict_that_the_unknown_cannot_turn_is_given() -> None:
    """200 swap-outs that all went bad outweigh 20 swap-ins at their worst."""
    champion = np.repeat([0, 0, 2], [400, 200, 20])
    challenger = np.repeat([0, 2, 0], [400, 200, 20])
    bad = np.repeat([0.0, 1.0, np.nan], [400, 200, 20])
    assert swap_set(bad, champion, challenger, economics=ECONOMICS).verdict == "better"
    assert (
        swap_set(np.where(np.isnan(bad), 1.0, 1.0 - bad), champion, challenger, economics=ECONOMICS).verdict == "worse"
    )
    assert swap_set(bad, champion, challenger).verdict is None


@pytest.mark.parametrize(
    ("champion", "change", "problem"),
    [
        ([0, 1], {}, "refers applications"),
        ([0, 3], {}, "champion holds answers"),
        ([0.1, 1.2], {"cut_offs": (0.5, 0.5)}, "champion holds PDs"),
        ([0.1, 0.2], {"cut_offs": (0.5,)}, "cut_offs are the champion's and the challenger's"),
        ([0.1, 0.2, 0.3], {"cut_offs": (0.5, 0.5)}, "challenger has 2 entries for 3"),
    ],
)
def test_answers_that_cannot_be_are_refused(champion: list[float], change: dict[str, Any], problem: str) -> None:
    with pytest.raises(MeasureError, match=problem):
        swap_set([0, 1], champion, [0, 0], **change)


def test_referred_count_as_is_said() -> None:
    approving = swap_set([0, 1], [0, 1], [0, 2], referred="approve")
    declining = swap_set([0, 1], [0, 1], [0, 2], referred="decline")
    assert approving.applications.tolist() == [1, 0, 1, 0]
    assert declining.applications.tolist() == [1, 0, 0, 1]


def test_the_answers_table_bounds_what_is_unknown() -> None:
    """Two approved, of whom one is unknown; one referred and known; two declined and unknown."""
    table = answer_table(np.array([0, None, 1, None, None]), [0, 0, 1, 2, 2], priced=ECONOMICS.price({}, 5))
    assert table.columns["unknown"].tolist() == [1, 0, 2]
    assert table.columns["bad_rate_low"].tolist() == [0, 1, 0]
    assert table.columns["bad_rate_high"].tolist() == [0.5, 1, 1]
    assert np.isnan(table.bad_rate).tolist() == [True, False, True]
    assert np.isnan(table.columns["profit_if_approved"]).tolist() == [True, False, True]
    assert (table.profit_low, table.profit_high) == (80 - 520 - 520 - 7, 80 + 80 - 7)
    assert "Of the approved, between 0.0% and 50.0% went bad." in table.sentence
    assert "what became of those whose outcome is unknown" in table.sentence


def test_a_sensitivity_says_that_it_is_one() -> None:
    found = reject_sensitivity(
        np.array([0, 0, 1, None, None]),
        [0.1, 0.1, 0.4, 0.05, 0.3],
        economics=ECONOMICS,
        multipliers=[1, 2, 30],
        in_force=0.2,
    )
    assert found.caption.startswith("Sensitivity, assumed and not observed: 2 of 5")
    assert found.bad_rate_unknown.tolist() == pytest.approx([0.175, 0.35, 1.0])
    assert found.columns["profit_in_force"].tolist() == pytest.approx([160 + 50, 160 + 20, 160 - 520])
    assert found.profit_all[0] == pytest.approx(160 - 520 + 50 - 100)
    assert (np.diff(found.profit) <= 0).all()


def test_a_sensitivity_needs_something_unknown_and_multipliers_above_zero() -> None:
    with pytest.raises(MeasureError, match="every outcome is known"):
        reject_sensitivity([0, 1], [0.1, 0.2], economics=ECONOMICS)
    with pytest.raises(MeasureError, match="multipliers lie above 0"):
        reject_sensitivity(np.array([0, None]), [0.1, 0.2], economics=ECONOMICS, multipliers=[0])


def test_explored_approvals_weighted_by_their_probability_are_unbiased() -> None:
    """R26: a bank approves below .2 and a twentieth of the rest; weighted, that shows the bad rate of all."""
    generator = np.random.default_rng(4)
    pd = generator.beta(1, 4, 40_000)
    bad = generator.random(40_000) < pd
    chance = np.where(pd < 0.2, 1.0, 0.05)
    plain, weighted = [], []
    for _ in range(60):
        taken = generator.random(40_000) < chance
        found = weigh_by_selection(chance[taken])
        plain.append(bad[taken].mean())
        weighted.append(float(np.average(bad[taken], weights=found.weights)))
        assert found.effective_sample_size < taken.sum()
    assert np.mean(weighted) == pytest.approx(bad.mean(), abs=4 * np.std(weighted) / np.sqrt(60))
    assert abs(np.mean(plain) - bad.mean()) > 5 * np.std(plain)
    everyone = auc(bad, pd).value
    assert auc(bad[taken], pd[taken], weights=found.weights).value == pytest.approx(everyone, abs=0.02)


def test_weights_of_selection_are_checked_and_cut_only_if_told() -> None:
    assert weigh_by_selection([0.5, 0.1], weights=[1, 3]).weights.tolist() == [2, 30]
    capped = weigh_by_selection([0.5, 0.001], cap=20)
    assert capped.weights.tolist() == [2, 20]
    assert capped.capped == 1
    assert "1 weights were cut to 20" in capped.sentence
    assert weigh_by_selection([1.0] * 7).effective_sample_size == pytest.approx(7)
    for wrong in ([0.0, 1.0], [1.1], [float("nan")], []):
        with pytest.raises(MeasureError, match="probability"):
            weigh_by_selection(wrong)
    with pytest.raises(MeasureError, match="cap is at least 1"):
        weigh_by_selection([0.5], cap=0.5)


def test_discrimination_after_a_cut_off_moved_is_compared_where_both_approved() -> None:
    """The model is the same; its AUC on what was approved falls only because the risky were cut off."""
    generator = np.random.default_rng(6)
    pd = generator.beta(1, 3, 60_000)
    bad = generator.random(60_000) < pd
    early, late = pd[:30_000] < 0.6, pd[30_000:] < 0.25
    before = (bad[:30_000][early], pd[:30_000][early])
    after = (bad[30_000:][late], pd[30_000:][late])
    assert auc(*before).value - auc(*after).value > 0.05
    found = at_equal_range(before, after, cut_offs=(0.6, 0.25))
    assert found.below == 0.25
    assert found.left_out_before == int((before[1] >= 0.25).sum())
    assert found.left_out_after == 0
    assert found.low < 0 < found.high
    assert "no change that chance could not make" in found.sentence
    inside = before[1] < 0.25
    assert found.before == pytest.approx(auc(before[0][inside], before[1][inside]).value)


def test_a_comparison_without_enough_in_the_equal_range_is_refused() -> None:
    sample = ([0, 1] * 20, [0.1, 0.5] * 20)
    with pytest.raises(MeasureError, match=r"before holds 20 goods and 0 bads with a PD below 0.3"):
        at_equal_range(sample, sample, cut_offs=(0.3, 0.6))
    with pytest.raises(MeasureError, match="cut_offs are"):
        at_equal_range(sample, sample, cut_offs=(0.3,))  # type: ignore[arg-type]  # on purpose


def test_what_a_release_refers_costs_it_the_look() -> None:
    """Both approve the same four, of which people look at three more for the challenger: -3 x 7."""
    found = swap_set([0, 0, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], referred="approve", economics=ECONOMICS)
    assert found.worst is not None
    assert (found.worst.champion, found.worst.challenger) == (4 * 80 - 600 - 7, 4 * 80 - 600 - 28)
    declined = swap_set([0, 0], [2, 2], [2, 1], referred="decline", economics=ECONOMICS)
    assert declined.best is not None
    assert declined.best.value == -7


def test_a_swap_set_of_one_row_says_that_chance_cannot_be_known() -> None:
    assert "(its chance cannot be known)" in swap_set([0], [2], [0], economics=ECONOMICS).sentence


def test_what_both_approve_is_bounded_too_and_not_taken_for_good() -> None:
    bad: Any = [None, 1, 0]
    found = swap_set(bad, [0, 0, 2], [0, 0, 0], economics=ECONOMICS)
    assert found.worst is not None
    assert found.best is not None
    assert (found.worst.champion, found.best.champion) == (-1040, -440)
    assert found.worst.value == found.best.value == 80


@pytest.mark.parametrize("priced", [False, True])
def test_more_bads_than_applications_are_refused_wherever_outcomes_are_unknown_too(priced: bool) -> None:
    """Three of four with a known outcome are bad: a factor of 2 makes six of them, whatever the fifth one is."""
    bad, pd, answers = np.array([0, 1, 1, 1, None]), [0.1, 0.2, 0.6, 0.8, 0.9], [0, 0, 0, 2, 2]
    economics: Any = Economics(revenue=100, funding=20, ead=1000, lgd=0.5, lifetime_factor=2)
    if priced:
        economics = economics.price({}, 5)
    for measure in (
        lambda: bounded_cut_off_table(bad, pd, economics=economics),
        lambda: answer_table(bad, answers, economics=economics),
        lambda: swap_set(bad, pd, pd, cut_offs=(0.5, 0.7), economics=economics),
        lambda: reject_sensitivity(bad, pd, economics=economics),
    ):
        with pytest.raises(
            MeasureError, match=r"lifetime_factor 2 makes more bads than there are applications: 75\.0%"
        ):
            measure()


def test_a_lifetime_factor_that_the_known_outcomes_allow_is_taken_and_the_bounds_hold() -> None:
    """Half of the known are bad, which a factor of 2 makes all of them and no more; the truth lies within."""
    economics = Economics(revenue=100, funding=20, ead=1000, lgd=0.5, lifetime_factor=2)
    pd, bad = [0.1, 0.2, 0.6, 0.8], np.array([0, 1, None, None])
    found = bounded_cut_off_table(bad, pd, economics=economics, cut_offs=[1.0])
    for third, fourth in ((0, 0), (0, 1), (1, 0)):  # were both bad, the factor could not hold
        true = cut_off_table([0, 1, third, fourth], pd, economics=economics, cut_offs=[1.0])
        assert found.columns["profit_worst"] <= true.columns["profit"] <= found.columns["profit_best"]
    assert reject_sensitivity(bad, pd, economics=economics).unknown == 2
    assert swap_set(bad, pd, pd, cut_offs=(0.5, 0.7), economics=economics).worst is not None


def test_all_unknown_leaves_a_lifetime_factor_nothing_to_contradict() -> None:
    economics = Economics(revenue=100, funding=20, ead=1000, lgd=0.5, lifetime_factor=50)
    assert bounded_cut_off_table(np.full(2, np.nan), [0.1, 0.2], economics=economics).unknown == 2
