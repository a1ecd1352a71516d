"""Loans are repaid, default, are prepaid and recovered the way the books say, in dates and money."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.portfolio import Portfolio, realised_money, schedule_money
from roadworthy.portfolio.amortisation import balance_after, instalment, months_after

TERMS = st.integers(1, 120)
RATES = st.floats(0.001, 0.5)


def array(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


@pytest.fixture(scope="module")
def events(portfolio: Portfolio) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(portfolio.events))


@pytest.fixture(scope="module")
def loans(joined: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Booked loans with their sums by event."""
    sums = events.group_by("application_id").agg(
        *(
            pl.col("amount").filter(pl.col("event") == event).sum().alias(f"{event}_sum")
            for event in ("payment", "default", "prepayment", "recovery")
        ),
        closed=(pl.col("event") == "closed").any(),
    )
    return joined.filter(pl.col("booked_at").is_not_null()).join(sums, on="application_id", maintain_order="left")


def test_a_loan_worked_by_hand() -> None:
    """12,000 at 6% over 60 months: 231.99 a month; after 24 of them 7,625.87 are owed."""
    assert instalment(array(12_000), array(0.06), np.array([60])).round(2) == 231.99
    assert balance_after(array(12_000), array(0.06), np.array([60]), np.array([24])).round(2) == 7_625.87


@given(rate=RATES, term=TERMS)
def test_level_instalments_repay_the_loan_to_the_cent(rate: float, term: int) -> None:
    owed, each = 10_000.0, float(instalment(array(10_000), array(rate), np.array([term]))[0])
    for month in range(1, term + 1):
        owed = owed * (1.0 + rate / 12.0) - each
        closed_form = float(balance_after(array(10_000), array(rate), np.array([term]), np.array([month]))[0])
        assert abs(owed - closed_form) < 0.005
    assert abs(owed) < 0.005


@given(day=st.dates(date(2015, 1, 1), date(2040, 12, 31)), months=st.integers(0, 200))
def test_months_are_added_on_the_calendar(day: date, months: int) -> None:
    later = date.fromisoformat(str(months_after(np.array([day], dtype="datetime64[D]"), months)[0]))
    assert 12 * later.year + later.month == 12 * day.year + day.month + months
    tomorrow_is_another_month = later.month != date.fromordinal(later.toordinal() + 1).month
    assert later.day == day.day or (later.day < day.day and tomorrow_is_another_month)


