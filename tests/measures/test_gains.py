"""The gains table (R16): hand-worked, buckets with ties and weights, and its end."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.measures import gains_table


def test_every_column_of_a_small_table_by_hand() -> None:
    table = gains_table(
        [1, 1, 0, 1, 0, 0, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], buckets=4, population="held-out rows"
    )
    assert table.bucket.tolist() == [1, 2, 3, 4]
    assert table.count.tolist() == [2, 2, 2, 2]
    assert table.pd_low.tolist() == [0.8, 0.6, 0.4, 0.2]
    assert table.pd_high.tolist() == [0.9, 0.7, 0.5, 0.3]
    assert table.pd_mean == pytest.approx([0.85, 0.65, 0.45, 0.25])
    assert table.bads.tolist() == [2, 1, 0, 0]
    assert table.bad_rate.tolist() == [1.0, 0.5, 0.0, 0.0]
    assert table.cumulative_count_share.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert table.cumulative_bads.tolist() == [2, 3, 3, 3]
    assert table.capture == pytest.approx([2 / 3, 1, 1, 1])
    assert table.lift == pytest.approx([8 / 3, 4 / 3, 0, 0])  # over a base rate of 3/8
    assert table.cumulative_lift == pytest.approx([8 / 3, 2, 4 / 3, 1])
    assert table.ks == pytest.approx([2 / 3, 4 / 5, 2 / 5, 0])  # of the 5 goods 0, 1, 3, 5 so far
    assert (table.base_rate, table.tied_rows, table.population) == (0.375, 0, "held-out rows")


def test_a_tie_stays_in_one_bucket_and_buckets_become_fewer() -> None:
    table = gains_table([1, 0, 0, 1, 0, 0, 0, 0], [0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1], buckets=4)
    # The tie ends with the seventh row, which lies in the last quarter; the quarters it jumps over stay empty.
    assert table.bucket.tolist() == [1, 2]
    assert table.count.tolist() == [1, 7]
    assert table.tied_rows == 6


def test_all_tied_is_one_bucket_without_lift() -> None:
    table = gains_table([1, 0, 0, 1], [0.3] * 4)
    assert table.count.tolist() == [4]
    assert table.lift.tolist() == [1.0]
    assert table.ks.tolist() == [0.0]


def test_buckets_are_of_equal_weight_not_of_equal_count() -> None:
    table = gains_table([1, 0, 0, 0, 1], [0.9, 0.5, 0.4, 0.3, 0.2], weights=[4, 1, 1, 1, 1], buckets=2)
    assert table.count.tolist() == [1, 4]
    assert table.weight.tolist() == [4.0, 4.0]
    assert table.bads.tolist() == [4.0, 1.0]


def test_weights_that_do_not_sum_exactly_still_fill_the_buckets() -> None:
    # Ten weights of 0.1 sum to 0.9999999999999999; the fifth row still belongs to the first half.
    table = gains_table([1, 0] * 5, np.linspace(0.9, 0.1, 10), weights=[0.1] * 10, buckets=2)
    assert table.count.tolist() == [5, 5]


def test_rows_of_no_weight_take_no_part() -> None:
    table = gains_table([1, 0, 1], [0.9, 0.5, 0.2], weights=[0, 1, 1], buckets=2)
    assert table.count.tolist() == [1, 1]
    assert table.weight.tolist() == [1.0, 1.0]
    assert table.bad_rate.tolist() == [0.0, 1.0]


def test_more_buckets_than_rows_is_one_row_each() -> None:
    assert gains_table([1, 0, 0], [0.9, 0.5, 0.2], buckets=10).count.tolist() == [1, 1, 1]


def test_the_table_reads_in_a_terminal_and_goes_to_arrow() -> None:
    table = gains_table([1, 0, 0, 1], [0.9, 0.5, 0.2, 0.1], buckets=2, population="all applicants of 2025")
    caption, header, *rows = repr(table).splitlines()
    assert "4 applications in 2 buckets, base rate 50.00%" in caption
    assert caption.endswith("all applicants of 2025")
    assert header.split() == list(table.columns)
    assert len(rows) == 2
    arrow = table.to_arrow()
    assert arrow.column_names == list(table.columns)
    assert arrow["capture"].to_pylist() == [0.5, 1.0]
    with pytest.raises(ValueError, match="read-only"):
        table.capture[0] = 0.0
