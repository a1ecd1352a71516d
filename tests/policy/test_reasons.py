"""Reason codes stay the same from release to release, and every reason has a text an applicant can read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Column, Contract
from roadworthy.errors import PolicyError, UsageError
from roadworthy.policy import (
    Policy,
    assign_reason_codes,
    choose_language,
    language_text,
    policy_digest,
    policy_yaml,
    reason_text,
    rule_text,
)

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


SPEAKING = """
name: speaking
bands: [{answer: refer}]
rules: [{code: young, when: age < 18, then: decline, reason: Too young}]
reasons:
  texts: {age: {lower: You are too young, higher: You are too old}}
  languages:
    de:
      texts: {age: {lower: Sie sind zu jung}}
      rules: {young: {reason: Zu jung, missing: Das Alter fehlt}, no_true_reason: Ein Mensch entscheidet}
    fr-CH: {texts: {age: Age}}
"""


def test_a_language_says_what_it_has_and_the_policy_the_rest() -> None:
    contract = Contract(name="loans", columns=(Column(name="age", type="integer"),))
    policy = Policy.parse(SPEAKING)
    policy.compile(contract)

    def said(language: str | None) -> list[str]:
        return [reason_text(policy, contract, "age", direction, language) for direction in ("lower", "higher")]

    assert said(None) == said("it") == ["You are too young", "You are too old"]
    assert said("de") == ["Sie sind zu jung", "You are too old"]
    assert said("fr-CH") == ["Age", "Age"]
    assert language_text(policy, "young", "Too young", "de") == "Zu jung"
    assert language_text(policy, "young", "Too young: not given", "de", missing=True) == "Das Alter fehlt"
    assert language_text(policy, "no_true_reason", "No reason", "de", missing=True) == "No reason"
    assert language_text(policy, "young", "Too young", "fr-CH") == "Too young"
    assert Policy.parse(policy_yaml(policy)) == policy


def test_the_language_is_the_first_that_is_spoken() -> None:
    spoken = Policy.parse(SPEAKING).reasons.spoken
    for wanted, chosen in ((["it", "de-AT"], "de"), (["fr"], None), (["FR-ch", "de"], "fr-CH"), ([], None)):
        assert choose_language(spoken, wanted) == chosen


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("German: {}", "'German' is no language"),
        ("de: {texts: {aeg: x}}", "de: there is no column 'aeg'"),
        ("de: {rules: {old: x}}", "de: there is no rule 'old'"),
    ],
)
def test_texts_of_what_is_not_there_are_refused(entry: str, message: str) -> None:
    contract = Contract(name="loans", columns=(Column(name="age", type="integer"),))
    with pytest.raises(PolicyError, match=re.escape(message)):
        Policy.parse(f"name: a\nbands: [{{answer: refer}}]\nreasons: {{languages: {{{entry}}}}}").compile(contract)


def test_a_policy_without_languages_keeps_its_digest() -> None:
    """Releases are known by it: what was approved before there were languages is the same policy still."""
    policy = Policy.parse("{name: a, bands: [{answer: refer}]}")
    assert policy_digest(policy) == "9034988fe5716871b046902d8d85a1817e90a0321959dfa1217a1e5112e47ce3"
