"""What is explained, by which method, how far from the library's own number, and how often reasons are true (R27)."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from roadworthy.contract import Batch, Column, Contract, check_table, to_arrow
from roadworthy.decision import Release, decide
from roadworthy.errors import PackageError, SealError
from roadworthy.model import METHODS, Explanation, card_lines, load_bytes, seal
from roadworthy.model.package import PROTOCOL, Package
from roadworthy.model.package_file import file_bytes
from roadworthy.model.sampling import _all_coalitions, explain_by_asking
from roadworthy.model.true_reasons import choose_columns, measure_true_reasons
from roadworthy.policy import Policy
from roadworthy.testing import make_applications, make_package

NUMBERS = ["age", "income", "amount", "months"]


def rows(n: int = 600, seed: int = 4) -> tuple[Any, NDArray[np.int64]]:
    X, bad = make_applications(n, seed=seed)
    return X[NUMBERS].astype("float64").fillna(0.0), bad


def sealed(model: Any, reasons: str = "reference") -> Package:
    X, bad = rows()
    return seal(model.fit(X[200:], bad[200:]), X[:200], bad[:200], name="explained", cut_offs=(0.25,), reasons=reasons)


def boosters() -> dict[str, Any]:
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    return {
        "lightgbm": lightgbm.LGBMClassifier(n_estimators=20, num_leaves=7, verbose=-1, n_jobs=1),
        "xgboost": xgboost.XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1),
    }


@pytest.mark.parametrize(("library", "within"), [("lightgbm", 1e-12), ("xgboost", 2e-5)])
def test_a_package_sealed_for_paths_says_what_pred_contrib_says(library: str, within: float) -> None:
    model = boosters()[library]
    package = sealed(model, "path")
    package = load_bytes(package.to_bytes())
    X, _ = rows()
    said = package.explain(X[:50])
    if library == "lightgbm":
        theirs = model.predict_proba(X[:50], pred_contrib=True)
    else:
        import xgboost

        theirs = model.get_booster().predict(xgboost.DMatrix(X[:50]), pred_contribs=True)
    np.testing.assert_allclose(said.contributions, theirs[:, :-1], rtol=0, atol=within)
    np.testing.assert_allclose(said.reference_output, theirs[:, -1], rtol=0, atol=within)
    assert (said.method, said.quantity) == ("path", "margin") == (
        package.manifest.engine.reasons, package.manifest.engine.quantity,
    )  # fmt: skip
    assert said.reference_pd == pytest.approx(float(package.engine.pd(package.reference)[0]))
    assert any(METHODS["path"] in line for line in card_lines(package))


def test_contributions_add_up_to_float64_and_the_rest_to_the_library_s_own_is_stored() -> None:
    """XGBoost adds in float32: its margin is not the sum of its leaves, and the package says by how much."""
    found = {}
    for library, model in boosters().items():
        package = sealed(model)
        X, _ = rows()
        said = package.explain(X)
        apart = said.contributions.sum(axis=1) - (said.output - said.reference_output)
        assert np.abs(apart).max() < 1e-12
        found[library] = package.manifest.engine.residual
    assert found["lightgbm"] == 0.0
    assert found["xgboost"] is not None
    assert 0.0 < found["xgboost"] < 1e-5
    assert sealed(LogisticRegression()).manifest.engine.residual == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("model", "because"),
    [(LogisticRegression(), "not one ensemble of trees"), (GaussianNB(), "runs native")],
    ids=["linear", "native"],
)
def test_what_has_no_paths_is_not_sealed_for_them(model: Any, because: str) -> None:
    with pytest.raises(SealError, match=because) as raised:
        sealed(model, "path")
    assert "leave `reasons` out" in str(raised.value.mend)


def test_a_method_that_is_none_is_refused() -> None:
    with pytest.raises(SealError, match="'lime' are unknown"):
        sealed(LogisticRegression(), "lime")


def change(package: Package, **engine: Any) -> bytes:
    manifest = msgspec.json.decode(package.parts["manifest.json"])
    manifest["engine"] |= engine
    return file_bytes({**package.parts, "manifest.json": msgspec.json.encode(manifest)})


def test_a_package_that_says_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(PackageError, match="path-dependent reasons are of trees"):
        load_bytes(change(make_package("scorecard"), reasons="path"))
    with pytest.raises(PackageError, match="'lime' are unknown"):
        load_bytes(change(make_package("scorecard"), reasons="lime"))
    assert load_bytes(change(make_package("boosted"), reasons="path")).manifest.engine.reasons == "path"
    assert PROTOCOL >= 3


WIDE = Contract(name="wide", columns=tuple(Column(name=f"x{i}", type="number", missing=True) for i in range(10)))


def wide(values: NDArray[np.float64]) -> Batch:
    return check_table(WIDE, to_arrow({f"x{i}": values[:, i] for i in range(10)})).batch


def ask(batch: Batch, _: int) -> NDArray[np.float64]:
    """Every neighbour with its neighbour, so that the order in which columns join makes a difference."""
    x = np.nan_to_num(batch.matrix([column.name for column in WIDE.columns]), nan=-1.0)
    return np.asarray(1 / (1 + np.exp(2.0 - (x[:, :-1] * x[:, 1:]).sum(axis=1))))


def test_sampled_values_are_drawn_from_the_row_and_are_the_same_alone() -> None:
    """Two rows of other content get other orders, one row the same ones; -0.0 is 0.0 and every gap is one."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(5, 10))
    values[1] = 0.0
    values[2, 4] = np.nan
    names, reference = tuple(column.name for column in WIDE.columns), wide(np.zeros((1, 10)))
    whole = explain_by_asking(ask, wide(values), reference, names)
    assert (whole.method, whole.quantity) == ("sampled", "pd")
    assert whole.error is not None
    for i in range(5):
        alone = explain_by_asking(ask, wide(values[[i]]), reference, names)
        assert alone.error is not None
        assert alone.contributions[0].tolist() == whole.contributions[i].tolist()
        assert alone.error[0].tolist() == whole.error[i].tolist()
    other = explain_by_asking(ask, wide(-values[[1]]), reference, names)
    assert other.contributions[0].tolist() == whole.contributions[1].tolist()
    np.testing.assert_allclose(whole.contributions.sum(axis=1), whole.output - whole.reference_output, atol=1e-12)


