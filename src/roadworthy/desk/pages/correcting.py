"""Inputs put right, and decided on again; and what would have been, had they been otherwise."""

from __future__ import annotations

from typing import Any

import msgspec

from roadworthy.casework import DecisionView, ask_what_if, correct
from roadworthy.contract import Violation
from roadworthy.desk.addresses import address
from roadworthy.desk.format import percent
from roadworthy.desk.inputs import list_fields, read_changed, show_value
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.pages.applications import currency_of, open_application
from roadworthy.desk.visit import Visit
from roadworthy.door import Problem, ProblemError
from roadworthy.errors import Gone, NotAllowed, NotFound, Refused, RoadworthyError
from roadworthy.live import Again, Decided, NotDecided, Reply

__all__ = ["HANDLERS"]


@page("/applications/{id}/correct", "decision.correct", "Correct and decide again")
def get_correction(visit: Visit) -> Shown:
    """The form, with the inputs as they are."""
    return _show_correction(visit, open_application(visit))


@act("/applications/{id}/correct", "decision.correct", "Correct and decide again")
def post_correction(visit: Visit) -> Shown:
    """Decided anew, linked to the decision that was wrong."""
    view, form = open_application(visit), visit.sent
    current = visit.services.current
    try:
        changed = read_changed(visit.taken.require().contract, _inputs(view), form)
        made = correct(visit.deed(), current, view.decision_id, changed, form["evidence"])
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_correction(visit, view, problem)
    match made:
        case Decided(record_id=record_id, reply=body):
            new = msgspec.json.decode(body, type=Reply)
            pd = "" if new.pd is None else f", PD {percent(new.pd)}"
            return go(address(record_id, record_id), f"Decided anew: {new.answer}{pd}. The decision before stays.")
        case NotDecided(violations=violations):
            return _show_correction(visit, view, ProblemError(Problem.contract(violations)), violations)
    raise Refused("this decision was corrected otherwise", mend="open the application again")


@page("/applications/{id}/what-if", "decision.read", "What if")
def get_what_if(visit: Visit) -> Shown:
    """The form, with the inputs as they came."""
    return _show_what_if(visit, open_application(visit))


@act("/applications/{id}/what-if", "decision.read", "What if the inputs were otherwise", shows=True)
def post_what_if(visit: Visit) -> Shown:
    """What would have been decided, on the same page: nothing is recorded, so there is nowhere to go on to."""
    view = open_application(visit)
    current = visit.services.current
    try:
        changed = read_changed(current.load(view.release.id).contract, _inputs(view), visit.sent)
        made = ask_what_if(visit.deed(), current, view.decision_id, changed)
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_what_if(visit, view, problem)
    if isinstance(made, NotDecided):
        violations = made.violations
        return _show_what_if(visit, view, ProblemError(Problem.contract(violations)), violations)
    return _show_what_if(visit, view, made=made, changed=changed)


def _show_correction(
    visit: Visit,
    view: DecisionView,
    problem: RoadworthyError | None = None,
    faults: tuple[Violation, ...] = (),
) -> Shown:
    sent = None if problem is None else visit.sent
    return show(
        visit,
        "correct.html",
        problem=problem,
        view=view,
        here=address(view.application_id, view.decision_id),
        currency=currency_of(visit),
        fields=list_fields(visit.taken.require().contract, _inputs(view), sent, faults),
        evidence="" if sent is None else sent["evidence"],
    )


def _show_what_if(
    visit: Visit,
    view: DecisionView,
    problem: RoadworthyError | None = None,
    faults: tuple[Violation, ...] = (),
    *,
    made: Again | None = None,
    changed: dict[str, Any] | None = None,
) -> Shown:
    contract = visit.services.current.load(view.release.id).contract
    sent = visit.sent if visit.method == "POST" else None
    inputs = _inputs(view)
    return show(
        visit,
        "what_if.html",
        problem=problem,
        view=view,
        here=address(view.application_id, view.decision_id),
        currency=currency_of(visit),
        fields=list_fields(contract, inputs, sent, faults),
        made=None if made is None else made.decision,
        changed=[(name, show_value(inputs.get(name)), show_value(value)) for name, value in (changed or {}).items()],
    )


def _inputs(view: DecisionView) -> dict[str, Any]:
    """The inputs as they came; Gone once they were erased."""
    if view.inputs is None:
        raise Gone(where=view.decision_id)
    inputs: dict[str, Any] = view.inputs
    return inputs


HANDLERS = (get_correction, post_correction, get_what_if, post_what_if)
