"""A policy proves itself by the cases it carries (R2): passed, failed with what happened, or honestly not run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from roadworthy.contract import Batch, Contract
from roadworthy.errors import PolicyError
from roadworthy.policy import CaseResult, PdOf, Policy, run_cases

RULES = (
    "when: age < 18, then: decline",
    "when: amount > 5 * income, then: refer",
    "when: missing(merchants.limit), then: refer",
)
BANDS = "[{up_to: 0.05, answer: approve}, {answer: decline}]"
INPUTS = "age: 30, income: 1000, amount: 100, region: N, employed: true, opened: 2020-05-01"
TABLES = "tables: {merchants: {limit: 500, kind: web}}"

Run = Callable[..., CaseResult]


@pytest.fixture
def run(contract: Contract, merchants: Contract, policy_of: Callable[..., Policy]) -> Run:
    """Run one case, given as the inside of a YAML flow mapping."""

    def run_one(case: str, pd_of: PdOf | None = None) -> CaseResult:
        policy = policy_of(*RULES, bands=BANDS, more=f"cases:\n  - {{name: case, {case}}}")
        [result] = run_cases(policy, contract, pd_of, tables=[merchants])
        assert result.where == "policy.yaml, line 8"
        return result

    return run_one


def test_a_case_passes_on_the_right_answer_and_rules(run: Run) -> None:
    result = run(f"inputs: {{{INPUTS}}}, {TABLES}, pd: 0.01, expect: {{answer: approve, rules: []}}")
    assert result.passed
    assert (result.got, result.rules, result.pd) == ("approve", (), 0.01)
    assert result.sentence == (
        "policy.yaml, line 8: case 'case' passed: expected approve with rules none, "
        "got approve; rules fired: none; pd 0.01"
    )


def test_rules_that_are_not_stated_are_not_asked_for(run: Run) -> None:
    result = run(f"inputs: {{{INPUTS}}}, pd: 0.01, expect: {{answer: refer}}")
    assert result.passed
    assert result.rules == ("rule_2",)


def test_a_case_without_a_table_has_no_row_in_force(run: Run) -> None:
    assert run(f"inputs: {{{INPUTS}}}, pd: 0.01, expect: {{answer: refer, rules: [rule_2]}}").passed


def test_a_case_fails_on_a_wrong_answer_and_says_what_happened(run: Run) -> None:
    result = run(f"inputs: {{{INPUTS.replace('30', '17')}}}, {TABLES}, pd: 0.2, expect: {{answer: approve}}")
    assert result.status == "failed"
    assert result.sentence.endswith("failed: expected approve, got decline; rules fired: rule_0; pd 0.2")


def test_a_case_fails_on_the_right_answer_for_the_wrong_reason(run: Run) -> None:
    case = f"inputs: {{{INPUTS}}}, {TABLES}, pd: 0.2, expect: {{answer: decline, rules: [rule_0]}}"
    assert run(case).status == "failed"
    assert run(case.replace("30", "17")).passed


def test_the_model_is_asked_where_the_case_has_no_pd(run: Run) -> None:
    asked: list[float] = []

    def pd_of(batch: Batch) -> NDArray[np.float64]:
        asked.append(float(batch.columns["age"][0]))
        return np.array([0.3])

    result = run(f"inputs: {{{INPUTS}}}, {TABLES}, expect: {{answer: decline}}", pd_of)
    assert result.passed
    assert result.pd == 0.3
    assert run(f"inputs: {{{INPUTS}}}, {TABLES}, pd: 0.01, expect: {{answer: approve}}", pd_of).passed
    assert asked == [30.0]


def test_a_case_that_needs_a_model_where_there_is_none_is_not_run(run: Run) -> None:
    result = run(f"inputs: {{{INPUTS}}}, {TABLES}, expect: {{answer: approve}}")
    assert result.status == "not run"
    assert not result.passed
    assert "no model yet" in result.sentence


def test_a_case_that_a_rule_settles_needs_no_model(run: Run) -> None:
    assert run(f"inputs: {{{INPUTS.replace('30', '17')}}}, expect: {{answer: decline}}").passed


def test_a_value_outside_the_contract_refers_as_it_does_live(run: Run) -> None:
    result = run(f"inputs: {{{INPUTS.replace('30', '101')}}}, {TABLES}, pd: 0.01, expect: {{answer: refer, rules: []}}")
    assert result.passed


@pytest.mark.parametrize(
    ("case", "fault"),
    [
        ("inputs: {}, pd: 0.01", "$.inputs.age is missing"),
        (f"inputs: {{{INPUTS}, wage: 5}}, pd: 0.01", "$.inputs.wage"),
        (f"inputs: {{{INPUTS.replace('30', 'old')}}}, pd: 0.01", "$.inputs.age"),
        (f"inputs: {{{INPUTS}}}, tables: {{branches: {{a: 1}}}}, pd: 0.01", "there is no table 'branches'"),
        (f"inputs: {{{INPUTS}}}, tables: {{merchants: {{limit: 5, kind: 7.5}}}}, pd: 0.01", "tables.merchants"),
    ],
)
def test_a_case_whose_inputs_break_the_contract_fails_with_how(case: str, fault: str, run: Run) -> None:
    result = run(f"{case}, expect: {{answer: approve}}")
    assert result.status == "failed"
    assert result.got is None
    assert fault in result.sentence


def test_cases_of_a_policy_that_does_not_fit_are_not_run_at_all(
    contract: Contract, policy_of: Callable[..., Policy]
) -> None:
    with pytest.raises(PolicyError, match="no column 'agee'"):
        run_cases(policy_of("when: agee < 18, then: decline"), contract)


def test_a_policy_without_cases_has_no_results(contract: Contract, policy_of: Callable[..., Policy]) -> None:
    assert run_cases(policy_of(), contract) == []
