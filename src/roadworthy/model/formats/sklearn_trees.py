"""scikit-learn's decision trees, averaging forests and gradient boosting: all hold the same `tree_` arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.forest import Forest
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.formats.trace import CannotCompile, Compiled, Feature

NAMES = (
    "sklearn.DecisionTreeClassifier",
    "sklearn.ExtraTreeClassifier",
    "sklearn.RandomForestClassifier",
    "sklearn.ExtraTreesClassifier",
    "sklearn.GradientBoostingClassifier",
)


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """Thresholds in float64 on inputs rounded to float32, as the library compares them."""
    if type(model).__name__ == "GradientBoostingClassifier":
        return Compiled(_boosted(model), "expit", features, bad_is_first=bad_first)
    grown = getattr(model, "estimators_", [model])
    bad_class = 0 if bad_first else 1
    trees = [_read(tree.tree_, tree.tree_.value[:, 0, bad_class]) for tree in grown]
    forest: Forest = join_trees(trees, divisor=float(len(grown)), float32_inputs=True)
    return Compiled(forest, "identity", features)


def _boosted(model: Any) -> Forest:
    if model.init_ != "zero" and type(model.init_).__name__ != "DummyClassifier":
        raise CannotCompile("gradient boosting that starts from another model has no compiled form yet")
    if model.loss != "log_loss":
        raise CannotCompile(f"gradient boosting with loss {model.loss!r} has no compiled form yet")
    base = 0.0
    if model.init_ != "zero":
        bad = model.init_.class_prior_[1]
        # The library clips the prior by float32's epsilon before taking its log-odds.
        edge = np.finfo(np.float32).eps
        prior = float(np.clip(bad, edge, 1 - edge))
        base = float(np.log(prior / (1 - prior)))
    trees = [_read(tree.tree_, model.learning_rate * tree.tree_.value[:, 0, 0]) for tree in model.estimators_[:, 0]]
    return join_trees(trees, base=base, float32_inputs=True, refuses_missing=True)


def _read(tree: Any, value: NDArray[np.float64]) -> TreeArrays:
    leaf = tree.children_left < 0
    missing_left = getattr(tree, "missing_go_to_left", np.zeros(len(leaf), dtype=np.uint8))
    return TreeArrays(
        feature=np.where(leaf, -1, tree.feature),
        threshold=np.where(leaf, 0.0, tree.threshold),
        left=tree.children_left,
        right=tree.children_right,
        missing_left=missing_left,
        value=np.where(leaf, value, 0.0),
    )
