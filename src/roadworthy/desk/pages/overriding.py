"""Deciding other than the policy: alone within one's authority, beyond it with a second person (R20, R25)."""

from __future__ import annotations

from typing import Any

from roadworthy.access import within_authority
from roadworthy.casework import (
    OVERRIDE_REASONS,
    DecisionView,
    confirm_override,
    list_proposed_overrides,
    override,
    propose_override,
    reject_override,
)
from roadworthy.desk.addresses import address
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.pages.applications import currency_of, open_application
from roadworthy.desk.repeating import read_once
from roadworthy.desk.visit import Visit
from roadworthy.errors import NotAllowed, NotFound, RoadworthyError

__all__ = ["HANDLERS"]


@page("/applications/{id}/override", "override.make", "Override the policy's answer")
def get_override(visit: Visit) -> Shown:
    """The form, which says whether a second person is needed."""
    return _show_override(visit, open_application(visit), {})


@act("/applications/{id}/override", "override.make", "Override the policy's answer")
def post_override(visit: Visit) -> Shown:
    """It is overridden, or put before a second person."""
    view, form = open_application(visit), visit.sent
    why: dict[str, Any] = {
        "reason_code": form["reason_code"],
        "words": form["words"],
        "replaces": form["replaces"] or None,
    }
    alone = _may_alone(visit, view)
    try:
        if alone:
            override(visit.deed(), view.decision_id, form["answer"], **why, once=read_once(visit))
        else:
            propose_override(visit.deed(), view.decision_id, form["answer"], **why)
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_override(visit, view, form.values(), problem)
    said = f"Overridden: {form['answer']}" if alone else "Proposed: nothing changes until a second person confirms it"
    return go(address(view.application_id, view.decision_id), said)


@page("/overrides", "override.approve", "Overrides that wait for a second person")
def get_overrides(visit: Visit) -> Shown:
    """Those of the branches that whoever asks sees, the oldest first."""
    return _show_waiting(visit)


@act("/overrides/{id}/confirm", "override.approve", "Confirm another person's override")
def post_confirmation(visit: Visit) -> Shown:
    """It is recorded, with both people."""
    try:
        confirm_override(visit.deed(), visit.named("id"))
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_waiting(visit, problem)
    return go("/overrides", "Confirmed: the override is recorded, with both of you")


@act("/overrides/{id}/reject", "override.approve", "Reject another person's override")
def post_rejection(visit: Visit) -> Shown:
    """The decision stays as it is."""
    try:
        reject_override(visit.deed(), visit.named("id"))
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_waiting(visit, problem)
    return go("/overrides", "Rejected: the decision stays as it is")


def _may_alone(visit: Visit, view: DecisionView) -> bool:
    return visit.services.current.trial or within_authority(visit.by, view.amount)


def _show_override(
    visit: Visit, view: DecisionView, values: dict[str, str], problem: RoadworthyError | None = None
) -> Shown:
    return show(
        visit,
        "override.html",
        problem=problem,
        view=view,
        here=address(view.application_id, view.decision_id),
        values=values,
        answer={"approve": "decline", "decline": "approve"}.get(view.answer),
        reasons=OVERRIDE_REASONS,
        alone=_may_alone(visit, view),
        authority=visit.by.authority,
        currency=currency_of(visit),
        once=visit.services.new_id(),
    )


def _show_waiting(visit: Visit, problem: RoadworthyError | None = None) -> Shown:
    waiting = list_proposed_overrides(visit.deed())
    return show(
        visit,
        "overrides.html",
        problem=problem,
        waiting=[(one, address(one.application_id, one.decision_id)) for one in waiting],
        reasons=OVERRIDE_REASONS,
        currency=currency_of(visit),
        me=visit.by.account,
    )


HANDLERS = (get_override, post_override, get_overrides, post_confirmation, post_rejection)
