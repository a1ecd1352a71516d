"""Path-dependent Shapley values are what their definition and the boosting libraries say (R27)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roadworthy.errors import PackageError
from roadworthy.model.forest import Forest
from roadworthy.model.formats.boosters import load_booster, read_trees
from roadworthy.model.formats.grow import TreeArrays, join_trees

Grow = Callable[..., Forest]
Rows = Callable[..., NDArray[np.float64]]


def goes_left(forest: Forest, node: int, x: float) -> bool:
    if np.isnan(x):
        return bool(forest.missing_left[node])
    if forest.category_begin[node] < 0:
        return bool(x <= forest.threshold[node])
    words = forest.category_bits[forest.category_begin[node] : forest.category_end[node]]
    return 0 <= x < 32 * len(words) and bool(words[int(x) // 32] >> np.uint32(int(x) % 32) & 1)


def mean_output(forest: Forest, row: NDArray[np.float64], known: frozenset[int]) -> float:
    """What the trees come to where only the features `known` are: at other splits both ways, by the covers."""

    def follow(node: int) -> float:
        feature = int(forest.feature[node])
        if feature < 0:
            return float(forest.value[node])
        left, right = int(forest.left[node]), int(forest.right[node])
        if feature in known:
            return follow(left if goes_left(forest, node, row[feature]) else right)
        shares = forest.cover[[left, right]] / forest.cover[node]
        return float(shares[0] * follow(left) + shares[1] * follow(right))

    return (forest.base + sum(follow(int(root)) for root in forest.roots)) / forest.divisor


@given(seed=st.integers(0, 100_000))
@settings(max_examples=30, deadline=None)
def test_paths_are_explained_as_by_enumerating_every_coalition(seed: int, forest_of: Grow, rows_for: Rows) -> None:
    """Categories, missing values and features met again down a path included; a column gets its features' sum."""
    features = 5
    forest = forest_of(seed, features, trees=3, depth=5, categorical=(2,), base=0.25, divisor=3.0)
    row = rows_for(seed, 1, features, (2,))[0]
    coalitions = [frozenset(chosen) for size in range(features + 1) for chosen in combinations(range(features), size)]
    value = {chosen: mean_output(forest, row, chosen) for chosen in coalitions}
    wanted = np.zeros(features)
    for feature in range(features):
        for chosen in coalitions:
            if feature not in chosen:
                weight = factorial(len(chosen)) * factorial(features - len(chosen) - 1) / factorial(features)
                wanted[feature] += weight * (value[chosen | {feature}] - value[chosen])
    found, expected = forest.path_contributions(row[None, :], np.arange(features, dtype=np.int32), features)
    np.testing.assert_allclose(found[0], wanted, rtol=0, atol=1e-12)
    assert expected == pytest.approx(value[frozenset()], abs=1e-12)
    by_column, _ = forest.path_contributions(row[None, :], np.array([0, 1, 0, 1, 1], dtype=np.int32), 2)
    np.testing.assert_allclose(by_column[0], [wanted[[0, 2]].sum(), wanted[[1, 3, 4]].sum()], rtol=0, atol=1e-12)


def test_a_stump_worked_by_hand() -> None:
    """A quarter of the training rows had 1, the others 0: who goes right is 0.75 above the mean, who goes left 0.25
    below it. With a second split on the same feature there is still one player."""
    arrays: dict[str, Any] = {
        "feature": np.array([0, -1, 0, -1, -1]), "threshold": np.array([0.0, 0, 1.0, 0, 0]),
        "left": np.array([1, -1, 3, -1, -1]), "right": np.array([2, -1, 4, -1, -1]), "missing_left": np.zeros(5),
        "value": np.array([0, 0, 0, 1.0, 5.0]), "cover": np.array([8, 6, 2, 1, 1]),
    }  # fmt: skip
    origin = np.array([0], dtype=np.int32)
    found, expected = join_trees([TreeArrays(**arrays)]).path_contributions(np.array([[-1.0], [0.5], [2.0]]), origin, 1)
    assert expected == 0.75
    np.testing.assert_allclose(found[:, 0], [-0.75, 0.25, 4.25], rtol=0, atol=1e-15)


def test_a_long_path_needs_many_points_and_is_still_exact() -> None:
    """Sixty features one after the other, half the rows leaving at each: the last leaf's game is symmetric, and its
    one value of 1 is owed in equal parts, less what each costs where the path leaves."""
    n = 60
    inner, leaves = np.arange(n), np.arange(n, 2 * n + 1)
    chain = TreeArrays(
        feature=np.concatenate([inner, np.full(n + 1, -1)]),
        threshold=np.full(2 * n + 1, 0.5),
        left=np.concatenate([leaves[:n], np.full(n + 1, -1)]),
        right=np.concatenate([inner[1:], [2 * n], np.full(n + 1, -1)]),
        missing_left=np.zeros(2 * n + 1),
        value=np.concatenate([np.zeros(2 * n), [1.0]]),
        cover=np.concatenate([0.5**inner, 0.5 ** (inner + 1), [0.5**n]]),
    )
    forest = join_trees([chain])
    forest.check(n)
    found, expected = forest.path_contributions(np.ones((1, n)), np.arange(n, dtype=np.int32), n)
    assert expected == 0.5**n
    np.testing.assert_allclose(found, np.full((1, n), (1 - 0.5**n) / n), rtol=1e-12)


