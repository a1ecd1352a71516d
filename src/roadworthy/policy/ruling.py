"""A policy compiled against a contract: which rules fire on a batch, and the answer each application gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, Contract
from roadworthy.errors import UsageError
from roadworthy.policy.compiling import Condition, Read, Scope, compile_condition
from roadworthy.policy.expression import Expression, Name, iter_names
from roadworthy.policy.parsing import parse_expression
from roadworthy.policy.schema import ANSWERS, REFER, Rule

if TYPE_CHECKING:
    from roadworthy.policy.policy import Policy

__all__ = ["NOT_FORCED", "CompiledPolicy", "CompiledRule", "Fired", "Ruling"]

NOT_FORCED = -1
"""In `Fired.answer`: no rule fired, the bands decide."""
_NO_TABLES: Mapping[str, Batch] = MappingProxyType({})


@dataclass(frozen=True)
class Fired:
    """Which rules fired on `n` applications, all arrays read-only.

    rules     bool (n, n_rules): the rule fired, by its condition or because an input is missing
    unknown   bool (n, n_rules): it fired only because an input is missing (`if_missing`)
    answer    int8 (n,): the strictest answer of the rules that fired, as a position in ANSWERS; NOT_FORCED (-1) else
    """

    rules: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    answer: NDArray[np.int8]


@dataclass(frozen=True)
class Ruling:
    """The answers to `n` applications, all arrays read-only.

    answer    int8 (n,): position in ANSWERS
    fired     bool (n, n_rules): as `Fired.rules`
    unknown   bool (n, n_rules): as `Fired.unknown`
    """

    answer: NDArray[np.int8]
    fired: NDArray[np.bool_]
    unknown: NDArray[np.bool_]


@dataclass(frozen=True)
class CompiledRule:
    """One rule with what it reads and how it runs; `then` and `if_missing` are positions in ANSWERS (-1 passes)."""

    rule: Rule
    expression: Expression
    columns: tuple[Name, ...]
    condition: Condition
    then: int
    if_missing: int


class CompiledPolicy:
    """A policy that fits its contract. Made by `Policy.compile`; nothing in it changes, so threads may share it.

    >>> from roadworthy.contract import Column, Contract, check_body
    >>> from roadworthy.policy import Policy
    >>> policy = Policy.parse('''
    ... name: loans
    ... bands: [{up_to: 0.05, answer: approve}, {answer: decline}]
    ... rules:
    ...   - {code: under_age, when: age < 18, then: decline, reason: Applicants must be at least 18}
    ... ''')
    >>> contract = Contract(name="loans", columns=(Column(name="age", type="integer"),))
    >>> compiled = policy.compile(contract)
    >>> ruling = compiled.answer(check_body(contract, {"inputs": {"age": 17}}), np.array([0.01]))
    >>> ANSWERS[ruling.answer[0]], ruling.fired
    ('decline', array([[ True]]))
    """

    def __init__(self, policy: Policy, contract: Contract, tables: Iterable[Contract] = ()) -> None:
        self.policy = policy
        self.contract = contract
        self.scope = Scope.of(contract, tables)
        self.rules = tuple(_compile_rule(rule, self.scope) for rule in policy.rules)
        # One column each, against the rows of rules in `fire`.
        self._then = np.array([rule.then for rule in self.rules], dtype=np.int8).reshape(-1, 1)
        self._if_missing = np.array([rule.if_missing for rule in self.rules], dtype=np.int8).reshape(-1, 1)
        self._reads_tables = sorted({name.table for rule in self.rules for name in rule.columns if name.table})
        self._cut_offs = np.array([band.up_to for band in policy.bands[:-1]], dtype=np.float64)
        self._band_answers = np.array([ANSWERS.index(band.answer) for band in policy.bands], dtype=np.int8)

    @property
    def codes(self) -> tuple[str, ...]:
        """The rules' codes, in the order of the columns of `Fired.rules`."""
        return tuple(rule.rule.code for rule in self.rules)

    def columns_of(self, code: str) -> tuple[str, ...]:
        """The columns that the rule reads, in the order written; a table's column as `table.column`."""
        for rule in self.rules:
            if rule.rule.code == code:
                return tuple(str(name) for name in rule.columns)
        raise UsageError(f"there is no rule '{code}'", available=self.codes)

    def fire(self, batch: Batch, tables: Mapping[str, Batch] = _NO_TABLES) -> Fired:
        """Which rules fire on each application.

        `tables` holds, for each table that a rule reads, the rows in force: a Batch over the table's contract, as long
        as `batch` and in its order, with every value missing where an application has no row. UsageError where the
        batch or a table is of another contract or length than the policy was compiled for.
        """
        read = self._reader(batch, tables)
        n = len(batch)
        # Rules down the rows, so that each writes one run of memory; handed out turned round.
        fired = np.zeros((len(self.rules), n), dtype=np.bool_)
        unknown = np.zeros((len(self.rules), n), dtype=np.bool_)
        with np.errstate(all="ignore"):  # a division by zero is unknown, not a warning
            for position, rule in enumerate(self.rules):
                truth = rule.condition(read)
                fired[position] = truth.yes
                unknown[position] = ~(truth.yes | truth.no)
        unknown &= self._if_missing != NOT_FORCED
        forced = np.where(fired, self._then, NOT_FORCED)
        forced = np.where(unknown, self._if_missing, forced)
        answer = forced.max(axis=0, initial=NOT_FORCED)
        fired |= unknown
        for array in (fired, unknown, answer):
            array.flags.writeable = False
        return Fired(rules=fired.T, unknown=unknown.T, answer=answer)

    def answer(
        self,
        batch: Batch,
        pd: NDArray[np.float64],
        *,
        tables: Mapping[str, Batch] = _NO_TABLES,
        refer: NDArray[np.bool_] | None = None,
    ) -> Ruling:
        """The answer to each application of `batch`, given its PD, shape (n,).

        The strictest comes first: a rule that declines, then whatever refers (a rule; `refer`, which marks applications
        that must go to a person for a reason outside the policy, as a value outside the contract's range; a PD that is
        NaN or not in 0..1), and only then the bands. A band is taken where PD < up_to, so that a PD equal to a cut-off
        belongs to the riskier band.
        """
        pd = np.asarray(pd, dtype=np.float64)
        if pd.shape != (len(batch),):
            raise UsageError(f"{len(batch)} applications need a pd of shape ({len(batch)},), not {pd.shape}")
        fired = self.fire(batch, tables)
        to_people = ~((pd >= 0) & (pd <= 1))
        if refer is not None:
            to_people |= refer
        forced = np.where(to_people, np.maximum(fired.answer, REFER), fired.answer)
        banded = self._band_answers[np.searchsorted(self._cut_offs, pd, side="right")]
        answer = np.where(forced == NOT_FORCED, banded, forced).astype(np.int8)
        answer.flags.writeable = False
        return Ruling(answer=answer, fired=fired.rules, unknown=fired.unknown)

    def _reader(self, batch: Batch, tables: Mapping[str, Batch]) -> Read:
        if batch.contract is not self.contract and batch.contract != self.contract:
            raise UsageError(
                f"the policy was compiled for the contract '{self.contract.name}', not for the batch's",
                mend="compile the policy with the batch's contract",
            )
        for table in self._reads_tables:
            joined = tables.get(table)
            if joined is None:
                raise UsageError(f"the policy reads the table '{table}'", available=tables, mend="hand its rows in")
            if joined.contract != self.scope.tables[table] or len(joined) != len(batch):
                raise UsageError(f"table '{table}' needs one row of its own contract for each application")

        def read(name: Name) -> NDArray[Any]:
            held = batch if name.table is None else tables[name.table]
            return held.columns[name.column]

        return read


def _compile_rule(rule: Rule, scope: Scope) -> CompiledRule:
    expression = parse_expression(rule.when)
    return CompiledRule(
        rule=rule,
        expression=expression,
        columns=tuple(dict.fromkeys(iter_names(expression))),
        condition=compile_condition(expression, scope),
        then=ANSWERS.index(rule.then),
        if_missing=NOT_FORCED if rule.if_missing == "pass" else ANSWERS.index(rule.if_missing),
    )
