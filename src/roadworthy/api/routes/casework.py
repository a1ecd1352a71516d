"""What people do with a decision: final answer, override, human review."""

from __future__ import annotations

import hmac
from typing import Annotated, Literal

from litestar import Response
from msgspec import Meta, Struct

from roadworthy.api.call import Call, reply
from roadworthy.api.routes.words import REPLAYED, Moment
from roadworthy.casework import (
    OVERRIDE_REASONS,
    ProposedOverride,
    Receipt,
    answer_review,
    ask_review,
    confirm_override,
    give_final_answer,
    list_proposed_overrides,
    override,
    propose_override,
    reject_override,
)
from roadworthy.door import Answer, Told, way
from roadworthy.records import Once

__all__ = ["HANDLERS"]

_FINAL = Literal["approve", "decline", "counter_offer", "withdrawn", "incomplete", "expired"]
_Words = Annotated[str, Meta(max_length=4_000)]
_Said = Annotated[str, Meta(pattern=r"[A-Za-z0-9]", max_length=4_000)]
_Amount = Annotated[float, Meta(gt=0, le=1e15)]
_Term = Annotated[int, Meta(ge=1, le=1_200)]
_Rate = Annotated[float, Meta(ge=0, le=100)]
_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_REFUSALS = (404, 409, 410)


class Recorded(Struct, frozen=True):
    """It is on record, under this id."""

    record_id: str


_RECEIPT = {
    201: Answer("It is recorded.", Recorded),
    200: Answer("It was recorded before under the same key.", Recorded, headers=REPLAYED),
}


class NewFinalAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the applicant got: an amount in the product's currency, a term in months, a rate a year as a fraction.

    `replaces` is the record id of the answer that stands, where this one takes its place.
    """

    answer: _FINAL
    amount: _Amount | None = None
    term: _Term | None = None
    rate: _Rate | None = None
    conditions: _Words = ""
    note: _Words = ""
    replaces: _Id | None = None


class NewOverride(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Approve what the policy declined, or decline what it approved; the words say why in this case."""

    answer: Literal["approve", "decline"]
    reason_code: Literal[tuple(OVERRIDE_REASONS)]  # type: ignore[valid-type]  # the codes are listed in one place
    words: _Said
    replaces: _Id | None = None


class Proposals(Struct, frozen=True):
    """Overrides that wait for a second person, the oldest first."""

    overrides: tuple[ProposedOverride, ...]


class Rejected(Struct, frozen=True):
    """The override that was rejected."""

    proposal_id: str


