"""Record ids: UUIDv7, so that what is made together lies together in an index."""

from __future__ import annotations

import os
from datetime import datetime
from uuid import UUID

from roadworthy.records.moments import to_us

__all__ = ["new_id"]


def new_id(at: datetime) -> str:
    """A UUIDv7 (RFC 9562, 5.7) of the millisecond of `at`, with 74 random bits.

    >>> from datetime import UTC
    >>> new_id(datetime(2026, 11, 1, 9, tzinfo=UTC))[:15]
    '01a19656-4a80-7'
    """
    milliseconds = to_us(at) // 1000
    noise = int.from_bytes(os.urandom(10))
    high = (noise >> 68) & 0xFFF
    low = noise & 0x3FFF_FFFF_FFFF_FFFF
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