def test_of_no_columns_nothing_is_explained() -> None:
    """A package that was changed by hand may read none."""
    present, combine = _all_coalitions(0)
    assert present.shape == (1, 0)
    contributions, errors = combine(np.array([0.25]))
    assert contributions.shape == errors.shape == (0,)


def test_the_standard_error_is_what_it_says() -> None:
    """Against every coalition: about two in three values lie within one error, nearly all within four."""
    values = np.random.default_rng(11).normal(size=(8, 10))
    names, reference = tuple(column.name for column in WIDE.columns), wide(np.zeros((1, 10)))
    found = explain_by_asking(ask, wide(values), reference, names)
    present, combine = _all_coalitions(10)
    exact = []
    for i in range(8):
        mixed = np.where(present, values[i], 0.0)
        exact.append(combine(ask(wide(mixed), 0))[0])
    assert found.error is not None
    off = np.abs(found.contributions - np.array(exact)) / found.error
    assert 0.5 < (off < 1).mean() < 0.9
    assert (off < 4).mean() > 0.97


NO_SUMS = {
    "voting": lambda: VotingClassifier([("boosted", boosted()), ("line", LogisticRegression())], voting="soft"),
    "stacking": lambda: StackingClassifier([("boosted", boosted()), ("line", LogisticRegression())], cv=2),
    "isotonic": lambda: CalibratedClassifierCV(boosted(), cv=2, method="isotonic"),
    "sigmoid of two": lambda: CalibratedClassifierCV(boosted(), cv=2),
    "native": GaussianNB,
}


def boosted() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=6, min_samples_leaf=5)


