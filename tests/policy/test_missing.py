"""`check` lists what every rule does where an input is missing: all of them, and none that cannot happen (R2)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from roadworthy.contract import Batch, Contract
from roadworthy.policy import MissingBehaviour, Policy, list_missing_behaviour


@pytest.fixture
def list_for(
    contract: Contract, merchants: Contract, policy_of: Callable[..., Policy]
) -> Callable[..., list[MissingBehaviour]]:
    def list_one(when: str, if_missing: str = "refer") -> list[MissingBehaviour]:
        policy = policy_of(f"when: {json.dumps(when)}, then: decline, if_missing: {if_missing}")
        return list_missing_behaviour(policy.compile(contract, [merchants]))

    return list_one


@pytest.mark.parametrize(
    ("when", "columns", "divisors"),
    [
        ("age < 18", (), ()),
        ("income < 18", ("income",), ()),
        ("amount > 5 * income", ("income",), ()),
        ("missing(income)", (), ()),
        ("missing(income) or income < 1000", (), ()),
        ("not missing(income) and income < 1000", (), ()),
        ("missing(income) and income < 1000", ("income",), ()),
        ("missing(income) and age < 18", (), ()),
        ("income < 1000 or age < 18", ("income",), ()),
        ("income < 1000 or not age > 0 or missing(region) and employed", ("income", "employed"), ()),
        ('missing(region) and income < 5 or region in ("N",)', ("region", "income"), ()),
        ("not (missing(income) or missing(region)) and income > 5", (), ()),
        ("merchants.limit < amount", ("merchants.limit",), ()),
        ("amount / age > 5", (), ("age",)),
        ("amount / (age - 18) > 5 and amount / 2 > 3 and amount / -2 < 1", (), ("age - 18",)),
        ("amount / 0 > 1", (), ("0",)),
        ("income / age > age / income", ("income",), ("age", "income")),
    ],
)
def test_a_rule_is_listed_for_what_can_leave_it_unknown(
    when: str, columns: tuple[str, ...], divisors: tuple[str, ...], list_for: Callable[..., list[MissingBehaviour]]
) -> None:
    found = list_for(when)
    assert [(each.columns, each.divisors) for each in found] == [(columns, divisors)] * bool(columns or divisors)


@pytest.mark.parametrize(
    ("if_missing", "done"),
    [
        ("refer", "the application is referred"),
        ("decline", "the application is declined"),
        ("pass", "the rule does not fire"),
    ],
)
def test_the_list_says_in_words_what_is_done(
    if_missing: str, done: str, list_for: Callable[..., list[MissingBehaviour]]
) -> None:
    [found] = list_for("income / age > 5", if_missing)
    assert found.where == "policy.yaml, line 4"
    assert found.sentence == f"rule rule_0: where income is missing or age is 0, {done}"


@pytest.mark.parametrize(
    "when",
    [
        "missing(income) or income < 1000",
        "missing(income) and (region == 'N' or employed)",
        "income < 1 and not missing(region) or employed",
        "(missing(income) or income < 5) and (missing(region) or region == 'N' or note == 'x')",
    ],
)
def test_whatever_leaves_a_rule_unknown_is_listed_and_whatever_is_listed_can(
    when: str,
    contract: Contract,
    batch_of: Callable[..., Batch],
    policy_of: Callable[..., Policy],
    list_for: Callable[..., list[MissingBehaviour]],
) -> None:
    """Against every combination of values and gaps."""
    choices: dict[str, list[Any]] = {
        "income": [None, 0, 2000],
        "region": [None, "N", "S"],
        "employed": [None, True, False],
        "note": [None, "x", "y"],
    }
    rows = [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
    fired = policy_of(f"when: {json.dumps(when)}, then: decline").compile(contract).fire(batch_of(*rows))
    gaps = [
        {column for column in row if row[column] is None}
        for row, unknown in zip(rows, fired.unknown[:, 0], strict=True)
        if unknown
    ]
    listed = {column for found in list_for(when) for column in found.columns}
    assert all(listed & gap for gap in gaps)
    assert listed <= set().union(*gaps)
