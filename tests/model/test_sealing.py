"""Sealing refuses what would decide otherwise than the model, says the mend, and names what no caller can send."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from roadworthy.contract import Column, Contract, check_table, infer_contract, to_arrow
from roadworthy.errors import MissingExtra, SealError
from roadworthy.measures import auc, brier
from roadworthy.model import Package, read_model_file, seal
from roadworthy.testing import make_applications, make_contract, make_model, make_package

NUMBERS = ["age", "income", "amount", "months", "late_payments"]
LEARNED, JUDGED = slice(0, 400), slice(400, 600)


def numbers(rows: slice = slice(None)) -> pd.DataFrame:
    return make_applications(600, seed=21)[0][NUMBERS].astype("float64").fillna(0.0)[rows].reset_index(drop=True)


def outcome(rows: slice = slice(None)) -> Any:
    return make_applications(600, seed=21)[1][rows]


def tree(labels: Callable[[Any], Any] = lambda bad: bad) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=4, random_state=0).fit(numbers(LEARNED), labels(outcome(LEARNED)))


def refusal(model: Any, X: Any = None, bad: Any = None, **options: Any) -> SealError:
    with pytest.raises(SealError) as raised:
        seal(
            model,
            numbers(JUDGED) if X is None else X,
            outcome(JUDGED) if bad is None else bad,
            **{"name": "refused", **options},
        )
    return raised.value


def test_a_model_that_was_never_fitted_is_told_to_be() -> None:
    for model in (DecisionTreeClassifier(), make_model("boosted"), lightgbm.LGBMClassifier(), xgboost.XGBClassifier()):
        error = refusal(model)
        assert "is not fitted" in error.message
        assert error.mend == "call fit(X, bad) first"


def test_a_regressor_and_a_classifier_without_probabilities_are_refused() -> None:
    for model in (LinearRegression(), RidgeClassifier()):
        error = refusal(model.fit(numbers(LEARNED), outcome(LEARNED)))
        assert "has no predict_proba: it is not a classifier" in error.message
        assert error.mend is not None
        assert "probabilities" in error.mend


def test_a_booster_that_was_trained_to_regress_gives_no_probabilities() -> None:
    data = lightgbm.Dataset(numbers(LEARNED), outcome(LEARNED) * 1_000.0)
    error = refusal(lightgbm.train({"objective": "regression", "verbose": -1}, data, 5))
    assert "they are no probabilities" in error.message
    assert error.mend is not None
    assert "binary" in error.mend


def test_hard_voting_is_refused_with_the_way_out() -> None:
    members = [("a", DecisionTreeClassifier(max_depth=2)), ("b", DecisionTreeClassifier(max_depth=3))]
    error = refusal(VotingClassifier(members, voting="hard").fit(numbers(LEARNED), outcome(LEARNED)))
    assert "votes hard" in error.message
    assert error.mend == "voting='soft', and fit again"


def add_a_ratio(X: Any) -> Any:
    values = np.asarray(X, dtype=np.float64)
    return np.column_stack([values, values[:, 1] / (1.0 + values[:, 2])])


class AddRatio(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    def fit(self, _X: Any, _y: Any = None) -> AddRatio:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return add_a_ratio(X)


def behind(step: Any) -> Any:
    steps = make_pipeline(step, StandardScaler(), LogisticRegression())
    return steps.fit(numbers(LEARNED), outcome(LEARNED))


def test_what_a_notebook_or_a_function_defines_is_refused_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other process could import it, whoever trusts it."""

    def within(X: Any) -> Any:
        return add_a_ratio(X)

    monkeypatch.setattr(AddRatio, "__module__", "__main__")
    for step, name in (
        (AddRatio(), "__main__.AddRatio"),
        (FunctionTransformer(within), "within"),
        (FunctionTransformer(lambda X: add_a_ratio(X)), "<lambda>"),
    ):
        error = refusal(behind(step), trusted_types=["__main__.AddRatio"])
        assert name in error.message
        assert "no other process can import" in error.message
        assert error.mend is not None
        assert "module that is installed where decisions are made" in error.mend


