"""Packages, releases and what is live: brought, made, put up, approved, promoted, rolled back, stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from litestar import Response
from msgspec import Meta, Struct, structs

from roadworthy.api.call import Call, reply
from roadworthy.api.routes.words import Moment, Note, Reason
from roadworthy.door import Answer, Query, Told, way
from roadworthy.lifecycle import (
    PackageView,
    ReleaseView,
    WasLive,
    approve_release,
    create_release,
    find_rollback,
    keep_package,
    list_packages,
    list_releases,
    list_warnings,
    promote_release,
    resume_deciding,
    roll_back,
    show_package,
    show_release,
    stop_deciding,
    submit_release,
    who_was_live,
)
from roadworthy.live import read_bytes
from roadworthy.records import Live

__all__ = ["HANDLERS"]

_PACKAGE_TYPES = {
    "application/octet-stream": "the .rw file",
    "application/vnd.roadworthy.package": "the .rw file",
    "multipart/form-data": "a form with the part `file`",
}
_WHERE = {"Location": "Where it is found from now on."}
_CHANGED = (404, 409, 422)
_WEIGHED = 250
"""So many of the latest decisions are weighed before a switch: a page compares more, and nobody waits for it there."""


class Packages(Struct, frozen=True):
    """Every package of the store, the first one first."""

    packages: tuple[PackageView, ...]


class Releases(Struct, frozen=True):
    """Every release, the first one first."""

    releases: tuple[ReleaseView, ...]


class NewRelease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a release is made of: a package that was brought, by its digest, and the texts of the product's files."""

    package: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    policy: str
    product: str
    tables: Mapping[str, str] = {}


