"""The contract as a page that people read."""

from __future__ import annotations

from roadworthy.contract.check import describe_range
from roadworthy.contract.schema import Column, Contract

__all__ = ["document_contract"]

_SHOWN = 20
_OUTSIDE = {"refer": "referred to a person", "set_aside": "set aside"}


def document_contract(contract: Contract) -> str:
    """A Markdown page: one row per column, and below it what has been guessed and not yet confirmed.

    >>> column = Column(name="age", type="integer", range=(18, None), description="Age in years", guessed=("type",))
    >>> print(document_contract(Contract(name="credit", columns=(column,))))
    # Contract: credit
    <BLANKLINE>
    | column | type | role | may hold | missing | otherwise | description |
    |---|---|---|---|---|---|---|
    | age | integer | input | at least 18 | not allowed | referred to a person | Age in years |
    <BLANKLINE>
    Guessed from data and not yet confirmed by a person:
    <BLANKLINE>
    - age: type
    <BLANKLINE>
    """
    lines = [
        f"# Contract: {_plain(contract.name)}",
        "",
        "| column | type | role | may hold | missing | otherwise | description |",
        "|---|---|---|---|---|---|---|",
        *(_row(column) for column in contract.columns),
        "",
    ]
    guessed = [f"- {_plain(column.name)}: {', '.join(column.guessed)}" for column in contract.columns if column.guessed]
    if guessed:
        lines += ["Guessed from data and not yet confirmed by a person:", "", *guessed, ""]
    return "\n".join(lines)


def _row(column: Column) -> str:
    limited = column.range is not None or column.allowed is not None
    cells = (
        column.name,
        column.type,
        column.role,
        _may_hold(column),
        "allowed" if column.missing else "not allowed",
        _OUTSIDE[column.outside] if limited else "",
        column.description,
    )
    return f"| {' | '.join(map(_plain, cells))} |"


def _may_hold(column: Column) -> str:
    if column.range is not None:
        return describe_range(column)
    if column.allowed is not None:
        more = len(column.allowed) - _SHOWN
        return ", ".join(column.allowed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"ISO 8601 or {column.format}" if column.format else ""


def _plain(text: str) -> str:
    """`text` on one line, with nothing in it that Markdown takes for a sign."""
    for sign in "\\`*_[]<>#|":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
