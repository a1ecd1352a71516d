"""No engine stands for a model before it was found to be it: a wrong one is caught, however slightly wrong (R29)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from roadworthy.contract import MISSING, UNSEEN, Batch, check_table, to_arrow
from roadworthy.model import seal
from roadworthy.model.compiling import compile_model
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.forest import Forest
from roadworthy.model.formats.frames import frame_columns
from roadworthy.model.formats.native import NativeEngine
from roadworthy.model.linear import Linear
from roadworthy.model.parity import LINEAR_TOLERANCE, Parity, compare, make_hard_rows
from roadworthy.testing import make_applications, make_package

NAN = float("nan")


@pytest.fixture(scope="module")
def forest() -> CompiledEngine:
    engine = make_package("boosted").engine
    assert isinstance(engine, CompiledEngine)
    return engine


@pytest.fixture(scope="module")
def rows() -> Batch:
    return make_package("boosted").batch(make_applications(200, seed=41)[0])


def found(engine: CompiledEngine, batch: Batch, own: NDArray[np.float64], *cut_offs: float) -> Parity:
    nobody = batch.take(slice(0, 0))
    return compare(engine, (batch, nobody), (own, np.zeros(0)), cut_offs=cut_offs)


def test_an_engine_that_is_the_model_is_equal_to_the_bit(forest: CompiledEngine, rows: Batch) -> None:
    parity = found(forest, rows, forest.pd(rows), 0.1, 0.2)
    assert parity == Parity(
        rows=200, hard_rows=0, bit_equal=200, largest_difference=0.0, changed_answers=0, refused_by_library_only=0,
        tolerance=0.0,
    )  # fmt: skip
    assert parity.holds
    assert parity.sentence().startswith("200 of 200 rows equal to the bit")


def test_one_bit_in_one_row_is_caught_in_a_forest(forest: CompiledEngine, rows: Batch) -> None:
    own = forest.pd(rows).copy()
    own[17] = np.nextafter(own[17], 1.0)
    parity = found(forest, rows, own)
    assert parity.bit_equal == 199
    assert 0 < parity.largest_difference < 1e-15
    assert not parity.holds


def test_a_linear_engine_may_differ_in_the_last_bits_and_no_more() -> None:
    package = make_package("scorecard")
    batch = package.batch(make_applications(50, seed=41)[0])
    assert isinstance(package.engine, CompiledEngine)
    own = package.engine.pd(batch)
    assert found(package.engine, batch, own + LINEAR_TOLERANCE / 2).holds
    assert not found(package.engine, batch, own + LINEAR_TOLERANCE * 2).holds


def test_an_answer_that_changes_at_a_cut_off_is_caught_even_within_the_tolerance() -> None:
    package = make_package("scorecard")
    batch = package.batch(make_applications(50, seed=41)[0])
    assert isinstance(package.engine, CompiledEngine)
    own = package.engine.pd(batch).copy()
    cut_off = float(own[3])
    own[3] = np.nextafter(cut_off, 0.0)  # the library: just below the cut-off; the engine: on it
    parity = found(package.engine, batch, own, cut_off)
    assert parity.changed_answers == 1
    assert not parity.holds


def test_what_the_library_refuses_the_engine_may_not_answer_and_the_other_way_round(
    forest: CompiledEngine, rows: Batch
) -> None:
    own = forest.pd(rows).copy()
    own[5] = NAN
    parity = found(forest, rows, own)
    assert (parity.refused_by_library_only, parity.holds) == (1, False)

    class Refusing(CompiledEngine):
        def pd(self, batch: Batch) -> NDArray[np.float64]:
            answers = super().pd(batch)
            answers[5:6] = NAN
            return answers

    refusing = Refusing(forest.plan, forest.scorer, forest.link, forest.bad_is_first)
    assert found(refusing, rows, own).holds
    assert found(refusing, rows, forest.pd(rows)).largest_difference == np.inf
    assert not found(refusing, rows, forest.pd(rows)).holds


@pytest.mark.parametrize(
    "wrong", ["strictly less", "missing the other way", "a tree, ever so little", "base", "a category"]
)
def test_a_deliberately_wrong_engine_is_caught_on_the_made_up_rows(wrong: str, forest: CompiledEngine) -> None:
    """Real rows seldom lie on a split point: these are made to."""
    scorer = forest.scorer
    assert isinstance(scorer, Forest)
    if wrong == "strictly less":
        changed: dict[str, Any] = {"threshold": np.nextafter(scorer.threshold, -np.inf)}
    elif wrong == "missing the other way":
        changed = {"missing_left": 1 - scorer.missing_left}
    elif wrong == "a tree, ever so little":
        value = scorer.value.copy()
        tree = slice(scorer.roots[0], scorer.roots[1])
        value[tree] *= 1 + 1e-14
        changed = {"value": value}
    elif wrong == "base":
        changed = {"base": np.nextafter(scorer.base, 0.0)}
    else:
        changed = {"category_bits": scorer.category_bits ^ np.uint32(1)}
    package = make_package("boosted")
    given = package.batch(make_applications(30, seed=41)[0])
    thresholds = {
        name: np.unique(scorer.threshold[(scorer.feature == j) & (scorer.category_begin < 0)])
        for j, name in enumerate(forest.plan.unchanged())
        if name is not None
    }
    hard = make_hard_rows(given, package.engine.inputs, thresholds)
    own = (forest.pd(given), forest.pd(hard))
    assert compare(forest, (given, hard), own, cut_offs=(0.12,)).holds
    spoilt = replace(forest, scorer=replace(scorer, **changed))
    assert not compare(spoilt, (given, hard), own, cut_offs=(0.12,)).holds


def test_hard_rows_try_what_tends_to_go_wrong() -> None:
    package = make_package("boosted")
    given = package.batch(make_applications(7, seed=41)[0])
    hard = make_hard_rows(given, ("age", "region", "employed"), {"age": np.array([40.5])})
    ages, regions, employed = (hard.columns[name] for name in ("age", "region", "employed"))
    tried = set(ages[~np.isnan(ages)].tolist())
    assert {40.5, np.nextafter(40.5, 0), np.nextafter(40.5, 99), 0.0, 1e9, -1e9, 1e300, -1e300, 18.0, 100.0} <= tried
    assert np.isnan(ages).any()
    assert {MISSING, UNSEEN, 0, 1, 2, 3} <= set(regions.tolist())
    assert {0.0, 1.0} <= set(employed[~np.isnan(employed)].tolist())
    # One column at a time: every other cell is one of a row given.
    assert set(hard.columns["amount"].tolist()) <= set(given.columns["amount"].tolist())


def test_ties_on_split_points_of_a_real_forest_are_equal() -> None:
    """Every threshold of a forest, and the numbers beside it, through the library and through the engine."""
    X, bad = make_applications(400, seed=42)
    X = X[["age", "amount", "months"]].astype("float64")
    model = RandomForestClassifier(10, min_samples_leaf=5, random_state=0).fit(X, bad)
    package = seal(model, X, bad, name="ties")
    points = np.unique(np.concatenate([tree.tree_.threshold[tree.tree_.feature == 1] for tree in model.estimators_]))
    amounts = np.concatenate(
        [points, np.nextafter(points, -np.inf), np.nextafter(points, np.inf), points.astype("float32")]
    )
    asked = X.iloc[np.arange(len(amounts)) % len(X)].assign(amount=amounts)
    assert package.pd(asked).tolist() == model.predict_proba(asked)[:, 1].tolist()


def test_a_model_whose_parts_are_not_laid_out_as_known_runs_natively() -> None:
    X, bad = make_applications(300, seed=42)
    X = X[["age", "amount", "months"]].astype("float64")
    model = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, bad)
    batch = check_table(make_package("boosted").contract, to_arrow(make_applications(300, seed=42)[0])).batch
    native = NativeEngine(model, frame_columns(X, list(X)), named=True, bad_at=1)
    engine, parity, why = compile_model(native, batch, native.pd_at_once(batch), ())
    assert engine is not None
    assert parity is not None
    assert parity.holds

    class Odd(RandomForestClassifier):  # type: ignore[misc]  # scikit-learn has no types
        """As of some other release, where trees are kept elsewhere."""

    Odd.__module__, Odd.__qualname__ = "sklearn.ensemble", "RandomForestClassifier"
    odd = Odd(3, max_depth=3, random_state=0).fit(X, bad)
    own = native.pd_at_once(batch)
    odd.estimators_ = [tree.tree_ for tree in odd.estimators_]
    engine, parity, why = compile_model(NativeEngine(odd, native.frame, named=True, bad_at=1), batch, own, ())
    assert (engine, parity) == (None, None)
    assert why.startswith("its parts are not laid out as known: AttributeError")


def test_the_linear_tolerance_is_for_linear_scorers_only(forest: CompiledEngine, rows: Batch) -> None:
    assert found(forest, rows, forest.pd(rows)).tolerance == 0.0
    engine = make_package("scorecard").engine
    assert isinstance(engine, CompiledEngine)
    assert isinstance(engine.scorer, Linear)
    batch = make_package("scorecard").batch(make_applications(5)[0])
    assert found(engine, batch, engine.pd(batch)).tolerance == LINEAR_TOLERANCE
