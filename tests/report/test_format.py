"""Numbers read the same wherever they stand, and never show what is not there (R19)."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.report import format as figures

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(ANY)
def test_what_is_not_a_number_is_a_dash_and_nothing_else_is(value: float) -> None:
    unknown = value != value or value in (float("inf"), float("-inf"))
    for write in (figures.count, figures.decimal, figures.percent, figures.money, figures.compact_money):
        assert (write(value) == figures.DASH) == unknown


@given(ANY)
def test_no_figure_is_a_negative_zero_or_carries_a_hyphen(value: float) -> None:
    for write in (figures.count, figures.decimal, figures.percent, figures.signed_percent, figures.compact_money):
        text = write(value)
        assert "-" not in text
        assert not re.fullmatch(r"−[0.,%]+", text)


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
def test_a_share_between_none_and_all_never_reads_as_none_or_all(share: float) -> None:
    assert figures.percent(share) not in {"0.0%", "100.0%"}
    assert figures.percent(share, 0) not in {"0%", "100%"}


@given(st.floats(min_value=-9e14, max_value=9e14))
def test_compact_money_is_right_to_three_figures(amount: float) -> None:
    match = re.fullmatch(r"(−?)([\d,]+(?:\.\d+)?)(k|m|bn|tn)?", figures.compact_money(amount))
    assert match is not None
    sign, digits, unit = match.groups()
    scale = {None: 1.0, "k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}[unit]
    shown = float(digits.replace(",", "")) * scale * (-1 if sign else 1)
    assert shown == pytest.approx(amount, rel=0.00501, abs=0.5)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (-0.4, "0"),
        (99_999, "99,999"),
        (99_999.6, "100k"),
        (999_499, "999k"),
        (999_500, "1.00m"),
        (2.5e12, "2.50tn"),
    ],
)
def test_compact_money_changes_its_unit_where_the_figure_would_overflow(amount: float, text: str) -> None:
    assert figures.compact_money(amount) == text


def test_money_carries_its_currency_and_does_not_break_from_it() -> None:
    assert figures.money(1250, "SEK") == "SEK\u00a01,250"
    assert figures.compact_money(float("nan"), "SEK") == figures.DASH


def test_an_interval_with_an_unknown_end_is_unknown() -> None:
    assert figures.interval("1%", figures.DASH) == figures.DASH


def test_a_period_of_one_month_is_named_once() -> None:
    assert figures.period(date(2010, 3, 1), date(2010, 3, 31)) == "Mar\u00a02010"
