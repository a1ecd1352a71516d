"""Money counted once (R18): identities, horizons joined or refused, discount, and what is stated of referrals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import MeasureError
from roadworthy.measures import Economics, Referrals, Term, best_cut_off, cut_off_table, join_horizons

PLAIN: dict[str, Any] = {"revenue": 100, "funding": 20, "ead": 1000, "lgd": 0.5}


def _portfolio(rows: int, seed: int) -> tuple[Any, Any, dict[str, Any], Any]:
    generator = np.random.default_rng(seed)
    pd = generator.beta(1, 5, rows).round(2)
    bad = generator.random(rows) < pd
    columns = {"amount": generator.lognormal(8, 0.5, rows), "rate": generator.random(rows) / 5}
    return bad, pd, columns, generator.integers(0, 4, rows).astype(float)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([None, 1.3]))
def test_forgone_profit_is_never_subtracted_twice(seed: int, factor: float | None) -> None:
    """Profit here and what was forgone and avoided elsewhere make up the whole, each counted once."""
    bad, pd, columns, weights = _portfolio(60, seed)
    weights[0] = 1.0
    bad[:30] = False
    economics = Economics(
        revenue="amount * rate", funding="amount * 0.02", ead="amount", lgd=0.6, servicing=30, income_received=5,
        lifetime_factor=factor,
    )  # fmt: skip
    table = cut_off_table(bad, pd, economics=economics, columns=columns, weights=weights, resamples=100)
    money, everyone = table.columns, len(table) - 1
    assert table.declined[everyone] == 0
    assert money["profit"] == pytest.approx(money["revenue"] - money["costs"] - money["losses"])
    assert money["revenue"] + money["revenue_lost"] == pytest.approx(money["revenue"][everyone])
    assert money["losses"] + money["losses_avoided"] == pytest.approx(money["losses"][everyone])
    # Approving all = this cut-off + what its goods would have brought - what its bads would have lost and cost.
    costs_of_bads = 1.0 if factor is None else factor
    priced = economics.price(columns, 60)
    for row, cut_off in enumerate(table.cut_off):
        turned_away = bad & (pd >= cut_off)
        saved = costs_of_bads * (weights * (priced.credit_loss + priced.costs))[turned_away].sum()
        assert money["profit"][row] + money["forgone_profit"][row] - saved == pytest.approx(money["profit"][everyone])


def test_different_horizons_are_refused_unless_a_factor_joins_them() -> None:
    with pytest.raises(MeasureError, match="over 60 months and the PD looks 12 months ahead"):
        Economics(**PLAIN, horizon_months=60, pd_horizon_months=12)
    assert Economics(**PLAIN, horizon_months=12, pd_horizon_months=12).bads_per_bad == 1.0
    assert Economics(**PLAIN, horizon_months=60, pd_horizon_months=12, lifetime_factor=2.5).bads_per_bad == 2.5


@pytest.mark.parametrize(
    ("money", "pd", "factor"),
    [(60, 12, 0.5), (12, 60, 1.5), (12, 12, 1.1), (12, 12, 0.0), (0, 12, None), (12, 1.5, None), (12, True, None)],
)
def test_horizons_and_factors_that_cannot_be_are_refused(money: Any, pd: Any, factor: float | None) -> None:
    with pytest.raises(MeasureError, match=r"horizon|lifetime_factor"):
        join_horizons(money, pd, factor)


def test_a_lifetime_factor_counts_the_bads_still_to_come() -> None:
    """10 applications, one bad within 12 months; a factor of 3 makes it 3 bads and 7 goods over the money's horizon."""
    economics = Economics(**PLAIN, horizon_months=60, pd_horizon_months=12, lifetime_factor=3)
    table = cut_off_table([1] + [0] * 9, [0.1] * 10, economics=economics, cut_offs=[1.0])
    assert table.columns["revenue"].tolist() == [7 * 100]
    assert table.columns["losses"].tolist() == [3 * 500]
    assert table.columns["profit"].tolist() == [7 * 100 - 10 * 20 - 3 * 500]
    assert table.bad_rate_approved.tolist() == [0.1]  # within the PD's horizon, as bad is
    assert "3 bads for each bad within the PD's horizon" in table.caption
    # The same on average, where the PD is right: the lifetime PD is the factor times it.
    assert economics.price({}, 1).expected(np.array([0.1])).tolist() == pytest.approx([0.7 * 100 - 20 - 0.3 * 500])


def test_a_factor_that_makes_more_bads_than_applications_is_refused() -> None:
    economics = Economics(**PLAIN, lifetime_factor=3)
    with pytest.raises(MeasureError, match="more bads than there are applications"):
        cut_off_table([1, 0], [0.5, 0.5], economics=economics)


