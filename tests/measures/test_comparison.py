"""Two models on the same applications: paired intervals, verdicts, and the sample that would settle it (R22)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t

from roadworthy.errors import MeasureError
from roadworthy.measures import auc, brier, compare_auc, compare_brier, compare_profit

Two = tuple[np.ndarray, np.ndarray, np.ndarray]


def _two(seed: int, rows: int, noise: float) -> Two:
    """A champion that sees the PD through noise, and a challenger that sees it as it is."""
    generator = np.random.default_rng(seed)
    pd = generator.beta(1, 4, rows)
    bad = generator.random(rows) < pd
    bad[:2] = [True, False]
    return bad, np.clip(pd + noise * generator.standard_normal(rows), 0.001, 0.999).round(3), pd.round(3)


def _kernel(bad: np.ndarray, pd: np.ndarray) -> np.ndarray:
    above: np.ndarray = (pd[bad][:, None] > pd[~bad]) + 0.5 * (pd[bad][:, None] == pd[~bad])
    return above


def test_the_difference_of_auc_is_delongs() -> None:
    """The paired variance as DeLong et al. (1988) write it, with covariances, every bad against every good."""
    bad, champion, challenger = _two(1, 200, 0.2)
    one, two = _kernel(bad, champion), _kernel(bad, challenger)
    of_bads = np.cov(one.mean(axis=1), two.mean(axis=1))
    of_goods = np.cov(one.mean(axis=0), two.mean(axis=0))
    covariance = of_bads / one.shape[0] + of_goods / one.shape[1]
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = compare_auc(bad, champion, challenger, confidence=0.9)
    assert found.champion == pytest.approx(auc(bad, champion).value, abs=1e-12)
    assert found.challenger == pytest.approx(auc(bad, challenger).value, abs=1e-12)
    assert found.value == pytest.approx(two.mean() - one.mean(), abs=1e-12)
    assert found.low == pytest.approx(found.value - norm.ppf(0.95) * error, abs=1e-12)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.value) / error), abs=1e-12)


def test_the_difference_of_brier_is_a_paired_mean() -> None:
    bad, champion, challenger = _two(2, 300, 0.2)
    apart = (challenger - bad) ** 2 - (champion - bad) ** 2
    centred = apart - apart.mean()
    freedom = (centred**2).sum() ** 2 / (centred**4).sum()
    error = apart.std(ddof=1) / np.sqrt(len(apart))
    found = compare_brier(bad, champion, challenger)
    assert found.value == pytest.approx(brier(bad, challenger).value - brier(bad, champion).value, abs=1e-12)
    assert found.high == pytest.approx(apart.mean() + t.ppf(0.975, freedom) * error, abs=1e-12)
    assert found.p_value == pytest.approx(2 * t.sf(abs(apart.mean()) / error, freedom), abs=1e-12)
    assert not found.higher_is_better


def test_better_worse_and_not_yet_are_told_apart() -> None:
    bad, champion, challenger = _two(3, 3000, 0.3)
    assert compare_auc(bad, champion, challenger).verdict == "better"
    assert compare_auc(bad, challenger, champion).verdict == "worse"
    assert compare_brier(bad, champion, challenger).verdict == "better"
    assert compare_brier(bad, challenger, champion).verdict == "worse"
    few = compare_auc(bad[:40], champion[:40], challenger[:40], smallest=0.01)
    assert few.verdict == "not enough evidence yet"
    assert few.rows_needed is not None
    assert few.rows_needed > 40
    assert "not enough evidence yet. About" in few.sentence


def test_the_sample_asked_for_settles_it_about_as_often_as_promised() -> None:
    """At the size `rows_needed` names, a true difference is found with about the power stated."""
    bad, champion, challenger = _two(4, 60_000, 0.05)
    truth = compare_brier(bad, champion, challenger)
    assert truth.rows_needed is not None
    settled = 0
    for trial in range(100):
        again = compare_brier(*_two(100 + trial, truth.rows_needed, 0.05))
        settled += again.verdict == "better"
    assert 62 <= settled <= 95


def test_the_difference_of_profit_is_a_sum_with_its_bootstraps_spread() -> None:
    generator = np.random.default_rng(5)
    champion, challenger = generator.normal(10, 100, 5000), generator.normal(15, 100, 5000)
    weights = generator.integers(1, 4, 5000).astype(float)
    found = compare_profit(champion, challenger, weights=weights, confidence=0.9)
    apart = weights * (challenger - champion)
    assert found.value == pytest.approx(apart.sum())
    assert found.champion == pytest.approx((weights * champion).sum())
    error = np.sqrt(5000) * apart.std(ddof=1)
    assert (found.high - found.low) / 2 == pytest.approx(norm.ppf(0.95) * error, rel=2e-3)
    drawn = np.array([apart[generator.integers(0, 5000, 5000)].sum() for _ in range(300)])
    assert drawn.std() == pytest.approx(error, rel=0.15)


def test_a_few_good_swaps_among_many_equal_answers_are_few_observations() -> None:
    """Four of four swaps going well happens by luck in 1 of 8 cases, whatever a normal interval says."""
    nothing = np.zeros(100_000)
    for swaps, verdict in ((4, "not enough evidence yet"), (20, "better")):
        swapped = nothing.copy()
        swapped[:swaps] = 100.0
        assert compare_profit(nothing, swapped).verdict == verdict


def test_equal_models_are_settled_by_no_sample() -> None:
    bad, _, pd = _two(6, 100, 0.1)
    for found in (compare_auc(bad, pd, pd), compare_brier(bad, pd, pd), compare_profit(pd, pd)):
        assert found.value == 0.0
        assert np.isnan(found.low)
        assert found.verdict == "not enough evidence yet"
        assert found.rows_needed is None
        assert "no number of such rows" in found.sentence


def test_money_is_told_with_its_currency_and_population() -> None:
    found = compare_profit([0.0] * 50, [100.0, 50.0] * 25, currency="GBP", population="matured in 2025")
    assert found.sentence == (
        f"Difference in profit GBP 3,750 (95% interval GBP {found.low:,.0f} to GBP {found.high:,.0f}): "
        "the challenger is better (matured in 2025)."
    )


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.sampled_from([0.0, 0.2, 0.6, 1.0])),
        min_size=4,
        max_size=40,
    ),
    st.floats(1e-6, 1e9),
)
def test_the_way_round_and_the_scale_of_weights_change_nothing(
    rows: list[tuple[bool, float, float]], scale: float
) -> None:
    bad, one, two = (np.array(column) for column in zip(*rows, strict=True))
    bad[:2] = [True, False]
    weights = np.arange(1.0, len(bad) + 1)
    for compare in (compare_auc, compare_brier):
        forth = compare(bad, one, two, weights=weights)
        back = compare(bad[::-1], two[::-1], one[::-1], weights=weights[::-1] * scale)
        assert back.value == pytest.approx(-forth.value, abs=1e-12)
        assert back.low == pytest.approx(-forth.high, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"challenger": [0.1, 1.2]}, "challenger"),
        ({"challenger": [0.1]}, "challenger"),
        ({"challenger": [0.1, float("nan")]}, "challenger"),
        ({"bad": [1, 1]}, "good"),
        ({"power": 0}, "power"),
        ({"power": "much"}, "power"),
        ({"smallest": 0}, "smallest"),
        ({"confidence": 95}, "confidence"),
        ({"weights": [0, 0]}, "weights"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    given = {"bad": [0, 1], "champion": [0.1, 0.9], "challenger": [0.2, 0.8], **wrong}
    with pytest.raises(MeasureError, match=named):
        compare_auc(**given)


def test_one_row_can_be_counted_but_not_judged() -> None:
    found = compare_brier([1], [0.5], [0.6])
    assert found.value == pytest.approx(0.16 - 0.25)
    assert found.verdict == "not enough evidence yet"
    assert np.isnan(found.high)
