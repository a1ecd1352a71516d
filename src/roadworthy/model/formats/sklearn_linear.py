"""scikit-learn's linear classifiers with a logistic link."""

from __future__ import annotations

from typing import Any

import numpy as np

from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.linear import Linear

NAMES = ("sklearn.LogisticRegression", "sklearn.LogisticRegressionCV", "sklearn.SGDClassifier")


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """Coefficients and intercept as they are; the sum agrees with BLAS to 1e-12."""
    if getattr(model, "loss", "log_loss") != "log_loss":
        raise CannotCompile(f"a linear model with loss {model.loss!r} has no logistic link")
    coefficients = np.ascontiguousarray(model.coef_[0], dtype=np.float64)
    scorer = Linear(coefficients=coefficients, intercept=float(np.ravel(model.intercept_)[0]))
    return Compiled(scorer, "expit", features, bad_is_first=bad_first)
