"""Pipelines are followed feature by feature to the contract column each comes from, or it is said why not (R9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from roadworthy.contract import Batch
from roadworthy.model.formats.feature import CannotCompile, Feature, FrameColumn, start_features
from roadworthy.model.formats.trace import trace
from roadworthy.model.plan import REFUSED, Op, Plan, build_plan

NUMBERS, WORDS = ("age", "income", "debt"), ("region", "grade")
ALL = NUMBERS + WORDS
NAN = float("nan")

Check = Callable[..., Plan]
Frames = Callable[..., Any]


def outcome(rows: int) -> Any:
    return (np.random.default_rng(5).random(rows) < 0.3).astype(int)


CODED: Any = {"handle_unknown": "use_encoded_value", "unknown_value": -9, "encoded_missing_value": NAN}
NESTED = {
    "numbers filled and scaled, words one-hot": ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), list(NUMBERS)),
            ("w", OneHotEncoder(handle_unknown="ignore"), list(WORDS)),
        ]
    ),
    "a column transformer in a pipeline in a column transformer": ColumnTransformer(
        [
            (
                "outer",
                make_pipeline(
                    ColumnTransformer(
                        [("fill", SimpleImputer(), ["income"]), ("keep", "passthrough", ["age"])], remainder="drop"
                    ),
                    MinMaxScaler(),
                ),
                ["age", "income"],
            ),
            ("codes", OrdinalEncoder(**CODED), ["grade"]),
        ],
        remainder="drop",
    ),
    "by position, slices, masks and selectors": ColumnTransformer(
        [
            ("position", SimpleImputer(), [1, 2]),
            ("slice", StandardScaler(), slice(0, 2)),
            ("names", MinMaxScaler(), slice("age", "debt")),
            ("mask", MissingIndicator(features="all"), [True, False, True, False, False]),
            ("kind", SimpleImputer(), make_column_selector(dtype_include=np.number)),
            ("one", "passthrough", ["debt"]),
        ]
    ),
    "what is left over is passed through": ColumnTransformer(
        [("w", OrdinalEncoder(**CODED), list(WORDS)), ("d", "drop", ["age"])],
        remainder="passthrough",
    ),
    "weights of transformers": ColumnTransformer(
        [("n", SimpleImputer(), ["age"]), ("w", OneHotEncoder(handle_unknown="ignore"), ["grade"])],
        transformer_weights={"n": 0.1, "w": 3.0},
    ),
    "a union of steps": ColumnTransformer(
        [
            (
                "u",
                FeatureUnion(
                    [
                        ("scaled", make_pipeline(SimpleImputer(), StandardScaler())),
                        ("missing", MissingIndicator(features="all")),
                        ("kept", "passthrough"),
                        ("not", "drop"),
                    ],
                    transformer_weights={"scaled": 0.5},
                ),
                list(NUMBERS),
            )
        ]
    ),
    "steps that do nothing": Pipeline(
        [("a", "passthrough"), ("b", ColumnTransformer([("n", SimpleImputer(), ["age"])])), ("c", None)]
    ),
    "an empty choice of columns": ColumnTransformer([("none", StandardScaler(), []), ("n", SimpleImputer(), ["age"])]),
    "words filled first": ColumnTransformer(
        [
            (
                "w",
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
                list(WORDS),
            ),
            ("v", make_pipeline(SimpleImputer(strategy="constant", fill_value="N"), OneHotEncoder()), ["region"]),
        ]
    ),
    "whether words are missing": ColumnTransformer([("w", MissingIndicator(features="all"), list(WORDS))]),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_nested_steps_give_the_features_of_scikit_learn_to_the_bit(
    name: str, frame_of: Frames, assert_followed: Check
) -> None:
    assert_followed(NESTED[name].fit(frame_of(ALL)), ALL)


ENCODERS = {
    "one-hot, unknown refused": OneHotEncoder(),
    "one-hot, unknown ignored": OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    "one-hot, first dropped": OneHotEncoder(drop="first", handle_unknown="ignore"),
    "one-hot, dropped if binary": OneHotEncoder(drop="if_binary", handle_unknown="error"),
    "one-hot, infrequent": OneHotEncoder(min_frequency=30, handle_unknown="infrequent_if_exist"),
    "one-hot, at most two": OneHotEncoder(max_categories=2, handle_unknown="infrequent_if_exist"),
    "ordinal, unknown refused": OrdinalEncoder(),
    "ordinal, unknown coded": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    "ordinal, missing coded": OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=NAN, encoded_missing_value=7
    ),
    "ordinal, infrequent": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=30),
    "target": TargetEncoder(cv=KFold(3)),
    "target, unsmoothed": TargetEncoder(smooth=0.0, cv=KFold(3)),
}


@pytest.mark.parametrize("gaps", [True, False], ids=["trained with gaps", "trained without"])
@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_are_tabulated_to_the_bit_with_unseen_and_missing_values(
    name: str, gaps: bool, frame_of: Frames, assert_followed: Check
) -> None:
    frame = frame_of(WORDS, gaps=gaps)
    assert_followed(ENCODERS[name].fit(frame, outcome(len(frame))), WORDS)


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore"),
        OneHotEncoder(),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        TargetEncoder(cv=KFold(3)),
    ],
    ids=repr,
)
def test_encoders_of_numbers_match_their_keys(encoder: Any, frame_of: Frames, assert_followed: Check) -> None:
    frame = frame_of(("age",), rows=40)  # few, so that the rows asked about hold ages that it never saw
    assert_followed(encoder.fit(frame, outcome(len(frame))), ("age",))


def test_an_encoder_after_another_step_is_tabulated_on_what_that_step_gives(
    frame_of: Frames, assert_followed: Check
) -> None:
    bins = KBinsDiscretizer(4, encode="ordinal", strategy="uniform")
    steps = make_pipeline(SimpleImputer(), bins, OneHotEncoder(drop="first"))
    assert_followed(steps.fit(frame_of(("age", "debt"))), ("age", "debt"))


def test_selectors_keep_the_features_they_keep(frame_of: Frames, assert_followed: Check) -> None:
    frame = frame_of(NUMBERS)
    best = make_pipeline(SimpleImputer(add_indicator=True), VarianceThreshold(0.1), SelectKBest(k=2))
    plan = assert_followed(best.fit(frame, outcome(len(frame))), NUMBERS)
    assert len(plan.outputs) == 2


@pytest.mark.parametrize(
    "selector",
    [SelectFromModel(RandomForestClassifier(5, random_state=0)), RFE(LogisticRegression(), n_features_to_select=2)],
    ids=lambda selector: type(selector).__name__,
)
def test_selectors_by_a_model_keep_the_features_they_keep(
    selector: Any, frame_of: Frames, assert_followed: Check
) -> None:
    frame = frame_of(NUMBERS)
    steps = make_pipeline(SimpleImputer(), StandardScaler(), selector)
    assert_followed(steps.fit(frame, outcome(len(frame))), NUMBERS)


NUMERIC: dict[str, Any] = {
    "scaled robustly": make_pipeline(SimpleImputer(), RobustScaler(quantile_range=(5.0, 95.0))),
    "scaled to the largest": MaxAbsScaler(),
    "scaled and cut": MinMaxScaler((-1, 1), clip=True),
    "ranked": QuantileTransformer(n_quantiles=20),
    "ranked, with ties": make_pipeline(FunctionTransformer(np.rint), QuantileTransformer(n_quantiles=100)),
    "ranked to a bell": QuantileTransformer(n_quantiles=20, output_distribution="normal"),
    "above or not": make_pipeline(SimpleImputer(), Binarizer(threshold=40.0)),
    "gaps written as a number": SimpleImputer(missing_values=0.0, add_indicator=True),
    "filled with a constant": SimpleImputer(strategy="constant", fill_value=-99.0),
    "filled with the most frequent": SimpleImputer(strategy="most_frequent", keep_empty_features=True),
    "named as pandas": make_pipeline(
        SimpleImputer(), ColumnTransformer([("s", StandardScaler(), ["debt", "age"])], verbose_feature_names_out=False)
    ).set_output(transform="pandas"),
    "named as polars": make_pipeline(
        SimpleImputer(), ColumnTransformer([("s", StandardScaler(), ["debt", "age"])], verbose_feature_names_out=False)
    ).set_output(transform="polars"),
    "a function that checks": FunctionTransformer(np.absolute, validate=True),
    "rounded": FunctionTransformer(np.floor),
    "cut by NumPy": FunctionTransformer(np.clip, kw_args={"a_min": 20, "a_max": None}),
    "squared": FunctionTransformer(np.square),
    "its own inverse": FunctionTransformer(np.reciprocal),
    "whether it is missing": FunctionTransformer(np.isnan),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMERIC)
def test_steps_on_numbers_are_followed_to_the_bit(name: str, frame_of: Frames, assert_followed: Check) -> None:
    takes_gaps = name not in ("gaps written as a number", "a function that checks")
    frame = frame_of(NUMBERS, gaps=takes_gaps)
    assert_followed(NUMERIC[name].fit(frame, outcome(len(frame))), NUMBERS)


@pytest.mark.parametrize("include_bias", [True, False])
def test_powers_of_one_column_are_followed(include_bias: bool, frame_of: Frames, assert_followed: Check) -> None:
    powers = make_pipeline(SimpleImputer(), PolynomialFeatures(4, include_bias=include_bias))
    assert_followed(powers.fit(frame_of(("debt",))), ("debt",))


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("standardize", [True, False])
def test_power_transforms_agree_to_the_last_places_and_refuse_what_they_cannot_take(
    method: str, standardize: bool, frame_of: Frames, batch_of: Callable[..., Batch]
) -> None:
    """NumPy's own vector loops may differ by a unit in the last place: parity is checked at sealing."""
    names = ("age", "income") if method == "box-cox" else NUMBERS
    step = PowerTransformer(method=method, standardize=standardize).fit(frame_of(names))
    frame = frame_of(names, rows=80, seed=7)
    (plan, _) = follow_numbers(step, names, batch_of)
    features, refused = plan.run(frame.to_numpy())
    assert not refused.any()
    np.testing.assert_allclose(features, step.transform(frame), rtol=1e-13, atol=1e-13)
    if method == "box-cox":
        assert plan.run(np.array([[0.0, 1.0], [40.0, -1.0], [NAN, 1.0]]))[1].tolist() == [True, True, False]


