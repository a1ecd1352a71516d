"""One row of outcomes read: whatever file or body it came from, it becomes one fact with its dates, or faults."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from roadworthy.errors import UsageError
from roadworthy.records import to_us

__all__ = ["BARE", "EVENTS", "Fault", "Outcome", "digest_outcome", "read_outcome"]

EVENTS = ("booked", "not_taken_up", "payment", "days_past_due", "default", "recovery", "closed")
"""What may happen to a loan."""
BARE = "bad"
"""The event of the bare form, which says only whether it was bad."""

T = TypeVar("T")
_FIELDS = ("application_id", "event", "at", "known_at", "amount", "days", "bad", "booked_at", "corrects")
_LONGEST = 255
_EARLIEST = to_us(datetime(1900, 1, 1, tzinfo=UTC))
_MOST_DAYS = 36_525


class Fault(Struct, frozen=True):
    """A rule that a row failed: where in the row, which rule, and what to do about it."""

    path: str
    rule: str
    message: str


class Outcome(Struct, frozen=True, kw_only=True):
    """One fact about one application; times are microseconds since 1970."""

    application_id: str
    event: str
    at_us: int
    known_us: int
    amount: float | None = None
    days: int | None = None
    bad: int | None = None
    corrects: str | None = None


class _Unreadable(ValueError):  # it never leaves this module
    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def digest_outcome(outcome: Outcome) -> str:
    """The same for the same fact, however its row was written.

    >>> row = {"application_id": "1", "event": "booked", "at": "2024-02-01", "known_at": "2024-02-01"}
    >>> (fact,) = read_outcome(row, UTC, 2**60)
    >>> (same,) = read_outcome({**row, "application_id": 1, "at": "2024-02-01T00:00Z"}, UTC, 2**60)
    >>> digest_outcome(fact) == digest_outcome(same)
    True
    """
    return sha256(msgspec.json.encode(outcome, order="deterministic")).hexdigest()


def read_outcome(raw: object, zone: tzinfo, now_us: int) -> tuple[Outcome, ...] | list[Fault]:
    """The facts that a row states, booking first where a bare `bad` brings one; or every rule that it fails.

    Times without an offset, and days, are taken in `zone`; a day is its beginning. What happens or is known after
    `now_us` has not happened. Absent are None, an empty text, and a date that is no date (NaT).
    """
    if not isinstance(raw, Mapping):
        return [Fault("$", "type", "a row is an object with application_id, event, at and known_at")]
    faults = [_unknown_field(name) for name in raw if name not in _FIELDS]
    found: dict[str, Any] = {}

    def take(name: str, read: Callable[[Any], T], *, needed: str = "") -> T | None:
        value = raw.get(name)
        if isinstance(value, np.generic):
            value = value.item()
        if _is_absent(value):
            if needed:
                faults.append(Fault(f"$.{name}", "missing", needed))
            return None
        try:
            return read(value)
        except _Unreadable as error:
            faults.append(Fault(f"$.{name}", error.rule, f"{name} {error}"))
            return None

    def read_time(value: Any) -> int:
        return _read_moment(value, zone)

    found["application_id"] = take("application_id", _read_text, needed="name the application by application_id")
    event, bad = take("event", _read_text), take("bad", _read_bad)
    if not any(fault.path in ("$.event", "$.bad") for fault in faults):
        faults += _check_event(event, bad)
    event = BARE if event is None else event
    found["at_us"] = take("at", read_time, needed="say when it happened: at")
    found["known_us"] = take("known_at", read_time, needed="say when it was known: known_at")
    amount, days = take("amount", _read_amount), take("days", _read_days)
    booked_us = take("booked_at", read_time)
    if booked_us is not None and event != BARE:
        faults.append(Fault("$.booked_at", "unknown_field", "booked_at belongs to a bare bad; else send booked itself"))
    if event == "days_past_due" and days is None and not faults:
        try:
            # The form without `days` says them as its amount.
            days, amount = _read_days(amount), None
        except _Unreadable:
            faults.append(Fault("$.days", "missing", "say how many days past due: days"))
    found["corrects"] = take("corrects", _read_text)
    if faults:
        return faults
    outcome = Outcome(event=event, amount=amount, days=days, bad=bad, **found)
    faults = _check_times(outcome, booked_us, now_us)
    if faults:
        return faults
    if booked_us is None:
        return (outcome,)
    # A lender knows of a booking as it books.
    booking = Outcome(application_id=outcome.application_id, event="booked", at_us=booked_us, known_us=booked_us)
    return (booking, outcome)


def _check_event(event: str | None, bad: int | None) -> list[Fault]:
    if event is None and bad is None:
        return [Fault("$.event", "missing", "say what happened: an event, or a bare bad of 0 or 1")]
    if event not in (None, *EVENTS, BARE):
        near = difflib.get_close_matches(str(event), EVENTS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return [Fault("$.event", "unknown_event", f"this is no event; {hint}there are {', '.join(EVENTS)}")]
    if event == BARE and bad is None:
        return [Fault("$.bad", "missing", "say whether it was bad: 0 or 1")]
    if event not in (None, BARE) and bad is not None:
        return [Fault("$.bad", "either_or", "a row says an event or a bare bad, not both")]
    return []


def _check_times(outcome: Outcome, booked_us: int | None, now_us: int) -> list[Fault]:
    faults = []
    if outcome.known_us < outcome.at_us:
        faults.append(Fault("$.known_at", "known_too_early", "known_at lies before at: nobody knew before it happened"))
    for name, us in (("at", outcome.at_us), ("known_at", outcome.known_us), ("booked_at", booked_us)):
        if us is not None and us > now_us:
            faults.append(Fault(f"$.{name}", "future", f"{name} lies in the future"))
        if us is not None and us < _EARLIEST:
            faults.append(Fault(f"$.{name}", "range", f"{name} lies before 1900"))
    if booked_us is not None and booked_us > outcome.at_us:
        faults.append(Fault("$.at", "before_booking", "at lies before booked_at"))
    return faults


def _unknown_field(name: object) -> Fault:
    near = difflib.get_close_matches(str(name), _FIELDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_FIELDS)}"
    # What came is not repeated, here or in a field's name: a file without its header has somebody's data there.
    return Fault(f"$.{name}" if near else "$", "unknown_field", f"an outcome has no such field; {hint}")


def _is_absent(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return isinstance(value, date) and bool(value != value)  # NaT is a datetime that equals nothing


def _read_text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _Unreadable("type", "is a text")
    text = value.strip()
    if len(text) > _LONGEST:
        raise _Unreadable("type", f"has {len(text):,} characters; {_LONGEST} is the most")
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise _Unreadable("type", "has a character that is no text")
    return text


def _read_number(value: Any) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _Unreadable("type", "is a number") from None
    try:
        number = float(value) if not isinstance(value, bool) and hasattr(value, "__float__") else None
    except (OverflowError, TypeError, ValueError):
        number = None
    if number is None:
        raise _Unreadable("type", "is a number")
    return number


def _read_amount(value: Any) -> float:
    amount = _read_number(value)
    if not math.isfinite(amount):
        raise _Unreadable("range", "is a number that can be counted, not NaN or infinite")
    if amount < 0:
        raise _Unreadable("range", "is 0 or more; the event says whether it was paid or owed")
    return amount + 0.0  # never -0.0, so that one fact has one digest


def _read_days(value: Any) -> int:
    days = _read_number(value)
    if not days.is_integer() or not 0 <= days <= _MOST_DAYS:
        raise _Unreadable("range", f"is a whole number from 0 to {_MOST_DAYS:,}")
    return int(days)


def _read_bad(value: Any) -> int:
    number = float(value) if isinstance(value, bool) else _read_number(value)
    if number not in (0.0, 1.0):
        raise _Unreadable("range", "is 0 or 1")
    return int(number)


def _read_moment(value: Any, zone: tzinfo) -> int:
    try:
        if isinstance(value, str):
            return _read_written(value.strip(), zone)
        if isinstance(value, datetime):
            # Other libraries' own kinds of datetime (of nanoseconds) become ours.
            return _place(value if type(value) is datetime else datetime.fromisoformat(value.isoformat()), zone)
        if isinstance(value, date):
            return _place(datetime(value.year, value.month, value.day, tzinfo=zone), zone)
    except (ValueError, OverflowError, UsageError):
        pass
    raise _Unreadable("type", "is a date or a time, such as 2026-01-31 or 2026-01-31T09:00:00Z")


@lru_cache(16_384)
def _read_written(text: str, zone: tzinfo) -> int:
    return _place(datetime.fromisoformat(text), zone)


def _place(at: datetime, zone: tzinfo) -> int:
    return to_us(at if at.tzinfo is not None else at.replace(tzinfo=zone))
