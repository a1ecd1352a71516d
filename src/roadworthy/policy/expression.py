"""Rule expressions as values: what the parser makes, what the compiler reads, and how they are written again.

    or < and < not < comparison, in < + - < * / < unary minus < name, number, "text", true, false, function(...)

`print_expression(parse_expression(text))` is the canonical writing, and parsing it gives the same value again.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "Among",
    "Arithmetic",
    "Compare",
    "Comparison",
    "Expression",
    "Flag",
    "Function",
    "Joined",
    "Missing",
    "Name",
    "Negative",
    "Not",
    "Number",
    "Operator",
    "Text",
    "is_plain_name",
    "iter_names",
    "list_operands",
    "print_expression",
    "quote_text",
]

Operator: TypeAlias = Literal["+", "-", "*", "/"]
Comparison: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Number:
    """A number; below zero only inside `in (...)`."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """Quoted text: a category's value, a date or a text."""

    value: str


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the contract, or of a table where `table` is set."""

    column: str
    table: str | None = None

    def __str__(self) -> str:
        return self.column if self.table is None else f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right` on numbers."""

    operator: Operator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Function:
    """`abs(x)`, `min(x, y, ...)`, `max(x, y, ...)`."""

    name: Literal["abs", "min", "max"]
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """`missing(column)`."""

    name: Name


@dataclass(frozen=True, slots=True)
class Compare:
    """`first op x op y ...`: every neighbouring pair must hold."""

    first: Expression
    rest: tuple[tuple[Comparison, Expression], ...]


@dataclass(frozen=True, slots=True)
class Among:
    """`operand in (values)`, or `not in`."""

    operand: Expression
    values: tuple[Number | Text | Flag, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by `and`, or by `or`."""

    word: Literal["and", "or"]
    operands: tuple[Expression, ...]


Expression: TypeAlias = (
    Number | Text | Flag | Name | Negative | Arithmetic | Function | Missing | Compare | Among | Not | Joined
)


def list_operands(node: Expression) -> tuple[Expression, ...]:
    """The expressions that `node` is made of, from left to right."""
    match node:
        case Negative(operand) | Not(operand):
            return (operand,)
        case Arithmetic(_, left, right):
            return (left, right)
        case Function(_, operands) | Joined(_, operands):
            return operands
        case Missing(name):
            return (name,)
        case Compare(first, rest):
            return (first, *(operand for _, operand in rest))
        case Among(operand, values):
            return (operand, *values)
        case _:
            return ()


def iter_names(node: Expression) -> Iterator[Name]:
    """Every column that the expression reads, from left to right, repeated as written.

    >>> from roadworthy.policy import parse_expression
    >>> [str(name) for name in iter_names(parse_expression("missing(income) or amount > merchants.limit"))]
    ['income', 'amount', 'merchants.limit']
    """
    if isinstance(node, Name):
        yield node
    for operand in list_operands(node):
        yield from iter_names(operand)


_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _MINUS, _ATOM = range(8)


def _strength(node: Expression) -> int:
    match node:
        case Joined("or", _):
            return _OR
        case Joined():
            return _AND
        case Not():
            return _NOT
        case Compare() | Among():
            return _COMPARE
        case Arithmetic("+" | "-", _, _):
            return _SUM
        case Arithmetic():
            return _PRODUCT
        case Negative():
            return _MINUS
        case _:
            return _ATOM


def print_expression(node: Expression) -> str:
    """The expression as text, with no more brackets than it needs.

    >>> from roadworthy.policy import parse_expression
    >>> print_expression(parse_expression("((amount) > (5*income)) and not (region in ('N','S'))"))
    'amount > 5 * income and not region in ("N", "S")'
    """
    match node:
        case Number(value):
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case Text(value):
            return quote_text(value)
        case Flag(value):
            return "true" if value else "false"
        case Name():
            return _print_name(node)
        case Negative(operand):
            return f"-{_within(operand, _MINUS)}"
        case Arithmetic(operator, left, right):
            strength = _strength(node)
            return f"{_within(left, strength)} {operator} {_within(right, strength + 1)}"
        case Function(name, arguments):
            return f"{name}({', '.join(print_expression(argument) for argument in arguments)})"
        case Missing(name):
            return f"missing({_print_name(name)})"
        case Compare(first, rest):
            return _within(first, _SUM) + "".join(f" {sign} {_within(operand, _SUM)}" for sign, operand in rest)
        case Among(operand, values, negated):
            listed = ", ".join(print_expression(value) for value in values)
            return f"{_within(operand, _SUM)} {'not in' if negated else 'in'} ({listed})"
        case Not(operand):
            return f"not {_within(operand, _NOT)}"
        case Joined(word, operands):
            return f" {word} ".join(_within(operand, _strength(node) + 1) for operand in operands)


def _within(node: Expression, least: int) -> str:
    text = print_expression(node)
    return text if _strength(node) >= least else f"({text})"


def quote_text(text: str) -> str:
    """`text` in double quotes, as an expression reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _print_name(name: Name) -> str:
    parts = (name.column,) if name.table is None else (name.table, name.column)
    if all(is_plain_name(part) for part in parts):
        return ".".join(parts)
    return f"col({', '.join(quote_text(part) for part in parts)})"


def is_plain_name(name: str) -> bool:
    """Whether a column's name can stand in an expression as it is, without col("..."), or quotes in money terms.

    >>> [is_plain_name(name) for name in ("income", "annual income", "class")]
    [True, False, False]
    """
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and name not in ("true", "false")
        and unicodedata.normalize("NFKC", name) == name
    )
