"""Odd weeks: worked by hand, and quiet where nothing moved (R14)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.errors import MeasureError
from roadworthy.measures import odd_shares


def test_z_is_worked_by_hand() -> None:
    """40 of 100 against 20 of 200: p = 60/300 = 0.2, spread = sqrt(0.16 x 0.015) = 0.0489898, z = 0.3/0.0489898."""
    found = odd_shares([10, 10, 40], [100, 100, 100])
    assert found.share.tolist() == [0.1, 0.1, 0.4]
    assert found.total_before.tolist() == [0.0, 100.0, 200.0]
    assert found.share_before[2] == pytest.approx(0.1)
    assert found.z[2] == pytest.approx(6.123724, abs=1e-6)
    assert found.odd.tolist() == [False, False, True]
    assert found.judged.tolist() == [False, False, True]
    assert np.isnan(found.z[0])


def test_only_the_window_counts_as_before() -> None:
    found = odd_shares([90, 10, 10, 10], [100, 100, 100, 100], window=2)
    assert found.total_before.tolist() == [0.0, 100.0, 200.0, 200.0]
    assert found.share_before[1:].tolist() == pytest.approx([0.9, 0.5, 0.1])


def test_fewer_than_before_is_odd_too() -> None:
    found = odd_shares([300, 300, 30], [1000, 1000, 1000])
    assert found.z[2] < -4
    assert found.odd.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("count", "total"),
    [
        ([100, 45], [1000, 49]),  # a small week
        ([10, 60], [199, 100]),  # little before it
        ([10_000, 10_490], [100_000, 100_000]),  # far more than chance, and 0.49 points
        ([100, 140], [1000, 1000]),  # four points
    ],
)
def test_what_is_small_or_matters_little_is_not_odd(count: list[int], total: list[int]) -> None:
    assert not odd_shares(count, total).odd.any()


def test_five_points_are_enough() -> None:
    assert odd_shares([10_000, 1_500], [100_000, 10_000]).odd.tolist() == [False, True]


def test_weeks_without_anything_are_neither_odd_nor_in_the_way() -> None:
    found = odd_shares([0, 50, 0, 55], [0, 500, 0, 500], fewest_before=100)
    assert found.odd.tolist() == [False] * 4
    assert found.judged.tolist() == [False, False, False, True]
    assert found.z[3] == pytest.approx((0.11 - 0.10) / (0.105 * 0.895 * (2 / 500)) ** 0.5)


def test_all_or_none_everywhere_is_no_difference() -> None:
    assert odd_shares([0, 0], [500, 500]).z[1] == 0.0
    assert odd_shares([500, 500], [500, 500]).z[1] == 0.0


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30), st.integers(1, 20))
def test_the_same_share_every_week_is_never_odd(counts: list[int], window: int) -> None:
    totals = np.full(len(counts), 1000)
    found = odd_shares(np.full(len(counts), counts[0]), totals, window=window)
    assert not found.odd.any()
    moved = odd_shares(counts, totals, window=window)
    known = ~np.isnan(moved.z)
    assert np.all(np.sign(moved.z[known]) == np.sign(np.round(moved.share[known] - moved.share_before[known], 12)))


@pytest.mark.parametrize(
    ("count", "total", "more", "said"),
    [
        ([2], [1], {}, "between 0 and its total"),
        ([-1], [1], {}, "between 0 and its total"),
        ([1, 2], [3], {}, "entries"),
        ([1], [1], {"window": 0}, "window"),
        ([1], [1], {"z_at_least": -1.0}, "z_at_least"),
        ([1], [1], {"points_at_least": float("nan")}, "points_at_least"),
        ([], [], {}, "empty"),
    ],
)
def test_what_makes_no_sense_is_refused(count: list[int], total: list[int], more: dict[str, float], said: str) -> None:
    with pytest.raises(MeasureError, match=said):
        odd_shares(count, total, **more)  # type: ignore[arg-type]  # what somebody might hand in


def test_the_table_says_its_rule() -> None:
    said = repr(odd_shares([10, 10, 40], [100, 100, 100]))
    assert "|z| of 4 or more and a difference of 5 points or more from the 12 periods before" in said
    assert odd_shares([1], [2]).to_arrow().num_rows == 1
