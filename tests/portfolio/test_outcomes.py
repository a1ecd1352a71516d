"""Outcomes exist only as of a date, from events known by then; a label once given stays (R14: outcomes arrive late)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import UsageError
from roadworthy.portfolio import Portfolio, past_applications, realised_money, simulate
from roadworthy.portfolio.outcomes import derive_outcomes

SMALL = simulate(3_000, seed=11)
DATES = st.dates(SMALL.start, SMALL.end)


def ledger(*events: tuple[str, str, str, str]) -> pa.Table:
    """Events written as (application, event, at, known_at)."""
    ids, kinds, at, known_at = zip(*events, strict=True)
    dates = [[date.fromisoformat(day) for day in days] for days in (at, known_at)]
    return pa.table({"application_id": ids, "event": kinds, "at": dates[0], "known_at": dates[1]})


def outcome(as_of: str, *events: tuple[str, str, str, str], horizon: int = 24) -> Any:
    known = [event for event in events if event[3] <= as_of]
    return derive_outcomes(ledger(*known), date.fromisoformat(as_of), horizon)["outcome"].to_pylist()[0]


BOOKED = ("A", "booked", "2020-03-31", "2020-03-31")


def test_a_default_counts_from_the_day_it_is_known_not_from_the_day_it_happened() -> None:
    default = ("A", "default", "2021-05-31", "2021-06-14")
    assert outcome("2021-06-13", BOOKED, default) == "immature"
    assert outcome("2021-06-14", BOOKED, default) == "bad"


def test_the_last_day_of_the_window_is_inside_and_the_next_is_not() -> None:
    assert outcome("2023-01-01", BOOKED, ("A", "default", "2022-03-31", "2022-04-20")) == "bad"
    assert outcome("2023-01-01", BOOKED, ("A", "default", "2022-04-01", "2022-04-20")) == "good"


def test_a_good_waits_until_a_default_on_the_last_day_would_be_known() -> None:
    assert outcome("2022-04-29", BOOKED) == "immature"
    assert outcome("2022-04-30", BOOKED) == "good"


def test_a_loan_closed_early_is_not_good_before_its_time() -> None:
    """Else the youngest months would be judged on prepaid loans alone."""
    assert outcome("2021-01-01", BOOKED, ("A", "closed", "2020-08-31", "2020-09-01")) == "immature"


def test_another_horizon_is_another_outcome() -> None:
    default = ("A", "default", "2021-05-31", "2021-06-14")
    assert outcome("2023-01-01", BOOKED, default, horizon=14) == "bad"
    assert outcome("2023-01-01", BOOKED, default, horizon=13) == "good"


@settings(max_examples=40, deadline=None)
@given(first=DATES, second=DATES, horizon=st.sampled_from([6, 12, 24, 36]))
def test_a_label_once_given_never_changes(first: date, second: date, horizon: int) -> None:
    early, late = (pl.DataFrame(pl.from_arrow(SMALL.outcomes(day, horizon))) for day in sorted((first, second)))
    both = early.join(late, on="application_id", how="left", suffix="_later")
    given_then = both.filter(pl.col("outcome") != "immature")
    assert (given_then["outcome"] == given_then["outcome_later"]).all()
    assert both["outcome_later"].is_not_null().all()


@settings(max_examples=20, deadline=None)
@given(as_of=DATES)
def test_no_later_knowledge_is_used(as_of: date) -> None:
    assert all(day <= as_of for day in SMALL.known(as_of)["known_at"].to_pylist())
    outcomes = SMALL.outcomes(as_of, 24)
    assert all(day <= as_of for day in outcomes["booked_at"].to_pylist())
    assert all(day is None or day <= as_of for day in outcomes["defaulted_on"].to_pylist())


def test_the_outcomes_of_the_end_count_booked_loans_once(portfolio: Portfolio) -> None:
    outcomes = pl.DataFrame(pl.from_arrow(portfolio.outcomes(portfolio.end, 24)))
    assert outcomes["application_id"].is_unique().all()
    assert set(outcomes["outcome"]) == {"good", "bad", "immature"}
    open_windows = outcomes.filter(~pl.col("window_closed"))
    assert (open_windows["outcome"] != "good").all()
    youngest = outcomes.filter(pl.col("window_closed"))["booked_at"].to_numpy().max()
    assert str(youngest) == "2023-12-01"  # two years and thirty days before the last day
    assert outcomes.select((pl.col("defaulted_on").is_not_null() == (pl.col("outcome") == "bad")).all()).item()


def test_on_the_first_day_hardly_anything_is_known() -> None:
    outcomes = SMALL.outcomes(SMALL.start, 24)
    assert outcomes.num_rows == 0
    assert outcomes.schema.names == ["application_id", "booked_at", "outcome", "defaulted_on", "window_closed"]


@pytest.mark.parametrize(
    ("as_of", "horizon", "says"),
    [
        (date(2026, 1, 1), 24, "the simulation ends on 2025-12-31"),
        (datetime(2020, 1, 1), 24, "it is a date"),  # noqa: DTZ001  that it has no zone is not what is wrong with it
        ("2020-01-01", 24, "it is a date"),
        (date(2020, 1, 1), 0, "1 or more"),
        (date(2020, 1, 1), 12.5, "1 or more"),
        (date(2020, 1, 1), True, "1 or more"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(as_of: Any, horizon: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SMALL.outcomes(as_of, horizon)
    with pytest.raises(UsageError, match=says):
        past_applications(SMALL, as_of, horizon)


def test_money_of_days_to_come_is_refused() -> None:
    with pytest.raises(UsageError, match="the simulation ends"):
        realised_money(SMALL, SMALL.end + timedelta(days=1))
