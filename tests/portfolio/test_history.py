"""The past applications as one table: what a modeller gets, as known on a day."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from roadworthy.portfolio import INPUTS, Portfolio, describe, past_applications
from roadworthy.portfolio.portfolio import LABEL

AS_OF = date(2021, 12, 31)


@pytest.fixture(scope="module")
def past(portfolio: Portfolio) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(past_applications(portfolio, AS_OF, 24)))


def test_it_holds_every_application_up_to_the_day_and_none_after(past: pl.DataFrame, portfolio: Portfolio) -> None:
    days = portfolio.applications["applied_at"].to_numpy().astype("datetime64[D]")
    assert len(past) == (days <= np.datetime64(AS_OF)).sum()
    assert str(past["applied_at"].dt.date().to_list()[-1]) == "2021-12-31"


def test_declined_rows_stay_and_have_no_outcome(past: pl.DataFrame) -> None:
    declined = past.filter(pl.col("answer") == "decline")
    assert 0.2 < len(declined) / len(past) < 0.35
    for name in ("booked_date", "outcome_date", "default"):
        assert declined[name].is_null().all()


def test_the_default_is_there_once_the_window_has_closed_and_not_before(past: pl.DataFrame) -> None:
    judged, waiting = past.filter(pl.col("default").is_not_null()), past.filter(pl.col("default").is_null())
    assert set(judged["default"]) == {0, 1}
    assert judged["booked_date"].to_numpy().max() <= np.datetime64("2019-12-01")
    booked = waiting["booked_date"].drop_nulls().to_numpy()
    assert booked.min() > np.datetime64("2019-12-01")
    assert waiting["outcome_date"].is_null().all()
    assert judged.select((pl.col("outcome_date").is_not_null() == (pl.col("default") == 1)).all()).item()
    days = (judged["outcome_date"] - judged["booked_date"]).dt.total_days().drop_nulls().to_numpy()
    assert days.min() > 90
    assert days.max() <= 731


def test_the_months_waiting_for_their_window_are_not_bads_alone(past: pl.DataFrame) -> None:
    """A vintage is judged whole or not at all, so its bad rate is its own."""
    by_month = (
        past.filter(pl.col("booked_date").is_not_null())
        .group_by(pl.col("booked_date").dt.truncate("1mo"))
        .agg(judged=pl.col("default").is_not_null().mean())
    )
    assert by_month.filter(pl.col("judged").is_between(0.01, 0.99, closed="none")).height <= 1


def test_scheduled_money_is_known_for_every_application_whatever_became_of_it(past: pl.DataFrame) -> None:
    for name in ("scheduled_interest", "scheduled_funding", "scheduled_servicing", "scheduled_exposure"):
        assert past[name].is_not_null().all()
        assert (past[name] > 0).all()
    assert (past["scheduled_exposure"] < past["amount"]).all()
    assert (past["scheduled_funding"] < past["scheduled_interest"]).all()


def test_it_is_labelled_and_every_column_is_described(portfolio: Portfolio, past: pl.DataFrame) -> None:
    assert past_applications(portfolio, AS_OF, 24).schema.metadata == LABEL
    described = describe()
    assert set(past.columns) | set(portfolio.applications.column_names) == set(described)
    assert all(len(text) > 10 for text in described.values())
    assert set(INPUTS) <= set(past.columns)


def test_types_are_plain_ones(portfolio: Portfolio) -> None:
    types = {str(field.type) for field in past_applications(portfolio, AS_OF, 24).schema}
    assert types == {"string", "double", "int64", "date32[day]", "timestamp[us, tz=UTC]"}
