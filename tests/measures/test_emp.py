"""EMP: the published values, and the definition integrated without any hull."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.errors import MeasureError
from roadworthy.measures import emp


def test_perfect_reversed_and_constant_scores() -> None:
    """V1: values of the credit score EMP as two other implementations print them."""
    bad = [0, 1] * 10
    perfect = emp(bad, [float(each) for each in bad])
    assert perfect.value == pytest.approx(0.1375, abs=1e-12)
    assert perfect.fraction == pytest.approx(0.225, abs=1e-12)
    for pd in ([1.0 - each for each in bad], [0.5] * 20):
        blind = emp(bad, pd)
        assert blind.value == pytest.approx(0.084126894, abs=1e-9)
        assert blind.fraction == pytest.approx(0.35746, abs=1e-5)


def test_the_published_small_example() -> None:
    """V1: ten applications, also with other losses and another return."""
    bad = [0, 1, 1, 0, 0, 0, 1, 0, 0, 1]
    pd = [0.1, 0.8, 0.4, 0.3, 0.2, 0.05, 0.9, 0.6, 0.15, 0.35]
    found = emp(bad, pd)
    assert found.value == pytest.approx(0.0987136894, abs=1e-10)
    assert found.fraction == pytest.approx(0.211119, abs=1e-6)
    assert emp(bad, pd, p0=0.7).value == pytest.approx(0.0724175368, abs=1e-10)
    assert emp(bad, pd, p0=0.7).fraction == pytest.approx(0.142068, abs=1e-6)
    assert emp(bad, pd, roi=0.1).value == pytest.approx(0.1055875, abs=1e-10)
    assert emp(bad, pd, roi=0.1).fraction == pytest.approx(0.21975, abs=1e-10)


def test_the_published_seeded_example() -> None:
    """V1: a thousand calibrated scores."""
    generator = np.random.RandomState(0)  # the published numbers were made with this generator
    pd = generator.rand(1000)
    bad = generator.rand(1000) < pd
    found = emp(bad, pd)
    assert found.value == pytest.approx(0.08947092638130616, abs=1e-14)
    assert found.fraction == pytest.approx(0.27372323112, abs=1e-11)
    other = emp(bad, pd, p0=0.1, p1=0.1, roi=0.1)
    assert other.value == pytest.approx(0.1967592201176, abs=1e-12)
    assert other.fraction == pytest.approx(0.6907155976, abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_definition_says(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pd = generator.beta(1, 3, 80).round(2)
    bad = generator.random(80) < pd
    bad[:2] = [True, False]
    weights = generator.integers(1, 5, 80).astype(float)
    p0, p1, roi = 0.4, 0.2, 0.15

    def highest(loss: np.ndarray) -> np.ndarray:
        gains = [
            loss * weights[bad & (pd >= cut_off)].sum() - roi * weights[~bad & (pd >= cut_off)].sum()
            for cut_off in [*np.unique(pd), 2.0]
        ]
        result: np.ndarray = np.max(gains, axis=0) / weights.sum()
        return result

    losses = (np.arange(100_000) + 0.5) / 100_000
    expected = (1 - p0 - p1) * highest(losses).mean() + p1 * highest(np.ones(1))[0] + p0 * highest(np.zeros(1))[0]
    assert emp(bad, pd, weights=weights, p0=p0, p1=p1, roi=roi).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("named", "wrong"),
    [("p0", {"p0": -0.1}), ("p0", {"p0": 0.6, "p1": 0.6}), ("roi", {"roi": 0.0}), ("roi", {"roi": "much"})],
)
def test_losses_that_cannot_be_are_refused(named: str, wrong: dict[str, float]) -> None:
    with pytest.raises(MeasureError, match=named):
        emp([0, 1], [0.1, 0.9], **wrong)
