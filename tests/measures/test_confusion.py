"""Confusion and classification report (R17): hand-worked, against scikit-learn, and the plain warning."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, precision_recall_fscore_support

from roadworthy.measures import classification_report, confusion


def test_the_cut_off_itself_is_declined() -> None:
    table = confusion([1, 0], [0.5, 0.5], cut_off=0.5)
    assert (table.tp, table.fp, table.tn, table.fn) == (1, 1, 0, 0)


def test_rates_by_hand() -> None:
    # 10 applications: 3 of 4 bads declined, 1 of 6 goods turned away.
    bad = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    pd = [0.9, 0.8, 0.7, 0.2, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1]
    table = confusion(bad, pd, cut_off=0.5)
    assert table.accuracy == 0.8
    assert table.precision == 0.75
    assert table.recall == 0.75
    assert table.specificity == pytest.approx(5 / 6)
    assert table.f1 == 0.75
    assert table.balanced_accuracy == pytest.approx((3 / 4 + 5 / 6) / 2)
    assert table.always_good_accuracy == 0.6
    assert not table.flatters


def test_accuracy_that_comes_from_always_saying_good_is_called_flattery() -> None:
    # 99 goods and one bad that the model misses: 99% right, and worth nothing.
    table = confusion([0] * 99 + [1], [0.01] * 100, cut_off=0.5)
    assert table.accuracy == 0.99
    assert table.flatters
    assert table.sentence == (
        "Always saying good would be right 99.0% of the time; the model at a cut-off of 0.5 is right 99.0%. Accuracy "
        "flatters here: the model finds 0.0% of the bads, and with as many bads as goods it would be right 50.0%."
    )


def test_a_model_that_is_right_on_both_sides_is_not_called_flattered() -> None:
    table = confusion([0] * 95 + [1] * 5, [0.1] * 92 + [0.9] * 3 + [0.9] * 5, cut_off=0.5)
    assert not table.flatters
    assert table.sentence == (
        "Always saying good would be right 95.0% of the time; the model at a cut-off of 0.5 is right 97.0%."
    )


def test_one_class_leaves_undefined_rates_unknown_and_says_so() -> None:
    table = confusion([0, 0, 0], [0.1, 0.2, 0.9], cut_off=0.5)
    assert np.isnan(table.recall)
    assert table.flatters
    assert table.sentence.endswith("Accuracy says nothing here: all applications are good.")
    assert confusion([1, 1], [0.1, 0.9], cut_off=0.5).sentence.endswith("all applications are bad.")


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_scikit_learn_weighted_or_not(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pd = generator.random(500)
    bad = generator.random(500) < pd
    for weights in (None, generator.random(500) * 3):
        declined = pd >= 0.3
        table = confusion(bad, pd, cut_off=0.3, weights=weights)
        expected = confusion_matrix(bad, declined, sample_weight=weights)
        assert np.allclose([[table.tn, table.fp], [table.fn, table.tp]], expected, rtol=1e-12)
        assert table.balanced_accuracy == pytest.approx(balanced_accuracy_score(bad, declined, sample_weight=weights))
        report = classification_report(bad, pd, cut_off=0.3, weights=weights)
        precision, recall, f1, _ = precision_recall_fscore_support(bad, declined, sample_weight=weights)
        assert report.outcome.tolist() == ["good", "bad"]
        assert report.precision == pytest.approx(precision)
        assert report.recall == pytest.approx(recall)
        assert report.f1 == pytest.approx(f1)
        assert report.count.sum() == pytest.approx(500 if weights is None else weights.sum())


def test_it_names_its_population_and_reads_in_a_terminal() -> None:
    table = confusion([1, 0, 0], [0.9, 0.8, 0.1], cut_off=0.5, population="approved and matured, 2024")
    first, header, declined, approved, sentence = repr(table).splitlines()
    assert first == "Confusion at cut-off 0.5: 3 applications; approved and matured, 2024"
    assert header.split() == ["bad", "good"]
    assert declined.split() == ["declined", "1", "1"]
    assert approved.split() == ["approved", "0", "1"]
    assert sentence == table.sentence
