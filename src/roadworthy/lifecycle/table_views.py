"""The versions of a table as people read them: folded from their records, beside the route."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct, structs
from sqlalchemy import Connection, select

from roadworthy.errors import NotFound
from roadworthy.live import table_subject
from roadworthy.records import Store, TableVersion, decode_payload, metadata, moment

__all__ = ["TableVersionView", "find_version", "list_table_versions", "read_views"]

_RECORDS = metadata.tables["records"]


class TableVersionView(Struct, frozen=True, kw_only=True):
    """One version of a table as it stands.

    state     waiting (for a second person), in_force, replaced, rejected or undone
    follows   the version it was compared with, whose rows hold where this one has none
    digest    of the rows kept; `file` of the upload as it came
    note      why it was rejected or undone, or what the approver said
    """

    table: str
    version: str
    state: str
    effective: date
    rows: int
    follows: str
    file_name: str
    digest: str
    file: str
    uploaded_by: str
    uploaded_at: datetime
    answered_by: str | None = None
    answered_at: datetime | None = None
    undone_by: str | None = None
    undone_at: datetime | None = None
    note: str = ""


def list_table_versions(store: Store, name: str) -> list[TableVersionView]:
    """Every version of a table, the first one first; none for a table that nobody uploaded."""
    in_force = store.ledger.live().route.tables
    with store.reading() as connection:
        return read_views(connection, name, in_force)


def read_views(connection: Connection, name: str, in_force: Mapping[str, str]) -> list[TableVersionView]:
    """`list_table_versions` as of this transaction, with these versions in force."""
    if "\0" in name:  # no text that a store keeps, so no table of it
        return []
    columns = (_RECORDS.c.actor, _RECORDS.c.at_us, _RECORDS.c.payload)
    about = (_RECORDS.c.subject == table_subject(name)) & (_RECORDS.c.kind == "table_version")
    views: dict[str, TableVersionView] = {}
    for row in connection.execute(select(*columns).where(about).order_by(_RECORDS.c.nth)):
        event = decode_payload(row.payload, TableVersion)
        at = moment(row.at_us)
        match event.step:
            case "uploaded":
                views[event.version] = TableVersionView(
                    table=name,
                    version=event.version,
                    state="waiting",
                    effective=date.fromisoformat(event.effective),
                    rows=event.rows,
                    follows=event.follows,
                    file_name=event.note,
                    digest=event.digest,
                    file=event.file,
                    uploaded_by=row.actor,
                    uploaded_at=at,
                )
            case "undone":
                views[event.version] = structs.replace(
                    views[event.version], state="undone", undone_by=row.actor, undone_at=at, note=event.note
                )
            case "approved" | "rejected" as step:
                state = "rejected" if step == "rejected" else "replaced"
                views[event.version] = structs.replace(
                    views[event.version], state=state, answered_by=row.actor, answered_at=at, note=event.note
                )
    now = in_force.get(name)
    return [structs.replace(view, state="in_force") if version == now else view for version, view in views.items()]


def find_version(connection: Connection, name: str, version: str, in_force: Mapping[str, str]) -> TableVersionView:
    """One version as of this transaction. NotFound, naming those there are, where there is none of that number."""
    views = {view.version: view for view in read_views(connection, name, in_force)}
    if version not in views:
        raise NotFound(
            f"table '{name}' has no version {version!r}", available=views, mend="`roadworthy tables upload` makes one"
        )
    return views[version]
