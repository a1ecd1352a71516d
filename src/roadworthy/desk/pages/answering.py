"""What the applicant gets: the final answer, and the answer to a request for human review."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from roadworthy.casework import (
    FINAL_ANSWERS,
    OVERRIDE_REASONS,
    DecisionView,
    answer_review,
    ask_review,
    give_final_answer,
)
from roadworthy.desk.addresses import address
from roadworthy.desk.amounts import read_amount, read_months, read_rate
from roadworthy.desk.days import read_day
from roadworthy.desk.format import day, words
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.pages.applications import currency_of, open_application
from roadworthy.desk.repeating import read_once
from roadworthy.desk.visit import Form, Visit
from roadworthy.errors import NotAllowed, NotFound, RoadworthyError

__all__ = ["HANDLERS"]

_REVIEW_DAYS = 30
"""Within how many days a review is answered where nobody says otherwise: a month, as data protection law asks."""


@page("/applications/{id}/final-answer", "final_answer.give", "Give the final answer")
def get_final_answer(visit: Visit) -> Shown:
    """The form."""
    return _show_answering(visit, open_application(visit), {})


@act("/applications/{id}/final-answer", "final_answer.give", "Give the final answer")
def post_final_answer(visit: Visit) -> Shown:
    """It is given, or the form is shown again with what is wrong."""
    view, form = open_application(visit), visit.sent
    try:
        give_final_answer(
            visit.deed(),
            view.decision_id,
            form["answer"],
            **_read_terms(form),
            note=form["note"],
            replaces=form["replaces"] or None,
            once=read_once(visit),
        )
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_answering(visit, view, form.values(), problem)
    return go(address(view.application_id, view.decision_id), f"The final answer is recorded: {words(form['answer'])}")


@page("/applications/{id}/review", "decision.read", "Human review")
def get_review(visit: Visit) -> Shown:
    """The form to ask for one, or to answer the one that was asked for."""
    return _show_review(visit, open_application(visit), {})


@act("/applications/{id}/review", "review.ask", "Ask for human review")
def post_review(visit: Visit) -> Shown:
    """The request is recorded, with its deadline."""
    view, form = open_application(visit), visit.sent
    try:
        until = read_day("answered by", form["until"])
        ends = _start_of_day(visit, until + timedelta(days=1)) - timedelta(minutes=1)
        ask_review(visit.deed(), view.decision_id, view=form["view"], deadline=ends, once=read_once(visit))
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_review(visit, view, form.values(), problem)
    return go(
        address(view.application_id, view.decision_id), f"The request is recorded; it is answered by {day(until)}"
    )


@act("/applications/{id}/review/answer", "review.answer", "Answer a request for human review")
def post_review_answer(visit: Visit) -> Shown:
    """What was found is recorded, with the answer that it leads to."""
    view, form = open_application(visit), visit.sent
    try:
        answer_review(
            visit.deed(),
            view.decision_id,
            words=form["words"],
            answer=form["answer"] or None,
            **_read_terms(form),
            reason_code=form["reason_code"] or None,
            once=read_once(visit),
        )
    except (NotAllowed, NotFound):
        raise
    except RoadworthyError as problem:
        return _show_review(visit, view, form.values(), problem)
    return go(address(view.application_id, view.decision_id), "The review is answered")


def _show_answering(
    visit: Visit, view: DecisionView, values: dict[str, str], problem: RoadworthyError | None = None
) -> Shown:
    return show(visit, "final_answer.html", problem=problem, values=values, **_of(visit, view))


def _show_review(
    visit: Visit, view: DecisionView, values: dict[str, str], problem: RoadworthyError | None = None
) -> Shown:
    said = [
        item.sealed["view"]
        for item in view.history
        if item.kind == "human_review" and item.data["step"] == "requested" and item.sealed is not None
    ]
    until = visit.admitted.at + timedelta(days=_REVIEW_DAYS)
    return show(
        visit,
        "review.html",
        problem=problem,
        values={"until": day(until), **values},
        said=said[-1] if said else None,
        reasons=OVERRIDE_REASONS,
        **_of(visit, view),
    )


def _of(visit: Visit, view: DecisionView) -> dict[str, Any]:
    return {
        "view": view,
        "here": address(view.application_id, view.decision_id),
        "currency": currency_of(visit),
        "final_answers": FINAL_ANSWERS,
        "once": visit.services.new_id(),
    }


def _read_terms(form: Form) -> dict[str, Any]:
    return {
        "amount": read_amount("amount", form["amount"]),
        "term": read_months("term", form["term"]),
        "rate": read_rate("rate", form["rate"]),
        "conditions": form["conditions"],
    }


def _start_of_day(visit: Visit, when: date) -> Any:
    product = visit.taken.require().product
    return product.start_of_day(when)


HANDLERS = (get_final_answer, post_final_answer, get_review, post_review, post_review_answer)
