"""Expressions against a contract: names and comparisons are checked once, then run as NumPy on whole columns."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Column, Contract
from roadworthy.errors import PolicyError
from roadworthy.policy.expression import (
    Among,
    Arithmetic,
    Compare,
    Comparison,
    Expression,
    Flag,
    Function,
    Joined,
    Missing,
    Name,
    Negative,
    Not,
    Number,
    Text,
    print_expression,
)
from roadworthy.policy.truth import Truth, compare_arrays, find_codes, find_missing, match_any

__all__ = ["Condition", "Read", "Scope", "compile_condition", "suggest"]

Read: TypeAlias = Callable[[Name], NDArray[Any]]
Condition: TypeAlias = Callable[[Read], Truth]
_Values: TypeAlias = Callable[[Read], Any]
Kind = Literal["number", "boolean", "category", "date", "text", "quoted text", "condition"]

_KINDS: Mapping[str, Kind] = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "category": "category",
    "date": "date",
    "text": "text",
}
_LISTABLE = {
    ("number", "number"),
    ("boolean", "boolean"),
    ("category", "quoted text"),
    ("date", "quoted text"),
    ("text", "quoted text"),
}
"""What may be looked for in a list: kind of the left side, kind of each value."""
_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
_EXTREMES = {"min": np.minimum, "max": np.maximum}


@dataclass(frozen=True)
class Scope:
    """The columns that an expression may name: those of the contract, and those of tables by the table's name."""

    contract: Contract
    tables: Mapping[str, Contract]

    @classmethod
    def of(cls, contract: Contract, tables: Iterable[Contract] = ()) -> Scope:
        """A scope over `contract` and the contracts of its tables, each known by its `name`."""
        return cls(contract, {table.name: table for table in tables})

    def find(self, name: Name, where: str | None = None) -> Column:
        """The column that `name` means; PolicyError where there is none or where it may not decide."""
        held = self.contract if name.table is None else self.tables.get(name.table)
        if held is None:
            raise PolicyError(
                f"there is no table '{name.table}'",
                where=where,
                available=self.tables,
                mend=f'a column with a dot in its name is written col("{name}")'
                if str(name) in self.contract
                else suggest(str(name.table), self.tables),
            )
        names = [column.name for column in held.columns]
        if name.column not in names:
            raise PolicyError(
                f"there is no column '{name}'",
                where=where,
                available=names,
                mend=suggest(name.column, names),
            )
        column = held[name.column]
        if column.role == "group":
            raise PolicyError(
                f"column '{name}' has the role group: it is there to monitor fairness and may not decide",
                where=where,
                mend="decide by another column; with a recorded legal basis, change its role in contract.yaml",
            )
        return column


