"""The best cut-off (R18): found exactly, compared with an interval, and honest about having been chosen."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.errors import MeasureError
from roadworthy.measures import Economics, best_cut_off, cut_off_table


def test_the_best_of_a_small_case_by_hand() -> None:
    # Cumulating from the lowest PD: 10, 20, 30, -20, -70.
    best = best_cut_off([0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.8], value=[10, 10, 10, -50, -50], in_force=0.7)
    assert best.cut_off == 0.45
    assert best.profit == 30
    assert best.approved == 3
    assert best.approval_rate == 0.6
    assert best.bad_rate_approved == 0.0
    assert best.difference_from_all.value == 100
    assert best.difference_from_in_force is not None
    assert best.difference_from_in_force.value == 50


@pytest.mark.parametrize("seed", range(6))
def test_no_cut_off_of_any_kind_earns_more(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pd = generator.beta(1, 3, 300).round(2)
    bad = generator.random(300) < pd
    value = np.where(bad, -generator.random(300) * 300, generator.random(300) * 60)
    weights = generator.random(300)
    best = best_cut_off(bad, pd, value=value, weights=weights)
    everywhere = cut_off_table(bad, pd, value=value, weights=weights, cut_offs=[*np.unique(pd), np.nextafter(1.0, 2.0)])
    assert best.profit == pytest.approx(everywhere.columns["profit"].max())
    again = cut_off_table(bad, pd, value=value, weights=weights, cut_offs=[best.cut_off])
    assert again.columns["profit"][0] == pytest.approx(best.profit)
    assert again.approved[0] == pytest.approx(best.approved)
    assert again.bad_rate_approved[0] == pytest.approx(best.bad_rate_approved)


def test_terms_and_a_persons_look_are_priced_as_in_the_table() -> None:
    generator = np.random.default_rng(3)
    pd = generator.beta(1, 4, 500)
    bad = generator.random(500) < pd
    economics = Economics(revenue="amount * 0.2", funding="amount * 0.03", ead="amount", lgd=0.6, review=50)
    columns = {"amount": generator.lognormal(7, 0.5, 500)}
    best = best_cut_off(bad, pd, economics=economics, columns=columns, refer_from=0.15)
    table = cut_off_table(
        bad, pd, economics=economics, columns=columns, refer_from=0.15, cut_offs=[best.cut_off, 0.3, 1.0]
    )
    assert best.profit == pytest.approx(table.columns["profit"][np.flatnonzero(table.cut_off == best.cut_off)[0]])
    assert best.profit >= table.columns["profit"].max()


def test_where_every_application_pays_all_are_approved() -> None:
    best = best_cut_off([0, 0, 1], [0.1, 0.2, 0.9], value=[5, 5, 1])
    assert best.approved == 3
    assert best.cut_off == 1.0
    assert best.difference_from_all.value == 0.0
    assert best.sentence == "No cut-off beats approving all: profit EUR 11. (population not stated)"


def test_where_nothing_pays_all_are_declined() -> None:
    best = best_cut_off([1, 1, 0], [0.1, 0.2, 0.9], value=[-5, -5, -1])
    assert best.approved == 0
    assert best.profit == 0.0
    assert np.isnan(best.bad_rate_approved)
    assert best.sentence.startswith("No cut-off earns anything here: declining all is best.")


def test_of_equally_profitable_cut_offs_the_one_that_approves_most_is_taken() -> None:
    assert best_cut_off([0, 1, 0], [0.1, 0.2, 0.3], value=[10, -10, 10]).approved == 3


def test_a_cut_off_between_neighbouring_numbers_still_declines_the_right_ones() -> None:
    low = 0.3
    high = float(np.nextafter(low, 1.0))
    best = best_cut_off([0, 1], [low, high], value=[10, -50])
    assert best.approved == 1
    assert low < best.cut_off <= high


def test_a_clear_difference_is_called_one_and_a_doubtful_one_is_not() -> None:
    generator = np.random.default_rng(11)
    pd = np.repeat([0.05, 0.5], 2000)
    bad = generator.random(4000) < pd
    value = np.where(bad, -100.0, 50.0)
    clear = best_cut_off(bad, pd, value=value, in_force=1.0, population="matured, 2024")
    assert clear.approved == 2000
    assert clear.difference_from_all.certain
    assert "not enough evidence" not in clear.sentence
    assert clear.sentence.endswith("(matured, 2024)")
    doubtful = best_cut_off([0] * 6 + [1, 1, 1, 0], [0.05] * 5 + [0.5] * 5, value=[50] * 6 + [-100, -100, -100, 50])
    assert doubtful.difference_from_all.value == 200
    assert not doubtful.difference_from_all.certain
    assert "not enough evidence yet that it is better" in doubtful.sentence


def test_choosing_on_noise_does_not_pass_for_evidence() -> None:
    """PDs that say nothing, money that is a coin's: the best cut-off gains in sample, and nothing elsewhere."""
    gains, called_better, naively_better, optimism = [], 0, 0, []
    for seed in range(30):
        generator = np.random.default_rng(seed)
        value = generator.choice([-1.0, 1.0], 300)
        best = best_cut_off(value < 0, generator.random(300), value=value)
        gains.append(best.difference_from_all.value)
        optimism.append(best.optimism)
        called_better += best.difference_from_all.low > 0
        naively_better += best.difference_from_all.low + best.optimism > 0
    # All of the mean gain is luck, and the optimism says so within a half.
    assert np.mean(optimism) == pytest.approx(np.mean(gains), rel=0.5)
    assert called_better <= 3
    assert naively_better > called_better


def test_it_reads_in_a_terminal() -> None:
    best = best_cut_off([0, 0, 1], [0.1, 0.2, 0.9], value=[5, 5, -9], currency="USD")
    first, sentence = repr(best).splitlines()
    assert first.startswith("Best cut-off 0.55 (")
    assert first.endswith("over 3 applications; money realised")
    assert sentence == best.sentence
    assert "USD 10" in sentence


def test_money_has_to_be_stated() -> None:
    with pytest.raises(MeasureError, match="needs money") as caught:
        best_cut_off([0, 1], [0.1, 0.9])
    assert "Economics(" in str(caught.value.mend)


def test_a_cut_off_in_force_is_a_pd() -> None:
    with pytest.raises(MeasureError, match="in_force is a PD"):
        best_cut_off([0, 1], [0.1, 0.9], value=[1, -1], in_force=600)


def test_a_cut_off_that_approves_the_same_rows_differs_by_nothing_for_certain_or_not() -> None:
    """What the search cost in optimism is no evidence against a cut-off that is the best one itself."""
    bad = [0, 0, 0, 1, 1]
    best = best_cut_off(bad, [0.1, 0.2, 0.3, 0.6, 0.8], value=[10, 10, 10, -50, -50], in_force=0.5)
    difference = best.difference_from_in_force
    assert difference is not None
    assert (difference.value, difference.low, difference.high, difference.certain) == (0.0, 0.0, 0.0, False)
    assert "It is no more than the cut-off in force, 0.5." in best.sentence
