"""What has no compiled form runs as it is, says why, and is stored and read back without pickle (R9, R10)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from roadworthy.contract import Batch, Column, Contract, check_table, to_arrow
from roadworthy.errors import PackageError, SealError
from roadworthy.model import Package, load, seal
from roadworthy.model.formats.feature import FrameColumn
from roadworthy.model.formats.frames import frame_columns, make_frame
from roadworthy.model.formats.native import NativeEngine
from roadworthy.model.formats.stored import dump_native, load_native
from roadworthy.model.sampling import explain_by_asking
from roadworthy.testing import make_applications, make_model, make_package

NUMBERS = ["age", "income", "amount", "months", "late_payments"]


def numbers(n: int, seed: int) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    X, bad = make_applications(n, seed=seed)
    return X[NUMBERS].astype("float64").fillna(0.0), bad


def contract_of(k: int) -> Contract:
    return Contract(name="asked", columns=tuple(Column(name=f"x{i}", type="number", missing=True) for i in range(k)))


def batch_of(rows: Any) -> Batch:
    rows = np.asarray(rows, dtype=np.float64)
    return check_table(contract_of(rows.shape[1]), to_arrow({f"x{i}": rows[:, i] for i in range(rows.shape[1])})).batch


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (
            make_pipeline(StandardScaler(), CalibratedClassifierCV(LogisticRegression(), cv=2, method="isotonic")),
            "so steep",
        ),
        (
            StackingClassifier(
                [("line", make_pipeline(StandardScaler(), LogisticRegression()))],
                final_estimator=RandomForestClassifier(5, random_state=0),
                cv=2,
            ),
            "trees split on the answer of a linear model",
        ),
        (
            VotingClassifier(
                [("line", make_pipeline(StandardScaler(), LogisticRegression())), ("bayes", GaussianNB())],
                voting="soft",
            ),
            "GaussianNB has no compiled form",
        ),
        (make_pipeline(PolynomialFeatures(2), RandomForestClassifier(5, random_state=0)), "PolynomialFeatures"),
    ],
    ids=["steep calibrator", "trees on a line", "voting with Bayes", "a step that mixes columns"],
)
def test_what_stays_native_says_why_and_survives_a_round_trip_to_the_bit(model: Any, why: str, tmp_path: Path) -> None:
    X, bad = numbers(600, seed=5)
    model.fit(X[200:], bad[200:])
    package = seal(model, X[:200], bad[:200], name="native", cut_offs=(0.2,))
    assert package.manifest.engine.kind == "native"
    assert why in package.manifest.engine.why
    assert package.manifest.parity is None
    assert b"pickle" not in package.parts["native.skops"]
    package.save(tmp_path / "native.rw")
    again = load(tmp_path / "native.rw")
    assert again.digest == package.digest
    assert again.pd(X[:200]).tolist() == package.pd(X[:200]).tolist()
    assert again.check_golden() == 0
    np.testing.assert_allclose(package.pd(X[:200]), model.predict_proba(X[:200])[:, 1], rtol=0, atol=1e-12)


def test_single_equals_batch_and_any_split() -> None:
    package = make_package("native")
    X, _ = make_applications(150, seed=9)
    batch = package.batch(X)
    whole = package.pd(batch)
    assert [package.pd(batch.take(np.array([row])))[0] for row in range(0, 150, 15)] == whole[::15].tolist()
    for cut in (1, 63, 64, 65, 149):
        parts = [package.pd(batch.take(slice(0, cut))), package.pd(batch.take(slice(cut, None)))]
        assert np.concatenate(parts).tolist() == whole.tolist()


class Moody:
    """Answers x0, and raises where any x1 is above 1."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X: Any) -> Any:
        if (X["x1"] > 1).any():
            raise RuntimeError("I would rather not")
        return np.stack([1 - X["x0"], X["x0"]], axis=1)


def moody(k: int = 2) -> NativeEngine:
    return NativeEngine(Moody(), tuple(FrameColumn(f"x{i}", "float64") for i in range(k)), named=True, bad_at=1)


def test_a_row_that_raises_becomes_nan_and_takes_no_other_with_it() -> None:
    rows = np.full((200, 2), 0.25)
    rows[[3, 64, 199], 1] = 5.0
    found = moody().pd(batch_of(rows))
    assert np.flatnonzero(np.isnan(found)).tolist() == [3, 64, 199]
    assert found[~np.isnan(found)].tolist() == [0.25] * 197
    assert np.isnan(moody().pd(batch_of([[0.25, 5.0]]))).all()
    assert moody().pd(batch_of(np.zeros((0, 2)))).tolist() == []


def test_a_model_that_was_not_opened_answers_nothing() -> None:
    engine = NativeEngine(None, moody().frame, named=True, bad_at=1)
    assert np.isnan(engine.pd(batch_of([[0.25, 0.0]]))).all()