@pytest.mark.parametrize("name", NO_SUMS)
def test_what_is_no_sum_of_many_columns_is_sampled_and_its_error_reaches_the_record(name: str) -> None:
    values = np.random.default_rng(8).normal(size=(500, 10))
    bad = (values[:, 0] * values[:, 1] + values[:, 2:].sum(axis=1) / 3 > 0.5).astype(int)
    X = pd.DataFrame(values, columns=[f"x{i}" for i in range(10)])
    fitted = NO_SUMS[name]().fit(X[:400], bad[:400])
    package = seal(fitted, X[400:], bad[400:], name="wide", contract=WIDE, cut_offs=(0.3,))
    package = load_bytes(package.to_bytes())
    note = package.manifest.engine
    assert note.kind == ("native" if name == "native" else "compiled")
    assert note.scorer == ("" if name == "native" else "composed")
    assert (note.reasons, note.quantity) == ("sampled", "pd")
    asked = X[400:440]
    said = package.explain(asked)
    assert said.method == "sampled"
    assert said.error is not None
    assert said.error.shape == said.contributions.shape == (40, 10)
    assert (said.error >= 0).all()
    assert (said.error > 0).any()
    np.testing.assert_allclose(said.contributions.sum(axis=1), said.output - said.reference_output, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(said.output, package.pd(asked))
    policy = Policy.parse("name: any\nbands: [{up_to: 0.3, answer: approve}, {answer: decline}]\n")
    decisions = decide(package.batch(asked), Release(package, policy))
    stated = [reason for decision in decisions.to_arrow().to_pylist() for reason in decision["reasons"]]
    of_columns = [reason for reason in stated if reason["column"]]
    assert len(of_columns) > 10
    assert sum(reason["error"] is not None for reason in of_columns) > len(of_columns) / 2


def test_which_comes_first_is_marked_open_where_the_errors_do_not_tell() -> None:
    """Of three contributions the first two lie within their errors of each other, and the last is not above its own."""

    class Asked:
        kind, inputs = "native", ("x0", "x1", "x2")

        def pd(self, batch: Batch) -> NDArray[np.float64]:
            return np.asarray(0.1 + 0.1 * batch.matrix(self.inputs).sum(axis=1))

        def explain(self, batch: Batch, reference: Batch) -> Explanation:  # noqa: ARG002  # as every engine has it
            contributions, error = np.array([[0.10, 0.11, 0.01]]), np.array([[0.02, 0.01, 0.02]])
            return Explanation(self.inputs, contributions, np.zeros(1), 0.0, 0.1, "pd", "sampled", error)

    engine: Any = Asked()
    batch, reference = wide(np.ones((1, 10))), wide(np.zeros((1, 10)))
    stated = choose_columns(engine, reference, batch, engine.pd(batch), np.array([4]))
    assert stated.column.tolist() == [[1, 0, -1]]
    assert stated.close.tolist() == [[True, True, False]]
    np.testing.assert_array_equal(stated.error, [[0.01, 0.02, np.nan]])
    assert stated.method == "sampled"


def test_how_often_reasons_are_true_is_counted_of_those_declined() -> None:
    """The model calls everyone above x0 = 0 bad but takes nothing back: with no column does the PD fall."""

    class Odd:
        kind, inputs = "compiled", ("x0", "x1")

        def pd(self, batch: Batch) -> NDArray[np.float64]:
            first, second = batch.matrix(self.inputs).T
            return np.where((first == 0) & (second == 0), 0.9, np.where(first > 1, 0.8, 0.1))

        def explain(self, batch: Batch, reference: Batch) -> Explanation:  # noqa: ARG002  # as every engine has it
            contributions = np.tile([-0.1, 0.2], (len(batch), 1))
            return Explanation(self.inputs, contributions, self.pd(batch), 0.0, 0.9, "pd", "asked")

    engine: Any = Odd()
    values = np.zeros((4, 10))
    values[1, :2], values[2, :2], values[3, :2] = (2, 0), (2, 3), (0.5, 0)
    batch, reference = wide(values), wide(np.zeros((1, 10)))
    pd = engine.pd(batch)
    assert pd.tolist() == [0.9, 0.8, 0.8, 0.1]
    # The first is the reference itself, the second would be it: no true reason. The third needs x0 in place of x1.
    assert measure_true_reasons(engine, reference, batch, pd, (0.3, 0.5)) == {
        "cut_off": 0.5, "most": 4, "count": 3, "adjusted": 1, "none": 2,
    }  # fmt: skip
    assert measure_true_reasons(engine, reference, batch, pd, (0.95,))["count"] == 0
    assert measure_true_reasons(engine, reference, batch, np.full(4, np.nan), ())["count"] == 0
