"""From margin to probability in each library's own arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from roadworthy.model.links import LINKS, PLAIN, complement, logit_float32

NAN = float("nan")
SIGMOIDS = [name for name in LINKS if name not in PLAIN]


def test_the_names_are_part_of_the_package_protocol() -> None:
    assert set(LINKS) == {"identity", "to_float32", "expit", "sigmoid", "sigmoid_float32", "logistic_float32"}


@pytest.mark.parametrize("name", LINKS)
def test_a_margin_that_is_no_number_gives_no_probability(name: str) -> None:
    """What the model's library refuses must never come out as a low PD."""
    assert np.isnan(LINKS[name](np.array([NAN, 0.5]))[0])


@pytest.mark.parametrize("name", SIGMOIDS)
def test_half_at_zero_rising_and_within_bounds(name: str) -> None:
    margins = np.linspace(-200, 200, 4_001)
    found = LINKS[name](margins)
    assert found[2_000] == 0.5
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found.max() == 1.0
    np.testing.assert_allclose(found, expit(margins), rtol=0, atol=2e-7 if name.endswith("float32") else 1e-15)


def test_scikit_learn_s_is_scipy_s_to_the_bit() -> None:
    margins = np.random.default_rng(0).normal(0, 5, 1_000)
    assert LINKS["expit"](margins).tolist() == expit(margins).tolist()


def test_lightgbm_s_is_the_c_library_s_exp_to_the_bit() -> None:
    margins = np.random.default_rng(0).normal(0, 5, 1_000).tolist()
    assert LINKS["sigmoid"](np.array(margins)).tolist() == [1.0 / (1.0 + math.exp(-x)) for x in margins]


@pytest.mark.parametrize("name", ["sigmoid_float32", "logistic_float32", "to_float32"])
def test_answers_in_float32_are_float32(name: str) -> None:
    found = LINKS[name](np.random.default_rng(0).normal(0, 5, 1_000))
    assert (found == found.astype(np.float32)).all()


@pytest.mark.parametrize("probability", [0.5, 0.2798, 0.01, 0.9999])
def test_a_base_score_comes_back_from_its_margin(probability: float) -> None:
    margin = logit_float32(np.float32(probability))
    assert LINKS["sigmoid_float32"](np.array([margin]))[0] == pytest.approx(probability, rel=1e-6)


def test_the_other_class_is_taken_in_the_width_of_the_library() -> None:
    probability = LINKS["sigmoid_float32"](np.random.default_rng(0).normal(0, 5, 1_000))
    narrow = (np.float32(1) - probability.astype(np.float32)).astype(np.float64)
    assert complement("sigmoid_float32", probability).tolist() == narrow.tolist()
    assert complement("expit", np.array([0.1])).tolist() == [0.9]
    assert not (complement("expit", probability) == narrow).all()
