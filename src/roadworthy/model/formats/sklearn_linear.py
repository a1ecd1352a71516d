"""scikit-learn's linear classifiers with a logistic link."""

from __future__ import annotations

from typing import Any

import numpy as np

from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.formats.numbers import require_finite
from roadworthy.model.linear import Linear

NAMES = (
    "sklearn.LogisticRegression",
    "sklearn.LogisticRegressionCV",
    "sklearn.SGDClassifier",
    "sklearn.LinearSVC",
    "sklearn.RidgeClassifier",
    "sklearn.RidgeClassifierCV",
    "sklearn.Perceptron",
)


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """The decision function under a logistic link."""
    if not hasattr(model, "predict_proba") or getattr(model, "loss", "log_loss") != "log_loss":
        raise CannotCompile(f"{type(model).__name__} with loss {getattr(model, 'loss', None)!r} has no logistic link")
    decision = compile_decision(model, features)
    return Compiled(decision.scorer, "expit", decision.features, bad_is_first=bad_first)


def compile_decision(model: Any, features: list[Feature]) -> Compiled:
    """Coefficients and intercept as they are; the sum agrees with BLAS to 1e-12."""
    if np.asarray(model.coef_).dtype != np.float64:
        raise CannotCompile(
            f"{type(model).__name__} was trained in {model.coef_.dtype}, in which BLAS itself differs by 1e-7 from one "
            "batch to another; trained on float64 it compiles"
        )
    coefficients = np.ascontiguousarray(np.ravel(model.coef_), dtype=np.float64)
    scorer = Linear(coefficients=coefficients, intercept=float(np.ravel(model.intercept_)[0]))
    return Compiled(scorer, "identity", [require_finite(feature) for feature in features])
