"""Fair lending at the cut-off: by hand, against SciPy's risk ratio and plain counting, and what small groups say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats.contingency import relative_risk

from roadworthy.errors import MeasureError
from roadworthy.measures import adverse_impact_ratio, group_rates, standardised_mean_difference
from roadworthy.measures.intervals import wilson

rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([0.1, 0.2, 0.3, 0.7]), st.booleans()),
    min_size=1,
    max_size=60,
)


def test_the_four_fifths_rule_by_hand() -> None:
    """48 of 80 and 12 of 40 are hired, 60% and 30%, half as many: the example in the guideline's answers of 1979."""
    group = np.repeat(["x", "y"], [80, 40])
    approved = np.concatenate([np.repeat([1, 0], [48, 32]), np.repeat([1, 0], [12, 28])])
    table = adverse_impact_ratio(group, approved=approved, minimum=40, population="by hand")
    assert table.approval_rate.tolist() == [0.6, 0.3]
    assert table.ratio.tolist() == [1.0, 0.5]
    assert table.reference == "x"
    assert table.verdict.tolist() == ["reference", "not enough evidence yet"]
    assert table.caption == (
        "Adverse impact: 120 applications, approval rates over that of x, 95% interval; below 40 applications a group "
        "is small; by hand"
    )


def test_a_group_of_whom_nobody_is_approved_is_below_four_fifths() -> None:
    """High end by hand, of Wilson's u for 0 of 500 and l for 400 of 500: u / sqrt(l (2 x 0.8 - l))."""
    group = np.repeat(["x", "y"], 500)
    table = adverse_impact_ratio(group, approved=np.repeat([1, 0], [400, 600]))
    _, high = wilson(np.array([0.0]), np.array([500.0]), 0.95)
    low, _ = wilson(np.array([0.8]), np.array([500.0]), 0.95)
    assert table.ratio.tolist() == [1.0, 0.0]
    assert table.ratio_low[1] == 0.0
    assert table.ratio_high[1] == pytest.approx(float(high[0] / np.sqrt(low[0] * (1.6 - low[0]))))
    assert table.verdict.tolist() == ["reference", "below four fifths"]


def test_groups_of_whom_everybody_is_approved_are_not_below() -> None:
    """The low end is Wilson's of 500 of 500, 500 / (500 + z^2); the high end is one over that of the reference."""
    table = adverse_impact_ratio(np.repeat(["x", "y"], 500), approved=np.ones(1000))
    assert table.ratio.tolist() == [1.0, 1.0]
    assert table.ratio_low[1] == pytest.approx(500 / 503.84145882)
    assert table.ratio_high[1] == pytest.approx(503.84145882 / 500)
    assert table.verdict.tolist() == ["reference", "not below"]


def test_where_nobody_at_all_is_approved_no_ratio_is_claimed() -> None:
    table = adverse_impact_ratio(np.repeat(["x", "y"], 500), approved=np.zeros(1000))
    assert np.isnan([table.ratio, table.ratio_low, table.ratio_high]).all()
    assert "below four fifths" not in table.verdict.tolist()


@given(st.integers(1, 80), st.integers(1, 80), st.integers(81, 200), st.integers(81, 200))
def test_the_interval_is_that_of_scipy(yes: int, others: int, n: int, m: int) -> None:
    approved = np.concatenate([np.repeat([1, 0], [yes, n - yes]), np.repeat([1, 0], [others, m - others])])
    table = adverse_impact_ratio(np.repeat(["g", "r"], [n, m]), approved=approved, reference="r")
    risk = relative_risk(yes, n, others, m)
    interval = risk.confidence_interval(0.95)
    assert table.ratio[0] == pytest.approx(risk.relative_risk)
    assert (table.ratio_low[0], table.ratio_high[0]) == pytest.approx((interval.low, interval.high))


@settings(max_examples=50)
@given(rows, st.integers(2, 4))
def test_weights_count_as_rows_and_order_does_not_matter(values: list[tuple[Any, float, bool]], times: int) -> None:
    group, pds, bad = ([row[column] for row in values] for column in range(3))
    once = adverse_impact_ratio(group, pds, cut_off=0.25)
    turned = adverse_impact_ratio(group[::-1], pds[::-1], cut_off=0.25)
    repeated = adverse_impact_ratio(group * times, pds * times, cut_off=0.25)
    heavy = adverse_impact_ratio(group, pds, cut_off=0.25, weights=[float(times)] * len(pds))
    for other in (turned, repeated, heavy):
        assert once.group.tolist() == other.group.tolist()
        np.testing.assert_allclose(once.ratio, other.ratio)
    np.testing.assert_allclose(once.ratio_low, heavy.ratio_low)
    rates = group_rates(bad, pds, group, cut_off=0.25)
    for rate, same in (
        (rates.observed, group_rates(bad * times, pds * times, group * times, cut_off=0.25).observed),
        (rates.weight * times, group_rates(bad, pds, group, cut_off=0.25, weights=[times] * len(pds)).weight),
    ):
        np.testing.assert_allclose(rate, same)


