"""Buckets (R16) by width, at edges and by score: hand-worked, ties whole, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.errors import MeasureError
from roadworthy.measures import calibration, decile_ks, gains_table, ks

BAD = [1, 1, 0, 1, 0, 0, 0, 0]
PD = [0.9, 0.8, 0.7, 0.6, 0.5, 0.2, 0.15, 0.1]


def test_equal_width_cuts_the_range_seen() -> None:
    table = gains_table(BAD, PD, by="width", buckets=4)  # 0.1, 0.3, 0.5, 0.7, 0.9
    assert table.count.tolist() == [3, 2, 3]
    assert table.bucket.tolist() == [1, 2, 4]  # nobody lies in 0.3..0.5
    assert table.bads.tolist() == [2, 1, 0]
    assert table.rule == "PD from 0.1 to 0.9 in 4 parts 0.2 wide"


def test_an_edge_belongs_to_the_bucket_above_it() -> None:
    table = gains_table(BAD, PD, edges=[0.5, 0.15, 0.8])
    assert table.count.tolist() == [2, 3, 2, 1]
    assert table.pd_low.tolist() == [0.8, 0.5, 0.15, 0.1]
    assert table.rule == "PD at 3 edges handed in"


def test_buckets_of_the_same_edges_have_the_same_numbers_in_every_table() -> None:
    edges = [0.25, 0.5, 0.75]
    low = gains_table([1, 0], [0.1, 0.3], edges=edges)
    assert low.bucket.tolist() == [3, 4]
    assert calibration([1, 0], [0.1, 0.3], edges=edges).bucket.tolist() == [1, 2]
    assert calibration([1, 0], [0.1, 0.8], edges=edges).bucket.tolist() == [1, 4]


def test_score_bands_rank_from_the_lowest_score_up() -> None:
    score = [400, 480, 500, 520, 560, 640, 660, 700]
    table = gains_table(BAD, PD, score=score, edges=[500, 600])
    assert table.count.tolist() == [2, 3, 3]
    assert table.score_low is not None
    assert table.score_high is not None
    assert table.score_low.tolist() == [400, 500, 640]
    assert table.score_high.tolist() == [480, 560, 700]
    assert table.bads.tolist() == [2, 1, 0]
    assert table.pd_high.tolist() == [0.9, 0.7, 0.2]
    assert "share their score" in table.caption


def test_score_bands_of_equal_count_are_those_of_the_pd_it_was_made_from() -> None:
    generator = np.random.default_rng(3)
    pd = generator.beta(1, 5, 500).round(2)
    bad = generator.random(500) < pd
    weights = generator.integers(0, 3, 500)
    by_pd = gains_table(bad, pd, weights=weights)
    by_score = gains_table(bad, pd, weights=weights, score=600 - 100 * pd)
    for name, column in by_pd.columns.items():
        assert by_score.columns[name] == pytest.approx(column), name
    assert by_score.tied_rows == by_pd.tied_rows


def test_ties_of_the_score_stay_whole_though_their_pds_differ() -> None:
    table = gains_table([1, 0, 0, 1], [0.4, 0.3, 0.2, 0.1], score=[500, 500, 500, 600], edges=[550])
    assert table.count.tolist() == [3, 1]
    assert table.tied_rows == 3


def test_decile_ks_is_named_apart_and_at_most_the_exact_one() -> None:
    """V7: kds 0.1.3 prints a KS of .50 from deciles; exactly it is .55."""
    bad = np.array([1] * 20 + [0] * 80)
    pd = np.concatenate([np.linspace(0.95, 0.3, 20), np.linspace(0.6, 0.01, 80)])
    found = decile_ks(bad, pd)
    assert found.value == pytest.approx(0.5, abs=1e-12)
    assert found.buckets == 10
    assert ks(bad, pd).value == pytest.approx(0.55, abs=1e-12)
    assert repr(found).startswith("decile KS 0.5")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]) | st.floats(0, 1), min_size=2, max_size=30),
    st.lists(st.floats(0, 1), min_size=1, max_size=6),
)
def test_between_edges_every_row_is_where_numpy_puts_it(values: list[float], edges: list[float]) -> None:
    pd = np.array(values)
    bad = np.arange(len(pd)) % 2
    table = gains_table(bad, pd, edges=edges)
    cuts = np.unique(edges)
    held, counts = np.unique(len(cuts) + 1 - np.searchsorted(cuts, pd, side="right"), return_counts=True)
    assert table.bucket.tolist() == held.tolist()
    assert table.count.tolist() == counts.tolist()
    assert table.bads.sum() == bad.sum()


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "size"},
        {"edges": []},
        {"edges": [0.1, float("nan")]},
        {"edges": 0.5},
        {"score": [1.0]},
        {"score": [1, 2, 3, 4, 5, 6, 7, float("inf")]},
        {"buckets": 0, "by": "width"},
    ],
)
def test_what_makes_no_buckets_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(MeasureError, match=next(iter(wrong)) if "buckets" not in wrong else "buckets"):
        gains_table(BAD, PD, **wrong)


def test_all_tied_by_width_is_one_bucket() -> None:
    assert gains_table([1, 0, 0], [0.3] * 3, by="width").count.tolist() == [3]
