"""How accurate we were: predictions against outcomes that may be judged, as known on a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from roadworthy.desk.accuracy import AccuracyLately, Asked
from roadworthy.desk.days import read_day
from roadworthy.desk.page import Shown, page, show
from roadworthy.desk.visit import Visit
from roadworthy.errors import RoadworthyError, UsageError
from roadworthy.outcomes import find_reported_day

__all__ = ["HANDLERS"]

_FEWEST, _MOST, _USUAL = 2, 100, 10
_PATIENCE = 0.2
"""How many seconds the page waits for figures; where they take longer it says so, and comes back by itself."""


@page("/accuracy", "performance.read", "How accurate the predictions were")
def get_accuracy(visit: Visit) -> Shown:
    """Gains, calibration, right and wrong, and money, over booked applications whose performance window is over."""
    live = visit.taken.require()
    today = visit.admitted.at.astimezone(ZoneInfo(live.product.time_zone)).date()
    with visit.services.store.reading() as connection:
        reported = find_reported_day(connection, live.product, today)
    form = {"as_of": visit.asked.get("as_of", "") or reported.isoformat(),
            "buckets": visit.asked.get("buckets", "") or str(_USUAL),
            "release": visit.asked.get("release", "")}  # fmt: skip
    lately: AccuracyLately = visit.app.state["accuracy"]
    values: dict[str, Any] = {"form": form, "today": today, "reported": reported, "currency": live.product.currency}
    try:
        asked = Asked(_read_as_of(form["as_of"], today), _read_buckets(form["buckets"]), form["release"] or None)
        worked = lately.look(
            visit.services.store, live, asked, visit.by.branches, visit.admitted.at, patience=_PATIENCE
        )
    except RoadworthyError as problem:
        return show(visit, "accuracy.html", problem=problem, found=None, at=None, under_way=False, **values)
    found, at = (None, None) if worked is None else (worked.value, worked.at)
    return show(visit, "accuracy.html", found=found, at=at, under_way=worked is None, **values)


def _read_as_of(text: str, today: date) -> date:
    day = read_day("as known on", text)
    if day > today + timedelta(days=1):
        raise UsageError(
            f"{text} is no day of which anybody knows something", where="as known on", mend=f"{today} at most"
        )
    return day


def _read_buckets(text: str) -> int:
    if not (text.isascii() and text.isdigit() and _FEWEST <= int(text[:9]) <= _MOST):
        raise UsageError(f"{text!r} is no number of buckets", where="buckets", mend=f"{_FEWEST} to {_MOST}")
    return int(text)


HANDLERS = (get_accuracy,)
