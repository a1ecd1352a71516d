"""scikit-learn's HistGradientBoostingClassifier, with its own missing values and categories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.formats.tabulate import is_missing
from roadworthy.model.formats.trace import trace
from roadworthy.model.plan import Op

NAMES = ("sklearn.HistGradientBoostingClassifier",)


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """Leaves hold the learning rate already; the sum starts from the baseline. Unknown categories are missing ones."""
    if getattr(model, "_preprocessor", None) is not None:
        features = trace(model._preprocessor, features)
    known: dict[int, NDArray[Any]] = {}
    flags = model._is_categorical_remapped
    if flags is not None:
        categories = model._bin_mapper.bin_thresholds_
        known = {int(i): np.asarray(categories[i], dtype=np.float64) for i in np.flatnonzero(flags)}
        features = [
            feature.then(Op.MATCH, np.nan, np.nan, *known[i], *known[i]) if i in known else feature
            for i, feature in enumerate(features)
        ]
    if any(len(stage) != 1 for stage in model._predictors):
        raise CannotCompile("a model of more than two classes")
    trees = [_read(stage[0]) for stage in model._predictors]
    forest = join_trees(trees, base=float(np.ravel(model._baseline_prediction)[0]))
    return Compiled(forest, "expit", features, bad_is_first=bad_first)


def known_categories(model: Any) -> dict[int, tuple[Any, ...]]:
    """The categories of the columns that were pandas categoricals in training, by position."""
    if model.categorical_features != "from_dtype" or getattr(model, "_preprocessor", None) is None:
        return {}
    places = np.flatnonzero(model.is_categorical_).tolist()
    categories = model._preprocessor.named_transformers_["encoder"].categories_
    return {
        i: tuple(value for value in known.tolist() if not is_missing(value))
        for i, known in zip(places, categories, strict=True)
    }


def _read(predictor: Any) -> TreeArrays:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    categories = {
        int(node): _members(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
        for node in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf)
    }
    return TreeArrays(
        feature=np.where(leaf, -1, nodes["feature_idx"]),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        missing_left=nodes["missing_go_to_left"],
        value=np.where(leaf, nodes["value"], 0.0),
        categories=categories,
        cover=nodes["count"],
    )


def _members(words: NDArray[np.uint32]) -> NDArray[np.int64]:
    bits = (words[:, None] >> np.arange(32, dtype=np.uint32)) & np.uint32(1)
    return np.flatnonzero(bits.ravel())
