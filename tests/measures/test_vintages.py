"""Vintages by hand, against counting in Python and SciPy's Kaplan-Meier, and what must not read as better (R14)."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from roadworthy.errors import MeasureError
from roadworthy.measures import Vintages, vintages
from roadworthy.measures.months import check_days, months_between

FIRST, LAST = date(2022, 1, 1), date(2024, 2, 29)
days = st.dates(FIRST, date(2024, 1, 31))
loans = st.lists(st.tuples(days, st.none() | st.integers(0, 800)), min_size=1, max_size=40)


def after(start: date, months: int) -> date:
    """The rule of the page in plain Python: the same day, or the month's last."""
    year, month = divmod(start.month - 1 + months, 12)
    last = calendar.monthrange(start.year + year, month + 1)[1]
    return date(start.year + year, month + 1, min(start.day, last))


def of(pairs: list[tuple[date, int | None]], **more: Any) -> Vintages:
    booked = [start for start, _ in pairs]
    event = [None if wait is None else start + timedelta(wait) for start, wait in pairs]
    return vintages(booked, event, **{"known_until": LAST, "window": 6, **more})


def by_vintage(curves: Vintages) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in dict.fromkeys(curves.vintage):
        mine = curves.vintage == name
        yield name, {column: values[mine] for column, values in curves.columns.items()}


@given(days, st.integers(0, 900))
def test_a_month_is_over_on_the_same_day_or_the_last_of_a_shorter_month(start: date, wait: int) -> None:
    end = start + timedelta(wait)
    between = float(months_between(np.array([start], "M8[D]"), np.array([end], "M8[D]"))[0])
    for months in range(int(between) + 3):
        assert (end <= after(start, months)) == (between <= months)


@settings(max_examples=40)
@given(loans)
def test_the_curves_are_what_counting_one_by_one_gives(pairs: list[tuple[date, int | None]]) -> None:
    curves = of(pairs, period="month")
    for name, columns in by_vintage(curves):
        mine = [pair for pair in pairs if f"{pair[0]:%Y-%m}" == name]
        for row, m in enumerate(columns["months_on_book"].tolist()):
            ends = [start + timedelta(wait) for start, wait in mine if wait is not None]
            bads = sum(
                end <= min(after(start, m), LAST)
                for (start, _), end in zip([pair for pair in mine if pair[1] is not None], ends, strict=True)
            )
            if all(after(start, m) <= LAST for start, _ in mine):
                assert columns["bads"][row] == bads
                assert columns["bad_rate"][row] == pytest.approx(bads / len(mine))
                assert columns["kaplan_meier"][row] == pytest.approx(bads / len(mine)), "the same where all is known"
            else:
                assert np.isnan(columns["bads"][row])
                assert np.isnan(columns["bad_rate"][row])
            assert columns["at_risk"][row] == sum(
                after(start, m) <= LAST and (wait is None or start + timedelta(wait) > after(start, m))
                for start, wait in mine
            )


@pytest.mark.parametrize("seed", range(6))
def test_kaplan_meier_and_its_interval_are_those_of_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = 300
    booked = np.datetime64("2022-01-01") + generator.integers(0, 365, n)
    wait = generator.geometric(0.002, n)
    known_until = np.datetime64("2023-06-30") + generator.integers(-100, 100, n)
    event = np.where(generator.random(n) < 0.8, booked + wait, np.datetime64("NaT"))
    curves = vintages(booked, event, known_until=known_until, period="year", window=12)
    happened = event <= known_until
    months = np.where(
        happened,
        months_between(booked, np.where(happened, event, booked)),
        months_between(booked, np.where(happened, known_until.max(), known_until)),
    )
    fitted = ecdf(CensoredData(uncensored=months[happened], right=months[~happened])).sf
    interval = fitted.confidence_interval(confidence_level=0.95, method="log-log")
    assert curves.kaplan_meier is not None
    known = curves.months_on_book <= months.max()
    m = curves.months_on_book[known]
    np.testing.assert_allclose(1 - curves.kaplan_meier[known], fitted.evaluate(m), rtol=1e-12)
    np.testing.assert_allclose(1 - curves.kaplan_meier_high[known], interval.low.evaluate(m), rtol=1e-9)  # type: ignore[index]
    np.testing.assert_allclose(1 - curves.kaplan_meier_low[known], interval.high.evaluate(m), rtol=1e-9)  # type: ignore[index]
    assert np.isnan(curves.kaplan_meier[~known]).all()


