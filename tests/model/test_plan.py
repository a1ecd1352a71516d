"""Every operation by hand and against the transformer that it mirrors; plans share work and refuse bad arrays (R9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from roadworthy.errors import PackageError
from roadworthy.model.plan import REFUSED, Op, Plan, build_plan

NAN = float("nan")


def run_one(op: Op, values: tuple[float, ...], x: list[float]) -> tuple[list[float], list[bool]]:
    plan = build_plan(("x",), [("x", ((op, values),))])
    plan.check()
    features, refused = plan.run(np.array(x, dtype=np.float64)[:, None])
    return features[:, 0].tolist(), refused.tolist()


@pytest.mark.parametrize(
    ("op", "values", "x", "wanted"),
    [
        (Op.IMPUTE, (40.0,), [30.0, NAN], [30.0, 40.0]),
        (Op.IS_MISSING, (), [30.0, NAN], [0.0, 1.0]),
        (Op.ADD, (0.5,), [1.0, NAN], [1.5, NAN]),
        (Op.SUBTRACT, (40.0,), [30.0], [-10.0]),
        (Op.MULTIPLY, (3.0,), [0.1], [0.1 * 3.0]),
        (Op.DIVIDE, (10.0,), [-10.0, 1.0], [-1.0, 0.1]),
        (Op.CLIP, (0.0, 1.0), [-0.5, 0.5, 1.5, NAN], [0.0, 0.5, 1.0, NAN]),
        # Parameters: missing, unseen, then the values of the codes 0, 1, 2.
        (Op.LOOKUP, (-7.0, -8.0, 10.0, 11.0, 12.0), [0.0, 2.0, -1.0, -2.0, 3.0, NAN], [10, 12, -7, -8, -8, -7]),
        # Parameters: missing, otherwise, then keys 1, 2, 5 and their values 10, 20, 50.
        (
            Op.MATCH,
            (-1.0, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
            [1.0, 5.0, 2.0, 3.0, NAN, 6.0],
            [10, 50, 20, 0, -1, 0],
        ),
        (Op.BIN, (10.0, 20.0), [9.9, 10.0, 19.9, 20.0, 1e9, NAN], [0, 1, 1, 2, 2, NAN]),
        (Op.BIN, (), [9.9], [0.0]),
        (Op.EQUALS, (2.0,), [2.0, 2.1, NAN], [1.0, 0.0, NAN]),
        (Op.LOG, (), [1.0, np.e, 0.0, -1.0], [0.0, 1.0, -np.inf, NAN]),
        (Op.LOG1P, (), [0.0, NAN], [0.0, NAN]),
        (Op.SQRT, (), [9.0, -1.0], [3.0, NAN]),
        (Op.EXP, (), [0.0], [1.0]),
        (Op.ABS, (), [-2.5, 2.5, -0.0], [2.5, 2.5, 0.0]),
        (Op.TO_FLOAT32, (), [0.1, 1e300, NAN], [float(np.float32(0.1)), np.inf, NAN]),
        (Op.REPLACE, (-1.0, 40.0), [-1.0, 30.0, NAN], [40.0, 30.0, NAN]),
        (Op.GREATER, (2.0,), [2.0, 2.1, NAN], [0.0, 1.0, NAN]),
        (Op.POWER, (3.0,), [0.1, -2.0, NAN], [0.1 * 0.1 * 0.1, -8.0, NAN]),
        (Op.POWER, (1.0,), [0.1], [0.1]),
        (Op.YEO_JOHNSON, (2.0,), [0.0, -1.0, NAN], [0.0, -np.log(2.0), NAN]),
        (Op.YEO_JOHNSON, (0.0,), [1.0], [np.log(2.0)]),
        (Op.BOX_COX, (2.0,), [1.0, NAN], [0.0, NAN]),
        (Op.BOX_COX, (0.0,), [np.e], [1.0]),
        # Quantiles 1, 2, 2, 4 at 0, 1/4, 1/2, 1: a repeated one gives the middle of its shares.
        (
            Op.QUANTILE,
            (1.0, 2.0, 2.0, 4.0, 0.0, 0.25, 0.5, 1.0),
            [1.0, 2.0, 3.0, 4.0, 9.0, NAN],
            [0, 0.375, 0.75, 1, 1, NAN],
        ),
        (Op.QUANTILE_NORMAL, (-5.0, 5.0, 1.0, 3.0, 0.0, 1.0), [0.0, 2.0, 3.0, 9.0, NAN], [-5.0, 0.0, 5.0, 5.0, NAN]),
        (Op.LOG2, (), [8.0], [3.0]),
        (Op.LOG10, (), [1000.0], [3.0]),
        (Op.CBRT, (), [1.0, -8.0], [1.0, -2.0]),
        (Op.EXPM1, (), [0.0], [0.0]),
        (Op.RECIPROCAL, (), [4.0, 0.0], [0.25, np.inf]),
        (Op.SIGN, (), [-3.0, 0.0, 2.0, NAN], [-1.0, 0.0, 1.0, NAN]),
        (Op.FLOOR, (), [-0.5, 1.5], [-1.0, 1.0]),
        (Op.CEIL, (), [0.5], [1.0]),
        (Op.RINT, (), [0.5, 1.5], [0.0, 2.0]),
        (Op.TANH, (), [0.0], [0.0]),
    ],
)
def test_each_operation_by_hand(op: Op, values: tuple[float, ...], x: list[float], wanted: list[float]) -> None:
    features, refused = run_one(op, values, x)
    np.testing.assert_array_equal(features, wanted)
    assert not any(refused)


def test_power_transforms_by_hand() -> None:
    """Yeo-Johnson with 2: ((3 + 1)^2 - 1) / 2 = 7.5; with 0 below 0: -((2 + 1)^2 - 1) / 2; Box-Cox: (3^2 - 1) / 2."""
    for op, power, x, wanted in (
        (Op.YEO_JOHNSON, 2.0, 3.0, 7.5), (Op.YEO_JOHNSON, 0.0, -2.0, -4.0), (Op.BOX_COX, 2.0, 3.0, 4.0)
    ):  # fmt: skip
        (found,), _ = run_one(op, (power,), [x])
        assert found == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize(
    ("op", "values", "x", "refused"),
    [
        (Op.REQUIRE_KNOWN, (), [1.0, NAN, np.inf], [False, True, False]),
        (Op.REQUIRE_FLOAT32, (), [1.0, NAN, 3.4028234e38, 3.5e38, -1e300, -np.inf], [False] * 3 + [True] * 3),
        (Op.REQUIRE_FINITE, (), [1.0, NAN, 1e308, np.inf, -np.inf], [False] * 3 + [True] * 2),
        (Op.REQUIRE_POSITIVE, (), [1e-300, 0.0, -0.0, -1.0, NAN], [False, True, True, True, False]),
        (Op.LOOKUP, (0.5, REFUSED, 1.0), [0.0, -1.0, -2.0, 7.0], [False, False, True, True]),
        (Op.LOOKUP, (REFUSED, 0.0, 1.0), [0.0, -1.0, -2.0], [False, True, False]),
        (Op.MATCH, (REFUSED, REFUSED, 1.0, 10.0), [1.0, 2.0, NAN], [False, True, True]),
    ],
)  # fmt: skip
def test_what_the_library_refuses_is_refused_by_row(
    op: Op, values: tuple[float, ...], x: list[float], refused: list[bool]
) -> None:
    features, found = run_one(op, values, x)
    assert found == refused
    assert np.isnan(np.array(features)[refused]).all()


def test_a_refused_row_takes_no_other_with_it_and_its_features_are_nan() -> None:
    plan = build_plan(("x", "y"), [("x", ((Op.REQUIRE_KNOWN, ()),)), ("y", ())])
    features, refused = plan.run(np.array([[NAN, 1.0], [2.0, NAN], [3.0, 4.0]]))
    assert refused.tolist() == [True, False, False]
    np.testing.assert_array_equal(features, [[NAN, NAN], [2.0, NAN], [3.0, 4.0]])


@pytest.mark.parametrize(
    "transformer",
    [
        SimpleImputer(strategy="median"),
        SimpleImputer(strategy="most_frequent"),
        SimpleImputer(strategy="constant", fill_value=-1.0),
        SimpleImputer(add_indicator=True),
        MissingIndicator(features="all"),
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        MinMaxScaler(feature_range=(-1, 2)),
        MinMaxScaler(clip=True),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False, quantile_range=(10, 80)),
        FunctionTransformer(np.absolute),
        FunctionTransformer(),
    ],
    ids=repr,
)
def test_the_arithmetic_is_that_of_scikit_learn_to_the_bit(
    transformer: Any, frame_of: Callable[..., Any], assert_followed: Callable[..., Plan]
) -> None:
    names = ("age", "income", "debt")
    assert_followed(transformer.fit(frame_of(names, rows=200, seed=3)))


@pytest.mark.parametrize("encode", ["ordinal", "onehot", "onehot-dense"])
@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_bins_are_those_of_scikit_learn_and_refuse_missing_values_as_it_does(
    encode: str, strategy: str, frame_of: Callable[..., Any], assert_followed: Callable[..., Plan]
) -> None:
    how = {"quantile_method": "averaged_inverted_cdf"} if strategy == "quantile" else {}
    bins = KBinsDiscretizer(5, encode=encode, strategy=strategy, **how)
    assert_followed(bins.fit(frame_of(("age", "income"), gaps=False)), ("age", "income"))


@pytest.mark.parametrize("function", [np.log, np.log1p, np.sqrt, np.exp])
def test_logs_and_roots_agree_to_the_last_place(function: Any, batch_of: Callable[..., Any]) -> None:
    """NumPy's own vector loops differ between machines by one unit in the last place: parity is checked at sealing."""
    x = np.abs(batch_of().matrix(["debt"]))
    op = {"log": Op.LOG, "log1p": Op.LOG1P, "sqrt": Op.SQRT, "exp": Op.EXP}[function.__name__]
    ours, _ = build_plan(("x",), [("x", ((op, ()),))]).run(x)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_max_ulp(ours, function(x), maxulp=1)


