"""The search: applications by who, where, when, how much and what became of them, a page at a time."""

from __future__ import annotations

from typing import Any

from roadworthy.casework import FINAL_ANSWERS, count_found, find_decisions, find_latest, list_proposed_overrides
from roadworthy.desk.addresses import address
from roadworthy.desk.branches import list_branches
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.sought import STATUSES, read_after, read_asked, send_off, want, write_after
from roadworthy.desk.visit import Visit
from roadworthy.errors import NotFound, RoadworthyError
from roadworthy.policy import ANSWERS

__all__ = ["HANDLERS"]

_PAGE = 50
_COUNTED = 10_000
"""So many are counted one by one; of a million nobody needs the last digit, and waits for it."""


@page("/search", "decision.read", "Search applications")
def get_search(visit: Visit) -> Shown:
    """What was found, latest decision first, of the branches that whoever asks sees."""
    asked: dict[str, str] = {}
    try:
        asked = read_asked(visit)
        wanted = want(visit, asked)
        after = read_after(visit.asked.get("after", ""))
        found = find_decisions(visit.deed(), wanted, _PAGE, after)
    except RoadworthyError as problem:
        return show(visit, "search.html", problem=problem, asked=asked, found=None, **_choices(visit))
    here = {name: value for name, value in visit.asked.items() if name != "after"}
    whole = after is None and found.next is None
    return show(
        visit,
        "search.html",
        asked=asked,
        found=[(one, address(one.application_id, one.decision_id or "")) for one in found.applications],
        # Where all of it is on this page, nothing is looked through a second time to be counted.
        count=len(found.applications) if whole else count_found(visit.deed(), wanted, most=_COUNTED),
        counted=_COUNTED,
        first=write_after(here) if after is not None else None,
        next=None if found.next is None else write_after(here, found.next),
        **_choices(visit),
    )


@act("/search", "decision.read", "Search by names and ids")
def post_search(visit: Visit) -> Shown:
    """On to the search's own page; one application that is named alone is opened at once."""
    form = visit.sent
    named = form["application_id"]
    if named and not any(value for name, value in form.values().items() if name != "application_id"):
        try:
            return go(address(named, find_latest(visit.deed(), named)))
        except NotFound:
            pass  # the search says that there is none
    where, cookies = send_off(visit)
    return go(where, cookies=cookies)


def _choices(visit: Visit) -> dict[str, Any]:
    """What the form lets choose from, and how many overrides wait for a second person."""
    branches = visit.by.branches
    waiting = len(list_proposed_overrides(visit.deed())) if visit.may("override.approve") else 0
    return {
        "statuses": STATUSES,
        "answers": ANSWERS,
        "final_answers": FINAL_ANSWERS,
        "branches": None if branches.every else sorted(branches.names),
        "known": list_branches(visit),
        "waiting": waiting,
        "currency": "" if visit.product is None else visit.product.currency,
    }


HANDLERS = (get_search, post_search)
