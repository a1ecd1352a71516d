"""Intervals: the bootstrap without copies is the bootstrap, and Wilson's is Wilson's."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.measures.intervals import Cells, percentiles, resample, wilson


def test_cells_sum_rows_amounts_and_squares() -> None:
    cells = Cells.of(np.array([0, 2, 2, 0]), np.array([1.0, 2.0, 3.0, 4.0]), 4)
    assert cells.rows.tolist() == [2, 0, 2, 0]
    assert cells.sums.tolist() == [5.0, 0.0, 5.0, 0.0]
    assert cells.squares.tolist() == [17.0, 0.0, 13.0, 0.0]


def test_every_replicate_draws_as_many_rows_as_there_are() -> None:
    cells = Cells.of(np.array([0, 0, 1, 2]), np.ones(4), 3)
    assert resample(cells, seed=1, replicates=500).sum(axis=1).tolist() == [4.0] * 500


def test_the_mean_and_spread_of_the_replicates_are_the_bootstraps() -> None:
    """The bootstrap of a sum has the sum as its mean, and n times the variance of a row as its variance."""
    generator = np.random.default_rng(2)
    amounts = generator.lognormal(0, 1, 300)
    cell = generator.integers(0, 6, 300)
    replicates = resample(Cells.of(cell, amounts, 6), seed=3, replicates=20_000)
    for chosen in ([0], [1, 2], range(6)):
        inside = np.where(np.isin(cell, list(chosen)), amounts, 0.0)
        sums = replicates[:, list(chosen)].sum(axis=1)
        assert sums.mean() == pytest.approx(inside.sum(), rel=0.01)
        assert sums.std() == pytest.approx(np.sqrt(300) * inside.std(), rel=0.03)


def test_equal_amounts_give_the_bootstrap_exactly() -> None:
    """Without spread in a cell its sum is a number of rows times the amount, and nothing between."""
    cells = Cells.of(np.array([0] * 30 + [1] * 70), np.array([0.1] * 30 + [0.3] * 70), 2)
    drawn = resample(cells, seed=4, replicates=1000) / np.array([0.1, 0.3])
    assert drawn == pytest.approx(np.round(drawn), abs=1e-9)


def test_an_empty_cell_stays_empty() -> None:
    assert not resample(Cells.of(np.array([0, 2]), np.array([1.0, 5.0]), 3), seed=5)[:, 1].any()


def test_percentiles_leave_the_same_share_on_either_side() -> None:
    low, high = percentiles(np.arange(1001.0)[:, None], 0.9)
    assert [low[0], high[0]] == pytest.approx([50.0, 950.0])


def test_wilson_never_leaves_0_to_1_and_is_open_at_0_and_1() -> None:
    low, high = wilson(np.array([0.0, 1.0]), np.array([10.0, 10.0]), 0.95)
    assert low[0] == 0.0
    assert high[1] == pytest.approx(1.0, abs=1e-15)
    assert high[0] == pytest.approx(0.2775, abs=1e-4)
    assert low[1] == pytest.approx(1 - 0.2775, abs=1e-4)
