"""Numbers and dates as people read them: one place, so that a figure looks the same wherever it stands (R19).

Rates are fractions in code and percentages here; money carries its currency; what is not a number is a dash, never a
zero. Spaces inside a figure are no-break spaces, and minus is the minus sign.
"""

from __future__ import annotations

import math
from datetime import date

__all__ = [
    "DASH",
    "compact_money",
    "count",
    "day",
    "decimal",
    "interval",
    "money",
    "multiple",
    "percent",
    "period",
    "share_in_words",
    "signed_percent",
]

DASH = "–"
_SPACE = "\u00a0"
_MINUS = "−"
_LONG = 99_999.5
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _sign(text: str) -> str:
    """Hyphen to minus sign; a figure that rounds to nothing has no sign."""
    if not text.startswith("-"):
        return text
    return _MINUS + text[1:] if any(digit in text for digit in "123456789") else text[1:]


def decimal(value: float, places: int = 3) -> str:
    """A plain number with `places` decimals.

    >>> decimal(0.78446), decimal(-1234.5, 1), decimal(float("nan"))
    ('0.784', '−1,234.5', '–')
    """
    return DASH if not math.isfinite(value) else _sign(f"{value:,.{places}f}")


def count(value: float) -> str:
    """A number of things, with thousands separators; weighted counts are rounded to whole ones.

    >>> count(6000), count(0.0), count(1234567.6)
    ('6,000', '0', '1,234,568')
    """
    return decimal(value, 0)


def percent(rate: float, places: int = 1) -> str:
    """A fraction as a percentage. A share too close to none or all for `places` says so.

    >>> percent(0.0836), percent(0.88, 0), percent(0.00004), percent(0), percent(0.99999)
    ('8.4%', '88%', '<0.1%', '0.0%', '>99.9%')
    """
    if not math.isfinite(rate):
        return DASH
    text, step = f"{rate:,.{places}%}", 10.0 ** -(places + 2)
    if rate > 0 and text == f"{0:.{places}%}":
        return f"<{step:.{places}%}"
    if rate < 1 and text == f"{1:.{places}%}":
        return f">{1 - step:.{places}%}"
    return _sign(text)


def signed_percent(difference: float, places: int = 1) -> str:
    """A difference between two rates, in percentage points, always with its sign.

    >>> signed_percent(0.0123), signed_percent(-0.004), signed_percent(0.0)
    ('+1.2', '−0.4', '0.0')
    """
    if not math.isfinite(difference):
        return DASH
    text = _sign(f"{100 * difference:,.{places}f}")
    return f"+{text}" if difference > 0 and any(digit in text for digit in "123456789") else text


def multiple(value: float) -> str:
    """A ratio to the average, such as lift.

    >>> multiple(3.84), multiple(12.0)
    ('3.8×', '12.0×')
    """
    return DASH if not math.isfinite(value) else f"{decimal(value, 1)}×"


def money(amount: float, currency: str = "", places: int = 0) -> str:
    r"""An amount in full, the currency code before it (left out in a column whose header names it).

    >>> money(1234567.8, "EUR"), money(-950, "EUR"), money(-950)
    ('EUR\xa01,234,568', 'EUR\xa0−950', '−950')
    """
    text = decimal(amount, places)
    return text if not currency or text == DASH else f"{currency}{_SPACE}{text}"


def compact_money(amount: float, currency: str = "") -> str:
    r"""An amount for sentences: in full while it is short, to three figures from 100,000 on.

    >>> compact_money(1_237_000, "EUR"), compact_money(-310_400, "EUR"), compact_money(999_999), compact_money(4200.4)
    ('EUR\xa01.24m', 'EUR\xa0−310k', '1.00m', '4,200')
    """
    if not math.isfinite(amount) or abs(amount) < _LONG:
        return money(amount, currency)
    rounded = float(f"{amount:.3g}")
    for scale, unit in ((1e12, "tn"), (1e9, "bn"), (1e6, "m")):
        scaled = rounded / scale
        if abs(scaled) >= 1:
            return money(scaled, currency, 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0) + unit
    return money(rounded / 1e3, currency) + "k"


def interval(low: str, high: str) -> str:
    """Two formatted ends of an interval.

    >>> interval(percent(0.07), percent(0.09))
    '7.0% to 9.0%'
    """
    return f"{low} to {high}" if DASH not in (low, high) else DASH


def day(value: date) -> str:
    r"""A date without doubt about which number is the month.

    >>> day(date(2010, 3, 5))
    '5\xa0Mar\xa02010'
    """
    return f"{value.day}{_SPACE}{_MONTHS[value.month - 1]}{_SPACE}{value.year}"


def period(first: date, last: date) -> str:
    r"""Months from `first` to `last`, both included.

    >>> period(date(2009, 1, 1), date(2010, 12, 31)), period(date(2010, 3, 2), date(2010, 3, 9))
    ('Jan\xa02009 – Dec\xa02010', 'Mar\xa02010')
    """
    start, end = (f"{_MONTHS[value.month - 1]}{_SPACE}{value.year}" for value in (first, last))
    return start if start == end else f"{start} – {end}"


def share_in_words(share: float) -> str:
    """A share of a ranked population: a word where the share is that (to half a percent of all), else the percentage.

    >>> share_in_words(0.1), share_in_words(0.1004), share_in_words(0.132), share_in_words(0.02)
    ('tenth', 'tenth', '13.2%', '2.0%')
    """
    for word, exact in (("half", 0.5), ("third", 1 / 3), ("quarter", 0.25), ("fifth", 0.2), ("tenth", 0.1)):
        if abs(share - exact) < 0.005:
            return word
    return percent(share)