@settings(max_examples=50)
@given(rows)
def test_rates_by_group_are_what_counting_gives(values: list[tuple[Any, float, bool]]) -> None:
    group, pds, bad = ([row[column] for row in values] for column in range(3))
    table = group_rates(bad, pds, group, cut_off=0.25)
    for row, name in enumerate(table.group):
        mine = [(p, b) for g, p, b in values if (g or "missing") == name]
        goods = [p for p, b in mine if not b]
        bads = [p for p, b in mine if b]
        declined = [b for p, b in mine if p >= 0.25]
        assert table.count[row] == len(mine)
        assert table.predicted[row] == pytest.approx(sum(p for p, _ in mine) / len(mine))
        for name_of, event, among in (
            ("observed", sum(b for _, b in mine), len(mine)),
            ("goods_declined", sum(p >= 0.25 for p in goods), len(goods)),
            ("bads_approved", sum(p < 0.25 for p in bads), len(bads)),
            ("declines_right", sum(declined), len(declined)),
        ):
            if not among:
                assert np.isnan(table.columns[name_of][row])
                continue
            assert table.columns[name_of][row] == pytest.approx(event / among)
            low, high = wilson(np.array([event / among]), np.array([float(among)]), 0.95)
            assert table.columns[f"{name_of}_low"][row] == pytest.approx(low[0])
            assert table.columns[f"{name_of}_high"][row] == pytest.approx(high[0])


def test_the_mean_difference_is_cohens_with_the_interval_of_hedges_and_olkin() -> None:
    generator = np.random.default_rng(3)
    a, b = generator.normal(0.0, 1.0, 300), generator.normal(0.5, 2.0, 200)
    table = standardised_mean_difference(np.repeat(["a", "b"], [300, 200]), np.concatenate([a, b]))
    pooled = np.sqrt((299 * a.var(ddof=1) + 199 * b.var(ddof=1)) / 498)
    d = (b.mean() - a.mean()) / pooled
    half = 1.959963984540054 * np.sqrt(500 / (300 * 200) + d * d / 1000)
    assert table.reference == "a"
    assert table.difference == pytest.approx([0.0, d])
    assert table.difference_low[1] == pytest.approx(d - half)
    assert table.difference_high[1] == pytest.approx(d + half)
    assert np.isnan(table.difference_low[0])
    assert table.deviation == pytest.approx([a.std(ddof=1), b.std(ddof=1)])


@given(st.floats(0.1, 100.0), st.floats(-100.0, 100.0))
def test_the_mean_difference_does_not_depend_on_the_scale_of_the_score(scale: float, shift: float) -> None:
    group = ["a"] * 4 + ["b"] * 3
    values = np.array([0.1, 0.4, 0.2, 0.6, 0.5, 0.9, 0.3])
    one = standardised_mean_difference(group, values).difference
    other = standardised_mean_difference(group, scale * values + shift).difference
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_small_groups_and_those_compared_with_one_get_no_verdict() -> None:
    group = np.repeat(["large", "small"], [500, 20])
    approved = np.concatenate([np.repeat([1, 0], [450, 50]), np.zeros(20)])
    table = adverse_impact_ratio(group, approved=approved)
    assert table.verdict.tolist() == ["reference", "too few to say"]
    assert table.small.tolist() == [0, 1]
    assert table.ratio[1] == 0.0
    assert table.ratio_low[1] == 0.0 < table.ratio_high[1]
    # A small group is never the standard by itself, however many of it are approved.
    everybody = adverse_impact_ratio(group, approved=np.concatenate([approved[:500], np.ones(20)]))
    assert everybody.reference == "large"
    by_name = adverse_impact_ratio(group, approved=approved, reference="small")
    assert by_name.verdict.tolist() == ["too few to say", "reference"]
    assert np.isnan(by_name.ratio[0])
    # A weight of a thousand on few rows makes no group large.
    heavy = adverse_impact_ratio(group, approved=approved, weights=np.repeat([1.0, 1000.0], [500, 20]))
    assert heavy.small.tolist() == [0, 1]


def test_the_verdicts() -> None:
    def verdict(yes: int) -> str:
        approved = np.concatenate([np.repeat([1, 0], [900, 100]), np.repeat([1, 0], [yes, 1000 - yes])])
        return str(adverse_impact_ratio(np.repeat(["a", "b"], 1000), approved=approved).verdict[1])

    assert [verdict(yes) for yes in (600, 720, 850)] == ["below four fifths", "not enough evidence yet", "not below"]


