"""What a cut-off means and is worth (R18): worked by hand, identities, realised value, intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roadworthy.errors import MeasureError
from roadworthy.measures import Economics, cut_off_table

ECONOMICS = Economics(revenue=100, funding=20, ead=1000, lgd=0.5, income_received=50, review=7)


def _worked_case() -> tuple[list[int], list[float]]:
    """100 applications; 25 at PD 0.9 and above, of which 22 went bad; of the other 75, 9 did."""
    pd = [0.95] * 20 + [0.9] * 5 + [0.89] * 25 + [0.1] * 50
    bad = [1] * 20 + [1, 1, 0, 0, 0] + [1] * 9 + [0] * 16 + [0] * 50
    return bad, pd


def test_at_a_cut_off_of_90_percent_88_percent_of_declines_are_right_and_12_percent_were_good() -> None:
    """R18, the example of the requirement, worked by hand."""
    bad, pd = _worked_case()
    table = cut_off_table(bad, pd, cut_offs=[0.9], population="all applicants of one month")
    assert table.declined.tolist() == [25]
    assert table.declines_right.tolist() == [22 / 25] == [0.88]
    assert table.good_turned_away.tolist() == [pytest.approx(3 / 25)] == [pytest.approx(0.12)]
    assert table.goods_declined.tolist() == [3]
    assert table.bads_declined.tolist() == [22]
    assert table.approved.tolist() == [75]
    assert table.approval_rate.tolist() == [0.75]
    assert table.bads_approved.tolist() == [9]
    assert table.bad_rate_approved.tolist() == [0.12]
    assert table.sentence(0) == (
        "At a cut-off of 0.9, 75.0% are approved; of the declined, 88.0% were bad (right) and 12.0% were good "
        "applicants turned away (all applicants of one month)."
    )


def test_the_same_cut_off_in_money_by_hand() -> None:
    """R18: 66 goods and 9 bads approved; 3 goods and 22 bads declined. Costs 20, a bad loses 1000 x 0.5 - 50."""
    bad, pd = _worked_case()
    table = cut_off_table(bad, pd, cut_offs=[0.9], economics=ECONOMICS)
    assert table.columns["revenue"].tolist() == [66 * 100]
    assert table.columns["costs"].tolist() == [75 * 20]
    assert table.columns["losses"].tolist() == [9 * 450]
    assert table.columns["profit"].tolist() == [6600 - 1500 - 4050]
    assert table.columns["revenue_lost"].tolist() == [3 * 100]
    assert table.columns["losses_avoided"].tolist() == [22 * 450]
    # What the three goods would have brought is shown, and profit does not pay for it a second time.
    assert table.columns["forgone_profit"].tolist() == [3 * 80]
    assert table.columns["review"].tolist() == [0.0]
    assert table.referred is None
    assert "profit EUR 1,050" in table.sentence(0)


def test_a_persons_look_costs_where_it_is_asked_for() -> None:
    bad, pd = _worked_case()
    table = cut_off_table(bad, pd, cut_offs=[0.5, 0.9], economics=ECONOMICS, refer_from=0.6)
    assert table.columns["referred"].tolist() == [0, 25]  # those at .89; at a cut-off of .5 they are declined
    assert table.columns["review"].tolist() == [0, 25 * 7]
    assert table.columns["profit"].tolist() == [50 * 80, 1050 - 175]


def test_without_economics_no_money_is_shown() -> None:
    bad, pd = _worked_case()
    table = cut_off_table(bad, pd, cut_offs=[0.9])
    assert table.profit is None
    assert table.revenue is None
    assert table.currency is None
    assert not {"profit", "revenue", "losses", "forgone_profit", "profit_low"} & set(table.columns)
    assert "no money: economics not stated" in repr(table)
    assert "profit" not in table.to_arrow().column_names


def test_realised_value_needs_no_assumption_and_invents_no_terms() -> None:
    value = [10.0, 20.0, -100.0, 30.0, -60.0]
    table = cut_off_table([0, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.6, 0.7], value=value, cut_offs=[0.5], currency="USD")
    assert table.columns["profit"].tolist() == [10 + 20 - 100]
    assert table.columns["losses"].tolist() == [100]
    assert table.columns["losses_avoided"].tolist() == [60]
    assert table.columns["forgone_profit"].tolist() == [30]
    assert table.revenue is None
    assert table.costs is None
    assert table.economics is None
    assert "money realised, USD" in repr(table)


def test_priced_economics_are_taken_as_they_are() -> None:
    bad, pd = _worked_case()
    priced = ECONOMICS.price({}, 100)
    assert cut_off_table(bad, pd, economics=priced, cut_offs=[0.9]).columns["profit"].tolist() == [1050]


def test_weights_stand_for_rows() -> None:
    bad, pd = _worked_case()
    plain = cut_off_table(bad * 2, pd * 2, economics=ECONOMICS, cut_offs=[0.5, 0.9])
    heavy = cut_off_table(bad, pd, economics=ECONOMICS, cut_offs=[0.5, 0.9], weights=[2] * 100)
    for name, column in plain.columns.items():
        if not name.endswith(("_low", "_high")):  # twice as many rows are more evidence; twice the weight is not
            assert heavy.columns[name] == pytest.approx(column), name


def test_money_terms_add_up_at_every_cut_off() -> None:
    generator = np.random.default_rng(5)
    pd = generator.beta(1, 5, 2000)
    bad = generator.random(2000) < pd
    columns = {"amount": generator.lognormal(9, 0.5, 2000), "rate": generator.random(2000) / 5}
    economics = Economics(
        revenue="amount * rate", funding="amount * 0.02", ead="amount", lgd=0.6, servicing=30, review=12, acquisition=90
    )
    weights = generator.random(2000)
    table = cut_off_table(bad, pd, economics=economics, columns=columns, weights=weights, refer_from=0.2)
    money = table.columns
    assert money["profit"] == pytest.approx(money["revenue"] - money["costs"] - money["review"] - money["losses"])
    assert money["losses"] + money["losses_avoided"] == pytest.approx(np.full(len(table), money["losses"][-1]))
    assert money["revenue"] + money["revenue_lost"] == pytest.approx(np.full(len(table), money["revenue"][-1]))
    assert (money["profit_low"] <= money["profit"]).all()
    assert (money["profit_high"] >= money["profit"]).all()


def test_the_default_cut_offs_go_from_declining_all_to_approving_all() -> None:
    generator = np.random.default_rng(6)
    pd = generator.beta(1, 20, 5000)
    table = cut_off_table(generator.random(5000) < pd, pd)
    assert table.approved[0] == 0
    assert table.declined[-1] == 0
    assert np.diff(table.approval_rate) == pytest.approx([0.05] * 20, abs=0.005)
    assert np.isnan(table.bad_rate_approved[0])
    assert np.isnan(table.declines_right[-1])


def test_a_pd_of_one_can_be_approved_by_no_cut_off_of_one() -> None:
    table = cut_off_table([1, 0], [1.0, 0.2])
    assert table.declined[-1] == 0
    assert table.cut_off[-1] > 1.0
    assert cut_off_table([1, 0], [1.0, 0.2], cut_offs=[1.0]).declined.tolist() == [1]


def test_the_interval_of_profit_is_the_bootstraps() -> None:
    """Against a bootstrap that draws and copies rows."""
    generator = np.random.default_rng(7)
    rows = 400
    pd = generator.beta(1, 4, rows)
    bad = generator.random(rows) < pd
    value = np.where(bad, -generator.lognormal(6, 0.7, rows), generator.lognormal(4, 0.5, rows))
    weights = generator.integers(1, 4, rows).astype(float)
    table = cut_off_table(bad, pd, value=value, weights=weights, cut_offs=[0.1, 0.3, 1.0])
    drawn = generator.integers(0, rows, (4000, rows))
    for row, cut_off in enumerate([0.1, 0.3, 1.0]):
        profits = (value * weights * (pd < cut_off))[drawn].sum(axis=1)
        low, high = np.quantile(profits, [0.025, 0.975])
        width = high - low
        assert table.columns["profit_low"][row] == pytest.approx(low, abs=0.06 * width)
        assert table.columns["profit_high"][row] == pytest.approx(high, abs=0.06 * width)


def test_a_policy_in_force_with_rules_is_compared_on_the_same_drawn_applications() -> None:
    generator = np.random.default_rng(4)
    pd = generator.beta(1, 4, 800)
    bad, amount = generator.random(800) < pd, generator.lognormal(0, 1, 800)
    weights = generator.integers(0, 3, 800).astype(float)
    approved = (pd < 0.3) & (generator.random(800) < 0.8)  # a rule stops one in five, whatever the PD
    value = np.where(bad, -5.0, 1.0) * amount
    table = cut_off_table(
        bad, pd, value=value, weights=weights, cut_offs=[0.1, 0.3, 1.0], approved_in_force=approved, resamples=4000
    )
    found, low, high = (table.columns[f"difference_from_in_force{end}"] for end in ("", "_low", "_high"))
    rows = np.arange(800)
    drawn = np.array([generator.choice(rows, 800) for _ in range(4000)])
    for row, cut_off in enumerate((0.1, 0.3, 1.0)):
        apart = weights * value * ((pd < cut_off).astype(float) - approved)
        assert found[row] == pytest.approx(apart.sum())
        ends = np.quantile(apart[drawn].sum(axis=1), [0.025, 0.975])
        assert [low[row], high[row]] == pytest.approx(ends, abs=0.08 * (ends[1] - ends[0]))
    # Both approve below .3 but for what the rule stops: far closer than two policies that have nothing in common.
    assert high[1] - low[1] < table.columns["profit_high"][1] - table.columns["profit_low"][1]


def test_a_policy_that_is_a_cut_off_is_compared_as_that_cut_off() -> None:
    generator = np.random.default_rng(5)
    pd = generator.random(300)
    bad = generator.random(300) < pd
    case: dict[str, Any] = {"bad": bad, "pd": pd, "economics": ECONOMICS, "cut_offs": [0.2, 0.4, 0.8]}
    policy = cut_off_table(**case, approved_in_force=pd < 0.4)
    cut_off = cut_off_table(**case, in_force=0.4)
    for name in ("profit", "difference_from_in_force", "difference_from_all", "difference_from_best"):
        assert policy.columns[name].tolist() == pytest.approx(cut_off.columns[name].tolist())
    for end in ("_low", "_high"):
        name = f"difference_from_in_force{end}"
        spread = np.ptp(cut_off.columns["difference_from_in_force"])
        assert policy.columns[name] == pytest.approx(cut_off.columns[name], abs=0.1 * spread)
        assert policy.columns[name][1] == 0.0, "no difference from itself, however the rows are drawn"


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"approved_in_force": [1, 0], "in_force": 0.5}, "both state what is in force"),
        ({"approved_in_force": [1, 0], "refer_from": 0.5}, "does not say whom the policy in force refers"),
        ({"approved_in_force": [1, 2]}, "approved_in_force is 0 or 1"),
        ({"approved_in_force": [1]}, "approved_in_force has 1 entries for 2"),
        ({"approved_in_force": [1, np.nan]}, "approved_in_force is missing"),
    ],
)
def test_a_policy_in_force_that_cannot_be_compared_is_refused(stated: dict[str, Any], problem: str) -> None:
    with pytest.raises(MeasureError, match=problem):
        cut_off_table([0, 1], [0.1, 0.9], economics=ECONOMICS, **stated)


def test_the_interval_is_the_same_for_the_same_seed() -> None:
    bad, pd = _worked_case()
    first, again, other = (
        cut_off_table(bad, pd, economics=ECONOMICS, cut_offs=[0.5, 0.9], seed=seed) for seed in (1, 1, 2)
    )
    assert first.columns["profit_low"].tolist() == again.columns["profit_low"].tolist()
    assert first.columns["profit_low"].tolist() != other.columns["profit_low"].tolist()


def test_every_figure_names_its_population_and_what_is_assumed() -> None:
    bad, pd = _worked_case()
    table = cut_off_table(bad, pd, economics=ECONOMICS, population="booked and matured, 2024")
    assert repr(table).splitlines()[0] == (
        "Cut-offs: 100 applications; money in EUR, assumed: revenue, funding, ead, lgd, review, servicing, "
        "acquisition, income_received; booked and matured, 2024"
    )


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"economics": ECONOMICS, "value": [1.0] * 100}, "both state the money"),
        ({"economics": {"revenue": 1}}, "Economics or Priced, not dict"),
        ({"economics": ECONOMICS.price({}, 99)}, "economics has 99 entries"),
        ({"economics": ECONOMICS, "currency": "USD"}, "currency is 'USD'"),
        ({"value": [1.0]}, "value has 1 entries"),
        ({"value": [float("nan")] * 100}, "value is missing"),
        ({"cut_offs": []}, "cut_offs is empty"),
        ({"cut_offs": [0.5, 1.5]}, "cut_offs is a PD"),
        ({"cut_offs": 0.5}, "cut_offs is one array"),
        ({"refer_from": -0.1}, "refer_from is a PD"),
        ({"refer_from": "0.5"}, "refer_from is one PD"),
        ({"confidence": 95}, "confidence lies between 0 and 1"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(wrong: dict[str, object], problem: str) -> None:
    bad, pd = _worked_case()
    with pytest.raises(MeasureError, match=problem):
        cut_off_table(bad, pd, **wrong)  # type: ignore[arg-type]  # on purpose