def suggest(word: str, known: Iterable[str]) -> str | None:
    """`did you mean ...?` where something known is written nearly like `word`."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None


def compile_condition(node: Expression, scope: Scope, *, where: str | None = None) -> Condition:
    """The expression as a function from columns to Truth; PolicyError where it is no condition or does not fit."""
    return _Compiler(scope, where).condition(node)


class _Compiler:
    def __init__(self, scope: Scope, where: str | None) -> None:
        self._scope = scope
        self._where = where

    def _fault(self, message: str, *, available: Sequence[str] | None = None, mend: str | None = None) -> PolicyError:
        return PolicyError(message, where=self._where, available=available, mend=mend)

    def _column(self, name: Name) -> Column:
        return self._scope.find(name, self._where)

    def _kind(self, node: Expression) -> Kind:
        match node:
            case Name():
                return _KINDS[self._column(node).type]
            case Number() | Negative() | Arithmetic() | Function():
                return "number"
            case Text():
                return "quoted text"
            case Flag():
                return "boolean"
            case _:
                return "condition"

    def condition(self, node: Expression) -> Condition:
        match node:
            case Joined(word, operands):
                parts = [self.condition(operand) for operand in operands]
                if word == "and":
                    return lambda read: reduce(Truth.__and__, (part(read) for part in parts))
                return lambda read: reduce(Truth.__or__, (part(read) for part in parts))
            case Not(operand):
                inner = self.condition(operand)
                return lambda read: ~inner(read)
            case Missing(name):
                self._column(name)
                return lambda read: _known(find_missing(read(name)))
            case Compare(first, rest):
                lefts = (first, *(operand for _, operand in rest[:-1]))
                pairs = [self._pair(left, sign, right) for left, (sign, right) in zip(lefts, rest, strict=True)]
                return lambda read: reduce(Truth.__and__, (pair(read) for pair in pairs))
            case Among(operand, values, negated):
                among = self._among(operand, values)
                return (lambda read: ~among(read)) if negated else among
            case Flag(value):
                return lambda _: _known(np.bool_(value))
            case Name() if self._kind(node) == "boolean":
                return lambda read: compare_arrays(read(node), "==", 1.0)
            case _:
                shown = print_expression(node)
                kind = self._kind(node)
                raise self._fault(
                    f"`{shown}` is a {kind}, not a condition",
                    mend=f"compare it: `{shown} {'> 0' if kind == 'number' else '== ...'}`",
                )

    def number(self, node: Expression) -> _Values:
        match node:
            case Number(value):
                return lambda _: np.float64(value)
            case Name() if self._kind(node) == "number":
                return lambda read: read(node)
            case Negative(operand):
                inner = self.number(operand)
                return lambda read: -inner(read)
            case Arithmetic(operator, left, right):
                apply = _ARITHMETIC[operator]
                one, other = self.number(left), self.number(right)
                return lambda read: _finite(apply(one(read), other(read)))
            case Function("abs", (argument,)):
                inner = self.number(argument)
                return lambda read: np.abs(inner(read))
            case Function(name, arguments):
                extreme = _EXTREMES[name]
                parts = [self.number(argument) for argument in arguments]
                return lambda read: reduce(extreme, (part(read) for part in parts))
            case _:
                raise self._fault(f"`{print_expression(node)}` is a {self._kind(node)}; a number is needed here")

    def _pair(self, left: Expression, sign: Comparison, right: Expression) -> Condition:
        kinds = (self._kind(left), self._kind(right))
        if kinds[0] == "quoted text" and kinds[1] in ("category", "text"):
            left, right, kinds = right, left, (kinds[1], kinds[0])  # both know only == and !=, which have no side
        match kinds:
            case ("number", "number"):
                return self._ordered(left, sign, right)
            case ("boolean", "boolean"):
                self._check_unordered(left, sign, right, "true and false have no order")
                return self._ordered(left, sign, right)
            case ("date", "date" | "quoted text") | ("quoted text", "date"):
                return self._ordered(left, sign, right)
            case ("category" | "text" as kind, "quoted text"):
                available = self._allowed(left)
                order = "categories have no order" if kind == "category" else "texts are not compared by order"
                self._check_unordered(left, sign, right, order, available)
                match right:
                    case Text():
                        among = self._among(left, (right,))
                        return (lambda read: ~among(read)) if sign == "!=" else among
        raise self._pair_fault(left, right, kinds)

    def _ordered(self, left: Expression, sign: Comparison, right: Expression) -> Condition:
        one, other = self._side(left), self._side(right)
        return lambda read: compare_arrays(one(read), sign, other(read))

    def _check_unordered(
        self, left: Expression, sign: str, right: Expression, why: str, available: Sequence[str] | None = None
    ) -> None:
        if sign not in ("==", "!="):
            shown = f"`{print_expression(left)} {sign} {print_expression(right)}`"
            raise self._fault(f"{shown}: {why}", available=available, mend="use ==, != or in (...)")

    def _pair_fault(self, left: Expression, right: Expression, kinds: tuple[Kind, Kind]) -> PolicyError:
        shown = [print_expression(left), print_expression(right)]
        available = self._allowed(left) or self._allowed(right)
        mends: dict[frozenset[Kind], str] = {
            frozenset({"category", "number"}): "put the category's value in quotes",
            frozenset({"text", "number"}): "put the text in quotes",
            frozenset({"number", "quoted text"}): "write the number without quotes",
            frozenset({"boolean", "number"}): "compare with true or false",
            frozenset({"boolean", "quoted text"}): "compare with true or false, without quotes",
            frozenset({"category"}): "compare each of the two with a value",
        }
        mend = mends.get(frozenset(kinds))
        if "condition" in kinds:
            mend = "join conditions with and, or, not"
        return self._fault(
            f"`{shown[0]}` ({kinds[0]}) and `{shown[1]}` ({kinds[1]}) cannot be compared",
            available=available,
            mend=mend,
        )

    def _allowed(self, node: Expression) -> tuple[str, ...] | None:
        return self._column(node).allowed if isinstance(node, Name) else None

    def _side(self, node: Expression) -> _Values:
        """One side of a comparison of numbers, of dates or of flags."""
        match node:
            case Text(value):
                moment = self._moment(value)
                return lambda _: moment
            case Flag(value):
                return lambda _: np.float64(value)
            case Name():
                return lambda read: read(node)
            case _:
                return self.number(node)

    def _moment(self, text: str) -> np.datetime64:
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._fault(f'"{text}" is not a date', mend='write "2026-11-01" or "2026-11-01T09:00:00Z"') from None
        return np.datetime64(moment.replace(tzinfo=None), "us")

    def _code(self, column: Column, text: str) -> int:
        if text not in column.codes:
            allowed = column.allowed or ()
            mend = suggest(text, allowed) or "take one of these, or add it to `allowed` in contract.yaml"
            raise self._fault(f"column '{column.name}' has no value '{text}'", available=allowed, mend=mend)
        return column.codes[text]

    def _among(self, operand: Expression, values: tuple[Number | Text | Flag, ...]) -> Condition:
        kind = self._kind(operand)
        for value in values:
            if (kind, self._kind(value)) not in _LISTABLE:
                raise self._pair_fault(operand, value, (kind, self._kind(value)))
        raw: list[Any] = [value.value for value in values]
        match kind, operand:
            case "category", Name():
                column = self._column(operand)
                codes = [self._code(column, str(value)) for value in raw]
                find = find_codes(codes, len(column.codes))
                return lambda read: find(read(operand))
            case "date", _:
                raw = [self._moment(str(value)) for value in raw]
        side = self._side(operand)

        def among(read: Read) -> Truth:
            found = side(read)
            return match_any(found, raw, find_missing(found))

        return among


def _known(mask: Any) -> Truth:
    return Truth(mask, ~mask)


def _finite(values: Any) -> Any:
    """A result that is no finite number (a division by zero, an overflow) is unknown."""
    return np.where(np.isfinite(values), values, np.nan)