class Why(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, where one says so."""

    reason: str = ""


class Promotion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why; `break_glass` is the reason for going without a second person, by somebody who may."""

    reason: str = ""
    break_glass: str | None = None


@way(
    "POST",
    "/v1/packages",
    Told(
        permission="package.push",
        summary="Bring a sealed model",
        files=_PACKAGE_TYPES,
        answers={201: Answer("It is kept; the same bytes again change nothing.", PackageView, headers=_WHERE)},
        refusals=(409, 501),
        description="What was changed in it anywhere is found, and refused. Nothing in it is run.",
    ),
)
def push_package(request: Call) -> Response[bytes]:
    """Keep a package."""
    kept = keep_package(request.deed(), request.read_file().data, trusted_types=request.services.settings.trusted)
    return reply(kept, 201, {"Location": f"/v1/packages/{kept.digest}"})


@way(
    "GET",
    "/v1/packages",
    Told(permission="release.read", summary="Every package", answers={200: Answer("The packages.", Packages)}),
)
def get_packages(request: Call) -> Response[bytes]:
    """Every package."""
    return reply(Packages(tuple(list_packages(request.services.store))))


@way(
    "GET",
    "/v1/packages/{digest}",
    Told(permission="release.read", summary="One package", answers={200: Answer("The package.", PackageView)}),
)
def get_package(request: Call) -> Response[bytes]:
    """One package."""
    return reply(show_package(request.services.store, request.named("digest")))


@way(
    "GET",
    "/v1/releases",
    Told(permission="release.read", summary="Every release", answers={200: Answer("The releases.", Releases)}),
)
def get_releases(request: Call) -> Response[bytes]:
    """Every release."""
    return reply(Releases(tuple(list_releases(request.services.store))))


@way(
    "POST",
    "/v1/releases",
    Told(
        permission="release.create",
        summary="Make a release",
        body=NewRelease,
        answers={201: Answer("It is made.", ReleaseView, headers=_WHERE)},
        refusals=(404, 409, 501),
        description="Whatever of its parts does not fit the others is refused, with its place.",
    ),
)
def post_release(request: Call) -> Response[bytes]:
    """Make a release of a package that is here, and the files' texts."""
    wanted = request.read(NewRelease)
    store = request.services.store
    show_package(store, wanted.package)
    with store.reading() as connection:
        package = read_bytes(connection, wanted.package, "this package")
    made = create_release(
        request.deed(),
        package=package,
        policy=wanted.policy,
        product=wanted.product,
        tables=wanted.tables,
        trusted_types=request.services.settings.trusted,
    )
    return reply(made, 201, {"Location": f"/v1/releases/{made.id}"})


@way(
    "GET",
    "/v1/releases/who-was-live",
    Told(
        permission="release.read",
        summary="What was live at a moment",
        query=(Query("at", Moment, "The moment, with its time zone; now where it is not given."),),
        answers={200: Answer("What was live.", WasLive)},
    ),
)
def get_who_was_live(request: Call) -> Response[bytes]:
    """What was live then."""
    at = request.asked().get("at", request.admitted.at)
    return reply(who_was_live(request.services.store, at))


@way(
    "GET",
    "/v1/releases/{id}",
    Told(permission="release.read", summary="One release", answers={200: Answer("The release.", ReleaseView)}),
)
def get_release(request: Call) -> Response[bytes]:
    """One release with its steps."""
    return reply(_release(request))


@way(
    "POST",
    "/v1/releases/{id}/submit",
    Told(
        permission="release.submit",
        summary="Put a release up for approval",
        body=Note,
        body_needed=False,
        answers={200: Answer("It waits for another person.", ReleaseView)},
        refusals=_CHANGED,
    ),
)
def post_submit(request: Call) -> Response[bytes]:
    """Put it up."""
    said = request.read(Note)
    release = _release(request)
    return reply(submit_release(request.deed(), release.id, said.note))


@way(
    "POST",
    "/v1/releases/{id}/approve",
    Told(
        permission="release.approve",
        summary="Approve a release that another person made and put up",
        body=Note,
        body_needed=False,
        answers={200: Answer("It is approved.", ReleaseView)},
        refusals=_CHANGED,
    ),
)
def post_approve(request: Call) -> Response[bytes]:
    """Approve it."""
    said = request.read(Note)
    release = _release(request)
    return reply(approve_release(request.deed(), release.id, note=said.note))


@way(
    "POST",
    "/v1/releases/{id}/reject",
    Told(
        permission="release.approve",
        summary="Reject a release that was put up",
        body=Reason,
        answers={200: Answer("It is rejected.", ReleaseView)},
        refusals=_CHANGED,
    ),
)
def post_reject(request: Call) -> Response[bytes]:
    """Reject it, for a reason."""
    said = request.read(Reason)
    release = _release(request)
    return reply(approve_release(request.deed(), release.id, reject=True, note=said.reason))


@way(
    "POST",
    "/v1/releases/{id}/promote",
    Told(
        permission="release.promote",
        summary="Make an approved release live",
        body=Promotion,
        body_needed=False,
        answers={200: Answer("It is live; what looked wrong about that is in `warnings`.", ReleaseView)},
        refusals=_CHANGED,
    ),
)
def post_promote(request: Call) -> Response[bytes]:
    """Make it live."""
    said = request.read(Promotion)
    release = _release(request)
    current = request.services.current
    warnings = list_warnings(current, release, most=_WEIGHED)
    live = promote_release(
        request.deed(), release.id, current=current, reason=said.reason, break_glass=said.break_glass
    )
    return reply(structs.replace(live, warnings=warnings))


@way(
    "POST",
    "/v1/releases/rollback",
    Told(
        permission="release.rollback",
        summary="Go back to the release that was live before",
        body=Why,
        body_needed=False,
        answers={
            200: Answer("The release that is live again; what looked wrong about that is in `warnings`.", ReleaseView)
        },
        refusals=(409, 422),
    ),
)
def post_rollback(request: Call) -> Response[bytes]:
    """Go back."""
    said = request.read(Why)
    current = request.services.current
    warnings = list_warnings(current, find_rollback(request.services.store), back=True, most=_WEIGHED)
    live = roll_back(request.deed(), current=current, reason=said.reason)
    return reply(structs.replace(live, warnings=warnings))


@way(
    "POST",
    "/v1/stop",
    Told(
        permission="route.stop",
        summary="Send every application to people",
        body=Reason,
        answers={200: Answer("Every application goes to people now.", Live)},
        refusals=(409,),
    ),
)
def post_stop(request: Call) -> Response[bytes]:
    """Stop."""
    return reply(stop_deciding(request.deed(), request.read(Reason).reason))


@way(
    "POST",
    "/v1/resume",
    Told(
        permission="route.resume",
        summary="End the stop",
        body=Reason,
        answers={200: Answer("The release decides again.", Live)},
        refusals=(409,),
    ),
)
def post_resume(request: Call) -> Response[bytes]:
    """Resume."""
    return reply(resume_deciding(request.deed(), request.read(Reason).reason))


def _release(request: Call) -> ReleaseView:
    """The release that the path names; NotFound where there is none."""
    return show_release(request.services.store, request.named("id"))


HANDLERS = (
    push_package,
    get_packages,
    get_package,
    get_releases,
    post_release,
    get_who_was_live,
    get_release,
    post_submit,
    post_approve,
    post_reject,
    post_promote,
    post_rollback,
    post_stop,
    post_resume,
)
