"""Erasure on request, and the legal holds that stop it."""

from __future__ import annotations

from typing import Annotated

from litestar import Response
from msgspec import Meta, Struct

from roadworthy.api.call import Call, reply
from roadworthy.api.routes.words import Reason
from roadworthy.door import Answer, Told, way
from roadworthy.erasure import (
    ErasureDone,
    ErasurePlan,
    Held,
    Whom,
    erase_applicant,
    list_holds,
    list_of,
    plan_erasure,
    release_hold,
    set_hold,
)

__all__ = ["HANDLERS"]

_Id = Annotated[str, Meta(min_length=1, max_length=255)]
_Said = Annotated[str, Meta(pattern=r"[A-Za-z0-9]", max_length=4_000)]


class NewErasure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose data: an applicant, or the applicant of an application; and on what ground, in words that name nobody.

    With `dry_run` it is only told what would go.
    """

    applicant_id: _Id | None = None
    application_id: _Id | None = None
    ground: _Said
    dry_run: bool = False


class NewHold(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose data are kept: an applicant's, or those of the applicant of an application; and why, naming nobody."""

    applicant_id: _Id | None = None
    application_id: _Id | None = None
    reason: _Said


class Hold(Struct, frozen=True):
    """The record that set a hold, by which it is known."""

    hold_id: str


class Holds(Struct, frozen=True):
    """The legal holds that are on, the oldest first."""

    holds: tuple[Held, ...]


@way(
    "POST",
    "/v1/erasures",
    Told(
        permission="applicant.erase",
        summary="Erase an applicant's data",
        body=NewErasure,
        answers={
            201: Answer("Erased, for good: what was, and which exports had it.", ErasureDone),
            200: Answer("What would be erased; nothing was.", ErasurePlan),
        },
        refusals=(404, 409, 422),
        description="All of an applicant's applications are erased together. What was decided stays, without them.",
    ),
)
def post_erasure(request: Call) -> Response[bytes]:
    """Erase, or say what would be."""
    said = request.read(NewErasure)
    whom = Whom(applicant_id=said.applicant_id, application_id=said.application_id)
    if said.dry_run:
        return reply(plan_erasure(request.deed(), whom))
    erasures = list_of(request.services.settings)
    return reply(erase_applicant(request.deed(), whom, ground=said.ground, erasures=erasures), 201)


@way(
    "POST",
    "/v1/holds",
    Told(
        permission="applicant.hold",
        summary="Set a legal hold",
        body=NewHold,
        answers={201: Answer("Nothing about the applicant is erased until it is released.", Hold)},
        refusals=(404, 409, 422),
    ),
)
def post_hold(request: Call) -> Response[bytes]:
    """Keep what there is about an applicant."""
    said = request.read(NewHold)
    whom = Whom(applicant_id=said.applicant_id, application_id=said.application_id)
    return reply(Hold(set_hold(request.deed(), whom, reason=said.reason)), 201)


@way(
    "GET",
    "/v1/holds",
    Told(
        permission="applicant.hold",
        summary="The legal holds that are on",
        answers={200: Answer("The oldest first.", Holds)},
    ),
)
def get_holds(request: Call) -> Response[bytes]:
    """Those that are on."""
    return reply(Holds(list_holds(request.deed())))


@way(
    "POST",
    "/v1/holds/{id}/release",
    Told(
        permission="applicant.hold",
        summary="Release a legal hold",
        body=Reason,
        answers={200: Answer("It is released.", Hold)},
        refusals=(404,),
    ),
)
def post_release(request: Call) -> Response[bytes]:
    """Let it go."""
    hold_id = request.named("id")
    release_hold(request.deed(), hold_id, reason=request.read(Reason).reason)
    return reply(Hold(hold_id))


HANDLERS = (post_erasure, post_hold, get_holds, post_release)