@pytest.mark.parametrize(
    "group",
    [
        ["n", None, "n", ""],
        np.array(["n", "", "n", ""]),
        pd.Series(["n", pd.NA, "n", None], dtype="string"),
        pd.Series(["n", None, "n", ""], dtype="category"),
        pd.array(["n", None, "n", None]),
    ],
    ids=["list", "NumPy", "nullable", "categories", "array"],
)
def test_who_states_no_group_is_a_group(group: Any) -> None:
    table = adverse_impact_ratio(group, [0.1, 0.2, 0.6, 0.7], cut_off=0.5)
    assert table.group.tolist() == ["n", "missing"]
    assert table.count.tolist() == [2, 2]


@pytest.mark.parametrize("unstated", [None, "", "missing", "unknown", "Unknown", "not stated"])
@pytest.mark.parametrize("stated", [2, 300], ids=["small", "large"])
def test_those_who_state_no_group_are_the_standard_only_where_nobody_states_one(unstated: Any, stated: int) -> None:
    """They are more, and approved more often: still the groups that are stated are compared among each other."""
    group: Any = ["n"] * stated + ["s"] * stated + [unstated] * 600
    approved = [1] * (stated - 1) + [0] + [0] * (stated - 1) + [1] + [1] * 600
    table = adverse_impact_ratio(group, approved=approved)
    assert table.reference == "n"
    assert standardised_mean_difference(group, approved).reference == "n"
    alone = [unstated] * 600
    assert adverse_impact_ratio(alone, approved=[1] * 600).verdict.tolist() == ["reference"]
    assert standardised_mean_difference(alone, approved[:600]).difference.tolist() == [0.0]
    # By name it can be asked for.
    name = str(table.group[-1]) if unstated in (None, "", "missing") else str(unstated)
    assert adverse_impact_ratio(group, approved=approved, reference=name).reference == name


def test_of_stated_groups_one_that_is_not_small_is_the_standard_first() -> None:
    group: Any = ["few"] * 5 + ["many"] * 200 + [None] * 300
    approved = [1] * 5 + [1] * 100 + [0] * 100 + [1] * 300
    assert adverse_impact_ratio(group, approved=approved).reference == "many"


def test_numbers_are_groups_too() -> None:
    groups: tuple[Any, ...] = ([1, 2, 1, 2], [1.0, 2.0, 1.0, float("nan")], [1, "x", 1, None])
    for group in groups:
        assert adverse_impact_ratio(group, approved=[1, 0, 1, 1]).group[0] == "1"


def test_rows_of_weight_0_take_no_part() -> None:
    table = group_rates([0, 1, 1], [0.1, 0.9, 0.5], ["a", "a", "b"], cut_off=0.5, weights=[1, 1, 0])
    assert table.group.tolist() == ["a"]
    assert table.count.tolist() == [2]


def test_a_group_without_spread_or_of_one_is_nan_and_no_guess() -> None:
    table = standardised_mean_difference(["a", "a", "b"], [0.2, 0.2, 0.3])
    assert np.isnan(table.difference[1])
    assert np.isnan(table.deviation[1])
    alone = standardised_mean_difference(["a"], [0.2])
    assert alone.difference.tolist() == [0.0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pd": None}, "takes pd with its cut_off, or approved"),
        ({"cut_off": None}, "takes pd with its cut_off, or approved"),
        ({"approved": [0, 1]}, "takes pd with its cut_off, or approved"),
        ({"pd": None, "cut_off": None, "approved": [0, 2]}, "approved is 0 or 1"),
        ({"cut_off": 2}, "cut_off is a PD"),
        ({"pd": [0.1, 1.2]}, "pd lies in 0..1"),
        ({"group": ["a"]}, "group has 1 entries for 2"),
        ({"group": [["a"], ["b"]]}, "group is one array"),
        ({"reference": "z"}, "reference is one of the groups, a, b, not 'z'"),
        ({"minimum": 0}, "minimum is a number of applications"),
        ({"confidence": 0}, "confidence lies between"),
        ({"weights": [1, -1]}, "weights is negative"),
    ],
)
def test_bad_input_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    arguments = {"group": ["a", "b"], "pd": [0.1, 0.2], "cut_off": 0.5, **changes}
    with pytest.raises(MeasureError, match=said):
        adverse_impact_ratio(arguments.pop("group"), arguments.pop("pd"), **arguments)


def test_too_many_groups_are_refused() -> None:
    with pytest.raises(MeasureError, match="group holds 101 values"):
        standardised_mean_difference(np.arange(101), np.arange(101.0))