def test_a_deployment_s_own_function_and_class_are_sealed_where_they_are_trusted() -> None:
    for step, name in ((FunctionTransformer(add_a_ratio), "add_a_ratio"), (AddRatio(), "AddRatio")):
        trusted = f"{__name__}.{name}"
        error = refusal(behind(step))
        assert f"not trusted: {trusted}" in error.message
        assert error.mend is not None
        assert f"trusted_types=['{trusted}']" in error.mend
        fitted = behind(step)
        package = seal(fitted, numbers(JUDGED), outcome(JUDGED), name="own", trusted_types=[trusted])
        assert package.manifest.engine.kind == "native"
        assert name in package.manifest.engine.why
        own = fitted.predict_proba(numbers(JUDGED))[:, 1]
        np.testing.assert_allclose(package.pd(numbers(JUDGED)), own, rtol=0, atol=1e-12)


def test_a_library_s_own_type_that_reads_raw_memory_is_refused_with_another_way() -> None:
    error = refusal(KNeighborsClassifier(algorithm="kd_tree").fit(numbers(LEARNED), outcome(LEARNED)))
    assert "KDTree" in error.message
    assert error.mend is not None
    assert "algorithm='brute'" in error.mend


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(MissingExtra) as raised:
        seal(behind(Normalizer()), numbers(JUDGED), outcome(JUDGED), name="native")
    assert "roadworthy[train]" in str(raised.value)


def test_more_than_two_classes_are_refused_with_the_classes() -> None:
    error = refusal(tree(lambda bad: bad + 2 * (numbers(LEARNED)["age"] > 40)))
    assert "the model knows 4 classes" in error.message
    assert error.available == ["0", "1", "2", "3"]
    assert error.mend == "train on bad against not bad"


def test_columns_that_x_does_not_have_are_named() -> None:
    error = refusal(tree(), numbers(JUDGED).drop(columns=["income", "months"]))
    assert error.message == "the model takes columns that X does not have: income, months"
    assert error.available == ["age", "amount", "late_payments"]
    assert error.mend is not None
    assert "inside" in error.mend


def test_columns_that_the_contract_does_not_declare_are_named() -> None:
    contract = Contract(name="raw", columns=tuple(Column(name=name, type="number") for name in NUMBERS[:3]))
    error = refusal(tree(), contract=contract)
    assert error.message == "no caller can send what the model takes: months, late_payments"
    assert error.available == NUMBERS[:3]
    assert error.mend is not None
    assert "contract.yaml" in error.mend


def test_a_model_without_names_takes_x_by_position_and_refuses_another_width() -> None:
    model = DecisionTreeClassifier(max_depth=4).fit(numbers(LEARNED).to_numpy(), outcome(LEARNED))
    package = seal(model, numbers(JUDGED), outcome(JUDGED), name="unnamed")
    assert package.engine.inputs == tuple(NUMBERS)
    assert package.pd(numbers(JUDGED)).tolist() == model.predict_proba(numbers(JUDGED).to_numpy())[:, 1].tolist()
    error = refusal(model, numbers(JUDGED).drop(columns=["age"]))
    assert error.message == "the model takes 5 columns without names and X has 4"
    assert error.mend is not None


def test_a_plain_array_is_no_table() -> None:
    from roadworthy.errors import DataError

    with pytest.raises(DataError, match="a ndarray is not a table") as raised:
        seal(tree(), numbers(JUDGED).to_numpy(), outcome(JUDGED), name="array")
    assert raised.value.mend is not None


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0, 1, 2] * 66 + [0, 1], "values other than 0 and 1"),
        ([0.5] * 200, "values other than 0 and 1"),
        ([np.nan] * 200, "values other than 0 and 1"),
        (["good", "bad"] * 100, "not numbers"),
        ([0, 1] * 50, "shape (100,) for 200 rows"),
        ([[0], [1]] * 100, "shape (200, 1) for 200 rows"),
        ([None] * 200, "values other than 0 and 1"),
    ],
)
def test_an_outcome_that_is_not_0_or_1_for_each_row_is_refused(bad: Any, message: str) -> None:
    error = refusal(tree(), bad=bad)
    assert message in error.message
    assert error.mend is not None


