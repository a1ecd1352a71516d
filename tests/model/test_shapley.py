"""Explanations are exact Shapley values: against every coalition enumerated, by hand, and additive (R27)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roadworthy.model.forest import Forest
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.linear import Linear
from roadworthy.model.shapley import leaf_weights

Grow = Callable[..., Forest]
Rows = Callable[..., NDArray[np.float64]]


def enumerate_shapley(
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    row: NDArray[np.float64],
    reference: NDArray[np.float64],
    origin: NDArray[np.int32],
    columns: int,
) -> NDArray[np.float64]:
    """The definition: each column's gain averaged over every coalition of the others, with Shapley's weights."""
    coalitions = [frozenset(chosen) for size in range(columns + 1) for chosen in combinations(range(columns), size)]
    mixed = np.array([np.where(np.isin(origin, list(chosen)), row, reference) for chosen in coalitions])
    v = dict(zip(coalitions, value(mixed).tolist(), strict=True))
    out = np.zeros(columns)
    for column in range(columns):
        for chosen in coalitions:
            if column not in chosen:
                weight = factorial(len(chosen)) * factorial(columns - len(chosen) - 1) / factorial(columns)
                out[column] += weight * (v[chosen | {column}] - v[chosen])
    return out


ORIGINS = {
    "each feature a column": [0, 1, 2, 3, 4],
    "a one-hot of three features is one column": [0, 1, 1, 1, 2],
    "features out of order": [2, 0, 1, 0, 2],
    "a column that no feature comes from": [0, 1, 3, 3, 1],
    "one column": [0, 0, 0, 0, 0],
}


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
@given(seed=st.integers(0, 100_000))
@settings(max_examples=25)
def test_a_forest_is_explained_as_by_enumerating_every_coalition(
    origin: list[int], seed: int, forest_of: Grow, rows_for: Rows
) -> None:
    """Categories, missing values in the applicant and in the reference, and columns met again down a path included."""
    forest = forest_of(seed, 5, trees=3, depth=5, categorical=(2,), base=0.25, divisor=3.0)
    rows = rows_for(seed, 4, 5, (2,))
    owners, columns = np.array(origin, dtype=np.int32), max(origin) + 1
    found = forest.contributions(rows, rows[3], owners, columns)
    for row, contributions in zip(rows, found, strict=True):
        wanted = enumerate_shapley(forest.margin, row, rows[3], owners, columns)
        np.testing.assert_allclose(contributions, wanted, rtol=0, atol=1e-12)


@given(seed=st.integers(0, 100_000))
@settings(max_examples=25)
def test_contributions_add_up_and_the_reference_owes_nothing(seed: int, forest_of: Grow, rows_for: Rows) -> None:
    forest = forest_of(seed, 30, trees=20, depth=7, categorical=(3, 9))
    rows = rows_for(seed, 6, 30, (3, 9))
    found = forest.contributions(rows, rows[0], np.arange(30, dtype=np.int32), 30)
    margin = forest.margin(rows)
    np.testing.assert_allclose(found.sum(axis=1), margin - margin[0], rtol=0, atol=1e-11)
    assert not found[0].any()
    unused = np.setdiff1d(np.arange(30), forest.feature)
    assert not found[:, unused].any()


def test_an_interaction_worked_by_hand_is_shared_equally() -> None:
    """v = 1 only where both columns are the applicant's: each is owed a half. With a third for v = 2, 1/3 each."""
    both = TreeArrays(
        feature=np.array([0, -1, 1, -1, -1]),
        threshold=np.array([0.5, 0, 0.5, 0, 0]),
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        missing_left=np.zeros(5),
        value=np.array([0, 0, 0, 0, 1.0]),
    )
    forest = join_trees([both])
    origin = np.array([0, 1], dtype=np.int32)
    assert forest.contributions(np.ones((1, 2)), np.zeros(2), origin, 2).tolist() == [[0.5, 0.5]]
    # Seen from the other side: the applicant has neither, the reference both.
    assert forest.contributions(np.zeros((1, 2)), np.ones(2), origin, 2).tolist() == [[-0.5, -0.5]]
    # One has what the other lacks: v(neither) = 0 = v(both mixed); moving either way changes nothing in sum.
    assert forest.contributions(np.array([[1.0, 0.0]]), np.array([0.0, 1.0]), origin, 2).tolist() == [[0.5, -0.5]]


