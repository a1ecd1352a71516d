"""What is learned from was known before what the model is judged on was applied for (R16)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from roadworthy.pipeline.split import JUDGE, LEARN, split_past

NAT = np.datetime64("NaT", "D")


def days(count: int) -> NDArray[np.datetime64]:
    return np.datetime64("2020-01-01") + np.arange(count)


def outcomes(count: int) -> NDArray[np.float64]:
    return (np.arange(count) % 2).astype(np.float64)


def test_undated_applications_are_on_neither_side_of_a_split_by_date() -> None:
    applied = days(100)
    applied[:20] = NAT
    part, note = split_past(outcomes(100), applied)
    assert set(part[:20]) == {""}
    assert [int(np.sum(part == side)) for side in (LEARN, JUDGE)] == [56, 24]
    assert "held out: 24 of 100 with a known outcome (24.0%)" in note
    assert "20 without a date are on neither side" in note


def test_an_outcome_that_was_not_known_on_the_first_held_out_day_is_not_learned_from() -> None:
    applied, known = days(1000), days(1000) + 200
    part, note = split_past(outcomes(1000), applied, known)
    first = applied[part == JUDGE].min()
    assert first == applied[700]
    assert known[part == LEARN].max() == first
    assert int(np.sum(part == "")) == 199
    assert "199 older ones are on neither side, for their outcome was not known yet on 2021-12-01" in note
    assert "held out: 300 of 1,000 with a known outcome (30.0%)" in note


def test_a_file_too_small_to_wait_for_outcomes_says_that_it_does_not() -> None:
    part, note = split_past(outcomes(120), days(120), days(120) + 30)
    assert int(np.sum(part == LEARN)) == 84
    assert "29 outcomes that were not known yet on 2020-03-25 are learned from all the same" in note


@pytest.mark.parametrize(
    ("applied", "bad", "why"),
    [
        (np.full(40, NAT), outcomes(40), "applications are not dated"),
        (np.repeat(days(2), (1, 39)), outcomes(40), "all applied for at one time, 2020-01-02"),
        (days(40), (np.arange(40) < 15).astype(float), "all dated applications from 2020-01-29 on came out good"),
        (days(40), (np.arange(40) >= 28).astype(float), "all dated applications from 2020-01-29 on came out bad"),
    ],
)
def test_where_dates_cannot_split_the_true_reason_is_said(
    applied: NDArray[np.datetime64], bad: NDArray[np.float64], why: str
) -> None:
    part, note = split_past(bad, applied)
    assert note.endswith(f"drawn at random, since {note.split('since ')[1]}")
    assert why in note
    assert set(bad[part == LEARN]) == set(bad[part == JUDGE]) == {0.0, 1.0}
    assert "" not in part


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0.0, 1.0, np.nan])), min_size=20, max_size=120))
def test_never_more_than_half_is_held_out_and_no_tie_is_split(rows: list[tuple[int, float]]) -> None:
    bad = np.array([outcome for _, outcome in rows] + [0.0] * 10 + [1.0] * 10)
    applied = np.datetime64("2024-01-01") + np.array([day for day, _ in rows] + list(range(10)) * 2)
    part, note = split_past(bad, applied)
    learn, judge = part == LEARN, part == JUDGE
    assert 0 < judge.sum() <= learn.sum()
    assert not np.isnan(bad[learn | judge]).any()
    if "drawn" not in note:
        assert applied[learn].max() < applied[judge].min()
