"""What each rule does where an input is missing: the list that `roadworthy check` shows, so that nobody is surprised.

A rule is listed only if a missing value can really leave it unknown: `missing(income) or income < 1000` is true where
income is missing, and so it is not listed for income. Found by running the rule on sets of possible answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from roadworthy.policy.expression import (
    Arithmetic,
    Expression,
    Joined,
    Missing,
    Name,
    Not,
    Number,
    iter_names,
    list_operands,
    print_expression,
)
from roadworthy.policy.ruling import CompiledPolicy, CompiledRule

__all__ = ["MissingBehaviour", "list_missing_behaviour"]

Outcome = Literal["yes", "no", "unknown"]
_KNOWN: frozenset[Outcome] = frozenset({"yes", "no"})
_DONE = {
    "refer": "the application is referred",
    "decline": "the application is declined",
    "pass": "the rule does not fire",
}


@dataclass(frozen=True)
class MissingBehaviour:
    """One rule that can be unknown.

    columns    the columns whose missing value leaves it unknown; a table's column also where no row is in force
    divisors   what it divides by and may be 0, as written: a division by zero leaves it unknown, too
    then       what is done: refer, decline or pass
    where      file and line of the rule
    """

    code: str
    columns: tuple[str, ...]
    divisors: tuple[str, ...]
    then: Literal["refer", "decline", "pass"]
    where: str

    @property
    def sentence(self) -> str:
        """In words.

        >>> MissingBehaviour("over_limit", ("income",), (), "refer", "policy.yaml, line 9").sentence
        'rule over_limit: where income is missing, the application is referred'
        """
        causes = [f"{', '.join(self.columns)} is missing"] * bool(self.columns)
        causes += [f"{', '.join(self.divisors)} is 0"] * bool(self.divisors)
        return f"rule {self.code}: where {' or '.join(causes)}, {_DONE[self.then]}"


def list_missing_behaviour(compiled: CompiledPolicy) -> list[MissingBehaviour]:
    """Every rule that a missing input, or a division by zero, can leave unknown, in the policy's order.

    Inputs may be missing where the contract says so; a table's columns always may, since a row may not be in force.

    >>> from roadworthy.contract import Column, Contract
    >>> from roadworthy.policy import Policy
    >>> columns = (Column(name="amount", type="number"), Column(name="income", type="number", missing=True))
    >>> policy = Policy.parse('''
    ... name: loans
    ... bands: [{answer: refer}]
    ... rules:
    ...   - {code: overstretched, when: amount > 5 * income, then: decline, reason: High for the income}
    ... ''')
    >>> compiled = policy.compile(Contract(name="loans", columns=columns))
    >>> [found.sentence for found in list_missing_behaviour(compiled)]
    ['rule overstretched: where income is missing, the application is referred']
    """
    found = []
    for position, rule in enumerate(compiled.rules):
        columns = tuple(
            str(name)
            for name in rule.columns
            if (name.table is not None or compiled.scope.find(name).missing) and _hangs_on(rule, name)
        )
        divisors = tuple(dict.fromkeys(_find_divisors(rule.expression)))
        if columns or divisors:
            where = compiled.policy.where("rules", position, "when")
            found.append(MissingBehaviour(rule.rule.code, columns, divisors, rule.rule.if_missing, where))
    return found


def _hangs_on(rule: CompiledRule, name: Name) -> bool:
    return "unknown" in _outcomes(rule.expression, name)


def _outcomes(node: Expression, absent: Name) -> frozenset[Outcome]:
    """What the condition may give where `absent` is missing and every other column may be anything."""
    match node:
        case Joined(word, operands):
            join = _and if word == "and" else _or
            return reduce(lambda ones, others: _combine(join, ones, others), (_outcomes(o, absent) for o in operands))
        case Not(operand):
            turned: dict[Outcome, Outcome] = {"yes": "no", "no": "yes", "unknown": "unknown"}
            return frozenset(turned[outcome] for outcome in _outcomes(operand, absent))
        case Missing(name):
            return frozenset({"yes"}) if name == absent else _KNOWN
        case _:
            return frozenset({"unknown"}) if absent in iter_names(node) else _KNOWN


def _combine(
    join: Callable[[Outcome, Outcome], Outcome], ones: frozenset[Outcome], others: frozenset[Outcome]
) -> frozenset[Outcome]:
    return frozenset(join(one, other) for one in ones for other in others)


def _and(one: Outcome, other: Outcome) -> Outcome:
    if "no" in (one, other):
        return "no"
    return "yes" if one == other == "yes" else "unknown"


def _or(one: Outcome, other: Outcome) -> Outcome:
    if "yes" in (one, other):
        return "yes"
    return "no" if one == other == "no" else "unknown"


def _find_divisors(node: Expression) -> Iterator[str]:
    match node:
        case Arithmetic("/", _, right) if right == Number(0.0) or any(True for _ in iter_names(right)):
            yield print_expression(right)
    for operand in list_operands(node):
        yield from _find_divisors(operand)