def test_equal_beginnings_are_computed_once() -> None:
    filled = (Op.IMPUTE, (1.0,))
    plan = build_plan(
        ("x", "y"),
        [("x", (filled, (Op.LOG, ()))), ("x", (filled, (Op.SQRT, ()))), ("x", (filled,)), ("y", (filled,)), ("x", ())],
    )
    assert plan.code.tolist() == [Op.IMPUTE, Op.LOG, Op.SQRT, Op.IMPUTE]
    assert plan.source.tolist() == [0, 2, 2, 1]
    assert plan.outputs.tolist() == [3, 4, 2, 5, 0]
    assert plan.origin.tolist() == [0, 0, 0, 1, 0]
    features, _ = plan.run(np.array([[4.0, NAN]]))
    np.testing.assert_array_equal(features, [[np.log(4.0), 2.0, 4.0, 1.0, 4.0]])


def test_a_feature_that_is_a_column_as_it_is_is_known_by_its_name() -> None:
    filled, doubled = (Op.IMPUTE, (1.0,)), (Op.MULTIPLY, (2.0,))
    plan = build_plan(("x", "y"), [("x", ()), ("y", (filled,)), ("y", (filled, doubled)), ("x", (doubled,))])
    assert plan.unchanged() == ["x", "y", None, None]


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=True, width=64), st.integers(-2, 5), st.floats(-1e6, 1e6)), min_size=1, max_size=8
    ),
    st.integers(0, 8),
)
def test_a_row_comes_out_the_same_alone_and_however_the_batch_is_split(
    rows: list[tuple[float, int, float]], cut: int
) -> None:
    plan = build_plan(
        ("x", "code", "y"),
        [
            ("x", ((Op.IMPUTE, (0.5,)), (Op.SUBTRACT, (0.1,)), (Op.DIVIDE, (3.3,)))),
            ("code", ((Op.LOOKUP, (0.0, REFUSED, 1.0, 2.0, 3.0)), (Op.EQUALS, (2.0,)))),
            ("y", ((Op.REQUIRE_FLOAT32, ()), (Op.BIN, (-10.0, 0.0, 10.0)))),
        ],
    )
    matrix = np.array(rows, dtype=np.float64)
    features, refused = plan.run(matrix)
    for part in (slice(0, cut), slice(cut, None)):
        again = plan.run(matrix[part])
        np.testing.assert_array_equal(again[0], features[part])
        np.testing.assert_array_equal(again[1], refused[part])