def test_four_loans_by_hand() -> None:
    """Watched 1, 2, 3 and 3 months; bad in the second and the third: 1 - (1 - 1/3)(1 - 1/2) = 2/3 by the third."""
    curves = vintages(
        ["2024-01-01"] * 4,
        [None, "2024-02-15", "2024-03-20", None],
        known_until=["2024-02-01", "2024-03-01", "2024-04-01", "2024-04-01"],
        window=3,
        population="four loans",
    )
    assert curves.kaplan_meier == pytest.approx([0.0, 1 / 3, 2 / 3])
    assert curves.at_risk == pytest.approx([4.0, 2.0, 1.0])
    # One of four has been watched for a month only, so no share of the four is known from the second month on.
    assert curves.bad_rate[0] == 0.0
    assert np.isnan(curves.bad_rate[1:]).all()
    assert curves.caption == (
        "Vintages by quarter of booking: 4 loans, known until 2024-04-01, window 3 months; four loans"
    )


def test_a_loan_that_was_paid_back_stays_good_to_the_end() -> None:
    """One of two closed after a month: the bad one is half of the vintage, not all that was left of it."""
    curves = vintages(
        ["2023-01-01"] * 2,
        [None, "2023-05-10"],
        closed_at=["2023-02-01", None],
        known_until="2023-12-31",
        window=6,
    )
    assert curves.bad_rate[5] == 0.5
    assert curves.kaplan_meier is not None
    assert curves.kaplan_meier[5] == 0.5


@pytest.mark.parametrize(
    ("period", "names"), [("month", ["2023-03", "2023-04"]), ("quarter", ["2023 Q1", "2023 Q2"]), ("year", ["2023"])]
)
def test_vintages_are_named_by_the_period_of_booking(period: str, names: list[str]) -> None:
    curves = vintages(["2023-04-01", "2023-03-31"], [None, None], known_until="2024-12-31", period=period)
    assert curves.maturity.vintage.tolist() == names


@settings(max_examples=30)
@given(loans, st.integers(2, 5), st.randoms())
def test_order_does_not_matter_and_weights_count_as_rows(
    pairs: list[tuple[date, int | None]], times: int, random: Any
) -> None:
    once = of(pairs)
    mixed = list(pairs)
    random.shuffle(mixed)
    same(of(mixed), once)
    heavy = of(pairs, weights=[float(times)] * len(pairs))
    repeated = of(pairs * times)
    for name in ("bads", "bad_rate", "kaplan_meier", "at_risk"):
        np.testing.assert_allclose(heavy.columns[name], repeated.columns[name], rtol=1e-12, err_msg=name)
    # The interval knows that a weight is no further loan.
    np.testing.assert_allclose(heavy.columns["kaplan_meier_high"], once.columns["kaplan_meier_high"], rtol=1e-9)
    nothing = of([*pairs, (date(2022, 5, 5), 3)], weights=[1.0] * len(pairs) + [0.0])
    same(nothing, once)


def same(one: Vintages, other: Vintages) -> None:
    assert one.vintage.tolist() == other.vintage.tolist()
    for name in ("bads", "bad_rate", "kaplan_meier", "kaplan_meier_low", "kaplan_meier_high", "at_risk"):
        np.testing.assert_allclose(one.columns[name], other.columns[name], rtol=1e-12, err_msg=name)


@settings(max_examples=50)
@given(loans)
def test_curves_rise_within_their_intervals(pairs: list[tuple[date, int | None]]) -> None:
    for _, columns in by_vintage(of(pairs)):
        estimate = columns["kaplan_meier"]
        known = ~np.isnan(estimate)
        assert (np.diff(estimate[known]) >= -1e-15).all()
        assert not known[np.argmin(known) :].any() or known.all(), "what is not known stays so"
        low, high = columns["kaplan_meier_low"][known], columns["kaplan_meier_high"][known]
        assert ((low >= 0) & (low <= estimate[known] + 1e-12)).all()
        assert ((high <= 1) & (high >= estimate[known] - 1e-12)).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(150):
        booked = np.datetime64("2022-01-01") + generator.integers(0, 365, 200)
        event = booked + np.ceil(generator.exponential(900, 200)).astype(int)
        curves = vintages(booked, event, known_until="2022-12-31", period="year", window=6)
        truth = 1 - np.exp(-181.5 / 900)
        assert curves.kaplan_meier_low is not None
        assert curves.kaplan_meier_high is not None
        held += bool(curves.kaplan_meier_low[5] <= truth <= curves.kaplan_meier_high[5])
    assert held / 150 == pytest.approx(0.95, abs=0.045)


