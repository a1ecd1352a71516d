"""Models made of models: their arithmetic by hand, their explanations against enumeration, and what is refused (R9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from roadworthy.contract import Batch, Column, Contract, check_table, to_arrow
from roadworthy.errors import PackageError
from roadworthy.model import seal
from roadworthy.model.columns import move_to_reference
from roadworthy.model.compiling import _refuse_amplified
from roadworthy.model.composed import ComposedEngine, Mean, Part, Started, Steps
from roadworthy.model.crossings import find_crossings
from roadworthy.model.curves import CURVES, Curve
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.engine_parts import COMPOSED, engine_parts, part_names, read_compiled
from roadworthy.model.forest import Forest
from roadworthy.model.formats.feature import CannotCompile
from roadworthy.model.linear import Linear
from roadworthy.model.plan import Op, build_plan
from roadworthy.testing import make_applications

CONTRACT = Contract(name="three", columns=tuple(Column(name=f"x{i}", type="number", missing=True) for i in range(3)))
NONE = np.zeros(0)
NAN = float("nan")


def rows_of(values: Any) -> Batch:
    rows = np.asarray(values, dtype=np.float64)
    return check_table(CONTRACT, to_arrow({f"x{i}": rows[:, i] for i in range(3)})).batch


def plan_of_three() -> Any:
    return build_plan(("x0", "x1", "x2"), [(f"x{i}", ()) for i in range(3)])


def stump(feature: int, at: float, low: float, high: float) -> Forest:
    return Forest(
        roots=np.array([0], dtype=np.int32), feature=np.array([feature, -1, -1], dtype=np.int32),
        threshold=np.array([at, 0.0, 0.0]), left=np.array([1, -1, -1], dtype=np.int32),
        right=np.array([2, -1, -1], dtype=np.int32), missing_left=np.array([1, 0, 0], dtype=np.uint8),
        value=np.array([0.0, low, high]), category_begin=np.full(3, -1, dtype=np.int32),
        category_end=np.full(3, -1, dtype=np.int32), category_bits=np.zeros(0, dtype=np.uint32),
    )  # fmt: skip


def line(*coefficients: float, intercept: float = 0.0) -> Linear:
    return Linear(np.array(coefficients), intercept)


def curve(name: str, *params: float) -> Curve:
    return Curve(name, np.array(params, dtype=np.float64))


def every_kind() -> ComposedEngine:
    """A stump on x0, a line of x1 and x2, their probabilities' mean, calibrated, and trees that start from that."""
    return ComposedEngine(
        plan_of_three(),
        (
            Part(stump(0, 1.0, 0.25, 0.75), (0, 1, 2)),  # 3
            Part(line(0.5, -1.0, intercept=0.25), (1, 2)),  # 4
            Part(curve("expit"), (4,)),  # 5
            Part(Mean(np.array([1.0, 3.0]), 4.0), (3, 5)),  # 6
            Part(curve("platt", -2.0, 1.0), (6,)),  # 7
            Part(curve("isotonic", 0.0, 0.5, 1.0, 0.1, 0.2, 0.9), (7,)),  # 8
            Part(Steps(build_plan(("a",), [("a", ((Op.MULTIPLY, (0.5,)), (Op.ADD, (0.1,))))])), (8,)),  # 9
            Part(curve("logit", 1e-9), (9,)),  # 10
            Part(Started(stump(1, 0.0, -0.5, 0.5)), (0, 1, 10)),  # 11
            Part(curve("expit"), (11,)),  # 12
        ),
    )


def test_parts_run_one_after_another_as_by_hand() -> None:
    engine = every_kind()
    engine.check()
    x = np.array([2.0, 0.5, 1.0])
    mean = (0.75 + 3.0 * expit(0.5 * 0.5 - 1.0 + 0.25)) / 4.0
    calibrated = np.interp(expit(2.0 * mean - 1.0), [0.0, 0.5, 1.0], [0.1, 0.2, 0.9])
    start = calibrated * 0.5 + 0.1
    wanted = expit(np.log(start / (1 - start)) + 0.5)
    assert engine.pd(rows_of([x]))[0] == pytest.approx(wanted, rel=1e-15)
    assert not engine.is_exact


def test_what_is_no_probability_refers_the_row_as_in_other_engines() -> None:
    engine = ComposedEngine(plan_of_three(), (Part(line(1.0), (0,)),))
    engine.check()
    found = engine.pd(rows_of([[0.25, 0, 0], [1.5, 0, 0], [-0.1, 0, 0], [0.0, 0, 0], [1.0, 0, 0]]))
    np.testing.assert_array_equal(found, [0.25, NAN, NAN, 0.0, 1.0])


