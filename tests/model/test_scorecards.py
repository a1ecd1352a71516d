"""Scorecards: bins, their weight of evidence, and points; with what scikit-learn has, and as optbinning gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, TargetEncoder

from roadworthy.model import Package, load_bytes, seal
from roadworthy.model.plan import Op
from roadworthy.testing import make_applications

NUMBERS, WORDS = ["age", "income", "late_payments"], ["housing", "region"]
LEARNED = 600
# The libraries' own, while they are trained: narrow bins, and what pandas is going to change.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Bins whose width"),
    pytest.mark.filterwarnings("ignore:Setting an item of incompatible dtype"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def rows() -> tuple[pd.DataFrame, NDArray[Any]]:
    X, bad = make_applications(900, seed=13)
    return X[[*NUMBERS, *WORDS]].astype(dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(WORDS, "object")), bad


def assert_is_the_model(model: Any, X: pd.DataFrame, bad: NDArray[Any]) -> Package:
    """Compiled, equal with gaps and unseen words, on either side of every split, and after a round trip."""
    package = seal(model, X[LEARNED:], bad[LEARNED:], name="scorecard", cut_offs=(0.1, 0.3))
    assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
    asked = X[LEARNED:].copy()
    asked.iloc[::7, 1] = np.nan
    asked.iloc[::5, 3] = "a ship"
    own = model.predict_proba(asked)[:, 1]
    np.testing.assert_allclose(load_bytes(package.to_bytes()).pd(asked), own, rtol=0, atol=1e-12)
    return package


def test_bins_with_their_target_means_and_a_line_are_a_scorecard() -> None:
    X, bad = rows()
    X = X.fillna({"income": 0.0, "late_payments": 0.0, "housing": "own"})
    bins = KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf")
    woe = ColumnTransformer(
        [("n", make_pipeline(bins, TargetEncoder(cv=KFold(3))), NUMBERS), ("w", TargetEncoder(cv=KFold(3)), WORDS)]
    )
    model = make_pipeline(woe, LogisticRegression()).fit(X[:LEARNED], bad[:LEARNED])
    package = seal(model, X[LEARNED:], bad[LEARNED:], name="scorecard", cut_offs=(0.1, 0.3))
    assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
    own = model.predict_proba(X[LEARNED:])[:, 1]
    np.testing.assert_allclose(package.pd(X[LEARNED:]), own, rtol=0, atol=1e-12)
    grid = X[LEARNED:].head(1).loc[np.repeat(LEARNED, 400)].assign(age=np.linspace(18, 80, 400))
    assert len(np.unique(package.pd(grid))) <= 5  # one PD for each bin of the age


@pytest.mark.parametrize("special", [None, {"unknown": 0.0}, [0.0, 1.0]], ids=repr)
def test_a_binning_process_of_optbinning_in_a_pipeline_compiles(special: Any) -> None:
    optbinning = pytest.importorskip("optbinning", reason="optbinning is not installed")
    X, bad = rows()
    params = {"late_payments": {"metric_special": "empirical", "metric_missing": "empirical"}}
    process = optbinning.BinningProcess(
        [*NUMBERS, *WORDS], categorical_variables=WORDS, special_codes=special, binning_transform_params=params
    )
    model = make_pipeline(process, LogisticRegression()).fit(X[:LEARNED], bad[:LEARNED])
    package = assert_is_the_model(model, X, bad)
    assert package.engine.plan.code.tolist().count(Op.BIN) == len(NUMBERS)  # type: ignore[attr-defined]  # compiled


def test_a_scorecard_of_optbinning_compiles_and_its_points_are_a_scale_of_its_log_odds() -> None:
    optbinning = pytest.importorskip("optbinning", reason="optbinning is not installed")
    X, bad = rows()
    card = optbinning.Scorecard(
        binning_process=optbinning.BinningProcess([*NUMBERS, *WORDS], categorical_variables=WORDS),
        estimator=LogisticRegression(),
        scaling_method="pdo_odds",
        scaling_method_params={"pdo": 20, "odds": 50, "scorecard_points": 600},
    ).fit(X[:LEARNED], bad[:LEARNED])
    package = assert_is_the_model(card, X, bad)
    pd_ = package.pd(X[LEARNED:])
    points = 600 + 20 / np.log(2) * (np.log((1 - pd_) / pd_) - np.log(50))
    np.testing.assert_allclose(card.score(X[LEARNED:]), points, rtol=0, atol=1e-6)