def test_terms_that_fall_due_later_are_discounted_to_booking() -> None:
    economics = Economics(
        revenue=Term(121, after_months=24), funding=0, ead=Term(1100, after_months=12), lgd=0.5, discount_rate=0.1
    )
    priced = economics.price({}, 2)
    assert priced.revenue.tolist() == pytest.approx([100, 100])
    assert priced.credit_loss.tolist() == pytest.approx([500, 500])
    assert "discounted at 10.00% a year" in economics.basis_text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"revenue": Term(1, after_months=12)}, "no discount_rate"),
        ({"lgd": Term(0.5, after_months=12), "discount_rate": 0.1}, "lgd: is a share"),
        ({"discount_rate": 6}, None),
        ({"discount_rate": 60}, "discount_rate is an annual rate"),
        ({"discount_rate": float("nan")}, "discount_rate is an annual rate"),
    ],
)
def test_a_discount_that_makes_no_sense_is_refused(change: dict[str, Any], problem: str | None) -> None:
    if problem is None:
        assert Economics(**{**PLAIN, **change}).discount_rate == 6
        return
    with pytest.raises(MeasureError, match=problem):
        Economics(**{**PLAIN, **change})


def test_after_months_is_a_number_of_months() -> None:
    with pytest.raises(MeasureError, match="after_months"):
        Term(1, after_months=-1)


CASE = ([0] * 6 + [1, 0, 1, 0, 1, 1], [0.1] * 6 + [0.3] * 4 + [0.8] * 2)
"""Six goods to approve; two goods and two bads to refer; two bads to decline."""


def test_what_is_stated_of_referrals_is_counted_by_hand() -> None:
    """Of 4 referred 1 leaves; people approve 2 of 3, a quarter of which goes bad."""
    economics = Economics(**PLAIN, review=12)
    referrals = Referrals(approved=2 / 3, bad_rate=0.25, minutes=30, lost=0.25)
    table = cut_off_table(*CASE, economics=economics, refer_from=0.2, referrals=referrals, cut_offs=[0.5])
    found = {name: float(column[0]) for name, column in table.columns.items()}
    assert (found["referred"], found["lost_waiting"], found["review_hours"]) == (4, 1, 1.5)
    assert found["referred_approved"] == pytest.approx(2)
    assert found["referred_declined"] == pytest.approx(1)
    assert found["approved"] == pytest.approx(8)
    assert found["approved"] + found["declined"] + found["referred_declined"] + found["lost_waiting"] == 12
    assert found["bads_approved"] == pytest.approx(0.5)
    assert found["revenue"] == pytest.approx(7.5 * 100)
    assert found["costs"] == pytest.approx(8 * 20)
    assert found["losses"] == pytest.approx(0.5 * 500)
    assert found["review"] == pytest.approx(3 * 12)
    assert found["profit"] == pytest.approx(750 - 160 - 250 - 36)
    assert table.best is None  # one bad rate for whatever PD is no ground for a search
    assert "as stated, not observed" in table.caption


def test_people_who_choose_as_at_random_book_what_all_referred_are() -> None:
    economics = Economics(**PLAIN, review=12)
    stated = Referrals(approved=0.5)
    table = cut_off_table(*CASE, economics=economics, refer_from=0.2, referrals=stated, cut_offs=[0.5])
    assert table.bads_approved.tolist() == [1.0]
    assert table.columns["profit"].tolist() == [7 * 100 - 8 * 20 - 500 - 4 * 12]
    cash = np.where(np.array(CASE[0]) == 1, -520.0, 80.0)
    realised = cut_off_table(
        *CASE, value=cash, refer_from=0.2, referrals=Referrals(approved=0.5, cost=12), cut_offs=[0.5]
    )
    assert realised.columns["profit"].tolist() == table.columns["profit"].tolist()


def test_a_bad_rate_half_that_of_the_referred_halves_their_bads() -> None:
    economics = Economics(**PLAIN)
    referrals = Referrals(approved=1.0, bad_rate_ratio=0.5)
    table = cut_off_table(*CASE, economics=economics, refer_from=0.2, referrals=referrals, cut_offs=[0.5])
    assert table.bads_approved.tolist() == [1.0]
    assert table.columns["profit"].tolist() == [9 * 100 - 10 * 20 - 500]
    assert table.columns["profit"] == pytest.approx(
        table.columns["revenue"] - table.columns["costs"] - table.columns["review"] - table.columns["losses"]
    )


