"""One application: its decision, and finding, explaining, replaying and correcting it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from msgspec import Meta, Struct

from roadworthy.api.call import Call, reply
from roadworthy.api.routes.words import REPLAYED, Moment
from roadworthy.casework import DecisionView, correct, find_decisions, read_decision
from roadworthy.door import JSON, Answer, Problem, ProblemError, RouteRow, Told, way
from roadworthy.errors import NotFound
from roadworthy.lifecycle import Explanation, Replay, explain_decision, replay_decision
from roadworthy.live import Decided, NotDecided, Reply
from roadworthy.records import Application, Decision, Wanted, decode_payload, moment

__all__ = ["DECISION_ROUTE", "HANDLERS"]

_ANSWERS = Literal["approve", "refer", "decline"]
_STATUSES = Literal["open", "answered", "review", "final", "erased"]
_FINAL = Literal["approve", "decline", "counter_offer", "withdrawn", "incomplete", "expired"]
_Text = Annotated[str, Meta(min_length=1, max_length=255)]
_Some = Meta(max_length=1_000)

_TOLD = Told(
    permission="decision.make",
    summary="Decide one application",
    body="application",
    answers={
        201: Answer("Decided, and recorded before this answer.", Reply),
        200: Answer("Decided before under the same key: the same bytes.", Reply, headers=REPLAYED),
    },
    once="optional",
    refusals=(409, 410),
    description=(
        "Without a key a decision is made each time. Nobody but the release says what the PD, the score and the answer "
        "are: a field that the contract does not name is refused."
    ),
)
DECISION_ROUTE = RouteRow("POST", "/v1/decisions", _TOLD.permission, _TOLD)
"""The one route that does not go through the framework; `deciding` answers it."""


class Search(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for; what is left out is not asked.

    `name`: the beginnings of its words, in any order. `after` is the `next` of the page before.
    """

    application_ids: Annotated[tuple[_Text, ...], _Some] = ()
    applicant_id: _Text | None = None
    name: Annotated[str, Meta(max_length=255)] = ""
    statuses: Annotated[tuple[_STATUSES, ...], _Some] = ()
    answers: Annotated[tuple[_ANSWERS, ...], _Some] = ()
    final_answers: Annotated[tuple[_FINAL, ...], _Some] = ()
    releases: Annotated[tuple[_Text, ...], _Some] = ()
    branches: Annotated[tuple[_Text, ...], _Some] | None = None
    decided_from: Moment | None = None
    decided_before: Moment | None = None
    amount_from: float | None = None
    amount_to: float | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 50
    after: Annotated[str, Meta(pattern=r"^[0-9]{1,18}:", max_length=300)] | None = None


class FoundApplication(Struct, frozen=True, kw_only=True):
    """One application as its records leave it; `decision_id` is its last decision."""

    application_id: str
    decision_id: str | None
    status: str
    applicant_id: str | None
    names: str | None
    branch: str | None
    amount: float | None
    answer: str | None
    final_answer: str | None
    overridden: bool
    pd: float | None
    score: float | None
    release: str | None
    assignment: str | None
    applied_at: dt.datetime | None
    decided_at: dt.datetime | None
    final_at: dt.datetime | None


class FoundPage(Struct, frozen=True):
    """A page, the latest decision first; `next` is the `after` of the page behind it, null where there is none."""

    applications: tuple[FoundApplication, ...]
    next: str | None


class NewInputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns that were wrong, with their right values (null is missing), and what shows it."""

    inputs: Annotated[dict[str, Any], Meta(min_length=1)]
    evidence: Annotated[str, Meta(pattern=r"[A-Za-z0-9]", max_length=4_000)]


@way(
    "POST",
    "/v1/decisions/search",
    Told(
        permission="decision.read",
        summary="Find decisions",
        body=Search,
        body_needed=False,
        answers={200: Answer("What was found, of the branches that the account sees.", FoundPage)},
        description="A POST, so that no name and no id stands in a URL.",
    ),
)
def search_decisions(request: Call) -> Response[bytes]:
    """Find them."""
    asked = request.read(Search)
    after = None
    if asked.after is not None:
        us, _, name = asked.after.partition(":")
        after = (int(us), name)
    terms = {name: value for name, value in msgspec.structs.asdict(asked).items() if name not in ("limit", "after")}
    found = find_decisions(request.deed(), Wanted(**terms), asked.limit, after)
    behind = None if found.next is None else f"{found.next[0]}:{found.next[1]}"
    return reply(FoundPage(tuple(_show(application) for application in found.applications), behind))


@way(
    "GET",
    "/v1/decisions/{id}",
    Told(
        permission="decision.read",
        summary="One decision with all that followed it",
        answers={200: Answer("The decision.", DecisionView)},
    ),
)
def get_decision(request: Call) -> Response[bytes]:
    """The decision."""
    return reply(read_decision(request.deed(), request.named("id")))


@way(
    "POST",
    "/v1/decisions/{id}/explanation",
    Told(
        permission="decision.read",
        summary="What every column adds to a decision",
        answers={200: Answer("The contributions, by the release that decided.", Explanation)},
        refusals=(422,),
    ),
)
def post_explanation(request: Call) -> Response[bytes]:
    """Every column's contribution."""
    decision_id = _seen(request)
    return reply(explain_decision(request.deed(), request.services.current, decision_id))


@way(
    "POST",
    "/v1/decisions/{id}/replay",
    Told(
        permission="decision.replay",
        summary="Make a past decision again and compare",
        answers={200: Answer("Whether it is the same, and what differs where it is not.", Replay)},
        refusals=(422,),
    ),
)
def post_replay(request: Call) -> Response[bytes]:
    """Decide the recorded inputs again by the recorded release."""
    decision_id = _seen(request)
    return reply(replay_decision(request.deed(), request.services.current, decision_id))


@way(
    "POST",
    "/v1/decisions/{id}/correct",
    Told(
        permission="decision.correct",
        summary="Put inputs right, and decide anew",
        body=NewInputs,
        answers={
            201: Answer("Decided anew; `corrects` names the decision that was wrong.", Reply),
            200: Answer("The same correction was made before: the decision it led to.", Reply, headers=REPLAYED),
        },
        refusals=(404, 409, 410, 422),
        description="A decision is corrected once; the same correction again gives the same decision.",
    ),
)
def post_correction(request: Call) -> Response[bytes]:
    """Decide it anew, linked."""
    said = request.read(NewInputs)
    made = correct(request.deed(), request.services.current, request.named("id"), said.inputs, said.evidence)
    match made:
        case Decided(reply=body, replayed=replayed):
            headers = {"Idempotent-Replayed": "true"} if replayed else {}
            return Response(body, status_code=200 if replayed else 201, media_type=JSON, headers=headers)
        case NotDecided(violations=violations):
            raise ProblemError(Problem.contract(violations))
    raise ProblemError(Problem.of("refused", "The answer is no", 409, "this decision was corrected otherwise"))


def _seen(request: Call) -> str:
    """The decision's id, if whoever asks sees its branch; else NotFound, whether it exists or not."""
    admitted = request.admitted
    record = request.services.store.ledger.find(request.named("id"))
    if record is None or record.kind != "decision":
        raise NotFound.unseen()
    request.deed().demand(admitted.row.permission, branch=decode_payload(record.payload, Decision).branch)
    return record.record_id


def _show(application: Application) -> FoundApplication:
    values = msgspec.structs.asdict(application)
    for name in ("applied", "decided", "final"):
        us = values[f"{name}_us"]
        values[f"{name}_at"] = None if us is None else moment(us)
    return FoundApplication(**{name: values[name] for name in FoundApplication.__struct_fields__})


HANDLERS = (search_decisions, get_decision, post_explanation, post_replay, post_correction)
