"""Intervals of single numbers: DeLong by brute force, means by hand, coverage, and where the rows cannot tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score

from roadworthy.errors import MeasureError
from roadworthy.measures import auc, average_precision, brier, gini, ks, log_loss

Sample = tuple[np.ndarray, np.ndarray]


def _sample(generator: np.random.Generator, rows: int, digits: int = 16) -> Sample:
    pd = generator.beta(1, 4, rows).round(digits)
    bad = generator.random(rows) < pd
    bad[:2] = [True, False]
    return bad, pd


def _delong(bad: np.ndarray, pd: np.ndarray) -> float:
    """The variance as DeLong et al. write it: every bad against every good."""
    above = (pd[bad][:, None] > pd[~bad]) + 0.5 * (pd[bad][:, None] == pd[~bad])
    of_bads, of_goods = above.mean(axis=1), above.mean(axis=0)
    return float(of_bads.var(ddof=1) / len(of_bads) + of_goods.var(ddof=1) / len(of_goods))


@pytest.mark.parametrize("digits", [1, 2, 16])
def test_the_interval_of_auc_is_delongs(digits: int) -> None:
    bad, pd = _sample(np.random.default_rng(digits), 150, digits)
    found = auc(bad, pd, confidence=0.9)
    assert found.interval is not None
    half = norm.ppf(0.95) * np.sqrt(_delong(bad, pd))
    assert found.interval.low == pytest.approx(found.value - half, abs=1e-12)
    assert found.interval.high == pytest.approx(min(found.value + half, 1.0), abs=1e-12)
    assert found.interval.confidence == 0.9
    doubled = gini(bad, pd, confidence=0.9).interval
    assert doubled is not None
    assert doubled.low == pytest.approx(2 * found.interval.low - 1, abs=1e-12)


def test_the_interval_of_a_mean_loss_is_that_of_a_mean() -> None:
    bad, pd = _sample(np.random.default_rng(8), 80)
    for measure, loss in (
        (brier, (pd - bad) ** 2),
        (log_loss, -np.where(bad, np.log(pd), np.log(1 - pd))),
    ):
        interval = measure(bad, pd, confidence=0.95).interval
        assert interval is not None
        half = norm.ppf(0.975) * loss.std(ddof=1) / np.sqrt(len(loss))
        assert interval.high == pytest.approx(loss.mean() + half, abs=1e-12)


def test_without_being_asked_there_is_no_interval() -> None:
    for measure in (auc, gini, ks, brier, log_loss, average_precision):
        assert measure([0, 1], [0.1, 0.9]).interval is None


def test_equal_weights_and_rows_of_none_change_no_interval() -> None:
    bad, pd = _sample(np.random.default_rng(4), 200, 2)
    more_bad, more_pd = np.append(bad, [True, False]), np.append(pd, [0.0, 1.0])
    weights = np.append(np.full(200, 3e9), [0.0, 0.0])
    for measure in (auc, gini, brier, log_loss, ks, average_precision):
        plain = measure(bad, pd, confidence=0.9).interval
        heavy = measure(more_bad, more_pd, weights=weights, confidence=0.9).interval
        assert plain is not None
        assert heavy is not None
        assert (heavy.low, heavy.high) == pytest.approx((plain.low, plain.high), abs=1e-9)


def test_uneven_weights_leave_less_to_go_by() -> None:
    bad, pd = _sample(np.random.default_rng(5), 400)
    weights = np.where(np.arange(400) % 8 == 0, 20.0, 1.0)
    for measure in (auc, brier, ks):
        plain = measure(bad, pd, confidence=0.9).interval
        uneven = measure(bad, pd, weights=weights, confidence=0.9).interval
        assert plain is not None
        assert uneven is not None
        assert uneven.high - uneven.low > 1.3 * (plain.high - plain.low)


@pytest.mark.parametrize("case", [([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), ([0, 0, 0, 1], [0.1, 0.2, 0.8, 0.3])])
def test_where_the_rows_cannot_tell_the_interval_is_unknown(case: tuple[list[int], list[float]]) -> None:
    """A perfect ranking shows no spread, and one bad shows none either: no width of zero is claimed."""
    found = auc(*case, confidence=0.95).interval
    assert found is not None
    assert np.isnan(found.low)
    assert np.isnan(found.high)
    widest = ks(*case, confidence=0.95).interval
    assert widest is not None
    assert np.isnan(widest.low)


def test_an_infinite_loss_has_no_interval() -> None:
    found = log_loss([1, 0, 1], [0.0, 0.1, 0.9], confidence=0.95)
    assert found.value == np.inf
    assert found.interval is not None
    assert np.isnan(found.interval.low)


def test_intervals_cover_what_they_should() -> None:
    """90% intervals of 20 samples hold the value of a very large sample in about nine of ten."""
    generator = np.random.default_rng(11)
    measures = {"auc": auc, "brier": brier, "ks": ks, "average precision": average_precision}
    large = _sample(generator, 200_000)
    truth = {name: float(measure(*large)) for name, measure in measures.items()}
    held = dict.fromkeys(measures, 0)
    for _ in range(20):
        bad, pd = _sample(generator, 800)
        for name, measure in measures.items():
            interval = measure(bad, pd, confidence=0.9).interval
            assert interval is not None
            held[name] += interval.low <= truth[name] <= interval.high
    assert all(14 <= hits <= 20 for hits in held.values()), held


def test_the_bootstrap_is_fixed_by_its_seed() -> None:
    bad, pd = _sample(np.random.default_rng(6), 300)
    first, again, other = (average_precision(bad, pd, confidence=0.9, seed=seed).interval for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("digits", [1, 2, 16])
def test_average_precision_agrees_with_scikit_learn_weighted_or_not(digits: int) -> None:
    generator = np.random.default_rng(digits)
    bad, pd = _sample(generator, 500, digits)
    weights = generator.integers(0, 4, 500) + generator.random(500)
    assert average_precision(bad, pd).value == pytest.approx(average_precision_score(bad, pd), abs=1e-12)
    assert average_precision(bad, pd, weights=weights).value == pytest.approx(
        average_precision_score(bad, pd, sample_weight=weights), abs=1e-12
    )


def test_average_precision_without_skill_is_the_base_rate() -> None:
    found = average_precision([1, 0, 0, 0], [0.2] * 4)
    assert (found.value, found.base_rate, found.tied_rows) == (0.25, 0.25, 4)


def test_an_interval_is_read_with_its_number() -> None:
    text = repr(auc([0, 0, 1, 1, 0, 1], [0.1, 0.5, 0.4, 0.8, 0.3, 0.9], confidence=0.9))
    assert text == "AUC 0.888889 (90% 0.630425 to 1, tied_rows=0)"


@pytest.mark.parametrize("wrong", [0, 1, 95, "high", True])
def test_a_confidence_that_is_none_is_refused(wrong: Any) -> None:
    for measure in (auc, ks, brier, average_precision):
        with pytest.raises(MeasureError, match="confidence"):
            measure([0, 1], [0.1, 0.9], confidence=wrong)