def sound_plan() -> Plan:
    binned = ("x", ((Op.IMPUTE, (1.0,)), (Op.BIN, (1.0, 2.0))))
    matched = ("y", ((Op.MATCH, (0.0, 0.0, 1.0, 2.0, 5.0, 6.0)),))
    ranked = ("y", ((Op.QUANTILE, (1.0, 2.0, 0.0, 1.0)),))
    normal = ("y", ((Op.QUANTILE_NORMAL, (-5.0, 5.0, 1.0, 2.0, 0.0, 1.0)),))
    cubed = ("y", ((Op.POWER, (3.0,)),))
    return build_plan(("x", "y"), [binned, matched, ranked, normal, cubed])


def spoil(name: str, place: int, value: float) -> Callable[[Plan], Plan]:
    def spoilt(plan: Plan) -> Plan:
        array = getattr(plan, name).copy()
        array[place] = value
        return replace(plan, **{name: array})

    return spoilt


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (spoil("code", 0, 99), "unknown"),
        (spoil("code", 0, 0), "unknown"),
        (spoil("source", 0, 2), "outside the plan"),  # an operation that reads what it writes itself
        (spoil("source", 1, 9), "outside the plan"),
        (spoil("source", 0, -1), "outside the plan"),
        (spoil("begin", 0, -1), "outside the plan"),
        (spoil("end", 2, 99), "outside the plan"),
        (spoil("end", 0, 0), "0 parameters"),
        (spoil("end", 2, 8), "keys without values"),
        (spoil("params", 1, 5.0), "do not rise"),
        (spoil("params", 5, NAN), "do not rise"),
        (spoil("params", 9, 3.0), "keys that fall"),
        (spoil("params", 10, NAN), "4 parameters"),
        (spoil("params", 15, 3.0), "keys that fall"),
        (spoil("params", 13, np.inf), "6 parameters"),
        (spoil("params", 19, 0.0), "to multiply 0 times"),
        (spoil("params", 19, 2.5), "to multiply 2.5 times"),
        (spoil("params", 19, 1e9), "to multiply 1e.09 times"),
        (spoil("outputs", 0, 12), "outputs"),
        (spoil("outputs", 0, -1), "outputs"),
        (spoil("origin", 0, 2), "columns it does not read"),
        (spoil("origin", 0, -1), "columns it does not read"),
        (lambda plan: replace(plan, code=plan.code[:-1]), "do not fit"),
        (lambda plan: replace(plan, origin=plan.origin[:-1]), "do not fit"),
        (lambda plan: replace(plan, params=plan.params[None, :]), "do not fit"),
        (lambda plan: replace(plan, inputs=("x", "x")), "twice"),
        (spoil("begin", 1, 0), "after those of the one before"),
        (lambda plan: replace(plan, params=np.append(plan.params, 1.0)), "more parameters than its operations read"),
        (
            lambda plan: replace(plan, origin=plan.origin[::-1].copy()),
            "feature 0 is made of another column than it says",
        ),
        (
            lambda plan: replace(plan, outputs=np.zeros(2_000_000, np.int32), origin=np.zeros(2_000_000, np.int32)),
            "more than 1,000,000",
        ),
    ],
)
def test_bad_arrays_are_refused_before_they_run(spoilt: Callable[[Plan], Plan], message: str) -> None:
    sound_plan().check()
    with pytest.raises(PackageError, match=message):
        spoilt(sound_plan()).check()


