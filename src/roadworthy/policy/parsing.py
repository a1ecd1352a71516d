"""Reads a rule's text by a whitelist, twice: only known tokens pass, then only known syntax. Nothing is ever evaluated.

Limits, so that no text can exhaust the reader: 2,000 characters, 500 tokens, 40 levels deep.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from typing import Literal

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
    Operator,
    Text,
)

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "MAX_TOKENS", "parse_expression"]

MAX_CHARACTERS = 2_000
MAX_TOKENS = 500
MAX_DEPTH = 40

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<text>"(?:[^"\\\x00-\x1f\x7f\ud800-\udfff]|\\["'\\])*"|'(?:[^'\\\x00-\x1f\x7f\ud800-\udfff]|\\["'\\])*')
      | (?P<name>[^\W\d]\w*)
      | (?P<sign>==|!=|<=|>=|[<>+\-*/(),.])""",
    re.VERBOSE,
)
_WORDS = frozenset({"and", "or", "not", "in", "True", "False", "None"})
_FUNCTIONS = ("missing", "col", "min", "max", "abs")
_LANGUAGE = "and, or, not, in, < <= == != >= >, + - * /, missing(x), min, max, abs; nothing else"
_MENDS = {
    "=": "equality is written ==",
    "!": "write != or not",
    "&": "write and",
    "|": "write or",
    "[": 'a list is written in round brackets: region in ("N", "S")',
    "“": 'use straight quotes: "N"',
    "”": 'use straight quotes: "N"',
    "‘": "use straight quotes: 'N'",
    "’": "use straight quotes: 'N'",
    '"': 'close the quotes; inside them a backslash is written \\\\ and a quote \\"',
    "'": "close the quotes; inside them a backslash is written \\\\ and a quote \\'",
}
_OPERATORS: dict[type[ast.operator], Operator] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def parse_expression(text: str, *, where: str | None = None) -> Expression:
    """The expression that `text` says; `where` names its place (file and line) in errors.

    Raises PolicyError, and nothing else, for whatever is not in the language: attributes, calls, lambdas, powers,
    indexing, f-strings, assignments, unbalanced or too deep brackets, text that is too long.

    >>> parse_expression("age < 18")
    Compare(first=Name(column='age', table=None), rest=(('<', Number(value=18.0)),))
    >>> parse_expression("age ** 9", where="policy.yaml, line 14")
    Traceback (most recent call last):
    roadworthy.errors.PolicyError: policy.yaml, line 14: `age ** 9` is not part of the rule language
      available: and, or, not, in, < <= == != >= >, + - * /, missing(x), min, max, abs; nothing else
    """
    return _Reader(text, where).read()


