"""Values as people read them: percentages, money with its currency, times in the product's own zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["FILTERS", "count", "day", "moment", "money", "number", "percent", "words"]

NOTHING = "–"


def percent(rate: float | None, digits: int = 1) -> str:
    """A fraction as a percentage.

    >>> percent(0.0842), percent(None)
    ('8.4%', '–')
    """
    return NOTHING if rate is None or rate != rate else f"{rate:.{digits}%}"


def count(value: float | None) -> str:
    """A whole number with its thousands apart.

    >>> count(12345)
    '12,345'
    """
    return NOTHING if value is None or value != value else f"{value:,.0f}"


def number(value: float | None, digits: int = 3) -> str:
    """A number without more digits than it deserves.

    >>> number(0.123456), number(1200.0), number(560.2, 0)
    ('0.123', '1,200', '560')
    """
    if value is None or value != value:
        return NOTHING
    if abs(value) >= 1e15:
        return f"{value:.6g}"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: float | None, currency: str) -> str:
    """An amount with its currency.

    >>> money(12345.6, "EUR")
    '12,346 EUR'
    """
    return NOTHING if amount is None or amount != amount else f"{amount:,.0f} {currency}"


def moment(when: datetime | int | None, zone: str = "UTC") -> str:
    """A time where the product is used; a whole number is microseconds since 1970.

    >>> moment(datetime(2026, 11, 1, 9, tzinfo=UTC), "Europe/Berlin")
    '2026-11-01 10:00'
    """
    if when is None:
        return NOTHING
    if isinstance(when, int):
        when = datetime.fromtimestamp(when / 1e6, UTC)
    return when.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def day(when: date | None) -> str:
    """A day.

    >>> day(date(2026, 11, 1))
    '2026-11-01'
    """
    return NOTHING if when is None else when.isoformat()[:10]


def words(name: str) -> str:
    """A name of ours as people say it.

    >>> words("counter_offer")
    'counter offer'
    """
    return name.replace("_", " ")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "percent": percent, "count": count, "number": number, "money": money, "moment": moment, "day": day, "words": words,
}  # fmt: skip
"""What templates may write a value with."""
