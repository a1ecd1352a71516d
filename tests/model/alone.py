"""Models that hold their own preprocessing, as the page of models tells of them: CatBoost and ONNX graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from tests.model.test_onnx import FLOAT, ML, STRING, classifier, graph, node, trees_of

Frame: TypeAlias = pd.DataFrame
ROWS = 400
WORDS = ["home", "trade"]
HOMES = ["rent", "own", "other"]


def make_rows() -> tuple[Frame, Any]:
    """Two numbers and two words without gaps, whose words count together."""
    draw = np.random.default_rng(3)
    age, debt = draw.integers(18, 80, ROWS).astype(float), draw.lognormal(3, 1, ROWS).round(2)
    home, trade = draw.integers(0, 3, ROWS), draw.integers(0, 6, ROWS)
    odds = 1.5 * draw.normal(size=(3, 6))[home, trade] + 0.02 * debt - 0.02 * age
    words = {"home": np.array(HOMES, dtype=object)[home], "trade": np.array(list("abcdef"), dtype=object)[trade]}
    return pd.DataFrame({"age": age, "debt": debt, **words}), (draw.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int)


def _catboost(**options: Any) -> Callable[[Frame, Any], Any]:
    quiet = {"iterations": 40, "depth": 4, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    return lambda X, bad: CatBoostClassifier(**quiet, cat_features=WORDS, **options).fit(X, bad)


def _onnx(last: Callable[[Frame, Any], list[Any]]) -> Callable[[Frame, Any], Any]:
    """A graph of imputer, scaler and one-hot encoder before `last`, which takes "all"."""

    def make(X: Frame, bad: Any) -> Any:
        before = [
            node("Concat", ["age", "debt"], ["both"], axis=1),
            node("Imputer", ["both"], ["full"], ML, imputed_value_floats=[40.0, 40.0], replaced_value_float=np.nan),
            node("Scaler", ["full"], ["scaled"], ML, offset=[45.0, 30.0], scale=[0.05, 0.04]),
            node("OneHotEncoder", ["home"], ["cube"], ML, cats_strings=HOMES, zeros=1),
            node("Reshape", ["cube", "flat"], ["hot"]),
            node("Concat", ["scaled", "hot"], ["all"], axis=1),
        ]
        inputs = {"age": (FLOAT, 1), "debt": (FLOAT, 1), "home": (STRING, 1)}
        return graph([*before, *last(X, bad)], inputs, {"flat": np.array([-1, 3])})

    return make


def _features(X: Frame) -> Any:
    scaled = ((X[["age", "debt"]] - [45.0, 30.0]) * [0.05, 0.04]).to_numpy()
    return np.hstack([scaled, np.stack([X.home == name for name in HOMES], axis=1)]).astype(np.float32)


def _tree(source: str) -> Callable[[Frame, Any], list[Any]]:
    def make(X: Frame, bad: Any) -> list[Any]:
        tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(_features(X), bad)
        return [node("Normalizer", ["all"], ["normal"], ML, norm="L2"), classifier(source, **trees_of(tree))]

    return make


def _line(*_: Any) -> list[Any]:
    line = [-0.3, 0.8, 0.6, -0.4, 0.1]
    return [
        node(
            "LinearClassifier", ["all"], ["label", "probabilities"], ML, classlabels_ints=[0, 1],
            coefficients=[*(-c for c in line), *line], intercepts=[1.0, -1.0], post_transform="LOGISTIC", multi_class=0,
        )
    ]  # fmt: skip


ALONE: dict[str, Callable[[Frame, Any], Any]] = {
    "CatBoost, categories one-hot": _catboost(one_hot_max_size=20),
    "CatBoost, statistics of single columns (max_ctr_complexity=1)": _catboost(max_ctr_complexity=1),
    "CatBoost, statistics of columns together": _catboost(max_ctr_complexity=4, model_size_reg=0),
    "ONNX: trees behind Imputer, Scaler, OneHotEncoder": _onnx(_tree("all")),
    "ONNX: LinearClassifier behind the same": _onnx(_line),
    "ONNX: trees behind Normalizer": _onnx(_tree("normal")),
}
