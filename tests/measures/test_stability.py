"""PSI: hand-worked, published values, and what a totals row would do to it."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from roadworthy.errors import MeasureError
from roadworthy.measures import psi


def test_two_bins_by_hand() -> None:
    found = psi(["a"] * 2 + ["b"] * 2, ["a"] + ["b"] * 3)
    assert found.expected.tolist() == [0.5, 0.5]
    assert found.actual.tolist() == [0.25, 0.75]
    assert found.term == pytest.approx([-0.25 * np.log(0.5), 0.25 * np.log(1.5)])
    assert float(found) == pytest.approx(0.25 * np.log(3.0))


def test_a_totals_row_takes_no_part() -> None:
    """V4: score bins of a test sample (66, 9, 96) and a training sample (148, 20, 230) of a scorecard.

    The reference package sums its printed column with the totals row in it and arrives at twice the value.
    """
    actual = np.repeat(["low", "middle", "high"], [66, 9, 96])
    expected = np.repeat(["low", "middle", "high"], [148, 20, 230])
    found = psi(expected, actual)
    terms = dict(zip(found.bin.tolist(), found.term.tolist(), strict=True))
    assert terms["low"] == pytest.approx(0.000525, abs=1e-6)
    assert terms["middle"] == pytest.approx(0.000110, abs=1e-6)
    assert terms["high"] == pytest.approx(0.000477, abs=1e-6)
    assert found.value == pytest.approx(0.001112475, abs=1e-9)
    assert found.value == pytest.approx(0.002224950 / 2, abs=1e-9)


def test_categories_with_a_new_one() -> None:
    """V9: 500, 300, 200 against 300, 300, 350 and 50 of a value never seen before."""
    expected = np.repeat(["a", "b", "c"], [500, 300, 200])
    actual = np.repeat(["a", "b", "c", "d"], [300, 300, 350, 50])
    assert psi(expected, actual).value == pytest.approx(0.496216437, abs=1e-9)


def test_numbers_at_published_edges() -> None:
    """V9: two normal samples; deciles of the reference, and the pooled Sturges bins of another tool."""
    generator = np.random.RandomState(0)  # the published numbers were made with this generator
    before, after = generator.normal(0, 1, 5000), generator.normal(0.3, 1.1, 2000)
    deciles = np.quantile(before, np.arange(1, 10) / 10)
    assert psi(before, after, buckets=deciles).value == pytest.approx(0.097450379, abs=1e-9)
    assert psi(before, after).value == pytest.approx(0.0975, abs=5e-4)
    # Bins of other tools hold their lower edge; ours their upper one. No value lies on an edge here.
    pooled = np.histogram_bin_edges(np.concatenate([before, after]), bins="sturges")
    assert psi(before, after, buckets=pooled[1:-1]).value == pytest.approx(0.125995078, abs=1e-9)


def test_what_is_missing_is_a_bin_of_its_own() -> None:
    found = psi([1.0, 2.0, np.nan, np.nan], [1.0, 2.0, 2.0, np.nan], buckets=2)
    assert found.bin.tolist()[-1] == "missing"
    assert found.expected.tolist() == [0.25, 0.25, 0.5]
    assert found.actual.tolist() == [0.25, 0.5, 0.25]
    texts = psi(np.array(["a", None, "b"], dtype=object), ["a", "b", "b"])
    assert texts.bin.tolist() == ["a", "b", "missing"]


def test_it_names_the_rule_that_made_its_bins() -> None:
    found = psi([1, 1, 1, 1, 2, 3], [1, 2, 3], buckets=4)
    assert found.rule == "quantiles of expected, 3 of 4 distinct; an empty bin counts as 0.0001"
    assert found.rule in repr(found)


def test_weights_count_as_rows() -> None:
    twice = psi([1, 1, 2, 3, 4], [1, 2, 2, 4], buckets=3)
    weighed = psi([1, 2, 3, 4], [1, 2, 4], buckets=3, expected_weights=[2, 1, 1, 1], actual_weights=[1, 2, 1])
    assert weighed.value == pytest.approx(twice.value, abs=1e-15)
    assert weighed.bin.tolist() == twice.bin.tolist()


def test_true_and_false_are_two_bins() -> None:
    assert len(psi([True, False, True], [True, True, False])) == 2


@pytest.mark.parametrize(
    "wrong", [[], [[1.0]], None, 3.0, [np.nan, np.nan], [1.0, np.inf], [1, "a", object()][2:], [[1], [1, 2]]]
)
def test_what_holds_no_distribution_is_refused(wrong: object) -> None:
    with pytest.raises(MeasureError):
        psi(wrong, [1.0, 2.0])  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("buckets", [0, -1, 2.5, True, [np.nan], []])
def test_buckets_that_are_none_are_refused(buckets: object) -> None:
    with pytest.raises(MeasureError, match="buckets"):
        psi([1.0, 2.0], [1.0, 2.0], buckets=buckets)  # type: ignore[arg-type]  # on purpose


def test_texts_and_numbers_that_read_alike_are_one_bin() -> None:
    """A code column is text in one file and numbers in the next, floats once a value is missing."""
    found = psi(np.array(["1", "2", None], dtype=object), np.array([1.0, 2.0, np.nan]))
    assert found.bin.tolist() == ["1", "2", "missing"]
    assert found.value == 0.0


def test_values_of_several_types_are_binned_and_a_text_that_says_missing_is_missing() -> None:
    mixed = pandas.Series([1, "a", None, pandas.NA, "missing", 2.0], dtype=object)
    found = psi(mixed, ["a", "1", "2", "missing", "missing", "missing"])
    assert found.bin.tolist() == ["1", "a", "2", "missing"]
    assert found.expected.tolist() == found.actual.tolist()


def test_weights_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(MeasureError, match="actual_weights"):
        psi([1.0, 2.0], [1.0, 2.0], actual_weights=[1.0])
