"""Calibration in numbers: Brier's parts, the curve, Hosmer-Lemeshow, and the logistic recalibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import chi2, norm
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from roadworthy.errors import MeasureError
from roadworthy.measures import (
    brier,
    brier_decomposition,
    calibration_curve,
    calibration_in_the_large,
    calibration_slope,
    hosmer_lemeshow,
)

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]
FEW = settings(deadline=None, max_examples=40)


def _sample(seed: int, rows: int = 600, slope: float = 1.0, shift: float = 0.0) -> Sample:
    """PDs to which the truth is `shift` + `slope` x ln odds."""
    generator = np.random.default_rng(seed)
    pd = np.clip(generator.beta(1, 5, rows).round(3), 0.001, 0.999)
    bad = generator.random(rows) < expit(shift + slope * logit(pd))
    return bad, pd, generator.integers(1, 5, rows).astype(float)


@st.composite
def _cases(draw: st.DrawFn) -> Sample:
    pd = draw(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]) | st.floats(0, 1), min_size=1, max_size=40))
    bad = draw(st.lists(st.integers(0, 1), min_size=len(pd), max_size=len(pd)))
    weights = draw(st.lists(st.integers(0, 3), min_size=len(pd) - 1, max_size=len(pd) - 1))
    return np.array(bad), np.array(pd), np.array([1, *weights], dtype=float)


@FEW
@given(_cases(), st.integers(1, 12), st.sampled_from(["count", "width"]))
def test_the_parts_of_brier_add_up_whatever_the_buckets(case: Sample, buckets: int, by: Any) -> None:
    bad, pd, weights = case
    found = brier_decomposition(bad, pd, weights=weights, buckets=buckets, by=by)
    parts = found.reliability - found.resolution + found.uncertainty + found.within_variance - found.within_covariance
    assert found.value == pytest.approx(brier(bad, pd, weights=weights).value, abs=1e-12)
    assert parts == pytest.approx(found.value, abs=1e-12)
    assert min(found.reliability, found.resolution, found.uncertainty, found.within_variance) >= 0


def test_the_parts_by_hand() -> None:
    """Four rows told 20% of which one is bad, four told 70% of which three are: over a base rate of a half."""
    found = brier_decomposition([0, 0, 0, 1, 0, 1, 1, 1], [0.2] * 4 + [0.7] * 4, buckets=2)
    assert found.reliability == pytest.approx(0.05**2)
    assert found.resolution == pytest.approx(0.25**2)
    assert found.uncertainty == 0.25
    assert found.within_variance == pytest.approx(0, abs=1e-30)
    assert found.within_covariance == pytest.approx(0, abs=1e-30)


def test_the_parts_inside_buckets_are_what_murphys_three_leave_over() -> None:
    """One bucket: no resolution, and the spread of PDs inside it would be lost without Stephenson's two."""
    bad, pd = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])
    found = brier_decomposition(bad, pd, buckets=1)
    assert found.resolution == 0.0
    assert found.within_variance == pytest.approx(pd.var())
    assert found.within_covariance == pytest.approx(2 * np.cov(pd, bad, ddof=0)[0, 1])


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_isotonic_regression(seed: int) -> None:
    bad, pd, weights = _sample(seed)
    curve = calibration_curve(bad, pd, weights=weights)
    fitted = IsotonicRegression().fit(pd, bad, sample_weight=weights).predict(pd)
    stretch = np.searchsorted(curve.pd_low, pd, side="right") - 1
    assert curve.observed[stretch] == pytest.approx(fitted, abs=1e-9)
    assert curve.recalibrate(pd) == pytest.approx(fitted, abs=1e-9)
    assert curve.count.sum() == len(pd)


@FEW
@given(_cases())
def test_the_curve_rises_and_its_parts_add_up(case: Sample) -> None:
    bad, pd, weights = case
    curve = calibration_curve(bad, pd, weights=weights)
    assert (np.diff(curve.observed) > 0).all()
    assert (curve.pd_low <= curve.pd_high).all()
    assert curve.weight.sum() == weights.sum()
    assert curve.miscalibration >= -1e-12
    assert curve.discrimination >= -1e-12
    score = brier(bad, pd, weights=weights).value
    assert curve.miscalibration - curve.discrimination + curve.uncertainty == pytest.approx(score, abs=1e-12)
    repeated = np.repeat(np.arange(len(bad)), weights.astype(int))
    assert calibration_curve(bad[repeated], pd[repeated]).observed == pytest.approx(curve.observed, abs=1e-12)


def test_hosmer_and_lemeshow_by_hand() -> None:
    """Two buckets of four: (1 - 0.6)^2 / (0.6 (1 - 0.15)) + (3 - 2.6)^2 / (2.6 (1 - 0.65))."""
    found = hosmer_lemeshow([0, 0, 0, 1, 1, 1, 0, 1], [0.1, 0.1, 0.2, 0.2, 0.6, 0.6, 0.7, 0.7], buckets=2)
    assert found.value == pytest.approx(0.16 / 0.51 + 0.16 / 0.91)
    assert found.degrees_of_freedom == 2
    assert found.p_value == pytest.approx(chi2.sf(found.value, 2))


