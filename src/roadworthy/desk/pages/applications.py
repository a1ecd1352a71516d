"""The applicant's page: the answer first, then why, by what, and everything that followed."""

from __future__ import annotations

from typing import Any

from roadworthy.casework import (
    FINAL_ANSWERS,
    DecisionView,
    HistoryItem,
    ProposedOverride,
    find_latest,
    list_proposed_overrides,
    read_decision,
)
from roadworthy.desk.addresses import address
from roadworthy.desk.history import tell_history, tell_terms
from roadworthy.desk.inputs import show_value
from roadworthy.desk.likeness import FEWEST, observed_rates
from roadworthy.desk.page import Shown, page, show
from roadworthy.desk.visit import Visit
from roadworthy.errors import RoadworthyError
from roadworthy.live import Loaded

__all__ = ["HANDLERS", "currency_of", "describe_application", "load_release", "open_application"]

_LIKENESS = {"like": None, "unlike": ""}


@page("/applications/{id}", "decision.read", "An application with all that followed it")
def get_application(visit: Visit) -> Shown:
    """The last decision of the application, or the decision of this id."""
    view = open_application(visit)
    return show(visit, "application.html", **describe_application(visit, view))


def open_application(visit: Visit) -> DecisionView:
    """What the path names; NotFound in the same words whether it is of another branch or of none."""
    return read_decision(visit.deed(), find_latest(visit.deed(), visit.named("id")))


def currency_of(visit: Visit) -> str:
    """The product's currency; nothing where no product is live."""
    return "" if visit.product is None else visit.product.currency


def load_release(visit: Visit, view: DecisionView) -> Loaded | None:
    """The release that decided; None where this store can no longer open it."""
    try:
        return visit.services.current.load(view.release.id)
    except RoadworthyError:
        return None


def describe_application(visit: Visit, view: DecisionView) -> dict[str, Any]:
    """What the page shows of a decision."""
    loaded = load_release(visit, view)
    product = visit.product
    history = tell_history(view.history, currency_of(visit), visit.time_zone)
    policy = None if loaded is None else loaded.release.policy
    rules = {} if policy is None else {rule.code: rule for rule in policy.rules}
    final = next((item.data for item in view.history if item.record_id == view.final_id), None)
    inputs = _inputs(view, loaded)
    meanings = {name: meaning for name, meaning, _ in inputs}
    return {
        "view": view,
        "currency": currency_of(visit),
        "here": address(view.application_id, view.decision_id),
        "latest": None if view.latest == view.decision_id else address(view.latest, view.latest),
        "corrects": None if view.corrects is None else address(view.corrects, view.corrects),
        "words": None if policy is None else policy.answer_words,
        "bands": () if policy is None else _bands(policy.bands),
        "rules": [(code, rules.get(code)) for code in view.rules],
        "reasons": [
            (reason, _value(view, reason.column), meanings.get(reason.column or ""), _direction(reason.contribution))
            for reason in view.reasons
        ],
        "inputs": inputs,
        "terms": "" if final is None else tell_terms(final, currency_of(visit)),
        "history": [line for line in history if line.kind != "outcome_event"],
        "outcomes": [item.data for item in view.history if item.kind == "outcome_event"],
        "waiting": _find_proposal(visit, view),
        "stood": next((item for item in reversed(view.history) if _let_stand(item, view)), None),
        "final_answers": FINAL_ANSWERS,
        "once": visit.services.new_id(),
        "replay": None,
        "horizon": None if product is None else product.outcome.horizon_months or product.purpose.horizon_months,
        **_find_likeness(visit, view),
    }


def _let_stand(item: HistoryItem, view: DecisionView) -> bool:
    """Whether a person looked again at this very decision, and left its answer as it was."""
    if item.kind != "human_review" or item.data["step"] != "done":
        return False
    return item.data["decision_id"] == view.decision_id and item.data.get("answer") is None


def _find_likeness(visit: Visit, view: DecisionView) -> dict[str, Any]:
    """How those of about this PD turned out, or in words why nobody knows."""
    product = visit.product
    if view.pd is None:
        return _LIKENESS
    if product is None:
        return _LIKENESS | {"unlike": "no release is live, so nobody has said what a bad outcome is"}
    rates = observed_rates(visit.services.store, product, visit.admitted.at)
    if isinstance(rates, str):
        return _LIKENESS | {"unlike": rates}
    like = rates.of(view.release.id, view.pd)
    if like is None:
        return _LIKENESS | {"unlike": f"fewer than {FEWEST} with a PD like this were lent to long enough ago"}
    return _LIKENESS | {"like": like}


def _bands(bands: Any) -> list[tuple[str, float | None, float | None]]:
    """Each answer with the PDs from and up to which it is given."""
    edges = [None, *(band.up_to for band in bands)]
    return [(band.answer, edges[i], band.up_to) for i, band in enumerate(bands)]


def _direction(contribution: float | None) -> str:
    if contribution is None:
        return "a rule of the policy"
    return "makes a bad outcome likelier" if contribution > 0 else "makes a bad outcome less likely"


def _value(view: DecisionView, column: str | None) -> str | None:
    if column is None or view.inputs is None or column not in view.inputs:
        return None
    return show_value(view.inputs[column])


def _inputs(view: DecisionView, loaded: Loaded | None) -> list[tuple[str, str, str]]:
    """Each column's name, meaning and value as it came; those of the contract first, in its order."""
    if view.inputs is None:
        return []
    known = {} if loaded is None else {column.name: column.description for column in loaded.contract.columns}
    names = [*known, *(name for name in view.inputs if name not in known)]
    return [(name, known.get(name, ""), show_value(view.inputs.get(name))) for name in names]


def _find_proposal(visit: Visit, view: DecisionView) -> ProposedOverride | None:
    """An override of this decision that waits for a second person; only who may be that person is told."""
    if not visit.may("override.approve"):
        return None
    proposed = list_proposed_overrides(visit.deed())
    return next((one for one in proposed if one.decision_id == view.decision_id), None)


HANDLERS = (get_application,)
