"""Every format answers as its library does, to the bit: with gaps, categories, reversed labels, one by one, elsewhere.

Linear models agree to 1e-12, since BLAS itself differs between one row and many (R9, R29).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xgboost
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from roadworthy.contract import to_arrow
from roadworthy.model import Package, load, seal
from roadworthy.model.parity import LINEAR_TOLERANCE
from roadworthy.testing import make_applications

ROWS = 300


def words_as_numbers(X: pd.DataFrame) -> pd.DataFrame:
    return X.drop(columns=["housing", "region"])


def without_gaps(X: pd.DataFrame) -> pd.DataFrame:
    return words_as_numbers(X).fillna(0.0)


def words_as_categoricals(X: pd.DataFrame) -> pd.DataFrame:
    return X.assign(**{name: X[name].astype("category") for name in ("housing", "region", "months")})


def as_categoricals(X: pd.DataFrame) -> pd.DataFrame:
    """Text, whole numbers and truth values as pandas categoricals."""
    return words_as_categoricals(X).assign(employed=X["employed"].astype("category"))


def as_float32(X: pd.DataFrame) -> pd.DataFrame:
    return words_as_numbers(X).astype("float32")


def encoded(words: Any) -> ColumnTransformer:
    numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return ColumnTransformer(
        [("w", words, ["housing", "region"]), ("n", numeric, make_column_selector(dtype_include=np.number))]
    )


def onehot(drop: str | None = None) -> OneHotEncoder:
    return OneHotEncoder(drop=drop, handle_unknown="ignore")


def target() -> TargetEncoder:
    return TargetEncoder(cv=KFold(3))


def coded() -> ColumnTransformer:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    return ColumnTransformer([("w", codes, ["housing", "region"])], remainder="passthrough")


def train_lightgbm(X: pd.DataFrame, bad: NDArray[Any]) -> Any:
    # Reversed columns: a Booster goes by position, so a package has to go by the names it was trained with.
    return lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(X[X.columns[::-1]], bad), 20)


def train_xgboost(X: pd.DataFrame, bad: NDArray[Any]) -> Any:
    return xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X[X.columns[::-1]], bad), 20)


@dataclass(frozen=True)
class Case:
    """A model, how the frame is made that it takes, its labels for good and bad, and what seals it."""

    model: Any
    takes: Callable[[pd.DataFrame], pd.DataFrame] = words_as_numbers
    labels: tuple[Any, Any] = (0, 1)
    options: dict[str, Any] = field(default_factory=dict)

    def fit(self, X: pd.DataFrame, bad: NDArray[Any]) -> Any:
        if isinstance(self.model, type(train_lightgbm)):
            return self.model(X, bad)
        return self.model.fit(X, np.where(bad == 1, self.labels[1], self.labels[0]))

    def own_pd(self, fitted: Any, X: pd.DataFrame) -> NDArray[np.float64]:
        """The library's own PD, as its user would ask for it."""
        if isinstance(fitted, lightgbm.Booster):
            return np.asarray(fitted.predict(X[X.columns[::-1]]))
        if isinstance(fitted, xgboost.Booster):
            return np.asarray(fitted.predict(xgboost.DMatrix(X[X.columns[::-1]])), dtype=np.float64)
        place = list(fitted.classes_).index(self.labels[1])
        return np.asarray(fitted.predict_proba(X)[:, place], dtype=np.float64)


def everything(X: pd.DataFrame) -> pd.DataFrame:
    return X


