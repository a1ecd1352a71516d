"""Linear scorers: by hand, row by row, and refused when their arrays do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from roadworthy.errors import PackageError
from roadworthy.model.linear import Linear

NAN = float("nan")


def test_a_margin_worked_by_hand() -> None:
    """0.5 + 2 x 3 - 1 x 4 = 2.5; a missing value makes the margin no number."""
    scorer = Linear(coefficients=np.array([2.0, -1.0]), intercept=0.5)
    np.testing.assert_array_equal(scorer.margin(np.array([[3.0, 4.0], [3.0, NAN]])), [2.5, NAN])


def test_contributions_worked_by_hand_are_summed_home_to_their_column() -> None:
    """Column 0 owns features 0 and 2: 2 x (3 - 1) + 10 x (1 - 0) = 14; column 1 owns feature 1: -1 x (4 - 4) = 0."""
    scorer = Linear(coefficients=np.array([2.0, -1.0, 10.0]), intercept=0.5)
    found = scorer.contributions(
        np.array([[3.0, 4.0, 1.0]]), np.array([1.0, 4.0, 0.0]), np.array([0, 1, 0], dtype=np.int32), 2
    )
    assert found.tolist() == [[14.0, 0.0]]


def test_nothing_to_add_up_leaves_the_intercept() -> None:
    assert Linear(coefficients=np.zeros(0), intercept=-1.5).margin(np.zeros((2, 0))).tolist() == [-1.5, -1.5]


def test_huge_values_overflow_in_silence_and_never_warn() -> None:
    scorer = Linear(coefficients=np.array([1e10, -1e10]), intercept=0.0)
    np.testing.assert_array_equal(scorer.margin(np.array([[1e300, 1e300], [1e300, 0.0]])), [NAN, np.inf])


@given(st.integers(0, 1_000), st.integers(0, 9))
def test_a_row_comes_out_the_same_alone_and_however_the_batch_is_split(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    scorer = Linear(coefficients=rng.normal(size=7), intercept=float(rng.normal()))
    rows = rng.normal(size=(9, 7)) * 10.0 ** rng.integers(-8, 9, size=(9, 7))
    whole = scorer.margin(rows)
    assert np.concatenate([scorer.margin(rows[:cut]), scorer.margin(rows[cut:])]).tolist() == whole.tolist()
    assert [scorer.margin(row[None, :])[0] for row in rows] == whole.tolist()


def test_the_sum_is_taken_feature_by_feature_in_float64() -> None:
    rng = np.random.default_rng(4)
    scorer, rows = Linear(coefficients=rng.normal(size=50), intercept=0.3), rng.normal(size=(20, 50))

    def slow(row: NDArray[np.float64]) -> float:
        total = 0.0
        for x, coefficient in zip(row.tolist(), scorer.coefficients.tolist(), strict=True):
            total += x * coefficient
        return total + 0.3

    assert scorer.margin(rows).tolist() == [slow(row) for row in rows]
    np.testing.assert_allclose(scorer.margin(rows), rows @ scorer.coefficients + 0.3, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        (Linear(coefficients=np.zeros(3), intercept=0.0), "do not fit"),
        (Linear(coefficients=np.zeros((2, 1)), intercept=0.0), "do not fit"),
        (Linear(coefficients=np.array([1.0, NAN]), intercept=0.0), "do not fit"),
        (Linear(coefficients=np.array([1.0, np.inf]), intercept=0.0), "do not fit"),
        (Linear(coefficients=np.zeros(2), intercept=NAN), "intercept"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(scorer: Linear, message: str) -> None:
    Linear(coefficients=np.zeros(2), intercept=0.0).check(2)
    with pytest.raises(PackageError, match=message):
        scorer.check(2)
