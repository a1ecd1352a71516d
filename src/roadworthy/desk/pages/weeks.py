"""Week by week: what was decided, and the weeks that somebody should look at (R10, R14)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from roadworthy.desk.days import read_day
from roadworthy.desk.page import Shown, page, show
from roadworthy.desk.visit import Visit
from roadworthy.desk.weeks import MOST, USUAL, Asked, Weeks, WeeksLately
from roadworthy.errors import RoadworthyError
from roadworthy.report import image_address

__all__ = ["HANDLERS"]


@page("/weeks", "decision.read", "What was decided week by week")
def get_weeks(visit: Visit) -> Shown:
    """The weeks asked for, the latest first; the latest 26 where nobody asks."""
    form = {"from": visit.asked.get("from", ""), "until": visit.asked.get("until", "")}
    lately: WeeksLately = visit.app.state["weeks"]
    values: dict[str, Any] = {"form": form, "usual": USUAL, "most": MOST}
    try:
        asked = Asked(*(read_day(name, text) if text else None for name, text in form.items()))
        worked = lately.look(visit.deed(), asked, visit.time_zone, visit.admitted.at)
    except RoadworthyError as problem:
        return show(visit, "weeks.html", problem=problem, found=None, under_way=False, asked_well=False, **values)
    found = None
    if worked is not None and (found := worked.value) is not None:
        picture = lately.draw(worked)
        values |= {"at": worked.at, "older": _older(found), "newer": _newer(found), "picture": picture}
        values |= {"address": None if picture is None else image_address(picture)}
    return show(visit, "weeks.html", found=found, under_way=worked is None, asked_well=True, **values)


def _older(found: Weeks) -> str:
    """As many weeks before these."""
    first = found.weeks[-1].monday
    return _link(first - timedelta(weeks=len(found.weeks)), first - timedelta(days=1))


def _newer(found: Weeks) -> str | None:
    """As many weeks behind these; None where nothing was decided behind them."""
    behind = found.weeks[0].monday + timedelta(weeks=1)
    if behind > found.latest:
        return None
    return _link(behind, min(behind + timedelta(weeks=len(found.weeks) - 1), found.latest) + timedelta(days=6))


def _link(first: date, last: date) -> str:
    return f"/weeks?{urlencode({'from': first.isoformat(), 'until': last.isoformat()})}"


HANDLERS = (get_weeks,)