FEW: dict[str, Any] = {"n_estimators": 10, "random_state": 0}
LEAVES: dict[str, Any] = {**FEW, "min_samples_leaf": 4}
PATH: dict[str, Any] = {
    "Cs": 3, "scoring": "neg_log_loss", "l1_ratios": (0.0,), "use_legacy_attributes": False
}  # fmt: skip
QUIET: dict[str, Any] = {**FEW, "verbose": -1, "n_jobs": 1}
BAGGED: dict[str, Any] = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
CASES: dict[str, Case] = {
    "logistic regression": Case(make_pipeline(encoded(onehot()), LogisticRegression()), everything),
    "logistic regression, bad first": Case(
        make_pipeline(encoded(onehot()), LogisticRegression()), everything, ("good", "bad")
    ),
    "logistic regression by cross-validation": Case(
        make_pipeline(encoded(target()), LogisticRegressionCV(**PATH)),
        everything,
    ),
    "stochastic gradient": Case(
        make_pipeline(encoded(onehot("first")), SGDClassifier(loss="log_loss", random_state=0)),
        everything,
    ),
    "tree": Case(DecisionTreeClassifier(max_depth=6, random_state=0)),
    "tree trained without gaps": Case(DecisionTreeClassifier(max_depth=6, random_state=0), without_gaps),
    "random tree": Case(ExtraTreeClassifier(max_depth=6, random_state=0)),
    "forest": Case(RandomForestClassifier(**LEAVES)),
    "forest, bad first": Case(RandomForestClassifier(**LEAVES), labels=("paid", "default")),
    "forest in threads": Case(RandomForestClassifier(**LEAVES, n_jobs=2)),
    "forest behind refusing encoders": Case(
        make_pipeline(encoded(OrdinalEncoder()), RandomForestClassifier(**LEAVES)), everything
    ),
    "extra trees": Case(ExtraTreesClassifier(**LEAVES)),
    "extra trees behind target encoders": Case(
        make_pipeline(encoded(target()), ExtraTreesClassifier(**LEAVES)), everything
    ),
    "gradient boosting": Case(GradientBoostingClassifier(**FEW), without_gaps),
    "gradient boosting, bad first": Case(GradientBoostingClassifier(**FEW), without_gaps, ("ok", "charged off")),
    "gradient boosting from zero": Case(GradientBoostingClassifier(init="zero", **FEW), without_gaps),
    "gradient boosting from a prior": Case(
        GradientBoostingClassifier(init=DummyClassifier(strategy="prior"), **FEW), without_gaps
    ),
    "gradient boosting from a tree": Case(
        GradientBoostingClassifier(init=DecisionTreeClassifier(max_depth=3, random_state=0), **FEW), without_gaps
    ),
    "histogram boosting": Case(HistGradientBoostingClassifier(max_iter=10)),
    "histogram boosting, bad first": Case(HistGradientBoostingClassifier(max_iter=10), labels=("no", "yes")),
    "histogram boosting of codes": Case(
        make_pipeline(coded(), HistGradientBoostingClassifier(max_iter=10, categorical_features=[0, 1])), everything
    ),
    "histogram boosting of its own categories": Case(
        HistGradientBoostingClassifier(max_iter=10, categorical_features="from_dtype"), as_categoricals
    ),
    "LightGBM": Case(lightgbm.LGBMClassifier(**QUIET)),
    "LightGBM of its own categories": Case(lightgbm.LGBMClassifier(**QUIET, min_child_samples=5), as_categoricals),
    "LightGBM, bad first": Case(lightgbm.LGBMClassifier(**QUIET), labels=("no", "yes")),
    "LightGBM, dart": Case(lightgbm.LGBMClassifier(**QUIET, boosting_type="dart")),
    "LightGBM in a pipeline that names its columns": Case(
        make_pipeline(coded().set_output(transform="pandas"), lightgbm.LGBMClassifier(**QUIET)), everything
    ),
    "LightGBM Booster": Case(train_lightgbm),
    "XGBoost": Case(xgboost.XGBClassifier(**FEW, n_jobs=1)),
    "XGBoost of float32": Case(xgboost.XGBClassifier(**FEW, n_jobs=1), as_float32),
    "XGBoost, 0 for bad": Case(xgboost.XGBClassifier(**FEW, n_jobs=1), labels=(1, 0), options={"bad_class": 0}),
    "XGBoost's random forest": Case(xgboost.XGBRFClassifier(**FEW, n_jobs=1)),
    "XGBoost behind one-hot": Case(
        make_pipeline(encoded(onehot()), xgboost.XGBClassifier(**FEW, n_jobs=1)), everything
    ),
    "XGBoost Booster": Case(train_xgboost),
}