class _Reader:
    def __init__(self, text: str, where: str | None) -> None:
        self._given = text
        self._text = ""
        self._where = where

    def read(self) -> Expression:
        self._text = self._scan()
        try:
            tree = ast.parse(self._text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            # Only the first is expected after the scan; the others depend on the Python version and on who calls.
            detail = error.msg if isinstance(error, SyntaxError) else "cannot be read"
            raise self._fault(f"{_shorten(self._text)}: {detail}") from None
        return self._convert(tree.body, 1)

    def _fault(self, message: str, mend: str | None = None) -> PolicyError:
        return PolicyError(message, where=self._where, available=None if mend else [_LANGUAGE], mend=mend)

    def _scan(self) -> str:
        """The text with every white space a plain space, once only known tokens are in it."""
        text = self._given
        if len(text) > MAX_CHARACTERS:
            raise self._fault(
                f"{len(text):,} characters are too long for a rule", f"at most {MAX_CHARACTERS:,}: split it"
            )
        pieces, at, depth, count, before = [], 0, 0, 0, ""
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                sign = text[at] if text[at].isprintable() else ascii(text[at]).strip("'")
                raise self._fault(f"`{sign}` at character {at + 1} is not part of the rule language", _MENDS.get(sign))
            kind, token = str(found.lastgroup), found.group()
            if kind == "space":
                pieces.append(" " * len(token))
            else:
                count += 1
                depth += {"(": 1, ")": -1}.get(token, 0)
                self._check_token(kind, token, before, at)
                pieces.append(token)
            if depth > MAX_DEPTH or count > MAX_TOKENS:
                limit = f"{MAX_DEPTH} levels of brackets and {MAX_TOKENS} words and signs"
                raise self._fault(
                    "the expression is too deep or too long", f"at most {limit}: split it into several rules"
                )
            # White space parts a name from the quotes after it, but not one text from the next.
            before = before if kind == "space" and before == "text" else kind
            at = found.end()
        if count == 0:
            raise self._fault("the expression is empty")
        # Leading space would be an indent.
        return "".join(pieces).strip()

    def _check_token(self, kind: str, token: str, before: str, at: int) -> None:
        place = f"at character {at + 1}"
        if kind in ("name", "number") and before == "number":
            raise self._fault(f"`{token}` {place} is stuck to a number")
        if kind == "text" and before == "name":
            raise self._fault(f"the quotes {place} are stuck to a name")
        if kind == "text" and before == "text":
            raise self._fault(f"a comma is missing before {token} {place}", "put a comma between the values")
        if kind == "number" and not math.isfinite(float(token)):
            raise self._fault(f"the number {place} is too large")
        if kind == "name" and token not in _WORDS:
            if keyword.iskeyword(token):
                raise self._fault(
                    f"`{token}` {place} is a reserved word", f'a column of this name is written col("{token}")'
                )
            if token.lower() in ("and", "or", "not", "in"):
                raise self._fault(f"`{token}` {place}", f"write {token.lower()} in small letters")

    def _convert(self, node: ast.expr, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise self._fault("the expression is too deep", f"at most {MAX_DEPTH} levels: split it into several rules")
        deeper = depth + 1
        match node:
            case ast.BoolOp(op=op, values=values):
                word: Literal["and", "or"] = "and" if isinstance(op, ast.And) else "or"
                return Joined(word, tuple(self._convert(value, deeper) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self._convert(operand, deeper))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negative(self._convert(operand, deeper))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return Arithmetic(_OPERATORS[type(op)], self._convert(left, deeper), self._convert(right, deeper))
            case ast.Compare():
                return self._convert_comparison(node, deeper)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._convert_call(name, arguments, deeper)
            case ast.Attribute(value=ast.Name(id=table), attr=column):
                return Name(column, table)
            case ast.Name(id="true" | "false" as flag):
                return Flag(flag == "true")
            case ast.Name(id=column):
                return Name(column)
            case ast.Constant(value=bool(value)):
                return Flag(value)
            case ast.Constant(value=int(value) | float(value)):
                return Number(float(value))
            case ast.Constant(value=str(value)):
                return Text(value)
            case ast.Constant(value=None):
                raise self._fault("there is no None", "a missing value is asked for with missing(column)")
            case ast.Tuple():
                raise self._fault(
                    f"{_shorten(self._source(node))}: a list of values may only follow in",
                    'region in ("N", "S"); numbers are written without thousands separators',
                )
            case _:
                raise self._fault(f"{_shorten(self._source(node))} is not part of the rule language")

    def _convert_comparison(self, node: ast.Compare, depth: int) -> Expression:
        first = self._convert(node.left, depth)
        match node.ops, node.comparators:
            case [ast.In() | ast.NotIn() as membership], [listed]:
                return Among(first, self._convert_values(listed), negated=isinstance(membership, ast.NotIn))
        rest = []
        for op, operand in zip(node.ops, node.comparators, strict=True):
            if type(op) not in _COMPARISONS:
                raise self._fault(
                    f"{_shorten(self._source(node))}: `in` cannot stand in a chain", "join the two with and"
                )
            rest.append((_COMPARISONS[type(op)], self._convert(operand, depth)))
        return Compare(first, tuple(rest))

    def _convert_values(self, listed: ast.expr) -> tuple[Number | Text | Flag, ...]:
        # ("N") is no list in Python, but means one here.
        items = listed.elts if isinstance(listed, ast.Tuple) else [listed]
        values: list[Number | Text | Flag] = []
        for item in items:
            match self._convert(item, 1):
                case Number() | Text() | Flag() as value:
                    values.append(value)
                case Negative(Number(value)):
                    values.append(Number(-value))
                case _:
                    raise self._fault(
                        f"{_shorten(self._source(item))}: only numbers, texts, true and false may be listed after in",
                        "compare with a column by ==",
                    )
        if not values:
            raise self._fault("the list after in is empty", 'region in ("N", "S")')
        return tuple(values)

    def _convert_call(self, name: str, arguments: list[ast.expr], depth: int) -> Expression:
        match name, arguments:
            case "missing", [argument]:
                column = self._convert(argument, depth)
                if not isinstance(column, Name):
                    raise self._fault("missing() asks about one column", "missing(income)")
                return Missing(column)
            case "col", [ast.Constant(value=str(column))]:
                return Name(column)
            case "col", [ast.Constant(value=str(table)), ast.Constant(value=str(column))]:
                return Name(column, table)
            case "abs", [argument]:
                return Function("abs", (self._convert(argument, depth),))
            case "min" | "max" as chosen, [_, _, *_]:
                return Function(chosen, tuple(self._convert(argument, depth) for argument in arguments))
        if name in _FUNCTIONS:
            raise self._fault(
                f"{name}() was given the wrong values",
                'missing(income), abs(x), min(x, y), max(x, y), col("annual income"), col("table", "column")',
            )
        raise PolicyError(f"there is no function {_shorten(name)}", where=self._where, available=_FUNCTIONS)

    def _source(self, node: ast.expr) -> str:
        return ast.get_source_segment(self._text, node) or ""


def _shorten(text: str) -> str:
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}...`"