def product(batch: Batch, _size: int) -> NDArray[np.float64]:
    """A model that is nothing but interaction: the product of all columns."""
    return np.asarray(batch.matrix([column.name for column in batch.contract.columns]).prod(axis=1))


def test_few_columns_are_explained_exactly_by_asking_for_every_coalition() -> None:
    """v = x0 x1: from (1, 1) to (3, 5), by hand 0.5 (3 - 1) + 0.5 (15 - 5) = 6 and 0.5 (5 - 1) + 0.5 (15 - 3) = 8."""
    explanation = explain_by_asking(product, batch_of([[3.0, 5.0], [1.0, 1.0]]), batch_of([[1.0, 1.0]]), ("x0", "x1"))
    assert explanation.contributions.tolist() == [[6.0, 8.0], [0.0, 0.0]]
    assert (explanation.reference_output, explanation.reference_pd, explanation.error) == (1.0, 1.0, None)
    assert explanation.output.tolist() == [15.0, 1.0]
    assert explanation.quantity == "pd"


@pytest.mark.parametrize("k", [1, 8, 9, 12])
def test_contributions_sum_exactly_whether_every_coalition_is_asked_or_some(k: int) -> None:
    rng = np.random.default_rng(k)
    rows, names = rng.uniform(0.5, 1.5, (4, k)), tuple(f"x{i}" for i in range(k))
    explanation = explain_by_asking(product, batch_of(rows), batch_of(np.ones((1, k))), names)
    np.testing.assert_allclose(explanation.contributions.sum(axis=1), rows.prod(axis=1) - 1.0, rtol=0, atol=1e-12)
    assert (explanation.error is None) == (k <= 8)
    assert ("sampled" in explanation.method) == (k > 8)


def test_sampled_values_are_near_the_exact_ones_within_their_stated_error() -> None:
    """With an additive model every order gives the same; with a product of nine the error is stated and holds."""
    k = 9
    names = tuple(f"x{i}" for i in range(k))
    rows = np.random.default_rng(1).uniform(0.5, 1.5, (3, k))

    def additive(batch: Batch, _size: int) -> NDArray[np.float64]:
        return np.asarray(batch.matrix(names).sum(axis=1))

    found = explain_by_asking(additive, batch_of(rows), batch_of(np.zeros((1, k))), names)
    np.testing.assert_allclose(found.contributions, rows, rtol=0, atol=1e-12)
    assert found.error is not None
    assert found.error.max() < 1e-12
    found = explain_by_asking(product, batch_of(rows), batch_of(np.ones((1, k))), names)
    # Of a product, the exact value is the derivative's integral along the way from reference to row (Owen 1972).
    nodes, weights = np.polynomial.legendre.leggauss(32)
    along = (nodes + 1) / 2
    exact = np.array([
        [
            (row[j] - 1) * np.sum(weights / 2 * [np.prod(np.delete(1 + t * (row - 1), j)) for t in along])
            for j in range(k)
        ]
        for row in rows
    ])  # fmt: skip
    assert found.error is not None
    assert (np.abs(found.contributions - exact) <= 5 * found.error + 1e-12).all()


@pytest.mark.parametrize("k", [8, 10])
def test_a_row_is_explained_the_same_alone_and_among_others(k: int) -> None:
    names, rows = tuple(f"x{i}" for i in range(k)), np.random.default_rng(2).uniform(0.5, 1.5, (3, k))
    reference = batch_of(np.ones((1, k)))
    whole = explain_by_asking(product, batch_of(rows), reference, names).contributions
    alone = [explain_by_asking(product, batch_of(row[None, :]), reference, names).contributions[0] for row in rows]
    assert np.array(alone).tolist() == whole.tolist()


def test_a_native_package_explains_by_contract_column() -> None:
    package = make_package("native")
    X, _ = make_applications(3, seed=9)
    explanation = package.explain(X)
    assert explanation.columns == tuple(X.columns)
    np.testing.assert_allclose(
        explanation.contributions.sum(axis=1), explanation.output - explanation.reference_output, rtol=0, atol=1e-12
    )


def test_a_deployment_s_own_types_are_stored_only_when_they_are_listed(tmp_path: Path) -> None:
    X, bad = numbers(300, seed=5)
    model = make_pipeline(FunctionTransformer(own_step), LogisticRegression(max_iter=2_000)).fit(X, bad)
    with pytest.raises(SealError, match=r"not trusted: .*own_step") as raised:
        seal(model, X, bad, name="own")
    assert raised.value.mend is not None
    assert "trusted_types" in raised.value.mend
    named = f"{own_step.__module__}.own_step"
    package = seal(model, X, bad, name="own", trusted_types=(named,))
    package.save(tmp_path / "own.rw")
    assert load(tmp_path / "own.rw", trusted_types=(named,)).pd(X).tolist() == package.pd(X).tolist()
    with pytest.raises(PackageError, match="the original model cannot be read"):
        load(tmp_path / "own.rw")
    assert load(tmp_path / "own.rw", native=False).digest == package.digest


