"""The truth is true, and stays apart from what the bank holds."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from roadworthy.portfolio import Portfolio, describe, past_applications
from roadworthy.portfolio.risk import HORIZON_MONTHS, NEVER, meet_fates
from roadworthy.portfolio.timeline import LONGEST_TERM, Timeline, lay_out


def test_the_true_pd_is_borne_out_in_every_decile_of_all_applicants(joined: pl.DataFrame) -> None:
    """Declined applicants included: they would have defaulted as often as their PD says."""
    by_decile = joined.group_by(10 * (pl.col("pd").rank("ordinal") - 1) // pl.len()).agg(
        n=pl.len(), observed=pl.col("bad").mean(), mean=pl.col("pd").mean()
    )
    assert len(by_decile) == 10
    n, observed, pd = (by_decile[name].to_numpy() for name in ("n", "observed", "mean"))
    assert (np.abs(observed - pd) < 4.0 * np.sqrt(pd * (1 - pd) / n)).all()
    assert abs(joined["bad"].to_numpy().mean() - joined["pd"].to_numpy().mean()) < 0.002


def test_the_lifetime_pd_is_borne_out_too(joined: pl.DataFrame) -> None:
    defaulted = joined["defaulted_on"].is_not_null().to_numpy()
    pd = joined["pd_lifetime"].to_numpy()
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1.0)):
        some = (pd >= low) & (pd < high)
        assert abs(defaulted[some].mean() - pd[some].mean()) < 4.0 * np.sqrt(0.25 / some.sum())
    assert (joined["pd_lifetime"] >= joined["pd"]).all()


def test_a_pd_worked_by_hand() -> None:
    """Without prepayment PD = 1 - exp(-sum of the hazards), whatever the macro path."""
    timeline = lay_out(120, date(2016, 1, 1))
    n, term, risk = 200_000, 24, -4.0
    never_prepaid = np.full(n, -10.0)  # a price far below the market
    fates = meet_fates(
        np.random.default_rng(0), np.full(n, risk), np.full(n, 40), np.full(n, term), never_prepaid, timeline
    )
    age = np.arange(4, term + 1)
    season = (age / 60.0 * np.exp(1.0 - age / 60.0)) ** 1.5
    by_hand = 1.0 - np.exp(-(np.exp(risk) * season * timeline.hazard[40 + age]).sum())
    assert np.allclose(fates.pd, by_hand, atol=1e-9)
    assert np.allclose(fates.pd, fates.pd_lifetime)
    assert abs((fates.default_age != NEVER).mean() - by_hand) < 4.0 * np.sqrt(by_hand * (1 - by_hand) / n)
    assert fates.default_age[fates.default_age != NEVER].min() >= 4
    assert not fates.prepayment_age.any()


def test_prepayment_competes_with_default() -> None:
    timeline = lay_out(12, date(2016, 1, 1))
    n = 20_000
    term, booked = np.full(n, LONGEST_TERM), np.zeros(n, dtype=np.int64)
    pds = {}
    for rate in (0.02, 0.20):
        fates = meet_fates(np.random.default_rng(1), np.full(n, -4.0), booked, term, np.full(n, rate), timeline)
        assert not ((fates.default_age != NEVER) & (fates.prepayment_age != NEVER)).any()
        observed = (fates.default_age != NEVER).mean()
        assert abs(observed - fates.pd_lifetime[0]) < 4.0 * np.sqrt(0.25 / n)
        pds[rate] = fates.pd_lifetime[0]
    assert pds[0.20] < pds[0.02] - 0.1  # who refinances cannot default here any more


def test_the_macro_path_moves_everybodys_hazard_and_nothing_else() -> None:
    calm = lay_out(120, date(2016, 1, 1))
    flat = Timeline(calm.start, calm.volume, calm.newcomers, calm.drifted, np.ones_like(calm.hazard), calm.funding_rate)
    n = 1_000
    arguments = (np.full(n, -5.0), np.full(n, 40), np.full(n, 72), np.full(n, 0.08))
    stressed = meet_fates(np.random.default_rng(2), *arguments, calm)
    unstressed = meet_fates(np.random.default_rng(2), *arguments, flat)
    assert (stressed.pd > 3.0 * unstressed.pd).all()


def test_what_came_of_booked_loans_agrees_with_the_truth(portfolio: Portfolio, joined: pl.DataFrame) -> None:
    defaults = pl.DataFrame(pl.from_arrow(portfolio.events)).filter(event="default")
    seen = joined.join(defaults.select("application_id", "at", exposure="amount"), on="application_id")
    assert seen["defaulted_on"].equals(seen["at"].alias("defaulted_on"))
    assert seen["exposure_at_default"].equals(seen["exposure"].alias("exposure_at_default"))
    judged = joined.filter(pl.col("default").is_not_null())
    assert judged["default"].equals(judged["bad"].alias("default"))


def test_declined_applicants_are_worse_and_only_the_truth_knows_how_much(
    portfolio: Portfolio, joined: pl.DataFrame
) -> None:
    declined, approved = (
        joined.filter(pl.col("answer") == answer)["bad"].to_numpy() for answer in ("decline", "approve")
    )
    assert declined.mean() > 3.0 * approved.mean()
    assert declined.mean() < 0.5  # many of them would have paid: money was left on the table
    assert joined.filter(pl.col("answer") == "decline")["default"].is_null().all()
    assert portfolio.truth.num_rows == joined.height


def test_no_true_value_is_among_the_columns_the_bank_holds(portfolio: Portfolio) -> None:
    hidden = set(portfolio.truth.column_names) - {"application_id"}
    banks = {
        *portfolio.applications.column_names,
        *portfolio.events.column_names,
        *portfolio.merchants.column_names,
        *portfolio.branches.column_names,
        *past_applications(portfolio, portfolio.end, HORIZON_MONTHS).column_names,
    }
    assert not hidden & banks
    assert not (set(portfolio.truth_by_month.column_names) - {"effective", "funding_rate"}) & banks
    assert not hidden & set(describe())


def test_the_monthly_parameters_carry_news_of_the_risk(portfolio: Portfolio, joined: pl.DataFrame) -> None:
    """A merchant with many complaints that month brings worse loans; a branch with high unemployment does too."""
    at_month = joined.with_columns(effective=pl.col("applied_at").dt.truncate("1mo").dt.date())
    for table, key, parameter, at_least in (
        (portfolio.merchants, "merchant", "arrears_share", 1.3),
        (portfolio.merchants, "merchant", "complaint_rate", 1.2),
        (portfolio.branches, "branch", "unemployment_rate", 1.1),
    ):
        monthly = pl.DataFrame(pl.from_arrow(table))
        assert monthly.select(key, "effective").is_unique().all()
        assert monthly["effective"].n_unique() == 120
        both = at_month.filter(pl.col("month") < 36).join(monthly, on=[key, "effective"])
        third = pl.col(parameter).rank() / pl.len()
        low, high = both.filter(third < 1 / 3)["pd"].to_numpy(), both.filter(third > 2 / 3)["pd"].to_numpy()
        assert high.mean() > at_least * low.mean(), parameter


def test_a_merchant_has_parameters_from_the_month_it_opens(portfolio: Portfolio, joined: pl.DataFrame) -> None:
    monthly = pl.DataFrame(pl.from_arrow(portfolio.merchants))
    first = dict(monthly.group_by("merchant").agg(pl.col("effective").min()).iter_rows())
    assert first["Lanternpay"] == date(2023, 1, 1)
    assert first["Amberline Motors"] == date(2016, 1, 1)
    used = joined.filter(pl.col("merchant").is_not_null()).select(
        "merchant", effective=pl.col("applied_at").dt.truncate("1mo").dt.date()
    )
    assert used.join(monthly, on=["merchant", "effective"], how="anti").is_empty()


def test_officers_see_something_that_no_column_shows(joined: pl.DataFrame) -> None:
    """Near the old policy's line two officers of the same desk differ, so overrides can be valued (R25)."""
    by_officer = joined.group_by("branch", "officer").agg(rate=(pl.col("answer") == "approve").mean(), n=pl.len())
    assert by_officer.group_by("branch").len()["len"].to_list() == [3] * 22
    spread = by_officer.group_by("branch").agg(spread=pl.col("rate").max() - pl.col("rate").min())
    assert spread["spread"].to_numpy().mean() > 0.01