@pytest.mark.parametrize("weights", [[-1.0] * 200, [0.0] * 200, [np.nan] * 200, [np.inf] * 200, [1.0] * 3, ["a"] * 200])
def test_weights_that_weigh_nothing_are_refused(weights: Any) -> None:
    assert "`weights`" in refusal(tree(), weights=weights).message


@pytest.mark.parametrize("cut_offs", [(12,), (-0.1,), (0.1, 1.5), (np.nan,)])
def test_cut_offs_are_pds(cut_offs: Any) -> None:
    error = refusal(tree(), cut_offs=cut_offs)
    assert "cut_offs are PDs in 0..1" in error.message
    assert error.mend == "0.08 for eight percent"


def test_a_model_that_ranks_bad_rows_as_the_safest_is_refused() -> None:
    error = refusal(tree(lambda bad: 1 - bad))
    assert "ranks the bad rows as the safest" in error.message
    assert error.available == ["0", "1"]
    assert error.mend is not None
    assert "bad_class" in error.mend
    package = seal(tree(lambda bad: 1 - bad), numbers(JUDGED), outcome(JUDGED), name="mended", bad_class=0)
    assert package.pd(numbers(JUDGED)).tolist() == tree().predict_proba(numbers(JUDGED))[:, 1].tolist()


def test_a_booster_on_reversed_labels_is_mended_by_bad_class_too() -> None:
    X, bad = numbers(LEARNED), outcome(LEARNED)
    light = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(X, 1 - bad), 10)
    extreme = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, 1 - bad), 10)
    boosters: tuple[Any, ...] = (light, extreme)
    for booster in boosters:
        assert "bad_class" in str(refusal(booster))
        package = seal(booster, numbers(JUDGED), outcome(JUDGED), name="reversed", bad_class=0)
        assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
        assert package.evaluation["auc"] > 0.6


@pytest.mark.parametrize(
    ("words", "position"),
    [
        (("good", "bad"), 0),
        (("ok", "default"), 0),
        (("no", "yes"), 1),
        (("Fully Paid", "Charged Off"), 0),
        (("n", "y"), 1),
        ((False, True), 1),
        ((0.0, 1.0), 1),
        ((-1, 1), 1),
    ],
)
def test_the_bad_class_is_known_where_it_is_plain(words: tuple[Any, Any], position: int) -> None:
    package = seal(tree(lambda bad: np.where(bad, words[1], words[0])), numbers(JUDGED), outcome(JUDGED), name="words")
    assert package.manifest.engine.bad_at == position
    assert package.pd(numbers(JUDGED)).tolist() == tree().predict_proba(numbers(JUDGED))[:, 1].tolist()


@pytest.mark.parametrize("words", [("a", "b"), ("bad", "default"), (1, 2), (2, 1), (10, 20)])
def test_an_unclear_bad_class_is_asked_for(words: tuple[Any, Any]) -> None:
    """1 and 2 are good and bad in the German data, and bad and good elsewhere: a guess would decline the good ones."""
    model = tree(lambda bad: np.where(bad, words[1], words[0]))
    error = refusal(model)
    assert "which class is the bad one is not plain" in error.message
    assert error.mend == "bad_class=..."
    assert error.available == [str(word) for word in sorted(words)]
    assert seal(model, numbers(JUDGED), outcome(JUDGED), name="told", bad_class=words[1]).evaluation["auc"] > 0.5
    assert "is not a class of the model" in refusal(model, bad_class="other").message


def test_a_column_that_is_there_for_fairness_only_is_refused_as_an_input() -> None:
    contract = infer_contract(to_arrow(numbers()), name="roles", roles={"age": "group"})
    error = refusal(tree(), contract=contract)
    assert "age, which has the role group" in error.message
    assert error.mend is not None


@pytest.mark.parametrize(("kind", "values"), [("text", "note"), ("date", "2026-11-01")])
def test_a_column_of_text_or_dates_is_named(kind: Any, values: str) -> None:
    X = numbers(JUDGED).assign(free=values)
    contract = Contract(
        name="odd", columns=(*infer_contract(to_arrow(numbers()), name="n").columns, Column(name="free", type=kind))
    )
    model = make_pipeline(ColumnTransformer([("n", "passthrough", NUMBERS)], remainder="drop"), tree())
    model.fit(numbers(LEARNED).assign(free=values), outcome(LEARNED))
    error = refusal(model, X, contract=contract)
    assert f"the model takes free, which is a {kind}" in error.message
    assert error.mend is not None