@dataclass(frozen=True)
class Sealed:
    package: Package
    X: pd.DataFrame
    own: NDArray[np.float64]


@pytest.fixture(scope="module")
def sealed() -> Callable[[str], Sealed]:
    """A case, trained on some applications and sealed on others, made once."""
    made: dict[str, Sealed] = {}

    def make(name: str) -> Sealed:
        if name not in made:
            case = CASES[name]
            X, bad = make_applications(900, seed=3)
            taken = case.takes(X.astype({"employed": "float64"}))
            fitted = case.fit(taken[ROWS:], bad[ROWS:])
            package = seal(fitted, taken[:ROWS], bad[:ROWS], name=name, cut_offs=(0.1, 0.2, 0.3), **case.options)
            made[name] = Sealed(package, taken[:ROWS], case.own_pd(fitted, taken[:ROWS]))
        return made[name]

    return make


def tolerance(package: Package) -> float:
    return LINEAR_TOLERANCE if package.manifest.engine.scorer == "linear" else 0.0


@pytest.mark.parametrize("name", CASES)
def test_a_package_answers_as_its_library_does(name: str, sealed: Callable[[str], Sealed]) -> None:
    case = sealed(name)
    parity = case.package.manifest.parity
    assert case.package.manifest.engine.kind == "compiled", case.package.manifest.engine.why
    assert parity is not None
    assert parity.hard_rows > 60 or "regression" in name or "stochastic" in name
    assert parity.rows == ROWS + parity.hard_rows
    assert parity.tolerance == tolerance(case.package)
    found = case.package.pd(case.X)
    # A forest in threads adds up as its threads end: there the library itself differs from call to call.
    allowed = 1e-15 if name == "forest in threads" else tolerance(case.package)
    assert np.abs(found - case.own).max() <= allowed
    assert np.ptp(found) > 0.2


@pytest.mark.parametrize("name", CASES)
def test_rows_come_out_the_same_one_by_one_and_however_the_batch_is_split(
    name: str, sealed: Callable[[str], Sealed]
) -> None:
    package = sealed(name).package
    batch = package.batch(sealed(name).X)
    whole = package.pd(batch)
    assert [package.pd(batch.take(np.array([row])))[0] for row in range(30)] == whole[:30].tolist()
    for cut in (1, 63, 64, 65, 299):
        parts = [package.pd(batch.take(slice(0, cut))), package.pd(batch.take(slice(cut, None)))]
        assert np.concatenate(parts).tolist() == whole.tolist()


@pytest.mark.parametrize("name", CASES)
def test_contributions_add_up_to_the_margin(name: str, sealed: Callable[[str], Sealed]) -> None:
    explanation = sealed(name).package.explain(sealed(name).X[:50])
    gap = explanation.contributions.sum(axis=1) - (explanation.output - explanation.reference_output)
    # XGBoost sums its margin in float32; contributions are taken in float64.
    assert np.abs(gap).max() < (1e-5 if "XGBoost" in name else 1e-12)
    is_pd = sealed(name).package.manifest.engine.link == "identity" or name == "gradient boosting from a tree"
    assert explanation.quantity == ("pd" if is_pd else "margin")


FRESH = """
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from roadworthy.model import load

for path in sorted(Path(sys.argv[1]).glob("*.rw")):
    package, wanted = load(path), np.load(path.with_suffix(".npz"))
    rows = pq.read_table(path.with_suffix(".parquet"))
    explanation = package.explain(rows)
    same = package.pd(rows).tolist() == wanted["pd"].tolist() and package.check_golden() == 0
    same &= explanation.contributions.tolist() == wanted["contributions"].tolist()
    print(path.stem, "same" if same else "differs")
brought = {"sklearn", "lightgbm", "xgboost", "treelite", "skops", "joblib"} & set(sys.modules)
assert not brought, brought
"""


