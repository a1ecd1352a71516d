"""The cases inside a policy file, run: inputs with the answer they must get, so that a policy proves itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, Batch, Contract, check_body, outside
from roadworthy.policy.ruling import CompiledPolicy
from roadworthy.policy.schema import ANSWERS, Answer, Case, Expected

if TYPE_CHECKING:
    from roadworthy.policy.policy import Policy

__all__ = ["CaseResult", "PdOf", "run_cases"]

PdOf: TypeAlias = Callable[[Batch], NDArray[np.float64]]


@dataclass(frozen=True)
class CaseResult:
    """What one case gave.

    got      the answer; None where none was reached
    rules    codes of the rules that fired
    pd       as the case states it, or as the model gave it
    fault    why no answer was reached: the inputs break the contract, or nothing gives the case a PD
    status   "not run" only where the case has no pd, no model is at hand and no rule settles the answer by itself
    """

    name: str
    where: str
    status: Literal["passed", "failed", "not run"]
    expected: Expected
    got: Answer | None = None
    rules: tuple[str, ...] = ()
    pd: float | None = None
    fault: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the case was run and gave what it must."""
        return self.status == "passed"

    @property
    def sentence(self) -> str:
        """In words: place, expected, got, the rules that fired.

        >>> CaseResult("too young", "policy.yaml, line 40", "failed", Expected(answer="decline"), "approve").sentence
        "policy.yaml, line 40: case 'too young' failed: expected decline, got approve; rules fired: none"
        """
        start = f"{self.where}: case '{self.name}' {self.status}: expected {_say(self.expected)}"
        if self.fault is not None:
            return f"{start}; {self.fault}"
        end = "" if self.pd is None else f"; pd {self.pd:.6g}"
        return f"{start}, got {self.got}; rules fired: {', '.join(self.rules) or 'none'}{end}"


def run_cases(
    policy: Policy, contract: Contract, pd_of: PdOf | None = None, *, tables: Iterable[Contract] = ()
) -> list[CaseResult]:
    """Every case of the policy, in order, decided as an application would be.

    A case's own `pd` stands in for the model; without one, `pd_of(batch)`, of shape (1,), gives it. A value outside the
    contract's range refers, as it does live. Raises PolicyError where the policy does not fit the contract.

    >>> from roadworthy.contract import Column, Contract
    >>> from roadworthy.policy import Policy
    >>> policy = Policy.parse('''
    ... name: loans
    ... bands: [{up_to: 0.05, answer: approve}, {answer: decline}]
    ... cases:
    ...   - {name: sound, inputs: {age: 30}, pd: 0.01, expect: {answer: approve}}
    ... ''')
    >>> contract = Contract(name="loans", columns=(Column(name="age", type="integer"),))
    >>> [result.sentence for result in run_cases(policy, contract)]
    ["policy.yaml, line 5: case 'sound' passed: expected approve, got approve; rules fired: none; pd 0.01"]
    """
    compiled = policy.compile(contract, tables)
    return [_run(compiled, position, case, pd_of) for position, case in enumerate(policy.cases)]


def _run(compiled: CompiledPolicy, position: int, case: Case, pd_of: PdOf | None) -> CaseResult:
    where = compiled.policy.where("cases", position)
    try:
        batch = _build_row(compiled.contract, case.inputs, "inputs")
        joined = _join_tables(compiled, case)
    except _Unusable as error:
        return CaseResult(case.name, where, "failed", case.expect, pd=case.pd, fault=str(error))
    pd = float(pd_of(batch)[0]) if case.pd is None and pd_of is not None else case.pd
    beyond: NDArray[np.bool_] = np.asarray(outside(batch).any(axis=1))
    ruling = compiled.answer(batch, np.array([np.nan if pd is None else pd]), tables=joined, refer=beyond)
    rules = tuple(code for code, fired in zip(compiled.codes, ruling.fired[0], strict=True) if fired)
    if pd is None and not rules and not beyond[0]:
        fault = "the case has no pd, and there is no model yet to give one"
        return CaseResult(case.name, where, "not run", case.expect, fault=fault)
    got = ANSWERS[ruling.answer[0]]
    right = got == case.expect.answer and (case.expect.rules is None or set(case.expect.rules) == set(rules))
    return CaseResult(case.name, where, "passed" if right else "failed", case.expect, got, rules, pd)


class _Unusable(Exception):
    """Values of a case break their contract; the message lists how."""


def _join_tables(compiled: CompiledPolicy, case: Case) -> dict[str, Batch]:
    known = compiled.scope.tables
    for name in case.tables:
        if name not in known:
            raise _Unusable(f"there is no table '{name}'")
    return {
        name: _build_row(table, case.tables[name], f"tables.{name}") if name in case.tables else _build_absent(table)
        for name, table in known.items()
    }


def _build_row(contract: Contract, inputs: dict[str, Any], place: str) -> Batch:
    checked = check_body(contract, {"inputs": inputs})
    if isinstance(checked, Batch):
        return checked
    listed = "; ".join(f"{violation.path} {violation.message}" for violation in checked)
    raise _Unusable(f"its {place} break the contract: {listed}")


def _build_absent(table: Contract) -> Batch:
    """One application for which no row of the table is in force: every value missing."""
    empty: dict[str, NDArray[Any]] = {
        "category": np.array([MISSING], dtype=np.int32),
        "date": np.array(["NaT"], dtype="datetime64[us]"),
        "text": np.array([None], dtype=object),
    }
    number = np.array([np.nan])
    nobody = np.array([None], dtype=object)
    columns = {column.name: empty.get(column.type, number) for column in table.columns}
    return Batch(table, columns, nobody, nobody, empty["date"])


def _say(expected: Expected) -> str:
    if expected.rules is None:
        return expected.answer
    return f"{expected.answer} with rules {', '.join(expected.rules) or 'none'}"