def test_young_vintages_that_look_better_are_called_immature() -> None:
    """The same loans, booked two years apart: the young half shows fewer bads because it is young."""
    booked = np.repeat(np.array(["2021-01-01", "2021-04-01", "2023-10-01", "2024-01-01"], "M8[D]"), 50)
    event = np.where(np.arange(200) % 5 == 0, booked + 200, np.datetime64("NaT"))
    curves = vintages(booked, event, known_until=LAST)
    assert curves.maturity.bad_rate_at_window[:2].tolist() == [0.2, 0.2]
    assert np.isnan(curves.maturity.bad_rate_at_window[2:]).all()
    (warning,) = curves.warnings
    assert warning == (
        "2023 Q4 and 2024 Q1 are not mature: only 0.0% of them has been watched for 12 months. Their 0.0% bad so far "
        "beside 20.0% in the mature vintages is no improvement: compare at the same month on book."
    )
    assert "Beware: 2023 Q4" in repr(curves)


def test_where_nothing_is_mature_that_is_said_and_where_all_is_nothing_is() -> None:
    young = vintages(["2023-10-01", "2024-01-01"], [None, None], known_until=LAST)
    assert "No vintage has been watched for 12 months" in young.warnings[0]
    assert np.isnan(young.bad_rate[young.months_on_book == 12]).all()
    assert vintages(["2021-10-01", "2022-01-01"], [None, None], known_until=LAST).warnings == ()


def test_data_of_ended_loans_alone_are_told_from_a_portfolio_that_has_run_off() -> None:
    booked = np.repeat(np.array(["2021-01-01", "2023-10-01"], "M8[D]"), 20)
    closed = booked + np.repeat([1000, 100], 20)
    event = np.full(40, np.datetime64("NaT"))
    selected = vintages(booked, event, closed_at=closed, known_until=LAST)
    assert any("loans still running seem to have been left out" in warning for warning in selected.warnings)
    assert np.isnan(selected.maturity.bad_rate_at_window[1]), "a closed loan makes no vintage older"
    running = np.where(np.arange(40) == 39, np.datetime64("NaT"), closed)
    assert not any(
        "left out" in warning for warning in vintages(booked, event, closed_at=running, known_until=LAST).warnings
    )
    run_off = vintages(booked, event, closed_at=closed, known_until="2030-01-01")
    assert run_off.warnings == ()


def test_without_days_there_is_one_point_for_each_mature_vintage() -> None:
    curves = vintages(["2022-01-05", "2022-02-01", "2023-12-01"], bad=[1, 0, 0], known_until=LAST)
    assert curves.months_on_book.tolist() == [12, 12]
    assert curves.bad_rate[0] == 0.5
    assert np.isnan(curves.bad_rate[1])
    assert curves.kaplan_meier is None
    assert curves.at_risk is None
    assert "not mature" in curves.warnings[0]


def test_what_happens_after_the_day_of_knowledge_is_not_known_yet() -> None:
    event = ["2023-03-15"]
    assert vintages(["2023-01-01"], event, known_until="2023-03-14", window=2).maturity.bads_so_far[0] == 0.0
    assert vintages(["2023-01-01"], event, known_until="2023-03-15", window=2).maturity.bads_so_far[0] == 1.0


@pytest.mark.parametrize(
    "booked",
    [
        [date(2023, 1, 31), date(2023, 5, 1)],
        np.array(["2023-01-31T10:00", "2023-05-01T23:59"], "M8[s]"),
        pd.Series(pd.to_datetime(["2023-01-31", "2023-05-01"])),
        pd.Series(pd.to_datetime(["2023-01-31", "2023-05-01"]).tz_localize("UTC")),
        pa.array([date(2023, 1, 31), date(2023, 5, 1)]),
        [datetime(2023, 1, 31, 1, tzinfo=UTC), datetime(2023, 5, 2, 1, tzinfo=timezone(timedelta(hours=2)))],
    ],
    ids=["dates", "datetime64", "pandas", "pandas with a zone", "Arrow", "datetimes with zones"],
)
def test_days_come_in_any_form(booked: Any) -> None:
    curves = vintages(booked, [None, date(2023, 5, 20)], known_until=date(2024, 12, 31))
    assert curves.bad_rate[curves.vintage == "2023 Q2"][0] == 1.0


