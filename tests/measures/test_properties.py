"""What must hold for any applications: order, weights, monotone transforms, ends of the tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import roadworthy.measures as measures

FEW = settings(deadline=None, max_examples=40)
Case = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Bads and goods with many ties, extreme PDs and small whole weights; at least one of each class weighs."""
    pd = draw(
        st.lists(
            st.sampled_from([0.0, 1e-300, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0]) | st.floats(0, 1), min_size=2, max_size=40
        )
    )
    rest = len(pd) - 2
    bad = [1, 0, *draw(st.lists(st.integers(0, 1), min_size=rest, max_size=rest))]
    weights = [1, 1, *draw(st.lists(st.integers(0, 3), min_size=rest, max_size=rest))]
    return np.array(bad), np.array(pd), np.array(weights, dtype=float)


def _figures(bad: Any, pd: Any, weights: Any = None) -> dict[str, float]:
    single = (measures.ks, measures.auc, measures.gini, measures.h_measure, measures.emp, measures.brier)
    return {measure.__name__: float(measure(bad, pd, weights=weights)) for measure in single}


def _tables(bad: Any, pd: Any, weights: Any = None) -> list[np.ndarray]:
    gains = measures.gains_table(bad, pd, weights=weights, buckets=4)
    calibration = measures.calibration(bad, pd, weights=weights, buckets=4)
    confusion = measures.confusion(bad, pd, weights=weights, cut_off=0.3)
    cut_offs = measures.cut_off_table(bad, pd, weights=weights, cut_offs=[0.1, 0.3, 0.8])
    return [
        gains.weight,
        gains.capture,
        gains.ks,
        calibration.predicted,
        calibration.observed,
        np.array([confusion.tp, confusion.fp, confusion.tn, confusion.fn]),
        *(column for column in cut_offs.columns.values()),
    ]


@FEW
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(case: Case, random: Any) -> None:
    bad, pd, weights = case
    order = list(range(len(bad)))
    random.shuffle(order)
    assert _figures(bad[order], pd[order], weights[order]) == pytest.approx(_figures(bad, pd, weights), abs=1e-12)
    for shuffled, straight in zip(
        _tables(bad[order], pd[order], weights[order]), _tables(bad, pd, weights), strict=True
    ):
        assert shuffled == pytest.approx(straight, abs=1e-12, nan_ok=True)


@FEW
@given(cases())
def test_a_weight_of_two_is_the_row_twice(case: Case) -> None:
    bad, pd, weights = case
    copies = np.repeat(np.arange(len(bad)), weights.astype(int))
    assert _figures(bad, pd, weights) == pytest.approx(_figures(bad[copies], pd[copies]), abs=1e-12)
    for weighed, repeated in zip(_tables(bad, pd, weights), _tables(bad[copies], pd[copies]), strict=True):
        assert weighed == pytest.approx(repeated, abs=1e-12, nan_ok=True)


@FEW
@given(cases(), st.lists(st.floats(0, 1), min_size=40, max_size=40, unique=True))
def test_what_ranks_does_not_move_under_a_monotone_transform(case: Case, ladder: list[float]) -> None:
    bad, pd, weights = case
    _, rank = np.unique(pd, return_inverse=True)
    moved = np.sort(ladder)[rank]
    for measure in (measures.ks, measures.auc, measures.gini, measures.h_measure, measures.emp):
        assert float(measure(bad, moved, weights=weights)) == float(measure(bad, pd, weights=weights))
    assert (
        measures.gains_table(bad, moved, weights=weights).capture.tolist()
        == measures.gains_table(bad, pd, weights=weights).capture.tolist()
    )


@FEW
@given(cases(), st.integers(1, 20))
def test_gains_end_at_all_bads_and_every_application_is_in_one_bucket(case: Case, buckets: int) -> None:
    bad, pd, weights = case
    table = measures.gains_table(bad, pd, weights=weights, buckets=buckets)
    assert table.capture[-1] == 1.0
    assert table.cumulative_count_share[-1] == 1.0
    assert table.cumulative_lift[-1] == pytest.approx(1.0)
    assert table.cumulative_bads[-1] == weights[bad == 1].sum()
    assert table.count.sum() == np.count_nonzero(weights)
    assert (np.diff(table.capture) >= 0).all()
    assert (table.pd_low[:-1] > table.pd_high[1:]).all()
    assert len(table) <= buckets
    exact = measures.ks(bad, pd, weights=weights).value
    assert np.nanmax(np.abs(table.ks)) <= exact + 1e-12


@FEW
@given(cases())
def test_figures_stay_in_their_ranges(case: Case) -> None:
    figures = _figures(*case)
    assert 0 <= figures["ks"] <= 1
    assert 0 <= figures["auc"] <= 1
    assert figures["gini"] == pytest.approx(2 * figures["auc"] - 1, abs=1e-15)
    assert -1e-12 <= figures["h_measure"] <= 1 + 1e-12
    assert figures["emp"] >= 0
    assert 0 <= figures["brier"] <= 1
    assert abs(figures["gini"]) <= figures["ks"] * (2 - figures["ks"]) + 1e-12  # the ROC curve lies within its KS


@FEW
@given(cases(), st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_raising_the_cut_off_never_approves_fewer(case: Case, cut_offs: list[float]) -> None:
    bad, pd, weights = case
    table = measures.cut_off_table(bad, pd, weights=weights, cut_offs=cut_offs)
    assert (np.diff(table.cut_off) > 0).all()
    assert (np.diff(table.approved) >= 0).all()
    assert table.approved + table.declined == pytest.approx(np.full(len(table), weights.sum()))
    for row, cut_off in enumerate(table.cut_off):
        single = measures.confusion(bad, pd, weights=weights, cut_off=float(cut_off))
        assert (single.tp, single.fp) == (table.bads_declined[row], table.goods_declined[row])
        assert single.precision == pytest.approx(table.declines_right[row], nan_ok=True)


@FEW
@given(
    st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), min_size=1, max_size=60).filter(
        lambda values: not all(np.isnan(values))
    ),
    st.integers(1, 15),
)
def test_psi_of_a_sample_with_itself_is_zero(sample: list[float], buckets: int) -> None:
    found = measures.psi(sample, sample, buckets=buckets)
    assert found.value == 0.0
    assert found.expected.sum() == pytest.approx(1.0)


@FEW
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40),
)
def test_psi_is_never_negative(expected: list[float], actual: list[float]) -> None:
    found = measures.psi(expected, actual)
    assert (found.term >= 0).all()
    assert found.actual.sum() == pytest.approx(1.0)