def test_x_without_a_row_or_without_a_sound_row_is_refused() -> None:
    contract = infer_contract(to_arrow(numbers()), name="n")
    batch = check_table(contract, to_arrow(numbers(JUDGED))).batch
    assert refusal(tree(), batch.take(slice(0, 0)), []).message == "X has no rows"
    error = refusal(tree(), numbers(JUDGED).assign(age="old"), contract=contract)
    assert "no row keeps to the contract; the first: $.inputs.age" in error.message


def test_a_model_that_answers_no_row_says_what_it_said() -> None:
    class Silent:
        classes_ = np.array([0, 1])

        def predict_proba(self, _X: Any) -> Any:
            raise RuntimeError("out of order")

    error = refusal(Silent())
    assert error.message == "the model answers none of 50 rows: RuntimeError: out of order"
    assert error.mend is not None


def test_a_model_that_takes_no_gaps_is_sealed_and_refuses_rows_with_gaps() -> None:
    X = make_applications(600, seed=21)[0][NUMBERS].astype("float64")
    model = LogisticRegression(max_iter=5_000).fit(X[LEARNED].fillna(0.0) / 1_000, outcome(LEARNED))
    package = seal(model, X[JUDGED] / 1_000, outcome(JUDGED), name="gaps")
    gaps = X[JUDGED].isna().any(axis=1).to_numpy()
    assert gaps.any()
    assert np.isnan(package.pd(X[JUDGED] / 1_000)).tolist() == gaps.tolist()
    assert package.evaluation["failed"] == gaps.sum()
    assert package.evaluation["count"] == 200 - gaps.sum()


def test_without_a_good_row_there_is_no_reference_applicant() -> None:
    assert "there is no good row" in refusal(tree(), bad=np.ones(200)).message


def test_the_reference_is_a_row_of_x_also_where_rows_before_it_were_left_out() -> None:
    X = numbers(JUDGED).assign(age=lambda frame: np.where(frame.index < 10, -1.0, frame["age"]))
    contract = Contract(
        name="strict",
        columns=(
            Column(name="age", type="number", range=(0, 120), outside="set_aside"),
            *(Column(name=name, type="number") for name in NUMBERS[1:]),
        ),
    )
    package = seal(tree(), X, outcome(JUDGED), name="strict", contract=contract, reference=42)
    assert {name: float(package.reference.columns[name][0]) for name in NUMBERS} == X.loc[42].to_dict()
    assert "10 rows of 200 broke the contract and were left out at sealing" in package.manifest.notes
    assert package.evaluation["count"] == 190
    for row in (3, 200, -1):
        assert refusal(tree(), X, contract=contract, reference=row).message.startswith(f"reference={row} is not a row")


def test_rows_read_by_the_contract_must_get_the_pd_that_they_get_in_x() -> None:
    """A contract that reads a column otherwise than the model was trained on would decide another model's decisions."""
    X = numbers().assign(
        grade=np.where(numbers()["age"] > 40, 1, 2), kind=np.where(numbers()["income"] > 25_000, "none", "one")
    )
    steps = ColumnTransformer(
        [("w", OneHotEncoder(handle_unknown="ignore"), ["grade", "kind"]), ("n", "passthrough", NUMBERS)]
    )
    model = make_pipeline(steps, RandomForestClassifier(20, max_depth=5, random_state=0)).fit(
        X[LEARNED], outcome(LEARNED)
    )
    declared = {column.name: column for column in infer_contract(to_arrow(X), name="n").columns}
    assert seal(model, X[JUDGED], outcome(JUDGED), name="sound").manifest.engine.kind == "compiled"
    for column in (
        Column(name="grade", type="category", allowed=("1", "2")),  # the model knows the numbers 1 and 2
        Column(name="kind", type="category", allowed=("one",), missing=True),  # "none" then means missing
    ):
        contract = Contract(name="other", columns=tuple({**declared, column.name: column}.values()))
        error = refusal(model, X[JUDGED], contract=contract)
        assert "get another PD than in X" in error.message
        assert error.message.endswith(f"by the value of {column.name}")
        assert error.mend is not None