def follow_numbers(step: Any, names: tuple[str, ...], batch_of: Callable[..., Batch]) -> tuple[Plan, list[Feature]]:
    features = trace(step, start_features(batch_of().contract, [FrameColumn(name, "float64") for name in names]))
    return build_plan(names, [(feature.column, feature.steps) for feature in features]), features


def test_infinity_made_on_the_way_is_refused_where_the_library_checks(
    frame_of: Frames, batch_of: Callable[..., Batch]
) -> None:
    """log 0 is minus infinity: a scaler that comes after refuses the row, and a function alone does not."""
    steps = make_pipeline(FunctionTransformer(np.log), StandardScaler()).fit(frame_of(("income",)))
    plan, _ = follow_numbers(steps, ("income",), batch_of)
    assert plan.run(np.array([[0.0], [1.0], [NAN]]))[1].tolist() == [True, False, False]
    alone, _ = follow_numbers(FunctionTransformer(np.log), ("income",), batch_of)
    assert alone.run(np.array([[0.0]]))[1].tolist() == [False]


def test_a_column_with_no_value_at_all_is_dropped_as_scikit_learn_drops_it(
    frame_of: Frames, assert_followed: Check
) -> None:
    frame = frame_of(NUMBERS)
    frame["income"] = NAN
    plan = assert_followed(SimpleImputer().fit(frame), NUMBERS)
    assert plan.origin.tolist() == [0, 2]


