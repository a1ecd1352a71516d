"""A calibrator behind a sealed package: fitted to newer outcomes, judged on rows it did not see, never worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from roadworthy.contract import Batch, check_table, to_arrow
from roadworthy.errors import SealError
from roadworthy.measures import auc
from roadworthy.model import Package, load_bytes, recalibrate, seal
from roadworthy.model.calibrating import Line, Steps, cross_fit, fit
from roadworthy.testing import make_applications, make_package

ROWS = 3_000
Numbers = NDArray[np.float64]


@pytest.fixture(scope="module", params=["scorecard", "boosted"])
def package(request: Any) -> Package:
    return make_package(request.param)


def newer(package: Package) -> Batch:
    table, _ = make_applications(ROWS, seed=11)
    return check_table(package.contract, to_arrow(table), unknown="ignore").batch


def draw(pd: Numbers, slope: float, shift: float, seed: int = 0) -> NDArray[np.int64]:
    """Outcomes whose log-odds are a line of those predicted."""
    return np.asarray(np.random.default_rng(seed).random(len(pd)) < expit(slope * logit(pd) + shift), dtype=np.int64)


@pytest.mark.parametrize(("slope", "shift", "chosen"), [(1.0, 1.0, "intercept"), (1.7, 0.4, "sigmoid")])
def test_a_shift_is_taken_for_a_shift_and_a_line_for_a_line(
    package: Package, slope: float, shift: float, chosen: str
) -> None:
    X = newer(package)
    done = recalibrate(package, X, draw(package.pd(X), slope, shift))
    assert done.chosen == chosen
    assert done.after.expected_calibration_error < done.before.expected_calibration_error
    assert abs(done.after.predicted_rate - done.after.observed_rate) < 0.003
    truth = expit(slope * logit(package.pd(X)) + shift)
    assert np.abs(done.package.pd(X) - truth).max() < 0.12
    assert np.abs(done.package.pd(X) - truth).mean() < np.abs(package.pd(X) - truth).mean() / 3


def test_behind_a_line_reasons_stay_exact_in_log_odds(package: Package) -> None:
    X = newer(package)
    done = recalibrate(package, X, draw(package.pd(X), 1.5, 0.7), method="sigmoid")
    few = X.take(slice(0, 50))
    then, now = package.explain(few), done.package.explain(few)
    assert (now.quantity, now.method, now.error) == ("margin", "reference", None)
    np.testing.assert_allclose(now.contributions.sum(axis=1), now.output - now.reference_output, atol=1e-12)
    np.testing.assert_allclose(expit(now.output), done.package.pd(few), rtol=0, atol=1e-12)
    slope = (now.output[1] - now.output[0]) / (then.output[1] - then.output[0])
    np.testing.assert_allclose(now.contributions, slope * then.contributions, atol=1e-9)


@pytest.mark.parametrize("method", ["intercept", "sigmoid", "isotonic"])
def test_the_new_package_is_loaded_checked_and_says_where_it_comes_from(package: Package, method: str) -> None:
    X = newer(package)
    done = recalibrate(package, X, draw(package.pd(X), 1.6, 1.0), method=method, lineage={"data": "abc"})
    again = load_bytes(done.package.to_bytes())
    np.testing.assert_array_equal(again.pd(X), done.package.pd(X))
    assert again.check_golden() == 0
    assert again.manifest.lineage["recalibrated_from"] == package.digest
    assert again.manifest.lineage["data"] == "abc"
    assert again.contract == package.contract
    assert f"recalibrated ({method}" in again.manifest.notes[-1]
    assert "cross-fitting" in again.evaluation["population"]
    assert set(done.changed) == {0.12, 0.25}
    assert all(count > 0 for count in done.changed.values())
    order = np.argsort(package.pd(X), kind="stable")
    assert (np.diff(again.pd(X)[order]) >= 0).all()  # it ranks as it did


def test_a_package_recalibrated_again_has_one_line_behind_its_sum(package: Package) -> None:
    X = newer(package)
    once = recalibrate(package, X, draw(package.pd(X), 1.5, 0.5), method="sigmoid").package
    twice = recalibrate(once, X, draw(once.pd(X), 0.6, -0.5), method="sigmoid").package
    assert [name for name in twice.parts if name.startswith("scorer/2")] == []
    assert twice.manifest.lineage["recalibrated_from"] == once.digest
    assert twice.manifest.engine.why.count("recalibrated") == 1


def test_what_is_calibrated_already_is_left_as_it_is(package: Package) -> None:
    X = newer(package)
    with pytest.raises(SealError, match="by more than chance does: intercept") as refusal:
        recalibrate(package, X, draw(package.pd(X), 1.0, 0.0, seed=4))
    assert "standard error" in str(refusal.value)


def test_noise_gains_nothing_on_rows_that_it_was_not_fitted_to() -> None:
    """Steps follow the noise of the rows that they are fitted to; folds tell, since they are not dealt out by PD."""
    gains = []
    for seed in range(6):
        draws = np.random.default_rng(seed)
        pd = draws.beta(1, 4, 2_000)
        bad = (draws.random(2_000) < pd).astype(np.float64)
        gains.append(cross_fit("isotonic", pd, bad, np.ones(2_000)).gain)
    assert np.mean(gains) < 0


def test_forests_that_add_up_probabilities_and_turned_labels_are_recalibrated() -> None:
    X, bad = make_applications(2_000, seed=1)
    numbers = X[["age", "income", "amount", "months", "late_payments"]].fillna(0).astype(float)
    for model, outcome in (
        (RandomForestClassifier(20, max_depth=4, random_state=0), np.asarray(bad)),
        (HistGradientBoostingClassifier(max_iter=20), np.where(np.asarray(bad) == 1, "bad", "good")),
    ):
        package = seal(model.fit(numbers, outcome), numbers, bad, name="forest")
        pd = package.pd(numbers)
        done = recalibrate(package, numbers, draw(pd, 1.0, 1.2), method="sigmoid", cut_offs=(0.3,))
        found = fit("sigmoid", pd, draw(pd, 1.0, 1.2).astype(np.float64), np.ones(len(pd)))
        np.testing.assert_allclose(done.package.pd(numbers), found.value(pd), rtol=0, atol=1e-12)
        assert list(done.changed) == [0.3]


def test_a_calibrator_is_what_the_likelihood_says() -> None:
    draws = np.random.default_rng(3)
    pd = draws.beta(2, 5, 4_000)
    bad = draw(pd, 0.8, 0.6, seed=5).astype(np.float64)
    weights = draws.uniform(0.5, 2.0, 4_000)
    found = fit("sigmoid", pd, bad, weights)
    own = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(logit(pd)[:, None], bad, sample_weight=weights)
    assert isinstance(found, Line)
    assert found.slope == pytest.approx(own.coef_[0, 0], abs=1e-5)
    assert found.shift == pytest.approx(own.intercept_[0], abs=1e-5)
    shifted = fit("intercept", pd, bad, weights)
    assert np.average(shifted.value(pd), weights=weights) == pytest.approx(np.average(bad, weights=weights), abs=1e-7)
    steps = fit("isotonic", pd, bad, weights)
    assert isinstance(steps, Steps)
    assert (np.diff(steps.knots) > 0).all()
    assert (np.diff(steps.levels) >= 0).all()
    assert steps.levels[0] > 0
    assert steps.levels[-1] < 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bad": np.zeros(ROWS)}, "0 bad and"),
        ({"bad": np.full(ROWS, 2)}, "other than 0 and 1"),
        ({"bad": np.zeros(3)}, "shape"),
        ({"bad": ["x"] * ROWS}, "not numbers"),
        ({"weights": np.zeros(ROWS)}, "not above 0"),
        ({"method": "magic"}, "no calibrator 'magic'"),
    ],
)
def test_bad_input_has_a_clear_answer(change: dict[str, Any], words: str) -> None:
    package = make_package("scorecard")
    X = newer(package)
    given = {"bad": draw(package.pd(X), 1.0, 1.0), **change}
    with pytest.raises(SealError, match=words):
        recalibrate(package, X, given.pop("bad"), **given)


def test_outcomes_turned_round_and_native_packages_are_refused() -> None:
    package = make_package("scorecard")
    X = newer(package)
    with pytest.raises(SealError, match="turn the model round"):
        recalibrate(package, X, 1 - draw(package.pd(X), 2.0, 0.0), method="sigmoid")
    table, bad = make_applications(600, seed=1)
    numbers = table[["age", "months"]].fillna(0).astype("float32")
    native = seal(KNeighborsClassifier(algorithm="brute").fit(numbers, bad), numbers, bad, name="native")
    with pytest.raises(SealError, match="runs natively"):
        recalibrate(native, numbers, bad)


def test_it_ranks_as_before_and_says_so_in_words(package: Package) -> None:
    X = newer(package)
    bad = draw(package.pd(X), 1.0, 1.0)
    done = recalibrate(package, X, bad)
    assert float(auc(bad, done.package.pd(X))) == pytest.approx(float(auc(bad, package.pd(X))), abs=1e-9)
    assert "on rows that the calibrator did not see" in done.sentence()