def test_a_lightgbm_model_s_names_are_those_of_x_also_with_spaces() -> None:
    X = numbers().rename(columns={"late_payments": "late payments", "income": "yearly income"})
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(X[LEARNED], outcome(LEARNED))
    package = seal(model, X[JUDGED], outcome(JUDGED), name="spaces")
    assert "late payments" in package.engine.inputs
    assert package.pd(X[JUDGED]).tolist() == np.asarray(model.predict_proba(X[JUDGED]))[:, 1].tolist()


def test_columns_named_by_numbers_are_columns() -> None:
    X = numbers().set_axis(range(5), axis=1)
    model = DecisionTreeClassifier(max_depth=4).fit(X[LEARNED], outcome(LEARNED))
    assert seal(model, X[JUDGED], outcome(JUDGED), name="numbered").engine.inputs == ("0", "1", "2", "3", "4")


def test_the_evaluation_is_that_of_the_rows_given_and_their_weights() -> None:
    weights = np.linspace(0.5, 4.0, 200)
    plain = seal(tree(), numbers(JUDGED), outcome(JUDGED), name="plain", cut_offs=(0.2,), population="two hundred")
    weighted = seal(tree(), numbers(JUDGED), outcome(JUDGED), name="weighted", weights=weights)
    pd_, bad = plain.pd(numbers(JUDGED)), outcome(JUDGED)
    assert plain.evaluation["auc"] == auc(bad, pd_).value
    assert weighted.evaluation["auc"] == auc(bad, pd_, weights=weights).value
    assert weighted.evaluation["brier"] == brier(bad, pd_, weights=weights).value
    assert weighted.evaluation["bad_rate"] == pytest.approx(np.average(bad, weights=weights))
    assert plain.evaluation["population"] == "two hundred"
    assert (plain.evaluation["count"], plain.evaluation["bads"], plain.evaluation["failed"]) == (200, bad.sum(), 0)
    assert plain.evaluation["confusion"][0]["cut_off"] == 0.2
    assert sum(plain.evaluation["gains"]["count"]) == 200


def test_one_outcome_only_is_counted_and_nothing_is_claimed() -> None:
    package = seal(tree(), numbers(JUDGED), np.zeros(200), name="good")
    assert package.evaluation["bads"] == 0
    assert "auc" not in package.evaluation


def test_what_was_sealed_and_with_what_is_written_down() -> None:
    package = seal(tree(), numbers(JUDGED), outcome(JUDGED), name="noted", lineage={"data": "abc"})
    assert package.manifest.lineage == {"data": "abc"}
    assert {"python", "machine", "numpy", "numba", "scikit-learn"} <= set(package.manifest.environment)
    assert package.manifest.engine.model == "sklearn.DecisionTreeClassifier"
    assert "the contract of 5 columns is guessed from data and confirmed by no person" in package.manifest.notes
    assert make_package("scorecard").manifest.engine.model.endswith("sklearn.LogisticRegression")
    assert make_package("scorecard").manifest.notes == ()


def test_columns_made_before_the_pipeline_are_named() -> None:
    """R7, R9: dummies, standardised columns, logs and ratios that no caller has."""
    raw = numbers()
    income = raw["income"] + 1.0
    X = pd.DataFrame(
        {
            "amount": raw["amount"],
            "income": income,
            "age": (raw["age"] - raw["age"].mean()) / raw["age"].std(),
            "log_income": np.log(income),
            "log1p_amount": np.log1p(raw["amount"]),
            "burden": raw["amount"] / income,
            "term_12": (raw["months"] == 12).astype(int),
            "term_24": (raw["months"] == 24).astype(int),
            "owns_car": (raw["age"] > 40).astype(int),
            "owns_boat": (raw["age"] > 30).astype(int),
        }
    )
    model = RandomForestClassifier(5, random_state=0).fit(X[LEARNED], outcome(LEARNED))
    notes = [note for note in seal(model, X, outcome(), name="made").manifest.notes if "callers have to send" in note]
    assert [note.partition(";")[0] for note in notes] == [
        "term_12, term_24 look like dummies of one category 'term'",
        "age looks standardised (mean 0.00, deviation 1.00)",
        "log1p_amount looks like log1p(amount)",
        "log_income looks like log(income)",
        "burden looks like amount / income",
    ]