def own_step(X: Any) -> Any:
    return X * 2.0


def test_what_skops_cannot_write_is_said() -> None:
    with pytest.raises(SealError, match="cannot be stored without pickle"):
        dump_native(number for number in range(3))


def test_what_is_no_stored_model_is_refused() -> None:
    with pytest.raises(PackageError, match="the original model cannot be read"):
        load_native(b"not a model")


def spoil_tree(content: Any, name: str, place: int, value: int) -> Any:
    """A forest whose first tree says something else at one of its nodes."""
    tree = content.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][name][place] = value
    tree.__setstate__(state)
    return content


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("left_child", 10_000, "outside itself"),
        ("right_child", 0, "outside itself"),
        ("feature", 5, "more columns"),
        ("feature", -3, "more columns"),
    ],
)
def test_a_stored_tree_that_would_be_walked_outside_itself_is_refused(name: str, value: int, message: str) -> None:
    X, bad = numbers(300, seed=5)
    forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, bad)
    load_native(dump_native(forest))
    with pytest.raises(PackageError, match=message):
        load_native(dump_native(spoil_tree(forest, name, 0, value)))


def test_a_member_that_reads_more_columns_than_its_ensemble_is_refused() -> None:
    X, bad = numbers(300, seed=5)
    forest = RandomForestClassifier(2, max_depth=3, random_state=0).fit(X, bad)
    forest.n_features_in_ = 1
    with pytest.raises(PackageError, match="more columns"):
        load_native(dump_native(forest))


@pytest.mark.parametrize(
    ("name", "value", "message"), [("left", 10_000, "outside"), ("right", 0, "outside"), ("feature_idx", 99, "columns")]
)
def test_a_stored_boosted_tree_that_would_be_walked_outside_itself_is_refused(
    name: str, value: int, message: str
) -> None:
    X, bad = numbers(300, seed=5)
    model = HistGradientBoostingClassifier(max_iter=2).fit(X, bad)
    load_native(dump_native(model))
    model._predictors[0][0].nodes[name][0] = value
    with pytest.raises(PackageError, match=message):
        load_native(dump_native(model))


def test_frames_are_as_the_model_saw_its_training(batch_of: Callable[..., Batch]) -> None:
    batch = batch_of(40)
    X = pd.DataFrame({
        "age": pd.Categorical([20, 40], categories=[40, 20]),
        "income": np.array([1.5, 2.5], dtype="float32"),
        "region": pd.Categorical(["S", "N"], categories=["S", "N"]),
        "grade": ["a", "b"],
    })  # fmt: skip
    columns = frame_columns(X, list(X))
    assert columns[0] == FrameColumn("age", "category", (40, 20))
    frame = make_frame(batch, columns)
    assert frame["income"].dtype == np.float32
    assert frame["age"].cat.categories.tolist() == [40, 20]
    assert frame["region"].cat.categories.tolist() == ["S", "N"]
    region, codes = frame["region"].astype(object), batch.columns["region"]
    assert region[codes == 0].eq("N").all()
    assert region[codes == 1].eq("S").all()
    assert region[(codes != 0) & (codes != 1)].isna().all()  # missing, unseen, and E and W, which it never saw
    grade = frame["grade"]
    assert grade[batch.columns["grade"] == -1].isna().all()
    assert (grade[batch.columns["grade"] == -2] != "a").all()


def test_a_number_beyond_float32_reaches_a_model_of_float32_as_infinity_and_warns_of_nothing() -> None:
    rows = batch_of([[1e300, 0.1], [-1e300, np.nan]])
    frame = make_frame(rows, (FrameColumn("x0", "float32"), FrameColumn("x1", "float32")))
    assert frame["x0"].tolist() == [np.inf, -np.inf]
    assert frame["x1"].tolist()[0] == np.float32(0.1)
    assert frame["x1"].isna().tolist() == [False, True]


def test_categories_that_are_neither_text_nor_number_are_refused() -> None:
    X = pd.DataFrame({"day": pd.Categorical(pd.to_datetime(["2026-01-01", "2026-01-02"]))})
    with pytest.raises(SealError, match="the categories of day are of type Timestamp"):
        frame_columns(X, ["day"])


def test_no_warning_of_the_library_reaches_who_asks() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, _ = make_applications(70, seed=9)
        assert not np.isnan(make_package("native").pd(X.assign(region="elsewhere"))).any()


def test_make_model_s_native_pipeline_is_what_the_package_holds() -> None:
    package: Package = make_package("native")
    assert isinstance(package.engine, NativeEngine)
    assert type(package.engine.model) is type(make_model("native"))
