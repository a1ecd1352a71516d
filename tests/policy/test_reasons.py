"""Reason codes stay the same from release to release, and every reason has a text an applicant can read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Column, Contract
from roadworthy.errors import UsageError
from roadworthy.policy import Policy, assign_reason_codes, reason_text, rule_text

TEXTS = """\
reasons:
  texts:
    income: {higher: "Too much", lower: "Too little"}
    amount: {lower: "Small", missing: "None"}
    note: "One for all"
"""


@pytest.mark.parametrize(
    ("column", "direction", "text"),
    [
        ("income", "higher", "Too much"),
        ("income", "lower", "Too little"),
        ("income", "missing", "Income in a year was not given"),
        ("amount", "higher", "Amount is too high"),
        ("amount", "missing", "None"),
        ("note", "different", "One for all"),
        ("note", "missing", "One for all"),
        ("region", "different", "The region"),
        ("age", "lower", "Age of the applicant is too low"),
        ("annual cost", "higher", "Annual cost is too high"),
        ("employed", "different", "Employed"),
    ],
)
def test_a_reason_is_said_by_the_policy_else_the_contract_else_plainly(
    column: str,
    direction: Literal["higher", "lower", "different", "missing"],
    text: str,
    contract: Contract,
    policy_of: Callable[..., Policy],
) -> None:
    assert reason_text(policy_of(more=TEXTS), contract, column, direction) == text


def test_a_reason_for_a_column_that_is_not_there_is_refused(
    contract: Contract, policy_of: Callable[..., Policy]
) -> None:
    with pytest.raises(UsageError, match="no column 'wage'"):
        reason_text(policy_of(), contract, "wage", "lower")


def test_a_rule_says_its_own_reason(policy_of: Callable[..., Policy]) -> None:
    policy = policy_of("when: age < 18, then: decline")
    assert rule_text(policy, "rule_0") == "a reason"
    with pytest.raises(UsageError, match="no rule 'rule_1'"):
        rule_text(policy, "rule_1")


def contract_of(*names: str) -> Contract:
    return Contract(name="loans", columns=tuple(Column(name=name, type="number") for name in names))


def test_a_code_is_the_name_in_small_letters() -> None:
    codes = assign_reason_codes(contract_of("Annual income", "LIMIT_BAL", "debt/income (%)", "Größe", "收入", "x1"))
    assert list(codes.values()) == ["annual_income", "limit_bal", "debt_income", "grösse", "收入", "x1"]


def test_names_that_come_out_the_same_are_told_apart_whatever_their_order() -> None:
    names = ("annual_income", "Annual income", "ANNUAL-INCOME", "%", "€")
    codes = assign_reason_codes(contract_of(*names))
    assert codes == assign_reason_codes(contract_of(*reversed(names)))
    assert codes["annual_income"] == "annual_income"
    assert codes["Annual income"].startswith("annual_income_")
    assert len(set(codes.values())) == 5


def test_no_column_has_a_code_that_decisions_use_themselves() -> None:
    [code] = assign_reason_codes(contract_of("engine_failed")).values()
    assert code.startswith("engine_failed_")


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("aA b_-é"), min_size=1, max_size=5), min_size=1, max_size=8, unique=True))
def test_every_column_has_a_code_of_its_own(names: list[str]) -> None:
    codes = assign_reason_codes(contract_of(*names))
    assert list(codes) == names
    assert len(set(codes.values())) == len(names)
    assert all(code for code in codes.values())