def test_contributions_add_up_and_a_row_alone_is_a_row_among_others(forest_of: Grow, rows_for: Rows) -> None:
    forest, rows = forest_of(3, 30, trees=20, depth=12, categorical=(3, 9), base=0.5), rows_for(4, 150, 30, (3, 9))
    origin = np.arange(30, dtype=np.int32)
    found, expected = forest.path_contributions(rows, origin, 30)
    np.testing.assert_allclose(found.sum(axis=1), forest.margin(rows) - expected, rtol=0, atol=1e-11)
    alone = np.concatenate([forest.path_contributions(row[None, :], origin, 30)[0] for row in rows])
    assert alone.tolist() == found.tolist()
    whole, _ = forest.path_contributions(rows, origin % 3, 3)
    np.testing.assert_allclose(whole.sum(axis=1), found.sum(axis=1), rtol=0, atol=1e-11)


def learnt(n: int = 1_500) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows with gaps, and a last column that is a category with 40 levels."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, 12))
    X[:, 11] = rng.integers(0, 40, n)
    X[rng.random(X.shape) < 0.1] = np.nan
    rise = np.nan_to_num(X) @ np.array([*rng.normal(size=11), 0.0]) + 2 * np.isin(X[:, 11], [3, 5, 8, 30])
    return X, (rise + rng.normal(size=n) > 0.5).astype(np.int64)


def test_lightgbm_says_the_same() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    X, y = learnt()
    data = lightgbm.Dataset(X, y, categorical_feature=[11], free_raw_data=False)
    settings = {"objective": "binary", "num_leaves": 31, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, data, 60)
    forest = join_trees(read_trees(load_booster(booster)))
    found, expected = forest.path_contributions(X, np.arange(12, dtype=np.int32), 12)
    theirs = booster.predict(X, pred_contrib=True)
    np.testing.assert_allclose(found, theirs[:, :-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(expected, theirs[:, -1], rtol=0, atol=1e-12)


def test_xgboost_says_the_same_within_its_float32() -> None:
    xgboost = pytest.importorskip("xgboost")
    X, y = learnt()
    X = X.astype(np.float32)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 6, "nthread": 1, "base_score": 0.5},
                            xgboost.DMatrix(X, y), 60)  # fmt: skip
    forest = join_trees(read_trees(load_booster(booster)), float32_inputs=True, float32_sum=True)
    found, expected = forest.path_contributions(X.astype(np.float64), np.arange(12, dtype=np.int32), 12)
    theirs = booster.predict(xgboost.DMatrix(X), pred_contribs=True)
    np.testing.assert_allclose(found, theirs[:, :-1], rtol=0, atol=2e-5)
    np.testing.assert_allclose(expected, theirs[:, -1], rtol=0, atol=2e-5)


def test_covers_of_scikit_learn_are_the_mean_of_what_was_learnt() -> None:
    """A tree's mean over its training rows is the rate that it learnt from."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    from roadworthy.model.formats.sklearn_hist import compile_model as compile_hist
    from roadworthy.model.formats.sklearn_trees import compile_model as compile_trees

    X, y = learnt()
    X = np.nan_to_num(X)
    grown = ensemble.RandomForestClassifier(20, max_depth=6, bootstrap=False, random_state=0).fit(X, y)
    scorer: Any = compile_trees(grown, [], bad_first=False).scorer
    _, expected = scorer.path_contributions(X[:1], np.arange(12, dtype=np.int32), 12)
    assert expected == pytest.approx(y.mean(), abs=1e-12)
    boosted = ensemble.HistGradientBoostingClassifier(max_iter=10, early_stopping=False).fit(X, y)
    scorer = compile_hist(boosted, [], bad_first=False).scorer
    found, expected = scorer.path_contributions(X, np.arange(12, dtype=np.int32), 12)
    np.testing.assert_allclose(found.sum(axis=1) + expected, boosted.decision_function(X), rtol=0, atol=1e-11)
    assert expected == pytest.approx(float(scorer.margin(X).mean()), abs=1e-10)


def test_trees_without_covers_say_so_and_odd_ones_are_refused(forest_of: Grow, rows_for: Rows) -> None:
    forest = forest_of(1, 5)
    with pytest.raises(PackageError, match="do not say how many training rows"):
        replace(forest, cover=np.zeros(0)).path_contributions(rows_for(1, 1, 5), np.arange(5, dtype=np.int32), 5)
    for odd in (0.0, -1.0, np.nan, np.inf):
        cover = forest.cover.copy()
        cover[-1] = odd
        with pytest.raises(PackageError, match="counts of training rows"):
            replace(forest, cover=cover).check(5)
    with pytest.raises(PackageError, match="counts of training rows"):
        replace(forest, cover=forest.cover[1:]).check(5)


def test_trees_of_one_leaf_are_owed_nothing() -> None:
    node = {"feature": -1, "threshold": 0.0, "left": -1, "right": -1, "missing_left": 0, "value": 0.75, "cover": 9}
    arrays: dict[str, Any] = {name: np.array([value]) for name, value in node.items()}
    leaf = TreeArrays(**arrays)
    found, expected = join_trees([leaf]).path_contributions(np.ones((2, 1)), np.array([0], dtype=np.int32), 1)
    assert (found.tolist(), expected) == ([[0.0], [0.0]], 0.75)