class NewReview(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the applicant says, in their words, and by when they are answered."""

    view: _Said
    deadline: Moment


class ReviewAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was looked at and found; an `answer` takes the place of the one that stands.

    `reason_code` where it goes against the policy: then it is an override too.
    """

    words: _Said
    answer: _FINAL | None = None
    amount: _Amount | None = None
    term: _Term | None = None
    rate: _Rate | None = None
    conditions: _Words = ""
    reason_code: Literal[tuple(OVERRIDE_REASONS)] | None = None  # type: ignore[valid-type]  # as in NewOverride


@way(
    "POST",
    "/v1/decisions/{id}/final-answer",
    Told(
        permission="final_answer.give",
        summary="Record what the applicant got",
        body=NewFinalAnswer,
        answers=_RECEIPT,
        once="optional",
        refusals=_REFUSALS,
        description="On a referral this is the decision. Going against the policy is an override, and refused here.",
    ),
)
def post_final_answer(request: Call) -> Response[bytes]:
    """Record it."""
    said = request.read(NewFinalAnswer)
    receipt = give_final_answer(
        request.deed(),
        request.named("id"),
        said.answer,
        amount=said.amount,
        term=said.term,
        rate=said.rate,
        conditions=said.conditions,
        note=said.note,
        replaces=said.replaces,
        once=_once(request),
    )
    return _hand_out(receipt)


@way(
    "POST",
    "/v1/decisions/{id}/override",
    Told(
        permission="override.make",
        summary="Decide other than the policy, within one's authority",
        body=NewOverride,
        answers=_RECEIPT,
        once="optional",
        refusals=_REFUSALS,
        description="Beyond one's authority it is proposed to a second person instead.",
    ),
)
def post_override(request: Call) -> Response[bytes]:
    """Override it."""
    said = request.read(NewOverride)
    receipt = override(
        request.deed(),
        request.named("id"),
        said.answer,
        reason_code=said.reason_code,
        words=said.words,
        replaces=said.replaces,
        once=_once(request),
    )
    return _hand_out(receipt)


@way(
    "POST",
    "/v1/decisions/{id}/override/proposal",
    Told(
        permission="override.make",
        summary="Propose an override to a second person",
        body=NewOverride,
        answers={201: Answer("It waits for a second person; nothing has changed yet.", ProposedOverride)},
        refusals=_REFUSALS,
    ),
)
def post_proposal(request: Call) -> Response[bytes]:
    """Put it before a second person."""
    said = request.read(NewOverride)
    proposed = propose_override(
        request.deed(),
        request.named("id"),
        said.answer,
        reason_code=said.reason_code,
        words=said.words,
        replaces=said.replaces,
    )
    return reply(proposed, 201)


@way(
    "GET",
    "/v1/overrides",
    Told(
        permission="override.approve",
        summary="Overrides that wait for a second person",
        answers={200: Answer("Those of the branches that the account sees.", Proposals)},
    ),
)
def get_proposals(request: Call) -> Response[bytes]:
    """What waits."""
    return reply(Proposals(list_proposed_overrides(request.deed())))


@way(
    "POST",
    "/v1/overrides/{id}/confirm",
    Told(
        permission="override.approve",
        summary="Confirm another person's override",
        answers={201: Answer("It is recorded, with both people.", Recorded)},
        refusals=_REFUSALS,
    ),
)
def post_confirmation(request: Call) -> Response[bytes]:
    """Be the second person."""
    return _hand_out(confirm_override(request.deed(), request.named("id")))


@way(
    "POST",
    "/v1/overrides/{id}/reject",
    Told(
        permission="override.approve",
        summary="Reject another person's override",
        answers={200: Answer("The decision stays as it is.", Rejected)},
        refusals=_REFUSALS,
    ),
)
def post_rejection(request: Call) -> Response[bytes]:
    """Say no to it."""
    proposal_id = request.named("id")
    reject_override(request.deed(), proposal_id)
    return reply(Rejected(proposal_id))


@way(
    "POST",
    "/v1/decisions/{id}/human-review",
    Told(
        permission="review.ask",
        summary="Record that the applicant asks for a person",
        body=NewReview,
        answers=_RECEIPT,
        once="optional",
        refusals=_REFUSALS,
    ),
)
def post_review(request: Call) -> Response[bytes]:
    """Record the request."""
    said = request.read(NewReview)
    receipt = ask_review(
        request.deed(), request.named("id"), view=said.view, deadline=said.deadline, once=_once(request)
    )
    return _hand_out(receipt)


@way(
    "POST",
    "/v1/decisions/{id}/human-review/answer",
    Told(
        permission="review.answer",
        summary="Answer a request for human review",
        body=ReviewAnswer,
        answers=_RECEIPT,
        once="optional",
        refusals=_REFUSALS,
    ),
)
def post_review_answer(request: Call) -> Response[bytes]:
    """Record what was found, and the answer it leads to."""
    said = request.read(ReviewAnswer)
    receipt = answer_review(
        request.deed(),
        request.named("id"),
        words=said.words,
        answer=said.answer,
        amount=said.amount,
        term=said.term,
        rate=said.rate,
        conditions=said.conditions,
        reason_code=said.reason_code,
        once=_once(request),
    )
    return _hand_out(receipt)


def _once(request: Call) -> Once | None:
    """The promise that comes with the caller's key: the digest is of what is asked of what, not of the body alone."""
    key = request.admitted.once_key
    if key is None:
        return None
    asked = f"{request.scope['path']}\n".encode() + request.admitted.body
    digest = hmac.digest(request.services.current.store_id.encode(), asked, "sha256")
    return Once(request.admitted.by.account, key, digest)


def _hand_out(receipt: Receipt) -> Response[bytes]:
    headers = {"Idempotent-Replayed": "true"} if receipt.replayed else {}
    return reply(Recorded(receipt.record_id), 200 if receipt.replayed else 201, headers)


HANDLERS = (
    post_final_answer,
    post_override,
    post_proposal,
    get_proposals,
    post_confirmation,
    post_rejection,
    post_review,
    post_review_answer,
)