def test_operations_keep_their_numbers_which_are_part_of_the_package_protocol() -> None:
    assert [(op.name, int(op)) for op in Op] == [
        ("IMPUTE", 1), ("IS_MISSING", 2), ("ADD", 3), ("SUBTRACT", 4), ("MULTIPLY", 5), ("DIVIDE", 6), ("CLIP", 7),
        ("LOOKUP", 8), ("MATCH", 9), ("BIN", 10), ("EQUALS", 11), ("LOG", 12), ("LOG1P", 13), ("SQRT", 14), ("EXP", 15),
        ("ABS", 16), ("REQUIRE_KNOWN", 17), ("REQUIRE_FLOAT32", 18), ("TO_FLOAT32", 19), ("REQUIRE_FINITE", 20),
        ("REQUIRE_POSITIVE", 21), ("REPLACE", 22), ("GREATER", 23), ("POWER", 24), ("YEO_JOHNSON", 25), ("BOX_COX", 26),
        ("QUANTILE", 27), ("QUANTILE_NORMAL", 28), ("LOG2", 29), ("LOG10", 30), ("CBRT", 31), ("EXPM1", 32),
        ("RECIPROCAL", 33), ("SIGN", 34), ("FLOOR", 35), ("CEIL", 36), ("RINT", 37), ("TANH", 38),
    ]  # fmt: skip
