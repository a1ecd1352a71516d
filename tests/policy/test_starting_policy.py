"""What `init` writes to start from: sound for every base rate, assumed money marked so (R2, R18)."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roadworthy.contract import Column, Contract
from roadworthy.errors import PolicyError, UsageError
from roadworthy.policy import Case, Expected, Policy, ScoreScale, policy_yaml, run_cases, starting_policy


def test_bands_are_placed_by_the_base_rate_one_pdo_apart(contract: Contract) -> None:
    """Worked by hand: 8% is odds of 2/23; twice that is 4/23, a PD of 4/27 = .148."""
    policy = starting_policy(contract, base_rate=0.08)
    assert [(band.up_to, band.answer) for band in policy.bands] == [
        (0.08, "approve"),
        (0.148, "refer"),
        (None, "decline"),
    ]
    low, high = ScoreScale().score([0.08, 4 / 27])
    assert low - high == pytest.approx(ScoreScale().pdo)


@settings(deadline=None)
@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
@example(5e-324)
@example(math.nextafter(1, 0))
@example(0.9999)
@example(0.99999999999999)
def test_every_base_rate_gives_a_sound_policy(base_rate: float) -> None:
    contract = Contract(name="loans", columns=(Column(name="amount", type="number", role="money"),))
    policy = starting_policy(contract, base_rate=base_rate)
    policy.compile(contract)
    first = policy.bands[0].up_to
    assert first is not None
    assert first == pytest.approx(base_rate, rel=0.01)


def test_cut_offs_of_ones_own_replace_the_base_rate(contract: Contract) -> None:
    two = starting_policy(contract, base_rate=0.08, cut_offs=[0.03])
    assert [(band.up_to, band.answer) for band in two.bands] == [(0.03, "approve"), (None, "decline")]
    three = starting_policy(contract, base_rate=0.08, cut_offs=(0.03, 0.1))
    assert [band.answer for band in three.bands] == ["approve", "refer", "decline"]


def test_money_is_assumed_per_year_of_the_horizon(contract: Contract) -> None:
    policy = starting_policy(contract, base_rate=0.08, currency="INR", horizon_months=18)
    assert policy.economics is not None
    assert (policy.economics.currency, policy.economics.horizon_months) == ("INR", 18)
    assert {term.basis for term in policy.economics.terms.values()} == {"assumed"}
    assert {name: term.value for name, term in policy.economics.terms.items()} == {
        "revenue": "0.18 * amount",
        "funding": "0.045 * amount",
        "ead": "amount",
        "lgd": 0.55,
        "review": "0.005 * amount",
        "servicing": "0.015 * amount",
    }
    priced = policy.economics.to_economics().price({"amount": [1000.0]}, 1)
    assert priced.if_good.tolist() == pytest.approx([180 - 45 - 15])
    assert priced.if_bad.tolist() == pytest.approx([-45 - 15 - 550])


@pytest.mark.parametrize("name", ["Loan amount", 'a"b', "a\\b", "class", "lambda", "True", "LoanAmount", "Betrag €"])
def test_an_amount_of_any_name_can_be_priced(name: str) -> None:
    contract = Contract(name="loans", columns=(Column(name=name, type="number", role="money"),))
    policy = starting_policy(contract, base_rate=0.08)
    policy.compile(contract)
    assert policy.economics is not None
    assert policy.economics.to_economics().columns == (name,)
    assert Policy.parse(policy_yaml(policy)) == policy


def test_without_an_amount_no_money_is_shown() -> None:
    contract = Contract(name="loans", columns=(Column(name="age", type="number"),))
    assert starting_policy(contract, base_rate=0.08).economics is None
    chosen = starting_policy(contract, base_rate=0.08, amount="age").economics
    assert chosen is not None
    assert chosen.terms["ead"].value == "age"


def test_cases_come_along_and_run(contract: Contract) -> None:
    inputs = {"age": 30, "amount": 100}
    cases = (
        Case(name="sound", inputs=inputs, pd=0.02, expect=Expected(answer="approve")),
        Case(name="risky", inputs=inputs, pd=0.5, expect=Expected(answer="decline")),
    )
    policy = starting_policy(contract, base_rate=0.08, cases=cases)
    assert [result.status for result in run_cases(policy, contract)] == ["passed", "passed"]
    assert Policy.parse(policy_yaml(policy)) == policy


@pytest.mark.parametrize("base_rate", [0.0, 1.0, -0.1, 8.0, math.nan])
def test_a_base_rate_that_cannot_be_is_refused(base_rate: float, contract: Contract) -> None:
    with pytest.raises(UsageError, match="a base rate lies between 0 and 1"):
        starting_policy(contract, base_rate=base_rate)


def test_what_a_policy_may_not_have_is_refused(contract: Contract) -> None:
    with pytest.raises(UsageError, match="one or two cut-offs, not 3"):
        starting_policy(contract, base_rate=0.08, cut_offs=(0.1, 0.2, 0.3))
    with pytest.raises(UsageError, match="no column 'region' of numbers"):
        starting_policy(contract, base_rate=0.08, amount="region")
    with pytest.raises(PolicyError, match="bands must rise"):
        starting_policy(contract, base_rate=0.08, cut_offs=(0.2, 0.1))
    with pytest.raises(PolicyError, match="'euro' is no currency"):
        starting_policy(contract, base_rate=0.08, currency="euro")
