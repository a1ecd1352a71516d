"""Tables of parameters: uploaded by one person, read and put in force by another, and undone (R6, R10)."""

from __future__ import annotations

from roadworthy.desk.days import read_day
from roadworthy.desk.page import Shown, act, go, page, show
from roadworthy.desk.visit import Visit
from roadworthy.errors import NotFound, Refused, RoadworthyError, UsageError
from roadworthy.lifecycle import (
    TableVersionView,
    approve_table,
    describe_table,
    list_table_versions,
    list_tables,
    read_upload,
    undo_table,
    upload_table,
)
from roadworthy.live import table_key

__all__ = ["HANDLERS"]

_SHOWN = 200


@page("/tables", "table.read", "Every table, and what of it is in force")
def get_tables(visit: Visit) -> Shown:
    """The tables that a release reads."""
    store = visit.services.store
    tables = [(name, list_table_versions(store, name)[::-1]) for name in list_tables(store)]
    return show(visit, "tables.html", tables=tables)


@page("/tables/{name}", "table.read", "One table")
def get_table(visit: Visit) -> Shown:
    """Its versions, what its file looks like, and the form for the next one."""
    return _show_table(visit)


@act("/tables/{name}", "table.upload", "Upload a new version of a table", form="files")
def post_table(visit: Visit) -> Shown:
    """Keep a version and put it up: the page it leads to says what was found."""
    name, sent = visit.named("name"), visit.sent
    try:
        file = sent.file("file")
        if file is None:
            raise UsageError("no file was chosen, or it is empty", mend="choose the CSV or Excel file")
        upload = upload_table(
            visit.deed(),
            name,
            file.data,
            file.name,
            read_day("takes effect on", sent["effective"], "choose the first day that it holds"),
        )
    except RoadworthyError as error:
        return _show_table(visit, error)
    return go(
        f"/tables/{name}/{upload.version}",
        f"Version {upload.version} is kept, and waits for another person. Read what was found",
    )


@page("/tables/{name}/{version}", "table.read", "One version of a table, as its uploader read it")
def get_version(visit: Visit) -> Shown:
    """Rows, set-aside rows, differences and warnings."""
    return _show_version(visit)


@act("/tables/{name}/{version}/approve", "table.approve", "Put a version in force that another person uploaded")
def post_approve(visit: Visit) -> Shown:
    """Put it in force."""
    version, sent = _find(visit), visit.sent
    try:
        if sent["read"] != "yes" and read_upload(visit.services.store, version.table, version.version).warnings:
            raise Refused("there are warnings, and nobody has said that they were read", mend="read them, tick the box")
        approve_table(visit.deed(), version.table, version.version, note=sent["note"])
    except RoadworthyError as error:
        return _show_version(visit, error)
    return go(f"/tables/{version.table}/{version.version}", "It is in force")


@act("/tables/{name}/{version}/reject", "table.approve", "Reject a version that was uploaded")
def post_reject(visit: Visit) -> Shown:
    """Reject it, for a reason."""
    version = _find(visit)
    try:
        approve_table(visit.deed(), version.table, version.version, reject=True, note=visit.sent["note"])
    except RoadworthyError as error:
        return _show_version(visit, error)
    return go(f"/tables/{version.table}/{version.version}", "It is rejected: what was in force stays in force")


@act("/tables/{name}/{version}/undo", "table.undo", "Take the version in force back")
def post_undo(visit: Visit) -> Shown:
    """Undo it, for a reason: the version before it is in force again."""
    version = _find(visit)
    try:
        undone = undo_table(visit.deed(), version.table, visit.sent["reason"], expected=version.version)
    except RoadworthyError as error:
        return _show_version(visit, error)
    again = f"version {undone.follows} is in force again" if undone.follows else "no version is in force now"
    return go(f"/tables/{undone.table}", f"Version {undone.version} is undone: {again}")


def _show_table(visit: Visit, problem: RoadworthyError | None = None) -> Shown:
    store, name = visit.services.store, visit.named("name")
    versions = list_table_versions(store, name)[::-1]
    try:
        contract = describe_table(store, name)
    except NotFound:
        if not versions:
            raise
        contract = None
    return show(
        visit,
        "table.html",
        problem=problem,
        name=name,
        versions=versions,
        contract=contract,
        key="" if contract is None else table_key(contract),
        effective=visit.sent["effective"] if visit.method == "POST" else "",
    )


def _show_version(visit: Visit, problem: RoadworthyError | None = None) -> Shown:
    version = _find(visit)
    sent = visit.sent if visit.method == "POST" else None
    return show(
        visit,
        "table_version.html",
        problem=problem,
        version=version,
        upload=read_upload(visit.services.store, version.table, version.version),
        shown=_SHOWN,
        note="" if sent is None else sent["note"],
        reason="" if sent is None else sent["reason"],
    )


def _find(visit: Visit) -> TableVersionView:
    name, number = visit.named("name"), visit.named("version")
    for version in list_table_versions(visit.services.store, name):
        if version.version == number:
            return version
    raise NotFound(f"table {name} has no version {number}", mend="choose one of those on the table's page")


HANDLERS = (get_tables, get_table, post_table, get_version, post_approve, post_reject, post_undo)
