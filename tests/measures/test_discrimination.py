"""KS, AUC and Gini: hand-worked, against independent implementations, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from roadworthy.measures import auc, gini, ks


def _sample(seed: int, rows: int, digits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    pd = generator.beta(1, 5, rows).round(digits)
    bad = generator.random(rows) < pd
    bad[:2] = [True, False]
    return bad, pd, generator.integers(0, 5, rows) + generator.random(rows)


def test_auc_counts_pairs_and_half_of_the_ties() -> None:
    # Bads at .4 and .8, goods at .1 and .4: of four pairs three are right and one is tied.
    assert auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]).value == 3.5 / 4
    assert gini([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]).value == 0.75


def test_ks_is_the_largest_gap_and_says_where_it_is() -> None:
    # From the top: .9 bad 1/2 - 0, .8 good 1/2 - 1/3, .7 bad 1 - 1/3.
    found = ks([1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.3, 0.1])
    assert found.value == pytest.approx(2 / 3, abs=1e-15)
    assert found.at == 0.7


def test_ks_of_a_tie_is_taken_after_the_whole_tie() -> None:
    # One by one the bads of the tie could come first and give 1; together they say nothing.
    found = ks([1, 1, 0, 0], [0.5, 0.5, 0.5, 0.5])
    assert found.value == 0.0
    assert found.tied_rows == 4


def test_ks_of_a_model_the_wrong_way_round_is_as_large() -> None:
    assert ks([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]).value == 1.0
    assert gini([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]).value == -1.0


def test_tied_rows_counts_every_row_that_shares_its_pd() -> None:
    assert auc([0, 1, 1, 0, 1], [0.2, 0.2, 0.2, 0.5, 0.5]).tied_rows == 5
    assert auc([0, 1, 1], [0.2, 0.3, 0.4]).tied_rows == 0


@pytest.mark.parametrize("digits", [1, 2, 16])
@pytest.mark.parametrize("seed", range(5))
def test_auc_agrees_with_scikit_learn_weighted_or_not(seed: int, digits: int) -> None:
    bad, pd, weights = _sample(seed, 700, digits)
    assert auc(bad, pd).value == pytest.approx(roc_auc_score(bad, pd), abs=1e-12)
    assert auc(bad, pd, weights=weights).value == pytest.approx(
        roc_auc_score(bad, pd, sample_weight=weights), abs=1e-12
    )


@pytest.mark.parametrize("rows", [3, 10, 700])
@pytest.mark.parametrize("seed", range(5))
def test_ks_agrees_with_scipy_ties_and_tiny_samples_included(seed: int, rows: int) -> None:
    bad, pd, _ = _sample(seed, rows, 1)
    assert ks(bad, pd).value == pytest.approx(ks_2samp(pd[bad], pd[~bad]).statistic, abs=1e-12)


def test_rows_of_no_weight_change_nothing() -> None:
    bad, pd, weights = _sample(3, 200, 2)
    more_bad, more_pd = np.append(bad, [True, False]), np.append(pd, [0.0, 1.0])
    more_weights = np.append(weights, [0.0, 0.0])
    for measure in (ks, auc, gini):
        assert measure(more_bad, more_pd, weights=more_weights).value == pytest.approx(
            measure(bad, pd, weights=weights).value, abs=1e-12
        )


def test_a_measure_is_a_number_and_reads_as_one() -> None:
    found = auc([0, 1], [0.1, 0.9])
    assert float(found) == 1.0
    assert repr(found) == "AUC 1 (tied_rows=0)"
