"""Numbers as people type them into a form."""

from __future__ import annotations

import math

from roadworthy.errors import UsageError

__all__ = ["read_amount", "read_months", "read_rate"]


def read_amount(name: str, text: str) -> float | None:
    """An amount of money, thousands apart or not; None where nothing was typed. UsageError for what is none.

    >>> read_amount("amount", "12,500.50"), read_amount("amount", "")
    (12500.5, None)
    """
    return None if not text else _number(name, text.replace(",", "").replace(" ", ""))


def read_rate(name: str, text: str) -> float | None:
    """A percentage as a fraction.

    >>> read_rate("rate", "6.9 %")
    0.069
    """
    number = None if not text else _number(name, text.removesuffix("%").strip())
    return None if number is None else round(number / 100, 12)


def read_months(name: str, text: str) -> int | None:
    """A whole number of months.

    >>> read_months("term", "24")
    24
    """
    number = None if not text else _number(name, text)
    if number is not None and not number.is_integer():
        raise UsageError(f"{name} is {text!r}", mend="a whole number of months")
    return None if number is None else int(number)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{name} is {text!r}, which is no number", mend="digits, with a point before decimals")
    return number
