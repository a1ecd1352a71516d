"""Tables of parameters: a new version uploaded by one person, put in force by another, and undone."""

from __future__ import annotations

import datetime as dt

from litestar import Response
from msgspec import Struct

from roadworthy.api.call import Call, reply
from roadworthy.api.routes.words import TABLE_FILES, Note, Reason
from roadworthy.door import Answer, Query, Told, way
from roadworthy.errors import NotFound
from roadworthy.lifecycle import (
    TableVersionView,
    Upload,
    approve_table,
    list_table_versions,
    read_upload,
    undo_table,
    upload_table,
)

__all__ = ["HANDLERS"]

_CHANGED = (409, 422)


class Versions(Struct, frozen=True):
    """Every version of a table, the first one first."""

    versions: tuple[TableVersionView, ...]


@way(
    "PUT",
    "/v1/tables/{name}",
    Told(
        permission="table.upload",
        summary="Upload a new version of a table",
        files=TABLE_FILES,
        query=(Query("effective", dt.date, "The day from which its rows hold.", needed=True),),
        answers={
            201: Answer("It waits for another person.", Upload, headers={"Location": "Where the version is found."})
        },
        refusals=(409,),
        description="Bad rows are set aside, each with its rule; what changes against the rows in force is told.",
    ),
)
def put_table(request: Call) -> Response[bytes]:
    """Keep a version, and say what it was found to be."""
    effective = request.asked()["effective"]
    file = request.read_file()
    upload = upload_table(request.deed(), request.named("name"), file.data, file.name, effective)
    return reply(upload, 201, {"Location": request.place("versions", upload.version)})


@way(
    "GET",
    "/v1/tables/{name}",
    Told(permission="table.read", summary="Every version of a table", answers={200: Answer("The versions.", Versions)}),
)
def get_table(request: Call) -> Response[bytes]:
    """The versions."""
    versions = list_table_versions(request.services.store, request.named("name"))
    if not versions:
        raise NotFound("nobody has uploaded a table of this name", mend="GET /v1/releases/{id} names those it reads")
    return reply(Versions(tuple(versions)))


@way(
    "GET",
    "/v1/tables/{name}/versions/{version}",
    Told(
        permission="table.read",
        summary="What an upload was found to be",
        answers={200: Answer("As the uploader read it.", Upload)},
    ),
)
def get_table_version(request: Call) -> Response[bytes]:
    """One version's rows set aside, differences and warnings."""
    return reply(_upload(request))


@way(
    "POST",
    "/v1/tables/{name}/versions/{version}/approve",
    Told(
        permission="table.approve",
        summary="Put a version in force that another person uploaded",
        body=Note,
        body_needed=False,
        answers={200: Answer("It is in force.", TableVersionView)},
        refusals=_CHANGED,
    ),
)
def post_approve(request: Call) -> Response[bytes]:
    """Put it in force."""
    said = request.read(Note)
    upload = _upload(request)
    return reply(approve_table(request.deed(), upload.table, upload.version, note=said.note))


@way(
    "POST",
    "/v1/tables/{name}/versions/{version}/reject",
    Told(
        permission="table.approve",
        summary="Reject a version that was uploaded",
        body=Reason,
        answers={200: Answer("It is rejected.", TableVersionView)},
        refusals=_CHANGED,
    ),
)
def post_reject(request: Call) -> Response[bytes]:
    """Reject it, for a reason."""
    said = request.read(Reason)
    upload = _upload(request)
    return reply(approve_table(request.deed(), upload.table, upload.version, reject=True, note=said.reason))


@way(
    "POST",
    "/v1/tables/{name}/undo",
    Told(
        permission="table.undo",
        summary="Go back to the version before",
        body=Reason,
        answers={200: Answer("The version that was undone.", TableVersionView)},
        refusals=_CHANGED,
    ),
)
def post_undo(request: Call) -> Response[bytes]:
    """Undo the version in force."""
    said = request.read(Reason)
    return reply(undo_table(request.deed(), request.named("name"), said.reason))


def _upload(request: Call) -> Upload:
    return read_upload(request.services.store, request.named("name"), request.named("version"))


HANDLERS = (put_table, get_table, get_table_version, post_approve, post_reject, post_undo)
