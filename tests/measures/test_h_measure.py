"""The H-measure: published values, and the definition integrated without any hull."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta as beta_distribution

from roadworthy.errors import MeasureError
from roadworthy.measures import h_measure


def _by_definition(bad: np.ndarray, pd: np.ndarray, weights: np.ndarray, alpha: float, beta: float) -> float:
    """The smallest loss over all cut-offs at 200,000 costs, averaged under the Beta distribution."""
    edges = np.linspace(0.0, 1.0, 200_001)
    share = np.diff(beta_distribution.cdf(edges, alpha, beta))
    cost = (edges[:-1] + edges[1:]) / 2
    smallest = np.full(len(cost), np.inf)
    for cut_off in [*np.unique(pd), 2.0]:
        goods_declined = weights[~bad & (pd >= cut_off)].sum()
        bads_approved = weights[bad & (pd < cut_off)].sum()
        smallest = np.minimum(smallest, cost * goods_declined + (1 - cost) * bads_approved)
    blind = np.minimum(cost * weights[~bad].sum(), (1 - cost) * weights[bad].sum())
    return float(1.0 - (smallest @ share) / (blind @ share))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("severity_ratio", [None, 0.1, 3.0])
def test_it_is_what_the_definition_says(seed: int, severity_ratio: float | None) -> None:
    generator = np.random.default_rng(seed)
    pd = generator.beta(1, 3, 60).round(2)
    bad = generator.random(60) < pd
    bad[:2] = [True, False]
    weights = generator.integers(1, 5, 60).astype(float)
    ratio = weights[bad].sum() / weights[~bad].sum() if severity_ratio is None else severity_ratio
    expected = _by_definition(bad, pd, weights, 2.0, 1.0 + 1.0 / ratio)
    assert h_measure(bad, pd, weights=weights, severity_ratio=severity_ratio).value == pytest.approx(expected, abs=1e-7)


def test_the_published_example_of_the_python_package() -> None:
    """V8: the README of hmeasure 0.1.6."""
    generator = np.random.default_rng(66)
    bad = generator.integers(low=0, high=2, size=10)
    pd = generator.random(10)
    assert h_measure(bad, pd).value == pytest.approx(0.188895963448, abs=1e-12)
    assert h_measure(bad, pd, severity_ratio=0.7).value == pytest.approx(0.13502616807120948, abs=1e-12)
    assert h_measure(bad, pd, severity_ratio=0.5).value == pytest.approx(0.10750123502531805, abs=1e-12)
    share = bad.mean()
    assert h_measure(bad, pd, shape=(1 + share, 2 - share)).value == pytest.approx(0.18310946512079307, abs=1e-12)


@pytest.mark.parametrize(("tied", "expected"), [(slice(8, 12), 0.8), (slice(5, 15), 0.5)])
def test_the_test_vectors_of_the_r_package(tied: slice, expected: float) -> None:
    """V8: two scores that are perfect but for a block of ties across the classes."""
    bad = np.array([0] * 10 + [1] * 10)
    pd = bad.astype(float)
    pd[tied] = 0.5
    assert h_measure(bad, pd).value == pytest.approx(expected, abs=1e-12)


def test_perfect_is_one_and_a_constant_is_zero() -> None:
    assert h_measure([0, 0, 1], [0.1, 0.2, 0.9]).value == 1.0
    assert h_measure([0, 0, 1], [0.3, 0.3, 0.3]).value == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), True, "high"])
def test_a_severity_ratio_that_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(MeasureError, match="severity_ratio"):
        h_measure([0, 1], [0.1, 0.9], severity_ratio=wrong)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("wrong", [(1,), (0.5, 2), (2, float("nan")), "beta", [2, 2]])
def test_a_shape_that_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(MeasureError, match="shape"):
        h_measure([0, 1], [0.1, 0.9], shape=wrong)  # type: ignore[arg-type]  # on purpose


def test_costs_are_stated_once() -> None:
    with pytest.raises(MeasureError, match="both state the costs"):
        h_measure([0, 1], [0.1, 0.9], shape=(2, 2), severity_ratio=1.0)
