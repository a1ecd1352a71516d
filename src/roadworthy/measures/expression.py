"""The tiny language of money terms: + - * /, numbers, column names and parentheses, over arrays.

    0.55      amount * rate      (amount - recovered) * 0.4      "Loan amount" * 0.05

A name that is not a plain word stands in quotes. The text is parsed into Python's syntax tree and only the nodes listed
here are let through; nothing is ever evaluated as code.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_numbers, check_rows
from roadworthy.measures.results import Floats

__all__ = ["Expression", "evaluate", "parse_term"]

_LONGEST = 400
_DEEPEST = 40
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
_ALLOWED = "+ - * / ( ), numbers, column names"


@dataclass(frozen=True)
class Expression:
    """A parsed term: its text, and the columns it reads, in the order of their first use."""

    text: str
    columns: tuple[str, ...]
    tree: ast.expr


def parse_term(text: str) -> Expression:
    """Parse `text`, at most 400 characters and 40 levels deep. Raises MeasureError with the part that is not allowed.

    >>> parse_term("amount * 0.12 - fee").columns
    ('amount', 'fee')
    >>> parse_term("open('x')")
    Traceback (most recent call last):
        ...
    roadworthy.errors.MeasureError: the term "open('x')" may not hold open('x')
      available: + - * / ( ), numbers, column names
      mend: write it with these, and put a name that is not a plain word in quotes
    """
    if not isinstance(text, str) or not text.strip():
        raise MeasureError(
            f"a term is a text such as amount * 0.12, not {text!r}", mend="a number, a column name, or both"
        )
    if len(text) > _LONGEST:
        raise MeasureError(
            f"a term has at most {_LONGEST} characters, and this one has {len(text):,}", mend="shorten it"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _refused(text, "what cannot be read") from None
    columns: dict[str, None] = {}
    _walk(tree, text, columns, _DEEPEST)
    return Expression(text=text, columns=tuple(columns), tree=tree)


def evaluate(expression: Expression, columns: Mapping[str, ArrayLike], n: int) -> Floats:
    """The value for each of `n` applications, from the named columns (n,). Raises MeasureError.

    A column that is absent, of another length, or missing in a row that needs it is an error, and so is a result that
    is not a number (a division by zero).

    >>> evaluate(parse_term("amount * 0.1 + 5"), {"amount": [100, 200]}, 2).tolist()
    [15.0, 25.0]
    """
    arrays = {name: _column(name, expression, columns, n) for name in expression.columns}
    with np.errstate(all="ignore"):  # what is not a number is reported below, with its rows
        result = np.asarray(_compute(expression.tree, arrays), dtype=np.float64)
    values = np.broadcast_to(result, (n,))
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise MeasureError(
            f"the term {expression.text!r} gives no number in {len(wrong):,} of {n:,} rows (first: {wrong[0]})",
            mend="look for a division by zero in these rows",
        )
    return values


def _walk(node: ast.expr, text: str, columns: dict[str, None], depth: int) -> None:
    if depth == 0:
        raise MeasureError(f"a term is at most {_DEEPEST} levels deep: {text[:60]!r}", mend="use fewer parentheses")
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _walk(left, text, columns, depth - 1)
            _walk(right, text, columns, depth - 1)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _walk(operand, text, columns, depth - 1)
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            columns[name] = None
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool) and _is_finite(number):
            pass
        case _:
            raise _refused(text, ast.unparse(node))


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond float64
        return False


def _refused(text: str, part: str) -> MeasureError:
    return MeasureError(
        f'the term "{text[:60]}" may not hold {part[:60]}',
        available=[_ALLOWED],
        mend="write it with these, and put a name that is not a plain word in quotes",
    )


def _compute(node: ast.expr, arrays: Mapping[str, Floats]) -> Floats | np.float64:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            value: Floats = _OPERATORS[type(op)](_compute(left, arrays), _compute(right, arrays))
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return np.negative(_compute(operand, arrays))
        case ast.UnaryOp(operand=operand):
            return _compute(operand, arrays)
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            return arrays[name]
        case ast.Constant(value=int() | float() as number):
            return np.float64(number)
    raise AssertionError("parse_term lets no other node through")


def _column(name: str, expression: Expression, columns: Mapping[str, ArrayLike], n: int) -> NDArray[np.float64]:
    if name not in columns:
        raise MeasureError(
            f"the term {expression.text!r} reads column {name!r}, which is not there",
            available=sorted(columns),
            mend="correct the name, or hand in the column with columns={...}",
        )
    numbers = check_numbers(columns[name], f"column {name!r}")
    check_rows(numbers, f"column {name!r}", n)
    return numbers
