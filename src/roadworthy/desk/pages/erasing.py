"""Erasing an applicant: what is there is listed first, and goes on a second word; legal holds stop it."""

from __future__ import annotations

from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Visit
from roadworthy.erasure import (
    ErasureDone,
    ErasurePlan,
    Whom,
    erase_applicant,
    list_holds,
    list_of,
    plan_erasure,
    release_hold,
    set_hold,
)
from roadworthy.errors import RoadworthyError, UsageError

__all__ = ["HANDLERS"]


@page("/erasure", "applicant.erase", "Erase an applicant")
def get_erasure(visit: Visit) -> Shown:
    """Whom, and the holds that are on."""
    return _show(visit)


@act("/erasure", "applicant.erase", "List what would be erased, or erase it")
def post_erasure(visit: Visit) -> Shown:
    """List it; with the second word, erase it for good."""
    form = visit.sent
    try:
        if form["sure"] != "yes":
            return _show(visit, plan=plan_erasure(visit.deed(), _whom(visit)))
        done = erase_applicant(
            visit.deed(), _whom(visit), ground=form["ground"], erasures=list_of(visit.services.settings)
        )
    except RoadworthyError as problem:
        return _show(visit, problem=problem)
    return _show(visit, done=done)


@act("/holds", "applicant.hold", "Set a legal hold")
def post_hold(visit: Visit) -> Shown:
    """Keep what there is about an applicant."""
    try:
        set_hold(visit.deed(), _whom(visit), reason=visit.sent["reason"])
    except RoadworthyError as problem:
        return _show(visit, problem=problem)
    return go("/erasure", "Held: nothing about them is erased until the hold is released")


@act("/holds/{id}/release", "applicant.hold", "Release a legal hold")
def post_release(visit: Visit) -> Shown:
    """Let it go."""
    try:
        release_hold(visit.deed(), visit.named("id"), reason=visit.sent["reason"])
    except UsageError as problem:
        return _show(visit, problem=problem)
    return go("/erasure", "The hold is released")


def _whom(visit: Visit) -> Whom:
    form = visit.sent
    return Whom(
        applicant_id=form["applicant_id"].strip() or None, application_id=form["application_id"].strip() or None
    )


def _show(
    visit: Visit,
    *,
    plan: ErasurePlan | None = None,
    done: ErasureDone | None = None,
    problem: RoadworthyError | None = None,
) -> Shown:
    return show(
        visit,
        "erasure.html",
        plan=plan,
        done=done,
        problem=problem,
        holds=list_holds(visit.deed()),
        sent={name: visit.sent[name] for name in ("applicant_id", "application_id", "ground")}
        if visit.admitted.row.method == "POST"
        else {"applicant_id": "", "application_id": "", "ground": ""},
    )


HANDLERS = (get_erasure, post_erasure, post_hold, post_release)
