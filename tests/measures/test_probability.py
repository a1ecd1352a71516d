"""Brier score and log loss: hand-worked, against scikit-learn, and where a PD was certain and wrong."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as reference_log_loss

from roadworthy.measures import brier, log_loss


def test_brier_by_hand() -> None:
    found = brier([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.6])
    assert found.value == pytest.approx((0.01 + 0.04 + 0.09 + 0.16) / 4)
    assert found.at_base_rate == 0.25


def test_log_loss_by_hand() -> None:
    assert log_loss([0, 1], [0.25, 0.75]).value == pytest.approx(-np.log(0.75))


@pytest.mark.parametrize("seed", range(4))
def test_both_agree_with_scikit_learn_weighted_or_not(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pd = generator.uniform(0.001, 0.999, 300)
    bad = generator.random(300) < pd
    for weights in (None, generator.random(300)):
        assert brier(bad, pd, weights=weights).value == pytest.approx(
            brier_score_loss(bad, pd, sample_weight=weights), abs=1e-14
        )
        assert log_loss(bad, pd, weights=weights).value == pytest.approx(
            reference_log_loss(bad, pd, sample_weight=weights), abs=1e-13
        )


def test_a_certain_pd_that_was_wrong_is_infinitely_wrong_and_counted() -> None:
    found = log_loss([1, 0, 1], [0.0, 0.2, 1.0])
    assert found.value == np.inf
    assert found.certain_and_wrong == 1


def test_a_certain_pd_that_was_right_costs_nothing() -> None:
    found = log_loss([1, 0], [1.0, 0.0])
    assert (found.value, found.certain_and_wrong) == (0.0, 0)


def test_a_certain_and_wrong_row_of_no_weight_does_not_count() -> None:
    found = log_loss([1, 0], [0.0, 0.5], weights=[0.0, 2.0])
    assert found.value == pytest.approx(np.log(2.0))
    assert found.certain_and_wrong == 0


def test_one_class_only_is_allowed() -> None:
    assert brier([0, 0], [0.1, 0.3]).value == pytest.approx(0.05)
    assert brier([1, 1], [1.0, 1.0]).at_base_rate == 0.0