@given(st.lists(st.tuples(*[st.floats(-3, 3) | st.just(NAN)] * 3), min_size=1, max_size=70), st.integers(0, 70))
def test_a_row_comes_out_the_same_alone_and_however_the_batch_is_split(rows: Any, cut: int) -> None:
    engine, batch = every_kind(), rows_of(rows)
    whole = engine.pd(batch)
    parts = [engine.pd(batch.take(slice(0, cut))), engine.pd(batch.take(slice(cut, None)))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(engine.pd(batch.take(np.array([0]))), whole[:1])


def test_a_row_that_the_library_refuses_has_no_pd() -> None:
    plan = build_plan(("x0", "x1", "x2"), [("x0", ((Op.REQUIRE_KNOWN, ()),)), ("x1", ()), ("x2", ())])
    engine = replace(every_kind(), plan=plan)
    batch = rows_of([[NAN, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert np.isnan(engine.pd(batch)).tolist() == [True, False]
    explanation = engine.explain(batch, rows_of([[0.0, 1.0, 1.0]]))
    assert np.isnan(explanation.contributions).all(axis=1).tolist() == [True, False]


CALIBRATION = [
    ("expit", (), 0.5, expit(0.5)),
    ("complement", (), 0.25, 0.75),
    ("complement_float32", (), 0.1, float(np.float32(1) - np.float32(0.1))),
    ("platt", (-2.0, 1.0), 0.5, expit(0.0)),
    ("isotonic", (0.0, 1.0, 0.2, 0.6), 0.5, 0.4),
    ("isotonic", (0.5, 0.3), 9.0, 0.3),
    ("softmax", (1.0, 1.0), 0.5, 1.0 / (1.0 + np.exp(-1.0))),
    ("softmax", (2.0, 0.0), 0.5, 1.0 - 1.0 / (1.0 + np.exp(-2.0))),
    ("softmax_of_pd", (1.0, 1.0), 0.2, 0.2),
    ("softmax_of_pd", (2.0, 0.0), 0.2, 0.64 / (0.64 + 0.04)),
    ("logit", (0.01,), 0.0, np.log(0.01 / 0.99)),
]


@pytest.mark.parametrize(("name", "params", "x", "wanted"), CALIBRATION)
def test_each_curve_by_hand(name: str, params: tuple[float, ...], x: float, wanted: float) -> None:
    found = curve(name, *params)
    found.check(1)
    assert found.value(np.array([x]))[0] == pytest.approx(wanted, rel=1e-11)
    assert np.isnan(found.value(np.array([NAN]))).all()


@pytest.mark.parametrize("width", [np.float64, np.float32])
def test_isotonic_calibration_is_that_of_scikit_learn_to_the_bit(width: Any) -> None:
    rng = np.random.default_rng(1)
    answers = rng.random(400).astype(width)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(answers, rng.random(400) < answers)
    ours = curve(
        "isotonic" if width is np.float64 else "isotonic_float32", *fitted.X_thresholds_, *fitted.y_thresholds_
    )
    asked = np.concatenate([rng.random(3_000).astype(width) * 1.4 - 0.2, fitted.X_thresholds_]).astype(width)
    np.testing.assert_array_equal(ours.value(asked.astype(np.float64)), fitted.predict(asked))


def test_curves_say_their_log_odds_where_they_are_a_straight_line() -> None:
    x = np.linspace(-3, 3, 13)
    for found in (curve("expit"), curve("sigmoid"), curve("platt", -1.5, 0.25), curve("softmax", 0.5, 0.0)):
        straight = found.log_odds()
        assert straight is not None
        pd = found.value(x)
        np.testing.assert_allclose(np.log(pd / (1 - pd)), straight[0] * x + straight[1], rtol=0, atol=1e-12)
    assert curve("isotonic", 0.0, 1.0, 0.0, 1.0).log_odds() is None
    assert curve("isotonic", 0.0, 0.1, 0.5, 0.0, 0.5, 1.0).steepest() == pytest.approx(5.0)


def shapley_by_enumeration(engine: ComposedEngine, row: Batch, reference: Batch, value: Any) -> NDArray[np.float64]:
    """Shapley (1953) from every coalition's own number."""
    names = engine.inputs
    k = len(names)
    found = np.zeros(k)
    for size in range(k):
        for coalition in combinations(range(k), size):
            for column in set(range(k)) - set(coalition):
                weight = factorial(size) * factorial(k - size - 1) / factorial(k)
                away = [
                    np.array([[j not in (*chosen,) for j in range(k)]]) for chosen in (coalition, (*coalition, column))
                ]
                before, after = (value(move_to_reference(row, reference, names, moved))[0] for moved in away)
                found[column] += weight * (after - before)
    return found


def log_odds(pd: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(pd / (1 - pd)))


MEANS = (Part(stump(0, 1.0, 0.2, 0.6), (0, 1, 2)), Part(stump(1, 0.0, 0.1, 0.4), (0, 1, 2)))
LINE = Part(line(1.0, -1.0, 0.5), (0, 1, 2))
EXPLAINED: dict[str, tuple[tuple[Part, ...], str]] = {
    "a mean of trees": ((*MEANS, Part(Mean(np.array([1.0, 2.0]), 3.0), (3, 4))), "pd"),
    "its complement": ((*MEANS, Part(Mean(np.ones(2), 2.0), (3, 4)), Part(curve("complement"), (5,))), "pd"),
    "one calibrator": ((*MEANS, Part(Mean(np.ones(2), 2.0), (3, 4)), Part(curve("platt", -3.0, 1.0), (5,))), "margin"),
    "one calibrator in a mean of one": (
        (MEANS[0], Part(curve("platt", -3.0, 1.0), (3,)), Part(Mean(np.ones(1), 1.0), (4,))),
        "margin",
    ),
    "a temperature, turned round": (
        (
            Part(line(1.0, -1.0, 0.5), (0, 1, 2)),
            Part(curve("softmax", 0.7, 1.0), (3,)),
            Part(curve("complement"), (4,)),
        ),
        "margin",
    ),
    "stacked trees with columns passed on": (
        (*MEANS, Part(line(2.0, -1.0, 0.3, intercept=0.1), (3, 4, 2)), Part(curve("expit"), (5,))),
        "margin",
    ),
    "stacked behind a scaler": (
        (
            *MEANS,
            Part(Steps(build_plan(("a",), [("a", ((Op.SUBTRACT, (0.3,)), (Op.DIVIDE, (0.1,))))])), (3,)),
            Part(line(2.0, -1.0), (5, 4)),
            Part(curve("expit"), (6,)),
        ),
        "margin",
    ),
    "a mean of two links": (
        (
            Part(line(1.0, 1.0, 0.0), (0, 1, 2)),
            Part(curve("expit"), (3,)),
            MEANS[1],
            Part(Mean(np.ones(2), 2.0), (4, 5)),
        ),
        "pd",
    ),
    "an isotonic calibrator": ((MEANS[0], Part(curve("isotonic", 0.0, 1.0, 0.1, 0.5), (3,))), "pd"),
    "trees that start from another model": (
        (
            MEANS[0],
            Part(curve("logit", 1e-9), (3,)),
            Part(Started(stump(1, 0.0, -0.5, 0.5)), (0, 1, 4)),
            Part(curve("expit"), (5,)),
        ),
        "pd",
    ),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_explanations_equal_enumeration_of_the_quantity_that_they_name(name: str) -> None:
    parts, quantity = EXPLAINED[name]
    engine = ComposedEngine(plan_of_three(), parts)
    engine.check()
    batch, reference = rows_of([[2.0, 1.0, -1.0], [0.0, -1.0, 0.5], [NAN, 1.0, 2.0]]), rows_of([[0.5, -0.5, 0.0]])
    explanation = engine.explain(batch, reference)
    assert explanation.quantity == quantity
    assert explanation.error is None
    value: Callable[[Batch], Any] = engine.pd if quantity == "pd" else (lambda rows: log_odds(engine.pd(rows)))
    for i in range(2):
        wanted = shapley_by_enumeration(engine, batch.take(np.array([i])), reference, value)
        np.testing.assert_allclose(explanation.contributions[i], wanted, rtol=0, atol=1e-12)
    total = explanation.contributions.sum(axis=1)
    np.testing.assert_allclose(total, explanation.output - explanation.reference_output, rtol=0, atol=1e-12)
    np.testing.assert_allclose(explanation.output[:2], value(batch)[:2], rtol=0, atol=1e-12)
    assert explanation.reference_pd == engine.pd(reference)[0]


def test_an_engine_comes_back_from_its_parts_to_the_bit() -> None:
    engine, batch = every_kind(), rows_of(np.random.default_rng(0).normal(size=(50, 3)))
    parts = engine_parts(engine)
    assert set(part_names(COMPOSED, "", parts)) == set(parts)
    again = read_compiled(engine.inputs, COMPOSED, "", False, parts)
    assert isinstance(again, ComposedEngine)
    assert again.pd(batch).tolist() == engine.pd(batch).tolist()
    assert engine_parts(again) == parts


def spoil(place: int, **changes: Any) -> ComposedEngine:
    engine = every_kind()
    parts = list(engine.parts)
    parts[place] = replace(parts[place], **changes)
    return replace(engine, parts=tuple(parts))


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (replace(every_kind(), parts=()), "no parts"),
        (spoil(0, sources=(0, 1, 3)), "part 0 of the model reads what is not there yet"),
        (spoil(2, sources=(-1,)), "part 2 of the model reads what is not there yet"),
        (spoil(2, sources=()), "part 2 of the model reads what is not there yet"),
        (spoil(0, what=stump(3, 0.0, 0.0, 1.0)), "features that the plan does not make"),
        (spoil(1, what=line(1.0)), "coefficients do not fit"),
        (spoil(2, sources=(3, 4)), "'expit' has 0 parameters and 2 numbers"),
        (spoil(2, what=curve("expit", 1.0)), "'expit' has 1 parameters"),
        (spoil(2, what=curve("guess")), "a curve 'guess' is unknown"),
        (spoil(3, what=Mean(np.ones(3), 3.0)), "a mean's weights"),
        (spoil(3, what=Mean(np.array([1.0, NAN]), 2.0)), "a mean's weights"),
        (spoil(3, what=Mean(np.ones(2), 0.0)), "divided by nothing"),
        (spoil(3, what=Mean(np.ones(2), NAN)), "divided by nothing"),
        (spoil(4, what=curve("platt", 1.0, np.inf)), "not finite"),
        (spoil(5, what=curve("isotonic", 0.0, 0.5, 0.5, 0.1, 0.2, 0.9)), "points that do not rise"),
        (spoil(5, what=curve("isotonic", 0.0, 0.5, 0.5)), "3 parameters"),
        (spoil(5, what=curve("isotonic")), "0 parameters"),
        (spoil(5, what=curve("isotonic_float32", 0.5, 0.5)), "points that do not rise"),
        (spoil(5, what=curve("softmax", 1.0, 0.5)), "two answers"),
        (spoil(5, what=curve("softmax_of_pd", 1.0, 7.0)), "two answers"),
        (spoil(7, what=curve("logit", 0.5)), "keeps away"),
        (spoil(7, what=curve("logit", -0.1)), "keeps away"),
        (spoil(6, what=Steps(plan_of_three())), "take one number and give one"),
        (spoil(6, sources=(7, 8)), "take one number and give one"),
        (spoil(8, sources=(10,)), "features that the plan does not make"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused_before_they_run(spoilt: ComposedEngine, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        spoilt.check()


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        (b"[", "parts.json cannot be read"),
        (b'[{"kind":"forest"}]', "parts.json cannot be read"),
        (b'[{"kind":"forest","sources":[0],"more":1}]', "parts.json cannot be read"),
        (b'[{"kind":"pickle","sources":[0]}]', "'pickle', which is unknown"),
        (msgspec.json.encode([{"kind": "expit", "sources": [0]}] * 351), "has 351 parts, and 350 is the most"),
    ],
)
def test_a_list_of_parts_that_is_none_is_refused(notes: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        part_names(COMPOSED, "", {"scorer/parts.json": notes})
    with pytest.raises(PackageError, match="missing"):
        part_names(COMPOSED, "", {})


def test_an_engine_says_itself_which_class_is_bad() -> None:
    with pytest.raises(PackageError, match="says within itself"):
        read_compiled(every_kind().inputs, COMPOSED, "", True, engine_parts(every_kind()))
    with pytest.raises(PackageError, match="with the link 'expit' is unknown"):
        part_names(COMPOSED, "expit", engine_parts(every_kind()))


def test_a_calibrator_that_amplifies_a_last_bit_is_caught() -> None:
    """A slope of 14,000 makes 1e-12 of a few units in the last place of a line, and of a tree nothing at all."""
    steep = curve("isotonic", 0.5, 0.50005, 0.1, 0.8)
    batch = rows_of(np.random.default_rng(2).normal((50.0, -50.0, 0.0), 2e-5, (200, 3)))
    on_a_line = (Part(line(1.0, 1.0, 1.0), (0, 1, 2)), Part(curve("expit"), (3,)), Part(steep, (4,)))
    with pytest.raises(CannotCompile, match=r"so steep \(slope 1.4e\+04\)"):
        _refuse_amplified(ComposedEngine(plan_of_three(), on_a_line), [batch])
    on_a_tree = (Part(stump(0, 50.0, 0.5, 0.50004), (0, 1, 2)), Part(steep, (3,)))
    _refuse_amplified(ComposedEngine(plan_of_three(), on_a_tree), [batch])
    flat = (*on_a_line[:2], Part(curve("isotonic", 0.0, 1.0, 0.1, 0.8), (4,)))
    _refuse_amplified(ComposedEngine(plan_of_three(), flat), [batch])


def test_trees_that_split_on_a_line_s_answer_are_caught_and_trees_that_start_from_it_are_not() -> None:
    batch = rows_of([[1.0, 2.0, 3.0]])
    split = (Part(line(1.0, 1.0, 1.0), (0, 1, 2)), Part(stump(0, 6.0, 0.1, 0.9), (3,)))
    with pytest.raises(CannotCompile, match="split on the answer of a linear model"):
        _refuse_amplified(ComposedEngine(plan_of_three(), split), [batch])
    started = (split[0], Part(Started(stump(0, 6.0, 0.1, 0.9)), (0, 3)), Part(curve("expit"), (4,)))
    _refuse_amplified(ComposedEngine(plan_of_three(), started), [batch])


def test_split_points_are_found_in_raw_numbers_behind_a_scaler() -> None:
    """Each number found and the next one go different ways: hard rows lie where a last bit decides."""
    X, bad = make_applications(400, seed=8)
    frame = X[["age", "amount"]].astype("float64")
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    steps = make_pipeline(QuantileTransformer(n_quantiles=50), StandardScaler(), tree)
    package = seal(steps.fit(frame, bad), frame, bad, name="behind")
    assert isinstance(package.engine, CompiledEngine)
    found = find_crossings(package.engine, package.batch(frame))
    assert sum(len(points) for points in found.values()) > 5
    batch = package.batch(frame).take(slice(0, 1))
    for name, points in found.items():
        j = package.engine.inputs.index(name)
        used = package.engine.scorer
        assert isinstance(used, Forest)
        thresholds = used.threshold[used.feature == j]
        for point in points:
            sides = []
            for x in (point, np.nextafter(point, np.inf)):
                moved = replace(batch, columns={**batch.columns, name: np.array([x])})
                feature = package.engine.features(moved)[0].astype(np.float32)[0, j]
                sides.append((feature <= thresholds).sum())
            assert sides[0] != sides[1] or point in thresholds


CASES: dict[str, Any] = {
    "mean of forests": VotingClassifier(
        [("a", RandomForestClassifier(4, random_state=0)), ("b", ExtraTreesClassifier(4, random_state=0))],
        voting="soft", weights=[2, 1],
    ),
    "bagged trees on some of the columns": BaggingClassifier(
        DecisionTreeClassifier(max_depth=4), 5, max_features=0.6, random_state=0
    ),
    "stacked forests": StackingClassifier([("a", RandomForestClassifier(4, random_state=0))], cv=2),
    "calibrated forest": CalibratedClassifierCV(RandomForestClassifier(4, random_state=0), cv=2, ensemble=False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_sealed_compositions_are_explained_as_enumeration_explains_them(name: str) -> None:
    X, bad = make_applications(500, seed=3)
    frame = X[["age", "income", "amount", "months"]].astype("float64").fillna(0.0)
    package = seal(CASES[name].fit(frame[200:], bad[200:]), frame[:200], bad[:200], name=name, cut_offs=(0.2,))
    assert isinstance(package.engine, ComposedEngine), package.manifest.engine.why
    explanation = package.explain(frame[:3])
    assert explanation.method == "reference"
    batch = package.batch(frame[:3])
    value = package.engine.pd if explanation.quantity == "pd" else (lambda rows: log_odds(package.engine.pd(rows)))
    for i in range(3):
        row = batch.take(np.array([i]))
        wanted = shapley_by_enumeration(package.engine, row, package.reference, value)
        np.testing.assert_allclose(explanation.contributions[i], wanted, rtol=0, atol=1e-11)


def test_curves_keep_their_names_which_are_part_of_the_package_protocol() -> None:
    assert set(CURVES) == {
        "identity", "expit", "sigmoid", "sigmoid_float32", "logistic_float32", "to_float32", "complement",
        "complement_float32", "platt", "isotonic",
        "isotonic_float32", "softmax", "softmax_of_pd", "logit",
    }  # fmt: skip
