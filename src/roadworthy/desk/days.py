"""Days as people type them into a form."""

from __future__ import annotations

from datetime import date

from roadworthy.errors import UsageError

__all__ = ["read_day"]


def read_day(name: str, text: str, mend: str = "as 2026-11-01") -> date:
    """A day, in years that every calendar and store can count with; UsageError for what is none, with the mend.

    >>> read_day("from", "2026-11-01")
    datetime.date(2026, 11, 1)
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.max
    if not 1971 <= day.year < 9000:
        raise UsageError(f"{text!r} is no day", where=name, mend=mend)
    return day