def test_every_package_answers_the_same_in_a_fresh_process_without_its_library(
    sealed: Callable[[str], Sealed], tmp_path: Path
) -> None:
    for name in CASES:
        package, X = sealed(name).package, sealed(name).X
        rows = package.batch(X)
        package.save(tmp_path / f"{name}.rw")
        np.savez(tmp_path / f"{name}.npz", pd=package.pd(rows), contributions=package.explain(rows).contributions)
        pq.write_table(
            to_arrow(X.astype({name: "object" for name in X if str(X[name].dtype) == "category"})),
            tmp_path / f"{name}.parquet",
        )
        assert load(tmp_path / f"{name}.rw").digest == package.digest
    done = subprocess.run([sys.executable, "-c", FRESH, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(f"{name} same" for name in CASES)


def test_early_stopping_is_followed_to_the_best_iteration() -> None:
    X, bad = make_applications(1_500, seed=4)
    X = words_as_numbers(X).astype("float64")
    learned, watched, judged = slice(0, 500), slice(500, 1_000), slice(1_000, None)
    stopping: list[Callable[..., Any]] = [lightgbm.early_stopping(3, verbose=False)]
    light = lightgbm.LGBMClassifier(n_estimators=300, verbose=-1, n_jobs=1)
    light.fit(X[learned], bad[learned], eval_X=X[watched], eval_y=bad[watched], callbacks=stopping)
    extreme = xgboost.XGBClassifier(n_estimators=300, early_stopping_rounds=3, n_jobs=1)
    extreme.fit(X[learned], bad[learned], eval_set=[(X[watched], bad[watched])], verbose=False)
    both: tuple[Any, ...] = (light, extreme)
    for fitted in both:
        package = seal(fitted, X[judged], bad[judged], name="stopped")
        assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
        assert package.pd(X[judged]).tolist() == fitted.predict_proba(X[judged])[:, 1].astype(float).tolist()


@pytest.mark.parametrize("holds", ["a batch", "polars"])
@pytest.mark.parametrize(
    "name", ["LightGBM of its own categories", "histogram boosting of its own categories", "LightGBM", "tree"]
)
def test_categories_are_known_from_the_model_where_x_is_no_pandas_frame(
    name: str, holds: str, sealed: Callable[[str], Sealed]
) -> None:
    polars = pytest.importorskip("polars")
    case = CASES[name]
    X, bad = make_applications(900, seed=3)
    taken = case.takes(X.astype({"employed": "float64"}))
    fitted = case.fit(taken[ROWS:], bad[ROWS:])
    plain = taken.astype({column: "object" for column in taken if str(taken[column].dtype) == "category"})
    if holds == "polars":
        given: Any = polars.from_arrow(to_arrow(plain))
    else:
        given = sealed(name).package.batch(taken)
    package = seal(fitted, given[:ROWS] if holds == "polars" else given.take(slice(0, ROWS)), bad[:ROWS], name="given")
    assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
    assert package.pd(plain[:ROWS]).tolist() == sealed(name).own.tolist()


@pytest.mark.parametrize(
    ("model", "takes", "why"),
    [
        (GradientBoostingClassifier(loss="exponential", **FEW), without_gaps, "loss 'exponential'"),
        (SGDClassifier(loss="modified_huber", random_state=0), without_gaps, "loss 'modified_huber'"),
        (lightgbm.LGBMClassifier(**QUIET, **BAGGED), words_as_numbers, "averaging forest"),
        (lightgbm.LGBMClassifier(**QUIET, linear_tree=True), without_gaps, "treelite does not read this lightgbm"),
        (lightgbm.LGBMClassifier(**QUIET, sigmoid=2.0), words_as_numbers, "sigmoid other than 1"),
        (xgboost.XGBClassifier(**FEW, missing=0.0), without_gaps, "missing=0"),
        (xgboost.XGBClassifier(**FEW, enable_categorical=True), words_as_categoricals, "XGBoost on categories"),
        (xgboost.XGBClassifier(**FEW, booster="gblinear"), without_gaps, "treelite does not read this xgboost model"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stays_native_says_why_and_still_answers_as_its_library_does(
    model: Any, takes: Callable[[pd.DataFrame], pd.DataFrame], why: str
) -> None:
    X, bad = make_applications(600, seed=3)
    taken = takes(X.astype({"employed": "float64"}))
    if isinstance(model, SGDClassifier):
        taken = (taken - taken.mean()) / taken.std()
    fitted = model.fit(taken[200:], bad[200:])
    package = seal(fitted, taken[:200], bad[:200], name="native")
    assert package.manifest.engine.kind == "native"
    assert why in package.manifest.engine.why
    own = np.asarray(fitted.predict_proba(taken[:200])[:, 1], dtype=np.float64)
    assert np.abs(package.pd(taken[:200]) - own).max() <= LINEAR_TOLERANCE


def real_models(words: Sequence[str], numbers: Sequence[str]) -> dict[str, Pipeline | Any]:
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    dummies = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20)
    dummied = ColumnTransformer([("n", scaled, numbers), ("w", dummies, words)])
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    ordinal = ColumnTransformer([("w", codes, words), ("n", "passthrough", numbers)], verbose_feature_names_out=False)
    means = ColumnTransformer([("w", target(), words), ("n", SimpleImputer(), numbers)])
    return {
        "LogisticRegression": make_pipeline(dummied, LogisticRegression(max_iter=500)),
        "DecisionTree": make_pipeline(dummied, DecisionTreeClassifier(max_depth=6, random_state=0)),
        "RandomForest": make_pipeline(means, RandomForestClassifier(**LEAVES)),
        "ExtraTrees": make_pipeline(means, ExtraTreesClassifier(**LEAVES)),
        "GradientBoosting": make_pipeline(dummied, GradientBoostingClassifier(**FEW)),
        "HistGradientBoosting": make_pipeline(
            ordinal, HistGradientBoostingClassifier(max_iter=10, categorical_features=list(range(len(words))))
        ),
        "LightGBM": make_pipeline(ordinal, lightgbm.LGBMClassifier(**QUIET)),
        "XGBoost": make_pipeline(dummied, xgboost.XGBClassifier(**FEW)),
    }


@pytest.mark.parametrize("model", list(real_models([], [])))
@pytest.mark.parametrize(("file", "target"), [("german_credit.csv", "bad"), ("hmeq.csv", "BAD")])
def test_on_real_credit_data_every_row_is_equal(file: str, target: str, model: str, shared_data: Path) -> None:
    X = pd.read_csv(shared_data / file)
    bad = X.pop(target).to_numpy()
    words = [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]
    fitted = real_models(words, [name for name in X if name not in words])[model]
    learned = np.arange(len(X)) % 3 != 0
    fitted.fit(X[learned], bad[learned])
    package = seal(fitted, X[~learned], bad[~learned], name=file, cut_offs=(0.1, 0.2, 0.5))
    assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
    assert package.manifest.parity is not None
    assert package.manifest.parity.changed_answers == 0
    assert np.abs(package.pd(X[~learned]) - fitted.predict_proba(X[~learned])[:, 1]).max() <= tolerance(package)
    explanation = package.explain(X[~learned][:100])
    gap = explanation.contributions.sum(axis=1) - (explanation.output - explanation.reference_output)
    assert np.abs(gap).max() < (1e-5 if model == "XGBoost" else 1e-11)


def test_what_lightgbm_takes_for_zero_is_zero_at_its_own_border() -> None:
    """It reads a number up to 1e-35 as zero, so that the border below zero, taken as a value, lies above itself."""
    from roadworthy.model.formats.lightgbm import compile_model

    rng = np.random.default_rng(2)
    X = np.where(rng.random((2_000, 1)) < 0.5, 0.0, rng.normal(size=(2_000, 1)))
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(X, (X[:, 0] >= 0).astype(int))
    scorer: Any = compile_model(model, [], bad_first=False).scorer
    border = float(np.float32(1e-35))
    assert np.nextafter(-border, -1.0) in scorer.threshold.tolist()
    near = np.array([[sign * value] for sign in (-1.0, 1.0) for value in (
        0.0, 5e-324, 1e-40, np.nextafter(border, 0.0), border, np.nextafter(border, 1.0), 1e-30)])  # fmt: skip
    assert scorer.margin(near).tolist() == np.asarray(model.predict_proba(near, raw_score=True)).tolist()
