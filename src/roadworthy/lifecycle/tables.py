"""Monthly tables: uploaded by one person, approved by another, in force from their date, and undone (R13, R14).

A table changes the route, not the release: approving puts a version in force by one compare-and-swap, undoing goes back
to the version it followed.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs
from sqlalchemy import Connection, Row, select

from roadworthy.access import Deed
from roadworthy.errors import Refused, UsageError
from roadworthy.lifecycle.approving import answer_proposals
from roadworthy.lifecycle.pinned import find_pinned
from roadworthy.lifecycle.route import Alteration, alter_route
from roadworthy.lifecycle.schema import table_versions
from roadworthy.lifecycle.table_views import TableVersionView, find_version
from roadworthy.live import read_manifest, read_table_version, table_subject
from roadworthy.records import Entry, Live, TableVersion

__all__ = ["approve_table", "undo_table"]


def approve_table(deed: Deed, name: str, version: str, *, reject: bool = False, note: str = "") -> TableVersionView:
    """Put a version in force, or reject it, which needs a note.

    Refused where it does not wait, where whoever uploaded it is the same person (one account or one credential, except
    in a trial), and where another version came into force since it was compared. StoreError where the live release
    cannot read it.
    """
    deed.demand("table.approve")
    if reject and not note.strip():
        raise Refused("a table is not rejected without a reason", mend="say why in the note")
    trial = deed.trial  # asked before a connection is held

    def answer(connection: Connection) -> None:
        row = _lock_version(connection, name, version)
        view = find_version(connection, name, version, {})
        if view.state != "waiting":
            raise Refused(f"version {version} of table '{name}' does not wait for approval any more")
        answer_proposals(deed, connection, [str(row.proposal_id)], reject=reject, trial=trial)

    if reject:

        def turn_down(connection: Connection) -> None:
            answer(connection)
            event = _event(find_version(connection, name, version, {}), "rejected", note)
            deed.record(event, table_subject(name), within=connection)

        deed.store.transact(turn_down)
    else:
        alter_route(deed, lambda live: _put_in_force(deed, live, name, version, note), reason=note, within=answer)
    return _show(deed, name, version)


def undo_table(deed: Deed, name: str, reason: str, *, expected: str | None = None) -> TableVersionView:
    """Take the version in force back: the one it followed is in force again. Gives the version that was undone.

    Refused where none is in force, or another than the `expected` one, and where there is none before it and the live
    release reads the table.
    """
    deed.demand("table.undo")
    if not reason.strip():
        raise UsageError("whoever undoes a table says why", mend="give the reason")
    undone: list[str] = []

    def alter(live: Live) -> Alteration:
        version = live.route.tables.get(name)
        if version is None:
            raise Refused(f"no version of table '{name}' is in force", available=live.route.tables)
        if expected not in (None, version):
            raise Refused(
                f"version {expected} of table '{name}' is not in force any more", mend="look at what is in force now"
            )
        with deed.store.reading() as connection:
            view = find_version(connection, name, version, live.route.tables)
            champion = live.route.champion
            read = champion is not None and name in read_manifest(connection, champion).tables
        if not view.follows and read:
            raise Refused(
                f"version {version} of table '{name}' is the first, and release {champion} reads it",
                mend="upload the right file; or `roadworthy stop`, so that people decide meanwhile",
            )
        undone[:] = [version]
        tables = {table: each for table, each in live.route.tables.items() if table != name}
        if view.follows:
            tables[name] = view.follows
        return Alteration(
            route=structs.replace(live.route, tables=tables), along=(_entry(deed, view, "undone", reason),)
        )

    alter_route(deed, alter, reason=reason)
    return _show(deed, name, undone[0])


def _put_in_force(deed: Deed, live: Live, name: str, version: str, note: str) -> Alteration:
    with deed.store.reading() as connection:
        view = find_version(connection, name, version, live.route.tables)
        now = live.route.tables.get(name, "")
        if view.state == "waiting" and view.follows != now:
            raise Refused(
                f"version {version} of table '{name}' was compared with "
                f"{f'version {view.follows}' if view.follows else 'nothing'}, and "
                f"{f'version {now}' if now else 'none'} is in force now",
                mend="reject it, and upload the file again",
            )
        pinned = find_pinned(connection, name, live.route.champion)
        read_table_version(connection, pinned.contract, pinned.product, version)
    return Alteration(
        route=structs.replace(live.route, tables={**live.route.tables, name: version}),
        along=(_entry(deed, view, "approved", note),),
    )


def _lock_version(connection: Connection, name: str, version: str) -> Row[Any]:
    """The row of a version, kept from other answers until this transaction ends; `find_version` says where none is."""
    find_version(connection, name, version, {})
    mine = (table_versions.c.name == name) & (table_versions.c.number == int(version))
    return connection.execute(select(table_versions).where(mine).with_for_update()).one()


def _entry(deed: Deed, view: TableVersionView, step: str, note: str) -> Entry:
    return deed.entry(_event(view, step, note), table_subject(view.table))


def _event(view: TableVersionView, step: str, note: str) -> TableVersion:
    return TableVersion(
        version=view.version,
        step=step,
        digest=view.digest,
        effective=view.effective.isoformat(),
        rows=view.rows,
        note=note,
        follows=view.follows,
        file=view.file,
    )


def _show(deed: Deed, name: str, version: str) -> TableVersionView:
    in_force = deed.store.ledger.live().route.tables
    with deed.store.reading() as connection:
        return find_version(connection, name, version, in_force)