_EAST = timezone(timedelta(hours=2))
_NAIVE = datetime.fromisoformat


@pytest.mark.parametrize(
    ("values", "days"),
    [
        ([None, float("nan"), pd.NaT, pd.NA], ["NaT"] * 4),
        ([date(2023, 1, 31), None, float("nan"), date(1, 1, 1)], ["2023-01-31", "NaT", "NaT", "0001-01-01"]),
        ([date(2023, 1, 31), _NAIVE("2023-01-31T23:00")], ["2023-01-31"] * 2),
        ([_NAIVE("2023-01-31T23:00"), date(2023, 1, 31)], ["2023-01-31"] * 2),
        ([_NAIVE("1969-12-31T01:00"), _NAIVE("1950-01-01T23:59")], ["1969-12-31", "1950-01-01"]),
        ([datetime(2023, 5, 2, 1, tzinfo=_EAST), None, datetime(2023, 5, 2, 2, tzinfo=_EAST)],
         ["2023-05-01", "NaT", "2023-05-02"]),
        ([_NAIVE("2023-05-02T01:00"), datetime(2023, 5, 2, 1, tzinfo=_EAST)], ["2023-05-02", "2023-05-01"]),
        (["2023-05-02", None, "2023-05", ""], ["2023-05-02", "NaT", "2023-05-01", "NaT"]),
        (["2023-05-02", date(2023, 5, 3)], ["2023-05-02", "2023-05-03"]),
        ([np.datetime64("2023-05-02"), None], ["2023-05-02", "NaT"]),
        (pd.Series([date(2023, 1, 31), None]), ["2023-01-31", "NaT"]),
        (pd.Series(["2023-01-31", None], dtype="string"), ["2023-01-31", "NaT"]),
    ],
)  # fmt: skip
def test_days_are_read_from_every_kind_of_object_and_from_mixtures(values: Any, days: list[str]) -> None:
    read = check_days(values, "booked")
    assert read.dtype == "datetime64[D]"
    assert [str(day) for day in read] == days


@pytest.mark.parametrize("values", [[1, None], [True, False], [{"a": 1}], [b"2023-01-01"], [[1], None], [1.5, "x"]])
def test_what_holds_no_days_is_refused(values: Any) -> None:
    with pytest.raises(MeasureError, match="booked does not hold days"):
        check_days(values, "booked")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"booked": ["2023-01-01", None]}, "booked is missing in 1 of 2 rows"),
        ({"booked": [1, 2]}, "booked does not hold days"),
        ({"booked": ["yesterday", "2023-01-01"]}, "booked does not hold days"),
        ({"booked": []}, "booked is empty"),
        ({"booked": [["2023-01-01"], ["2023-01-01"]]}, r"booked is one array of days, and this one has shape \(2, 1\)"),
        ({"event_at": [None]}, "event_at has 1 entries for 2"),
        ({"event_at": ["2022-12-31", None]}, "event_at lies before booked"),
        ({"event_at": None}, "event_at, the days on which loans went bad, or bad"),
        ({"bad": [0, 1]}, "event_at, the days on which loans went bad, or bad"),
        ({"event_at": None, "bad": [0, 2]}, "bad is 0 or 1"),
        ({"known_until": "2022-12-31"}, "known_until lies before booked"),
        ({"known_until": None}, "known_until is missing"),
        ({"known_until": ["2024-01-01"] * 3}, "known_until has 3 entries"),
        ({"closed_at": ["2022-01-01", None]}, "closed_at lies before booked"),
        ({"window": 0}, "window is a whole number of months"),
        ({"window": True}, "window is a whole number of months"),
        ({"period": "week"}, "period is one of month, quarter, year"),
        ({"confidence": 1.0}, "confidence lies between 0 and 1"),
        ({"weights": [1.0, -1.0]}, "weights is negative"),
        ({"weights": [0.0, 0.0]}, "weights sum to 0"),
    ],
)
def test_bad_input_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    arguments = {"booked": ["2023-01-01", "2023-02-01"], "event_at": [None, None], "known_until": LAST, **changes}
    with pytest.raises(MeasureError, match=said):
        vintages(arguments.pop("booked"), arguments.pop("event_at"), **arguments)


def test_billions_of_weight_and_a_single_loan_are_right() -> None:
    one = vintages(["2023-01-01"], ["2023-02-01"], known_until=LAST, weights=[3e12])
    assert one.bads[0] == 3e12
    assert one.kaplan_meier is not None
    assert one.kaplan_meier[-1] == 1.0
