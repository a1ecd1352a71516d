"""scikit-learn's decision trees, averaging forests and gradient boosting: all hold the same `tree_` arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.composed import Started
from roadworthy.model.forest import Forest
from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.plan import Op

if TYPE_CHECKING:
    from roadworthy.model.formats.compose import Draft

NAMES = (
    "sklearn.DecisionTreeClassifier",
    "sklearn.ExtraTreeClassifier",
    "sklearn.RandomForestClassifier",
    "sklearn.ExtraTreesClassifier",
    "sklearn.GradientBoostingClassifier",
)


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """Thresholds in float64 on inputs rounded to float32, as the library compares them; it refuses what overflows."""
    features = [feature.then(Op.REQUIRE_FLOAT32) for feature in features]
    if type(model).__name__ == "GradientBoostingClassifier":
        known = [feature.then(Op.REQUIRE_KNOWN) for feature in features]
        return Compiled(_boosted(model, _base(model)), "expit", known, bad_is_first=bad_first)
    grown = getattr(model, "estimators_", [model])
    bad_class = 0 if bad_first else 1
    trees = [read_tree(tree.tree_, tree.tree_.value[:, 0, bad_class]) for tree in grown]
    forest: Forest = join_trees(trees, divisor=float(len(grown)), float32_inputs=True)
    return Compiled(forest, "identity", features)


def is_composed(model: Any) -> bool:
    """Whether it is boosting that starts from another model's answers."""
    return type(model).__name__ == "GradientBoostingClassifier" and not _starts_level(model)


def compose(model: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    """The log-odds of the other model's answer, kept off 0 and 1, and the trees added to them one by one."""
    known = [feature.then(Op.REQUIRE_FLOAT32).then(Op.REQUIRE_KNOWN) for feature in features]
    seen = [feature.then(Op.TO_FLOAT32) for feature in known]
    start = draft.curve("logit", draft.probability(model.init_, seen, bad_first=False), float(np.finfo(float).eps))
    margin = draft.add(Started(_boosted(model, 0.0)), *draft.place(known), start)
    probability = draft.curve("expit", margin)
    return draft.curve("complement", probability) if bad_first else probability


def _starts_level(model: Any) -> bool:
    return isinstance(model.init_, str) or type(model.init_).__name__ == "DummyClassifier"


def _base(model: Any) -> float:
    if not _starts_level(model):
        raise CannotCompile("the decision function of gradient boosting from another model has no compiled form yet")
    anyone = np.zeros((1, model.n_features_in_), dtype=np.float32)
    return float(model._raw_predict_init(anyone)[0, 0])  # the same for everyone


def _boosted(model: Any, base: float) -> Forest:
    if model.loss != "log_loss":
        raise CannotCompile(f"gradient boosting with loss {model.loss!r} has no compiled form yet")
    trees = [read_tree(tree.tree_, model.learning_rate * tree.tree_.value[:, 0, 0]) for tree in model.estimators_[:, 0]]
    return join_trees(trees, base=base, float32_inputs=True)


def read_tree(tree: Any, value: NDArray[np.float64]) -> TreeArrays:
    """A fitted tree's arrays, with `value` (nodes,) for its leaves."""
    leaf = tree.children_left < 0
    missing_left = getattr(tree, "missing_go_to_left", np.zeros(len(leaf), dtype=np.uint8))
    return TreeArrays(
        feature=np.where(leaf, -1, tree.feature),
        threshold=np.where(leaf, 0.0, tree.threshold),
        left=tree.children_left,
        right=tree.children_right,
        missing_left=missing_left,
        value=np.where(leaf, value, 0.0),
        cover=tree.weighted_n_node_samples,
    )
