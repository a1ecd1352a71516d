"""Calibration (R16): hand-worked, its intervals against an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from roadworthy.measures import calibration


def test_a_small_table_by_hand() -> None:
    table = calibration([0, 0, 0, 1, 1, 1, 0, 1], [0.1, 0.1, 0.2, 0.2, 0.6, 0.6, 0.7, 0.7], buckets=2)
    assert table.bucket.tolist() == [1, 2]
    assert table.predicted == pytest.approx([0.15, 0.65])
    assert table.observed == pytest.approx([0.25, 0.75])
    assert table.pd_low.tolist() == [0.1, 0.6]
    assert table.pd_high.tolist() == [0.2, 0.7]
    assert table.expected_calibration_error == pytest.approx(0.1)
    assert table.predicted_rate == pytest.approx(0.4)
    assert table.observed_rate == 0.5


def test_the_error_is_weighted_by_the_buckets() -> None:
    # Three rows predicted .2 with none bad, one predicted .8 and bad: 3/4 x .2 + 1/4 x .2.
    table = calibration([0, 0, 0, 1], [0.2, 0.2, 0.2, 0.8], buckets=2)
    assert table.weight.tolist() == [3.0, 1.0]
    assert table.expected_calibration_error == pytest.approx(0.2)


def test_the_interval_is_wilsons() -> None:
    generator = np.random.default_rng(1)
    pd = generator.random(400)
    table = calibration(generator.random(400) < pd, pd, buckets=5, confidence=0.9)
    for row in range(len(table)):
        size = int(table.count[row])
        expected = binomtest(round(table.observed[row] * size), size).proportion_ci(0.9, method="wilson")
        assert table.observed_low[row] == pytest.approx(expected.low, abs=1e-12)
        assert table.observed_high[row] == pytest.approx(expected.high, abs=1e-12)


def test_equal_weights_leave_the_interval_as_it_is() -> None:
    bad, pd = [0, 1, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.7, 0.8]
    plain, heavy = calibration(bad, pd, buckets=2), calibration(bad, pd, buckets=2, weights=[7.0] * 6)
    assert heavy.observed_low == pytest.approx(plain.observed_low)
    assert heavy.observed_high == pytest.approx(plain.observed_high)


def test_unequal_weights_widen_the_interval() -> None:
    bad, pd = [0, 1, 0, 1], [0.4, 0.4, 0.4, 0.4]
    plain, uneven = calibration(bad, pd), calibration(bad, pd, weights=[1, 1, 9, 9])
    assert uneven.observed[0] == plain.observed[0]
    assert uneven.observed_high[0] - uneven.observed_low[0] > plain.observed_high[0] - plain.observed_low[0]


def test_one_class_only_is_allowed() -> None:
    table = calibration([0, 0, 0], [0.1, 0.2, 0.3], buckets=1)
    assert table.observed.tolist() == [0.0]
    assert table.observed_high[0] > 0.3


def test_buckets_that_weigh_nothing_are_left_out() -> None:
    table = calibration([0, 1, 1], [0.1, 0.5, 0.9], weights=[1, 1, 0], buckets=3)
    assert table.weight.tolist() == [1.0, 1.0]
    assert np.isfinite(table.observed_high).all()