def test_one_hot_features_of_a_column_share_one_look_up(frame_of: Frames, assert_followed: Check) -> None:
    plan = assert_followed(OneHotEncoder(handle_unknown="ignore").fit(frame_of(WORDS, gaps=False)), WORDS)
    assert plan.code.tolist().count(Op.LOOKUP) == 2
    assert plan.code.tolist().count(Op.EQUALS) == 4 + 3
    assert plan.origin.tolist() == [0] * 4 + [1] * 3


def test_an_encoder_of_thousands_of_categories_stays_small() -> None:
    """One table of the column's size, not one for each of its features."""
    values = [f"branch {i:04d}" for i in range(1_500)]
    encoder = OneHotEncoder(handle_unknown="ignore").fit(pd.DataFrame({"branch": values}))
    features = trace(encoder, [Feature("branch", texts=(*values, None, "elsewhere"))])
    assert len(features) == 1_500
    assert len({feature.steps[0] for feature in features}) == 1
    assert [feature.steps[1] for feature in features[:2]] == [(Op.EQUALS, (0.0,)), (Op.EQUALS, (1.0,))]


class Swap(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A deployment's own encoder: one word in, one word out, and it refuses what it does not know."""

    def fit(self, _X: Any, _y: Any = None) -> Swap:
        return self

    def transform(self, X: Any) -> Any:
        known = {"N": "north", "S": "south", "E": "north", "W": None}
        if not set(np.ravel(np.asarray(X, dtype=object)).tolist()) <= set(known):
            raise ValueError("unknown region")
        return np.array([[known[value] for value in row] for row in np.asarray(X, dtype=object)], dtype=object)


class Pair(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An encoder that looks at two columns at once."""

    def fit(self, _X: Any, _y: Any = None) -> Pair:
        return self

    def transform(self, X: Any) -> Any:
        return np.array([[float(str(row[0]) < str(row[1]))] for row in np.asarray(X, dtype=object)])


def test_an_encoder_of_ones_own_is_tabulated_too() -> None:
    (feature,) = trace(Swap(), [Feature("region", texts=("N", "S", "E", "W"))])
    assert feature.texts == ("north", "south", "north", None)


def test_a_value_that_an_encoder_of_ones_own_refuses_refuses_the_row() -> None:
    class Length(Swap):
        def transform(self, X: Any) -> Any:
            return np.array([[len(value[0]) for value in super().transform(X)]], dtype=float).T

    (feature,) = trace(Length(), [Feature("region", texts=("N", "S", "Z", "Y"))])
    assert feature.steps == ((Op.LOOKUP, (REFUSED, REFUSED, 5.0, 5.0)),)


@pytest.mark.parametrize(
    ("step", "names", "why"),
    [
        (PolynomialFeatures(), NUMBERS, "PolynomialFeatures has no compiled form"),
        (SplineTransformer(), NUMBERS, "SplineTransformer has no compiled form: splines"),
        (Normalizer(), NUMBERS, "Normalizer has no compiled form: it divides each row by the row's own length"),
        (PolynomialFeatures(2), NUMBERS, "it multiplies columns with each other"),
        (PolynomialFeatures(65), ("age",), "beyond the power 64"),
        (PCA(2), NUMBERS, "PCA has no compiled form"),
        (KNNImputer(), NUMBERS, "KNNImputer has no compiled form"),
        (SimpleImputer(missing_values="N", strategy="most_frequent"), WORDS, "gaps written as 'N' in text"),
        (MissingIndicator(missing_values="N", features="all"), WORDS, "gaps written as 'N' in text"),
        (FunctionTransformer(np.arcsinh), NUMBERS, "the function arcsinh"),
        (FunctionTransformer(np.clip, kw_args={"a_min": [0, 1, 2], "a_max": 5}), NUMBERS, "the function clip"),
        (FunctionTransformer(np.power, kw_args={"x2": 2}), NUMBERS, "the function power"),
        (FunctionTransformer(lambda X: X), NUMBERS, "the function <lambda>"),
        (Pair(), WORDS, "Pair mixes columns"),
        (make_pipeline(OneHotEncoder(), PCA(2)), WORDS, "PCA has no compiled form"),
        (ColumnTransformer([("n", PCA(1), ["age", "debt"])]), ALL, "^n: the step PCA has no compiled form"),
        (
            Pipeline([("fill", SimpleImputer()), ("mix", FeatureUnion([("own", Normalizer())]))]),
            NUMBERS,
            "^mix > own: the step Normalizer",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseEstimator) else None,
)
def test_what_does_not_compile_says_why(
    step: Any, names: tuple[str, ...], why: str, frame_of: Frames, batch_of: Callable[..., Batch]
) -> None:
    frame = frame_of(names, gaps=False)
    features = start_features(batch_of().contract, [FrameColumn(name, str(frame[name].dtype)) for name in names])
    with pytest.raises(CannotCompile, match=why):
        trace(step.fit(frame, outcome(len(frame))), features)


def test_text_where_a_number_is_needed_is_named() -> None:
    with pytest.raises(CannotCompile, match="region is text where a number is needed"):
        Feature("region", texts=("N", None, "?")).then(Op.ADD, 1.0)


def test_a_pandas_categorical_reads_as_missing_what_is_none_of_its_categories(batch_of: Callable[..., Batch]) -> None:
    contract = batch_of().contract
    word, number = start_features(
        contract, [FrameColumn("region", "category", ("S", "N")), FrameColumn("age", "category", (40, 20))]
    )
    assert word.texts == ("N", "S", None, None, None, None)
    assert number.steps == ((Op.MATCH, (NAN, NAN, 20.0, 40.0, 20.0, 40.0)),) or np.isnan(number.steps[0][1][0])
    assert number.steps[0][1][2:] == (20.0, 40.0, 20.0, 40.0)