def test_the_best_cut_off_prices_referrals_as_the_table_does() -> None:
    bad, pd, columns, weights = _portfolio(400, 3)
    economics = Economics(revenue="amount * 0.2", funding="amount * 0.03", ead="amount", lgd=0.6, review=50)
    stated: dict[str, Any] = {
        "economics": economics, "columns": columns, "weights": weights, "refer_from": 0.15,
        "referrals": Referrals(approved=0.5, bad_rate_ratio=0.7, lost=0.1, minutes=20),
    }  # fmt: skip
    best = best_cut_off(bad, pd, **stated)
    everywhere = cut_off_table(bad, pd, **stated, cut_offs=[0.0, *np.unique(pd), best.cut_off, 1.0])
    row = int(np.flatnonzero(everywhere.cut_off == best.cut_off)[0])
    assert everywhere.columns["profit"].max() == pytest.approx(best.profit)
    assert everywhere.columns["profit"][row] == pytest.approx(best.profit)
    assert everywhere.approved[row] == pytest.approx(best.approved)
    assert everywhere.bad_rate_approved[row] == pytest.approx(best.bad_rate_approved)
    assert "as stated, not observed" in best.sentence


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ({"approved": 1.2}, "approved is a share"),
        ({"approved": 0.5, "lost": -0.1}, "lost is a share"),
        ({"approved": 0.5, "bad_rate": 2}, "bad_rate is a share"),
        ({"approved": 0.5, "minutes": float("nan")}, "minutes is at least 0"),
        ({"approved": 0.5, "cost": -1}, "cost is at least 0"),
        ({"approved": 0.5, "bad_rate_ratio": -1}, "bad_rate_ratio is at least 0"),
        ({"approved": 0.5, "bad_rate": 0.1, "bad_rate_ratio": 0.5}, "both state it"),
    ],
)
def test_referrals_that_cannot_be_are_refused(stated: dict[str, Any], problem: str) -> None:
    with pytest.raises(MeasureError, match=problem):
        Referrals(**stated)


def test_a_ratio_that_makes_more_bads_than_people_approve_is_refused() -> None:
    """Of 6 with a PD from 0.2 on 4 are bad: thrice that would be 12 of 6, though no more than all 12 together."""
    with pytest.raises(MeasureError, match="makes more bads than there are applications with a PD from refer_from"):
        cut_off_table(
            *CASE, economics=Economics(**PLAIN), refer_from=0.2, referrals=Referrals(approved=1.0, bad_rate_ratio=3.0)
        )


def test_referrals_need_a_band_and_a_search_needs_a_ratio() -> None:
    economics = Economics(**PLAIN)
    with pytest.raises(MeasureError, match="nobody is referred"):
        cut_off_table(*CASE, economics=economics, referrals=Referrals(approved=0.5))
    with pytest.raises(MeasureError, match="one bad_rate for whatever PD"):
        best_cut_off(*CASE, economics=economics, refer_from=0.2, referrals=Referrals(approved=0.5, bad_rate=0.1))
    with pytest.raises(MeasureError, match="realised value does not say"):
        cut_off_table(*CASE, value=[1.0] * 12, refer_from=0.2, referrals=Referrals(approved=0.5, bad_rate=0.1))


def test_differences_are_from_all_in_force_and_best_and_paired() -> None:
    bad, pd, columns, weights = _portfolio(500, 8)
    value = np.where(bad, -columns["amount"] / 5, columns["amount"] / 20)
    table = cut_off_table(bad, pd, value=value, weights=weights, cut_offs=[0.1, 0.2, 1.0], in_force=0.2)
    money = table.columns
    profit = [(weights * value)[pd < cut_off].sum() for cut_off in table.cut_off]
    assert money["difference_from_all"] == pytest.approx(np.array(profit) - profit[2])
    assert money["difference_from_in_force"] == pytest.approx(np.array(profit) - profit[1])
    assert (money["difference_from_best"] <= 0).all()
    best = best_cut_off(bad, pd, value=value, weights=weights)
    assert table.best == best.cut_off
    assert money["difference_from_best"] == pytest.approx(np.array(profit) - best.profit)
    assert money["difference_from_all_low"][2] == money["difference_from_all_high"][2] == 0.0
    drawn = np.random.default_rng(1).integers(0, 500, (4000, 500))
    apart = -(weights * value * (pd >= 0.1))[drawn].sum(axis=1)
    low, high = np.quantile(apart, [0.025, 0.975])
    assert money["difference_from_all_low"][0] == pytest.approx(low, abs=0.06 * (high - low))
    assert money["difference_from_all_high"][0] == pytest.approx(high, abs=0.06 * (high - low))


def test_a_table_of_too_many_cut_offs_is_refused() -> None:
    with pytest.raises(MeasureError, match="more than 2,000"):
        cut_off_table([0, 1], [0.1, 0.2], cut_offs=np.linspace(0, 1, 2001))
    with pytest.raises(MeasureError, match="resamples"):
        cut_off_table([0, 1], [0.1, 0.2], resamples=3)
