"""What an application is worth: the definitions by hand, measured and assumed kept apart (R18)."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.errors import MeasureError
from roadworthy.measures import Economics, Term


def test_a_good_and_a_bad_by_hand() -> None:
    economics = Economics(
        revenue="amount * rate",
        funding="amount * 0.03",
        ead="amount * 0.8",
        lgd=0.5,
        review=40,
        servicing=15,
        acquisition=25,
        income_received="amount * rate / 4",
    )
    priced = economics.price({"amount": [1000.0], "rate": [0.2]}, 1)
    # Revenue 200; costs 30 + 15 + 25; what is lost of a bad 800 x 0.5, less 50 it had paid.
    assert priced.if_good.tolist() == [200 - 70]
    assert priced.if_bad.tolist() == [-70 - (400 - 50)]
    assert priced.revenue.tolist() == [200]
    assert priced.costs.tolist() == [70]
    assert priced.credit_loss.tolist() == [350]
    assert priced.review.tolist() == [40]
    assert economics.columns == ("amount", "rate")


def test_review_is_no_part_of_an_applications_own_profit() -> None:
    cheap = Economics(revenue=10, funding=1, ead=100, lgd=0.5)
    dear = Economics(revenue=10, funding=1, ead=100, lgd=0.5, review=1000)
    assert cheap.price({}, 1).if_good.tolist() == dear.price({}, 1).if_good.tolist()


def test_a_term_is_assumed_unless_it_is_said_to_be_measured() -> None:
    economics = Economics(revenue=Term("interest", "measured"), funding=0.0, ead=Term(100.0, "measured"), lgd=0.55)
    assert economics.assumed == ("funding", "lgd", "review", "servicing", "acquisition", "income_received")
    assert economics.terms["revenue"] == Term("interest", "measured")


def test_what_is_assumed_is_shown_with_the_money() -> None:
    priced = Economics(revenue=1, funding=0, ead=1, lgd=Term(0.5, "measured"), currency="TWD").price({}, 3)
    assert repr(priced).startswith("Priced: 3 applications in TWD, assumed: revenue, funding, ead, review")


def test_constants_price_any_number_of_applications() -> None:
    priced = Economics(revenue=5, funding=1, ead=100, lgd=1).price({}, 4)
    assert priced.if_good.tolist() == [4.0] * 4
    assert priced.if_bad.tolist() == [-101.0] * 4
    assert len(priced) == 4
    with pytest.raises(ValueError, match="read-only"):
        priced.revenue[0] = 1.0


def test_a_file_states_a_term_as_a_value_or_with_its_basis() -> None:
    stated = {
        "revenue": {"value": "interest", "basis": "measured"},
        "funding": 0.03,
        "ead": "amount",
        "lgd": {"value": 0.4},
        "currency": "USD",
    }
    economics = Economics.from_mapping(stated)
    assert economics.revenue == Term("interest", "measured")
    assert economics.lgd == Term(0.4, "assumed")
    assert economics.currency == "USD"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"margin": 2}, "does not know margin"),
        ({"lgd": {"value": 1, "base": "assumed"}}, "value and basis, not value, base"),
        ({"lgd": {"basis": "assumed"}}, "value and basis, not basis"),
        ({"lgd": {"value": 1, "basis": "guessed"}}, "measured or assumed, not 'guessed'"),
        ({"lgd": [0.5]}, "finite number or a text"),
        ({"lgd": True}, "finite number or a text"),
        ({"lgd": float("nan")}, "finite number or a text"),
        ({"lgd": "exec('x')"}, "may not hold"),
        ({"currency": ""}, "currency"),
        ({"currency": 3}, "currency"),
    ],
)
def test_a_statement_that_makes_no_sense_is_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(MeasureError, match=problem):
        Economics.from_mapping({"revenue": 1, "funding": 0, "ead": 1, "lgd": 0.5, **change})


def test_a_missing_term_is_named() -> None:
    with pytest.raises(MeasureError, match="lacks funding, lgd"):
        Economics.from_mapping({"revenue": 1, "ead": 1})


def test_a_fault_names_its_term() -> None:
    with pytest.raises(MeasureError, match=r"^funding: the term") as caught:
        Economics(revenue=1, funding="a ** 2", ead=1, lgd=0.5)
    assert caught.value.where == "funding"
    with pytest.raises(MeasureError, match=r"^ead: the term 'amuont' reads column 'amuont'"):
        Economics(revenue=1, funding=0, ead="amuont", lgd=0.5).price({"amount": [1.0]}, 1)


def test_lgd_is_a_fraction_and_ead_is_not_negative() -> None:
    with pytest.raises(MeasureError, match="lgd: is a fraction") as caught:
        Economics(revenue=1, funding=0, ead=1, lgd=55).price({}, 1)
    assert caught.value.mend == "55% is 0.55, not 55"
    with pytest.raises(MeasureError, match="ead: is what is owed, and goes down to -2"):
        Economics(revenue=1, funding=0, ead="owed", lgd=0.5).price({"owed": np.array([1.0, -2.0])}, 2)


@pytest.mark.parametrize("n", [0, -1, 2.5, None])
def test_the_number_of_applications_is_a_number(n: object) -> None:
    with pytest.raises(MeasureError, match="number of applications"):
        Economics(revenue=1, funding=0, ead=1, lgd=0.5).price({}, n)  # type: ignore[arg-type]  # on purpose