def test_another_reference_is_another_answer_of_the_same_trees(forest_of: Grow, rows_for: Rows) -> None:
    """What is kept of a reference between calls is that reference's own."""
    forest, origin = forest_of(7, 4, trees=6, categorical=(2,)), np.arange(4, dtype=np.int32)
    rows = rows_for(8, 5, 4, (2,))
    first, other = rows_for(9, 2, 4, (2,))
    fresh = forest_of(7, 4, trees=6, categorical=(2,))
    wanted = fresh.contributions(rows, other, origin, 4)
    before = forest.contributions(rows, first, origin, 4)
    assert forest.contributions(rows, other, origin, 4).tolist() == wanted.tolist()
    assert forest.contributions(rows, first, origin, 4).tolist() == before.tolist() != wanted.tolist()


def test_leaf_weights_are_the_fractions_of_the_formula() -> None:
    ours, theirs = leaf_weights(12)
    for a in range(13):
        for b in range(13 - a):
            if a:
                wanted = Fraction(factorial(a - 1) * factorial(b), factorial(a + b))
                assert ours[a, b] == pytest.approx(float(wanted), rel=1e-14)
            if b:
                wanted = Fraction(factorial(a) * factorial(b - 1), factorial(a + b))
                assert theirs[a, b] == pytest.approx(float(wanted), rel=1e-14)


def test_hundreds_of_columns_do_not_overflow() -> None:
    """A chain that asks 600 columns one after the other: the leaf at its end needs every one of them."""
    n = 600
    inner, leaves = np.arange(n), np.arange(n, 2 * n + 1)
    chain = TreeArrays(
        feature=np.concatenate([inner, np.full(n + 1, -1)]),
        threshold=np.full(2 * n + 1, 0.5),
        left=np.concatenate([leaves[:n], np.full(n + 1, -1)]),
        right=np.concatenate([inner[1:], [2 * n], np.full(n + 1, -1)]),
        missing_left=np.zeros(2 * n + 1),
        value=np.concatenate([np.zeros(2 * n), [1.0]]),
    )
    forest = join_trees([chain])
    forest.check(n)
    origin = np.arange(n, dtype=np.int32)
    found = forest.contributions(np.ones((1, n)), np.zeros(n), origin, n)
    np.testing.assert_allclose(found, np.full((1, n), 1 / n), rtol=1e-9)
    back = forest.contributions(np.zeros((1, n)), np.ones(n), origin, n)
    np.testing.assert_allclose(back, np.full((1, n), -1 / n), rtol=1e-9)
    assert all(np.isfinite(weights).all() for weights in leaf_weights(n))


@given(seed=st.integers(0, 100_000))
@settings(max_examples=25)
def test_a_linear_model_is_explained_as_by_enumerating_every_coalition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scorer = Linear(coefficients=rng.normal(size=5), intercept=0.7)
    rows, origin = rng.normal(size=(3, 5)), np.array([0, 1, 1, 2, 0], dtype=np.int32)
    found = scorer.contributions(rows, rows[0], origin, 3)
    for row, contributions in zip(rows, found, strict=True):
        wanted = enumerate_shapley(scorer.margin, row, rows[0], origin, 3)
        np.testing.assert_allclose(contributions, wanted, rtol=0, atol=1e-12)


def test_a_row_is_explained_the_same_alone_and_among_others(forest_of: Grow, rows_for: Rows) -> None:
    forest, rows = forest_of(11, 6, trees=10, depth=6), rows_for(12, 20, 6)
    origin: Any = np.array([0, 1, 2, 2, 3, 0], dtype=np.int32)
    whole = forest.contributions(rows, rows[5], origin, 4)
    alone = [forest.contributions(row[None, :], rows[5], origin, 4)[0].tolist() for row in rows]
    assert alone == whole.tolist()
