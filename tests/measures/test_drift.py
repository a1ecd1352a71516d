"""Has a column moved: published values, scipy as the independent implementation, weights, and CSI."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, kstwo, wasserstein_distance

from roadworthy.errors import MeasureError
from roadworthy.measures import chi_square, csi, jensen_shannon, ks_two_samples, psi, wasserstein


@pytest.fixture(scope="module")
def normals() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.RandomState(0)  # the published numbers were made with this generator
    return generator.normal(0, 1, 5000), generator.normal(0.3, 1.1, 2000)


def test_published_values_of_two_normal_samples(normals: tuple[np.ndarray, np.ndarray]) -> None:
    """V9: Evidently 0.7.23. It bins by Sturges' rule on both samples, and takes Jensen-Shannon in nats."""
    before, after = normals
    pooled = np.histogram_bin_edges(np.concatenate(normals), bins="sturges")[1:-1]
    found = jensen_shannon(before, after, buckets=pooled)
    assert found.value * np.sqrt(np.log(2)) == pytest.approx(0.123043062, abs=1e-9)
    assert psi(before, after, buckets=pooled).value == pytest.approx(0.125995078, abs=1e-9)
    assert wasserstein(before, after).in_deviations == pytest.approx(0.319872487, abs=1e-9)
    assert ks_two_samples(before, after).p_value == pytest.approx(1.6149e-21, rel=1e-4)


def test_published_values_of_categories() -> None:
    """V9 and V3: a new value, and one value of four exchanged for another, where NannyML's distance is .5."""
    before, after = np.repeat(["a", "b", "c"], [500, 300, 200]), np.repeat(["a", "b", "c", "d"], [300, 300, 350, 50])
    found = jensen_shannon(before, after)
    assert found.value * np.sqrt(np.log(2)) == pytest.approx(0.200799012, abs=1e-9)
    assert found.divergence == pytest.approx(found.value**2)
    assert jensen_shannon(list("abcd"), list("abce")).value == pytest.approx(0.5)


def test_numbers_taken_for_texts_are_another_question(normals: tuple[np.ndarray, np.ndarray]) -> None:
    """V9: a tool that is told 'num' by a wrong name takes each number for a category, and finds drift everywhere."""
    before, after = normals
    as_texts = psi(before.round(1).astype(str), after.round(1).astype(str))
    assert as_texts.rule.startswith("one for each value")
    assert as_texts.value > psi(before.round(1), after.round(1)).value


def test_ks_by_hand_and_what_is_missing_is_counted() -> None:
    found = ks_two_samples([1.0, 2.0, 3.0, 4.0, np.nan], [3.0, 4.0, 5.0, 6.0])
    assert (found.value, found.at) == (0.5, 2.0)
    assert (found.missing_expected, found.missing_actual) == (1, 0)


def test_ks_of_samples_as_near_as_can_be_says_nothing_against_them() -> None:
    """scipy's exact sum comes out above 1 here, and warns."""
    assert ks_two_samples([4.0, 2.0, -2.0, -4.0, -4.0], [5.0, 1.0, 2.0, -5.0, -3.0]).p_value == 1.0
    assert ks_two_samples([1.0, 2.0], [1.0, 2.0]).p_value == 1.0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=30),
    st.lists(st.integers(-5, 5), min_size=2, max_size=30),
    st.randoms(use_true_random=False),
)
def test_distances_agree_with_scipy_and_weights_are_repeated_rows(one: list[int], two: list[int], random: Any) -> None:
    before, after = np.array(one, float), np.array(two, float)
    heavy = np.array([random.randint(1, 3) for _ in one], float)
    repeated = np.repeat(before, heavy.astype(int))
    assert wasserstein(before, after).value == pytest.approx(wasserstein_distance(before, after), abs=1e-12)
    assert wasserstein(before, after, expected_weights=heavy).value == pytest.approx(
        wasserstein(repeated, after).value, abs=1e-12
    )
    assert ks_two_samples(before, after, expected_weights=heavy).value == pytest.approx(
        ks_two_samples(repeated, after).value, abs=1e-12
    )
    texts = [f"{value:.0f}" for value in one], [f"{value:.0f}" for value in two]
    seen = sorted(set(texts[0]) | set(texts[1]))
    counts = np.array([[side.count(value) for value in seen] for side in texts])
    assert jensen_shannon(*texts).value == pytest.approx(
        float(np.nan_to_num(jensenshannon(counts[0], counts[1], base=2))), abs=1e-7
    )
    found = chi_square(*texts)
    if len(seen) > 1:
        expected = chi2_contingency(counts, correction=False)
        assert (found.value, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)
    else:
        assert (found.value, found.p_value) == (0.0, 1.0)
    for measure in (psi, jensen_shannon, chi_square):
        weighed = measure(texts[0], texts[1], expected_weights=heavy * 1e9)
        many = measure(np.repeat(texts[0], heavy.astype(int)), texts[1])
        if measure is not chi_square:  # weights are no sample size: repeating rows would make it surer
            assert weighed.value == pytest.approx(many.value, abs=1e-9)


