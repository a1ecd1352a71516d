"""scikit-learn's ensembles of any models: voting, stacking, bagging, and AdaBoost of trees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.formats.grow import join_trees
from roadworthy.model.formats.sklearn_trees import read_tree
from roadworthy.model.plan import Op

if TYPE_CHECKING:
    from roadworthy.model.formats.compose import Draft

NAMES = (
    "sklearn.VotingClassifier",
    "sklearn.StackingClassifier",
    "sklearn.BaggingClassifier",
    "sklearn.AdaBoostClassifier",
)
_TREES = ("DecisionTreeClassifier", "ExtraTreeClassifier")


def compose(model: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    """By the kind of ensemble."""
    rule = {
        "VotingClassifier": _vote,
        "StackingClassifier": _stack,
        "BaggingClassifier": _bag,
        "AdaBoostClassifier": _boost,
    }[type(model).__name__]
    return rule(model, features, bad_first, draft)


def _vote(model: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    members = [draft.probability(member, features, bad_first) for member in model.estimators_]
    weights = model._weights_not_none
    return draft.mean(members, None if weights is None else [float(weight) for weight in weights])


def _stack(model: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    answers = []
    named = [name for name, estimator in model.estimators if not isinstance(estimator, str)]
    for name, member, asked in zip(named, model.estimators_, model.stack_method_, strict=True):
        if asked == "predict_proba":
            number = draft.probability(member, features, bad_first=False)
        elif asked == "decision_function":
            number = draft.decision(member, features)
        else:
            raise CannotCompile(f"stacking on the classes that {name} predicts has no compiled form")
        answers.append(Feature(f"the answer of {name}", answer=number))
    passed = features if model.passthrough else []
    return draft.probability(model.final_estimator_, [*answers, *passed], bad_first)


def _bag(model: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    chosen = [np.asarray(columns).tolist() for columns in model.estimators_features_]
    if all(type(member).__name__ in _TREES and len(member.classes_) == 2 for member in model.estimators_):
        known = [feature.then(Op.REQUIRE_FLOAT32) for feature in features]
        trees = [
            _move(read_tree(member.tree_, member.tree_.value[:, 0, 0 if bad_first else 1]), columns)
            for member, columns in zip(model.estimators_, chosen, strict=True)
        ]
        forest = join_trees(trees, divisor=float(len(trees)), float32_inputs=True)
        return draft.score(Compiled(forest, "identity", known))
    members = [
        draft.probability(member, [features[i] for i in columns], bad_first)
        for member, columns in zip(model.estimators_, chosen, strict=True)
    ]
    return draft.mean(members, divisor=float(len(members)))


def _boost(model: Any, features: list[Feature], bad_first: bool, draft: Draft) -> int:
    """Every tree votes for a class with its weight; the mean vote s gives the softmax of (-s, s)."""
    if any(type(member).__name__ not in _TREES for member in model.estimators_):
        raise CannotCompile("AdaBoost of other models than trees has no compiled form yet")
    known = [feature.then(Op.REQUIRE_FLOAT32) for feature in features]
    trees = []
    for member, weight in zip(model.estimators_, model.estimator_weights_, strict=False):
        classes = np.searchsorted(model.classes_, member.classes_)
        for_bad = classes[member.tree_.value[:, 0, :].argmax(axis=1)] == 1
        trees.append(read_tree(member.tree_, np.where(for_bad, weight, -weight)))
    forest = join_trees(trees, divisor=float(model.estimator_weights_.sum()), float32_inputs=True)
    votes = draft.score(Compiled(forest, "identity", known))
    return draft.curve("softmax", votes, 1.0, float(not bad_first))


def _move(tree: Any, columns: list[int]) -> Any:
    """A tree that was grown on some columns, asked about all."""
    inner = tree.feature >= 0
    moved = np.where(inner, np.asarray(columns)[np.where(inner, tree.feature, 0)], -1)
    return replace(tree, feature=moved)