def test_hosmer_and_lemeshow_is_calm_where_right_and_not_where_wrong() -> None:
    p_values = [hosmer_lemeshow(*_sample(seed)[:2]).p_value for seed in range(40)]
    assert np.mean(np.array(p_values) < 0.05) < 0.2
    assert 0.3 < np.mean(p_values) < 0.7
    bad, pd, _ = _sample(1, rows=3000, shift=0.7)
    assert hosmer_lemeshow(bad, pd).p_value < 1e-6


def test_the_scale_of_weights_changes_no_test() -> None:
    bad, pd, _ = _sample(2)
    plain = hosmer_lemeshow(bad, pd)
    assert hosmer_lemeshow(bad, pd, weights=np.full(len(bad), 1e9)).value == pytest.approx(plain.value)
    slope = calibration_slope(bad, pd, confidence=0.9)
    heavy = calibration_slope(bad, pd, weights=np.full(len(bad), 1e9), confidence=0.9)
    assert heavy.value == pytest.approx(slope.value, abs=1e-9)
    # With weights the errors are robust ones, which are close where the model is right.
    assert heavy.standard_error == pytest.approx(slope.standard_error, rel=0.25)


def test_certain_and_wrong_is_infinite_and_certain_and_right_is_nothing() -> None:
    assert hosmer_lemeshow([0, 1, 0], [0.0, 1.0, 0.0], buckets=2).value == 0.0
    # What is certain and right was no test of the PDs: one bucket of these two was, (2 - 1.5)^2 / (1.5 x 0.5).
    half = hosmer_lemeshow([0, 0, 0, 1, 0, 1], [0, 0, 0, 0.5, 0.5, 0.5], buckets=2)
    assert half.value == pytest.approx(1 / 3)
    assert half.degrees_of_freedom == 1
    assert half.p_value == pytest.approx(chi2.sf(1 / 3, 1))
    wrong = hosmer_lemeshow([1, 1, 0], [0.0, 1.0, 0.0], buckets=2)
    assert (wrong.value, wrong.p_value) == (np.inf, 0.0)


def test_no_degree_of_freedom_is_refused() -> None:
    with pytest.raises(MeasureError, match="degree of freedom"):
        hosmer_lemeshow([0, 1], [0.1, 0.9], buckets=2, fitted=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_slope_and_intercept_are_those_of_logistic_regression(weighted: bool) -> None:
    bad, pd, weights = _sample(7, slope=0.6, shift=-0.4)
    heavy = weights if weighted else None
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(pd)[:, None], bad, sample_weight=heavy)
    found = calibration_slope(bad, pd, weights=heavy)
    assert found.value == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    assert found.intercept == pytest.approx(fitted.intercept_[0], abs=1e-4)
    moved = found.recalibrate(pd)
    assert calibration_slope(bad, moved, weights=heavy).value == pytest.approx(1.0, abs=1e-8)
    assert calibration_in_the_large(bad, moved, weights=heavy).value == pytest.approx(0.0, abs=1e-8)


def test_the_standard_errors_are_those_of_the_information() -> None:
    bad, pd, _ = _sample(8)
    found = calibration_slope(bad, pd, confidence=0.9)
    rate = found.recalibrate(pd)
    columns = np.column_stack([np.ones(len(pd)), logit(pd)])
    covariance = np.linalg.inv(columns.T @ (columns * (rate * (1 - rate))[:, None]))
    assert found.standard_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-6)
    assert found.intercept_standard_error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-6)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(found.value - norm.ppf(0.95) * found.standard_error)


def test_in_the_large_makes_expected_and_observed_meet() -> None:
    bad, pd, weights = _sample(9, shift=0.8)
    found = calibration_in_the_large(bad, pd, weights=weights)
    assert found.value > 0.3
    assert weights @ found.recalibrate(pd) == pytest.approx(weights @ bad, rel=1e-8)
    assert found.observed_rate > found.predicted_rate
    assert found.p_value < 0.01


def test_right_pds_have_slope_1_within_their_interval() -> None:
    held = 0
    for seed in range(40):
        interval = calibration_slope(*_sample(seed, rows=800)[:2], confidence=0.9).interval
        assert interval is not None
        held += interval.low <= 1.0 <= interval.high
    assert 31 <= held <= 40


def test_pds_that_are_far_off_still_settle() -> None:
    bad = np.array([0] * 500 + [1] * 500)
    found = calibration_in_the_large(bad, np.full(1000, 1e-12))
    assert found.value == pytest.approx(-logit(1e-12), rel=1e-6)


@pytest.mark.parametrize(
    ("bad", "pd", "named"),
    [
        ([0, 0], [0.1, 0.2], "holds no bad"),
        ([0, 1], [0.0, 0.5], "exactly 0 or 1"),
        ([0, 1], [0.1, 0.5], "no finite calibration slope"),
        ([0, 1, 0], [0.3, 0.3, 0.3], "no finite calibration slope"),
        ([0, 1], [0.1, float("nan")], "pd is missing"),
    ],
)
def test_where_no_slope_fits_it_is_said(bad: list[int], pd: list[float], named: str) -> None:
    with pytest.raises(MeasureError, match=named):
        calibration_slope(bad, pd)