def test_raw_columns_are_suspected_of_nothing() -> None:
    X, bad = make_applications(2_000, seed=22)
    kept = X.astype({"employed": "float64"})
    package = seal(make_model("boosted").fit(kept[:1_500], bad[:1_500]), kept[1_500:], bad[1_500:], name="raw")
    assert not [note for note in package.manifest.notes if "callers have to send" in note]


def test_model_files_written_without_pickle_are_read(tmp_path: Path) -> None:
    X, bad = make_applications(600, seed=21)
    X = X.drop(columns=["employed"]).assign(**{name: X[name].astype("category") for name in ("housing", "region")})
    light = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(X[LEARNED], bad[LEARNED])
    light.booster_.save_model(tmp_path / "light.txt")
    extreme = xgboost.XGBClassifier(n_estimators=10).fit(numbers(LEARNED), bad[LEARNED])
    extreme.save_model(tmp_path / "extreme.json")
    extreme.save_model(tmp_path / "extreme.ubj")
    skops.io.dump(tree(), tmp_path / "tree.skops")
    contract = make_contract()

    def sealed(file: str, given: Any) -> Package:
        return seal(read_model_file(tmp_path / file), given, bad[JUDGED], name="file")

    batch = check_table(contract, to_arrow(make_applications(600, seed=21)[0][JUDGED])).batch
    files: tuple[tuple[str, Any, pd.DataFrame], ...] = (
        ("light.txt", light, X),
        ("extreme.json", extreme, numbers()),
        ("extreme.ubj", extreme, numbers()),
        ("tree.skops", tree(), numbers()),
    )
    for file, fitted, frame in files:
        given = batch if file == "light.txt" else frame[JUDGED]
        package = sealed(file, given)
        assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
        assert package.pd(given).tolist() == fitted.predict_proba(frame[JUDGED])[:, 1].astype(float).tolist()


@pytest.mark.parametrize("name", ["m.txt", "m.json", "m.ubj", "m.skops", "m.onnx", "m.cbm", "m.pkl", "m.h5"])
def test_a_model_file_that_is_none_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(SealError) as absent:
        read_model_file(tmp_path / name)
    (tmp_path / name).write_bytes(b"no model at all\n" * 10)
    with pytest.raises(SealError) as odd:
        read_model_file(tmp_path / name)
    assert absent.value.where == odd.value.where == str(tmp_path / name)
    if name in ("m.pkl", "m.h5"):
        assert odd.value.available == [".skops", ".txt", ".ubj", ".cbm", ".onnx", ".json"]
    if name == "m.pkl":
        assert f"roadworthy convert {tmp_path / name}" in str(odd.value)


def test_an_encoder_that_refuses_unseen_values_refuses_the_row_in_the_package_too() -> None:
    X, bad = make_applications(600, seed=21)
    steps = ColumnTransformer([("w", OrdinalEncoder(), ["region"]), ("n", "passthrough", ["age", "amount"])])
    X = X[["age", "amount", "region"]]
    model = make_pipeline(steps, RandomForestClassifier(5, random_state=0)).fit(X[LEARNED], bad[LEARNED])
    package = seal(model, X[JUDGED], bad[JUDGED], name="refusing")
    assert package.manifest.engine.kind == "compiled", package.manifest.engine.why
    found = package.pd({"age": [41, 41], "amount": [5_000.0, 5_000.0], "region": ["abroad", "N"]})
    assert np.isnan(found).tolist() == [True, False]


def test_logistic_regression_by_itself_is_sealed() -> None:
    model = LogisticRegression(max_iter=5_000).fit(numbers(LEARNED) / 1_000, outcome(LEARNED))
    package = seal(model, numbers(JUDGED) / 1_000, outcome(JUDGED), name="line", cut_offs=(0.1, 0.2))
    assert package.manifest.parity is not None
    assert package.manifest.parity.largest_difference <= 1e-12