@given(rate=RATES, term=TERMS, horizon=st.integers(1, 60))
def test_scheduled_money_is_the_sum_of_its_months(rate: float, term: int, horizon: int) -> None:
    plan = schedule_money(array(10_000), array(rate), np.array([term]), array(0.02), array(3.0), horizon)
    months = np.arange(min(term, horizon))
    ones = np.ones(len(months))
    owed = balance_after(10_000 * ones, rate * ones, np.full(len(months), term), months)
    assert plan["scheduled_interest"][0] == pytest.approx(float((owed * rate / 12).sum()), abs=0.01)
    assert plan["scheduled_funding"][0] == pytest.approx(float((owed * 0.02 / 12).sum()), abs=0.01)
    assert plan["scheduled_servicing"][0] == 3.0 * len(months)
    assert plan["scheduled_exposure"][0] == pytest.approx(owed[len(months) // 2], abs=0.01)


def test_events_are_known_on_or_after_the_day_they_happen_and_in_the_order_of_knowing(
    events: pl.DataFrame, portfolio: Portfolio
) -> None:
    assert (events["known_at"] >= events["at"]).all()
    assert events["known_at"].is_sorted()
    assert events["known_at"].to_numpy().max() <= np.datetime64(portfolio.end)
    assert set(events["event"].unique()) == {
        *("booked", "not_taken_up", "payment", "days_past_due", "default", "prepayment", "recovery", "closed")
    }


def test_each_approved_application_is_booked_or_lapses_and_no_declined_one_has_events(
    events: pl.DataFrame, joined: pl.DataFrame
) -> None:
    first = events.filter(pl.col("event").is_in(["booked", "not_taken_up"]))
    assert first["application_id"].is_unique().all()
    answers = joined.join(first.select("application_id", "event"), on="application_id", how="left")
    assert answers.filter(pl.col("answer") == "decline")["event"].is_null().all()
    old = answers.filter(pl.col("answer") == "approve", pl.col("applied_at").dt.date() < date(2025, 11, 1))
    assert old["event"].is_not_null().all()
    assert 0.05 < (old["event"] == "not_taken_up").to_numpy().mean() < 0.09
    unknown = events.join(answers.filter(pl.col("answer") == "approve"), on="application_id", how="anti")
    assert unknown.is_empty()


def test_booked_dates_and_events_agree(events: pl.DataFrame, joined: pl.DataFrame) -> None:
    booked = joined.join(events.filter(event="booked"), on="application_id", how="left")
    assert booked.select((pl.col("booked_at").eq_missing(pl.col("at"))).all()).item()


def test_a_loan_defaults_or_is_prepaid_or_runs_out_never_two_of_them(events: pl.DataFrame) -> None:
    ends = events.filter(pl.col("event").is_in(["default", "prepayment"]))
    assert ends["application_id"].is_unique().all()
    assert events.filter(event="closed")["application_id"].is_unique().all()


def test_a_default_is_90_days_past_due_after_30_and_60(events: pl.DataFrame) -> None:
    wide = (
        events.filter(event="default")
        .select("application_id", defaulted="at")
        .join(events.filter(event="days_past_due"), on="application_id")
        .with_columns(before=(pl.col("defaulted") - pl.col("at")).dt.total_days())
    )
    run_up = wide.filter(pl.col("before") < 64)
    assert set(run_up["amount"].unique()) <= {0.0, 30.0, 60.0}
    # In a tally per loan: 60 days past due a month before, 30 two months before.
    assert run_up.filter(pl.col("amount") == 60)["before"].is_between(28, 31).all()
    assert run_up.filter(pl.col("amount") == 60)["application_id"].n_unique() == wide["application_id"].n_unique()
    # The instalment that is 90 days late was due three months before, so the last one paid was due four months before.
    last_paid = events.filter(event="payment").group_by("application_id").agg(paid=pl.col("at").max())
    since = (
        wide.unique("application_id").join(last_paid, on="application_id").select(pl.col("defaulted") - pl.col("paid"))
    )
    assert since.to_series().dt.total_days().is_between(119, 123).all()


def test_exposure_at_default_is_what_the_payments_left_of_the_loan(loans: pl.DataFrame) -> None:
    bad = loans.filter(pl.col("default_sum") > 0)
    amount, rate, term = (bad[name].to_numpy() for name in ("amount", "rate", "term_months"))
    paid = bad["payment_sum"].to_numpy() / instalment(amount, rate, term)
    assert np.allclose(paid, np.rint(paid), atol=0.01)
    owed = balance_after(amount, rate, term, np.rint(paid).astype(np.int64))
    assert np.allclose(bad["default_sum"].to_numpy(), owed, atol=0.01)
    assert 0.5 < (owed / amount).mean() < 0.8  # amortised, not the whole amount


def test_a_loan_closed_without_default_has_been_paid_in_full(loans: pl.DataFrame) -> None:
    good = loans.filter(pl.col("closed"), pl.col("default_sum") == 0)
    amount, rate, term = (good[name].to_numpy() for name in ("amount", "rate", "term_months"))
    paid = np.rint(good["payment_sum"].to_numpy() / instalment(amount, rate, term)).astype(np.int64)
    assert np.allclose(good["prepayment_sum"].to_numpy(), balance_after(amount, rate, term, paid), atol=0.02)
    assert 0.3 < (good["prepayment_sum"] > 0).to_numpy().mean() < 0.9


def test_payments_come_once_a_loan_year_and_no_earlier_than_their_instalments(events: pl.DataFrame) -> None:
    payments = (
        events.filter(event="payment")
        .join(events.filter(event="booked").select("application_id", booked="at"), on="application_id")
        .with_columns(months=12 * (pl.col("at").dt.year() - pl.col("booked").dt.year()))
        .with_columns(pl.col("months") + pl.col("at").dt.month().cast(int) - pl.col("booked").dt.month().cast(int))
    )
    year = (payments["months"].to_numpy() - 1) // 12
    assert payments.with_columns(year=pl.Series(year)).select("application_id", "year").is_unique().all()
    early = payments.filter(pl.col("months") % 12 != 0)
    ends = events.filter(pl.col("event").is_in(["default", "prepayment", "closed"]))
    ended = ends.group_by("application_id").agg(ended=pl.col("known_at").min())
    # A year that was cut short shows in the books only when the loan's end does: no early warning by the back door.
    assert (early.join(ended, on="application_id", how="left")["ended"] <= early["known_at"]).all()


def test_about_55_percent_of_the_exposure_is_lost_and_a_part_comes_back_late(
    events: pl.DataFrame, portfolio: Portfolio
) -> None:
    defaults = events.filter(event="default").select("application_id", defaulted="at", exposure="amount")
    worked_out = defaults.filter(pl.col("defaulted") < date(2020, 10, 1))  # five years and a quarter before the end
    recoveries = events.filter(event="recovery").join(worked_out, on="application_id")
    months = (recoveries["at"] - recoveries["defaulted"]).dt.total_days().to_numpy() / 30.44
    recovered = recoveries["amount"].to_numpy()
    by_loan = worked_out.join(
        recoveries.group_by("application_id").agg(back=pl.col("amount").sum()), on="application_id", how="left"
    )
    lost = 1.0 - (by_loan["back"].fill_null(0.0) / by_loan["exposure"]).to_numpy()
    assert 0.52 <= lost.mean() <= 0.58
    assert 0.15 < (lost == 1.0).mean() < 0.35  # two humps: nothing comes back, or nearly all
    assert 0.10 < (lost < 0.11).mean() < 0.25
    assert 0.15 < recovered[months > 30].sum() / recovered.sum() < 0.40
    assert months.max() < 61


def test_realised_money_adds_up_for_a_good_and_a_bad(portfolio: Portfolio, loans: pl.DataFrame) -> None:
    money = pl.DataFrame(pl.from_arrow(realised_money(portfolio, portfolio.end)))
    wide = loans.join(money, on="application_id", maintain_order="left")
    assert wide["recovered"].equals(wide["recovery_sum"])
    ended = wide.filter(pl.col("finished"), pl.col("exposure") == 0)
    left_over = (ended["received"] - ended["amount"] - ended["interest"]).to_numpy()
    assert np.abs(left_over).max() < 0.05  # what came in is the loan and its interest
    bad = wide.filter(pl.col("exposure") > 0)
    left_over = (bad["received"] - (bad["amount"] - bad["exposure"]) - bad["interest"]).to_numpy()
    assert np.abs(left_over).max() < 0.05
    parts = wide["interest"] - wide["funding"] - wide["servicing"] - wide["exposure"] + wide["recovered"]
    assert np.abs((parts - wide["profit"]).to_numpy()).max() < 0.05
    assert ended["profit"].to_numpy().mean() > 0.0 > bad["profit"].to_numpy().mean()


def test_lending_pays_for_the_safe_and_not_for_the_risky(portfolio: Portfolio, joined: pl.DataFrame) -> None:
    """So there is a cut-off worth finding."""
    money = pl.DataFrame(pl.from_arrow(realised_money(portfolio, portfolio.end)))
    old = money.join(joined, on="application_id").filter(pl.col("booked_at") < date(2020, 1, 1))
    safe, risky = old.filter(pl.col("pd_lifetime") < 0.2), old.filter(pl.col("pd_lifetime") > 0.6)
    assert safe["profit"].to_numpy().mean() > 500.0
    assert risky["profit"].to_numpy().mean() < -300.0


def test_prices_rise_with_risk(joined: pl.DataFrame) -> None:
    in_2016 = joined.filter(pl.col("month") < 12, pl.col("term_months") == 72)
    by_rate = in_2016.group_by("rate").agg(pd=pl.col("pd").mean(), count=pl.len()).filter(pl.col("count") > 50)
    pds = by_rate.sort("rate")["pd"].to_numpy()
    assert len(pds) == 5  # grades
    assert (np.diff(pds) > 0).all()
