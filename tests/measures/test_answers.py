"""What a policy's answers were worth, with the referred bounded (R18)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.errors import MeasureError
from roadworthy.measures import Economics, answer_table

ECONOMICS = Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=10, currency="EUR")


def test_the_bounds_of_five_applications_by_hand() -> None:
    """Approved: 100 - 500 = -400. Referred: a good worth 100 and a bad worth -500, two looks at 10 each.

    At worst people approve the bad and decline the good: -400 - 500 - 20 = -920; at best the reverse: -400 + 100 - 20.
    """
    table = answer_table([0, 1, 0, 1, 1], [0, 0, 1, 1, 2], priced=ECONOMICS.price({}, 5))
    assert (table.profit_low, table.profit_high) == (-920.0, -320.0)
    assert table.applications.tolist() == [2.0, 2.0, 1.0]
    assert table.bads.tolist() == [1.0, 1.0, 1.0]
    assert table.bad_rate.tolist() == [0.5, 0.5, 1.0]


def test_money_is_stated_by_terms_and_columns_or_priced_with_the_same_result() -> None:
    economics = Economics(revenue="amount * 0.1", funding=0, ead="amount", lgd=0.5, review=10, lifetime_factor=1.25)
    columns = {"amount": [1000.0, 2000.0, 500.0, 800.0, 1500.0]}
    bad, answer = np.array([0, 1, None, 1, 0]), [0, 0, 1, 1, 2]
    priced = economics.price(columns, 5)
    tables = [
        answer_table(bad, answer, priced=priced),
        answer_table(bad, answer, economics=economics, columns=columns),
        answer_table(bad, answer, economics=priced),
    ]
    for table in tables[1:]:
        for name, column in table.columns.items():
            np.testing.assert_array_equal(column, tables[0].columns[name])
        assert (table.profit_low, table.profit_high, table.currency) == (
            tables[0].profit_low,
            tables[0].profit_high,
            "EUR",
        )


def test_money_stated_twice_or_of_other_applications_is_refused() -> None:
    priced = ECONOMICS.price({}, 2)
    with pytest.raises(MeasureError, match="both state the money"):
        answer_table([0, 1], [0, 2], economics=ECONOMICS, priced=priced)
    with pytest.raises(MeasureError, match="2 entries for 3 applications"):
        answer_table([0, 1, 0], [0, 2, 0], priced=priced)
    with pytest.raises(MeasureError, match="economics is Economics or Priced, not dict"):
        answer_table([0, 1], [0, 2], economics={"revenue": 1})  # type: ignore[arg-type]  # as a user may


def test_without_money_none_is_shown_and_without_referrals_nothing_is_bounded() -> None:
    assert answer_table([0, 1], [0, 2]).profit_low is None
    assert "profit" not in answer_table([0, 1], [0, 2]).sentence
    alone = answer_table([0, 1], [0, 2], priced=ECONOMICS.price({}, 2))
    assert alone.profit_low == alone.profit_high == 100.0
    assert alone.sentence.endswith("Its profit is EUR 100.")


def test_an_answer_that_nobody_got_has_no_rate() -> None:
    table = answer_table([0, 0], [0, 0])
    assert np.isnan(table.bad_rate[2])
    assert "Of the declined" not in table.sentence


@pytest.mark.parametrize("answer", [[0, 3], [0], [0.5, 1], [-1, 0]])
def test_an_answer_that_is_none_is_refused(answer: list[float]) -> None:
    with pytest.raises(MeasureError, match="answer holds"):
        answer_table([0, 1], answer)


ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=30)


@given(ROWS)
def test_weights_are_repeated_rows_and_every_decision_of_people_lies_within_the_bounds(
    rows: list[tuple[int, int, int]],
) -> None:
    bad, answer, weight = (np.array(column) for column in zip(*rows, strict=True))
    weighted = answer_table(bad, answer, weights=weight, priced=ECONOMICS.price({}, len(bad)))
    n = int(weight.sum())
    repeated = answer_table(np.repeat(bad, weight), np.repeat(answer, weight), priced=ECONOMICS.price({}, n))
    for name in ("applications", "bads", "profit_if_approved"):
        assert np.allclose(getattr(weighted, name), getattr(repeated, name))
    assert weighted.profit_low is not None
    assert weighted.profit_high is not None
    assert weighted.profit_low == pytest.approx(repeated.profit_low)
    assert weighted.profit_high == pytest.approx(repeated.profit_high)
    worth = np.where(bad == 1, -500.0, 100.0) * weight
    review = 10.0 * weight[answer == 1].sum()
    for people in (np.ones(len(bad)), np.zeros(len(bad)), bad, 1 - bad):
        profit = worth[answer == 0].sum() + (worth * people)[answer == 1].sum() - review
        assert weighted.profit_low <= profit <= weighted.profit_high
