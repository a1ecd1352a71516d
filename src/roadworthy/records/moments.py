"""Moments as the store keeps them: whole microseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from roadworthy.errors import UsageError

__all__ = ["moment", "to_us"]

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def to_us(at: datetime) -> int:
    """Microseconds since 1970. UsageError where `at` has no time zone.

    >>> to_us(datetime(1970, 1, 1, 1, tzinfo=UTC))
    3600000000
    """
    if at.tzinfo is None:
        raise UsageError(f"the time {at.isoformat()} has no time zone", mend="give times in UTC")
    return (at - _ZERO) // _TICK


def moment(us: int) -> datetime:
    """The inverse of `to_us`, in UTC.

    >>> moment(3600000000).isoformat()
    '1970-01-01T01:00:00+00:00'
    """
    return _ZERO + _TICK * us