def test_with_weights_the_p_value_rests_on_effective_sizes(normals: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = normals[0][:2000], normals[1]
    one = np.ones(2000)
    weighted = ks_two_samples(before, after, expected_weights=one, actual_weights=one)
    assert weighted.p_value == pytest.approx(kstwo.sf(weighted.value, 1000), rel=0.3)
    uneven = np.where(np.arange(2000) % 10 == 0, 50.0, 1.0)
    assert ks_two_samples(before, after, expected_weights=uneven).p_value > weighted.p_value


def test_what_is_missing_is_a_bin_that_can_drift() -> None:
    before, after = [1.0, 2.0, 3.0, np.nan], [np.nan, np.nan, 2.0, 3.0]
    assert chi_square(before, after, buckets=1).degrees_of_freedom == 1
    assert jensen_shannon(before, after, buckets=1).value > 0


def test_chance_alone_exceeds_by_chance_in_about_1_of_20() -> None:
    generator = np.random.default_rng(4)
    beyond = 0
    for _ in range(300):
        found = psi(generator.choice(list("abcde"), 400), generator.choice(list("abcde"), 300))
        beyond += found.value > found.by_chance
    assert 4 <= beyond <= 30


def test_csi_names_what_moved_most_and_keeps_each_table() -> None:
    generator = np.random.default_rng(5)
    before = {"age": generator.normal(40, 9, 900), "job": generator.choice(["a", "b"], 900), "debt": np.ones(900)}
    after = {
        "age": np.where(np.arange(600) % 3 == 0, np.nan, generator.normal(40, 9, 600)),
        "job": generator.choice(["a", "b"], 600),
        "debt": np.ones(600),
    }
    found = csi(before, after)
    assert found.column[0] == "age"
    assert found.most[0] == "missing"
    assert found.missing_actual[0] == pytest.approx(1 / 3)
    assert found.missing_expected.tolist() == [0, 0, 0]
    assert found.value.tolist() == sorted(found.value, reverse=True)
    assert dict(zip(found.column, found.bins, strict=True))["debt"] == 1
    for name in before:
        assert found.tables[name].value == psi(before[name], after[name]).value
    assert found.caption.startswith("CSI of 3 columns, 1 beyond chance")
    arrow = csi(pa.table(before), pa.table(after))
    assert arrow.value.tolist() == found.value.tolist()
    frame = csi(pl.DataFrame(before), pl.DataFrame(after))  # any frame, by its columns
    assert frame.value.tolist() == found.value.tolist()
    assert arrow.to_arrow().column_names[0] == "column"


def test_csi_takes_edges_by_column_and_names_a_column_it_cannot_read() -> None:
    found = csi({"a": [1, 2, 3], "b": [1, 2, 3]}, {"a": [1, 2, 3], "b": [3, 3, 3]}, buckets={"a": [1.5]})
    assert found.tables["a"].rule.startswith("edges handed in")
    assert found.rule == "by column, in `tables`"
    with pytest.raises(MeasureError, match="column b"):
        csi({"b": [np.nan]}, {"b": [1.0]})
    with pytest.raises(MeasureError, match="same columns: c"):
        csi({"b": [1.0]}, {"b": [1.0], "c": [2.0]})
    with pytest.raises(MeasureError, match="by name"):
        csi([1.0], {"b": [1.0]})
    with pytest.raises(MeasureError, match="buckets names c, which no column is called"):
        csi({"b": [1.0]}, {"b": [2.0]}, buckets={"c": [1.5]})
    numbered = pandas.DataFrame({0: [1.0, 2.0]})
    assert csi(numbered, numbered).column.tolist() == [0]


@pytest.mark.parametrize("measure", [ks_two_samples, wasserstein, jensen_shannon, chi_square])
@pytest.mark.parametrize("wrong", [[], [np.nan], [np.inf], [[1.0]]])
def test_what_holds_no_distribution_is_refused(measure: Any, wrong: Any) -> None:
    with pytest.raises(MeasureError, match="expected"):
        measure(wrong, [1.0, 2.0])


def test_one_value_has_no_spread_to_measure_by() -> None:
    assert np.isnan(wasserstein([1.0], [3.0]).in_deviations)
    assert wasserstein([1.0], [3.0]).value == 2.0
