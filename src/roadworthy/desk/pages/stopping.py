"""The stop switch: every application to a person, and back."""

from __future__ import annotations

from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Visit
from roadworthy.errors import RoadworthyError
from roadworthy.lifecycle import list_switches, resume_deciding, stop_deciding

__all__ = ["HANDLERS"]


@page("/stop", "route.stop", "The stop switch")
def get_stop(visit: Visit) -> Shown:
    """Whether it is on, and the way to turn it."""
    return _show(visit)


@act("/stop", "route.stop", "Send every application to people")
def post_stop(visit: Visit) -> Shown:
    """Stop, for a reason."""
    try:
        stop_deciding(visit.deed(), visit.sent["reason"])
    except RoadworthyError as error:
        return _show(visit, error, visit.sent["reason"])
    return go("/stop", "Stopped: every application goes to a person now")


@act("/resume", "route.resume", "End the stop")
def post_resume(visit: Visit) -> Shown:
    """Resume, for a reason."""
    try:
        resume_deciding(visit.deed(), visit.sent["reason"])
    except RoadworthyError as error:
        return _show(visit, error, visit.sent["reason"])
    return go("/stop", "Resumed: the release decides again")


def _show(visit: Visit, problem: RoadworthyError | None = None, reason: str = "") -> Shown:
    return show(
        visit,
        "stop.html",
        problem=problem,
        stopped=visit.taken.route.stopped,
        switches=list_switches(visit.services.store)[::-1],
        reason=reason,
    )


HANDLERS = (get_stop, post_stop, post_resume)
