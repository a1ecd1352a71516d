"""Uploading a version of a table: checked, compared with what is in force, warned about, and put up for approval."""

from __future__ import annotations

import datetime as dt

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select, text, update

from roadworthy.access import Deed
from roadworthy.errors import UsageError
from roadworthy.lifecycle.pinned import find_pinned
from roadworthy.lifecycle.schema import table_versions
from roadworthy.lifecycle.table_diff import Diff, compare_rows, describe_diff
from roadworthy.lifecycle.table_file import AsideRow, check_file
from roadworthy.lifecycle.table_views import find_version
from roadworthy.lifecycle.table_warnings import warn
from roadworthy.live import ROWS, read_bytes, read_table_version, read_versions, rows_to_bytes, table_key, table_subject
from roadworthy.records import Proposal, Store, TableVersion, keep_content, propose

__all__ = ["Upload", "read_upload", "upload_table"]

_FIRST, _LAST = dt.date(1970, 1, 2), dt.date(2999, 12, 31)
# Waits for whoever is giving the same number, and then gives none.
_CLAIM = text(
    "INSERT INTO table_versions (name, number, proposal_id) "
    "SELECT CAST(:name AS TEXT), coalesce(max(number), 0) + 1, CAST(:proposal_id AS TEXT) FROM table_versions "
    "WHERE name = CAST(:name AS TEXT) ON CONFLICT DO NOTHING RETURNING number"
)


class Upload(Struct, frozen=True, kw_only=True):
    """What an upload was found to be.

    follows     the version in force that it was compared with; empty for the first
    rows        how many are kept
    aside       how many were set aside; `set_aside` lists them, the first thousand, each with a rule that it failed
    warnings    what looks wrong, in words
    notes       what was assumed in reading the file
    """

    table: str
    version: str
    effective: dt.date
    follows: str
    file_name: str
    rows: int
    aside: int
    set_aside: tuple[AsideRow, ...]
    diff: Diff
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def upload_table(deed: Deed, name: str, data: bytes, file_name: str, effective: dt.date) -> Upload:
    """Keep a new version of a table (CSV, Excel or Parquet), in force from `effective` once another person approves it.

    It is checked against the contract that the live release pins, or the newest release that reads the table. A bad row
    is set aside and the others go on. NotFound: no release reads the table. UsageError: the date is none. DataError:
    the file is no table, not of this one, or has not one good row.
    """
    deed.demand("table.upload")
    if isinstance(effective, dt.datetime) or not _FIRST <= effective <= _LAST:
        raise UsageError(f"{effective} is no date to take effect on", mend=f"a day from {_FIRST} to {_LAST}")
    live = deed.store.ledger.live()
    follows = live.route.tables.get(name, "")
    with deed.store.reading() as connection:
        pinned = find_pinned(connection, name, live.route.champion)
        versions = read_versions(connection, name)
        table = read_table_version(connection, pinned.contract, pinned.product, follows) if follows else None
    checked = check_file(pinned.contract, data, file_name)
    comparison = compare_rows(checked.batch, table, table_key(pinned.contract))
    diff = describe_diff(comparison)
    rows = rows_to_bytes(checked.batch)

    def keep(connection: Connection) -> Upload:
        file_digest = keep_content(connection, data, "application/octet-stream")
        rows_digest = keep_content(connection, rows, ROWS)
        proposal_id = deed.new_id()
        version = _claim_number(connection, name, proposal_id)
        upload = Upload(
            table=name,
            version=version,
            effective=effective,
            follows=follows,
            file_name=file_name,
            rows=len(checked.batch),
            aside=checked.aside,
            set_aside=checked.set_aside,
            diff=diff,
            warnings=warn(
                comparison,
                file=file_digest,
                rows=rows_digest,
                file_name=file_name,
                effective=effective,
                versions=versions,
                follows=follows,
            ),
            notes=checked.notes,
        )
        kept = keep_content(connection, msgspec.json.encode(upload), "application/json")
        mine = (table_versions.c.name == name) & (table_versions.c.number == int(version))
        connection.execute(update(table_versions).where(mine).values(upload=kept))
        propose(
            connection,
            Proposal(
                proposal_id=proposal_id,
                kind="table",
                subject=table_subject(name),
                digest=rows_digest,
                author=deed.by.account,
                author_credential=deed.by.credential,
                at=deed.now,
            ),
        )
        event = TableVersion(
            version=version,
            step="uploaded",
            digest=rows_digest,
            effective=effective.isoformat(),
            rows=len(checked.batch),
            note=file_name,
            follows=follows,
            file=file_digest,
        )
        deed.record(event, table_subject(name), within=connection)
        return upload

    return deed.store.transact(keep)


def read_upload(store: Store, name: str, version: str) -> Upload:
    """What an upload was found to be, as the uploader read it. NotFound where there is no such version."""
    with store.reading() as connection:
        find_version(connection, name, version, {})
        mine = (table_versions.c.name == name) & (table_versions.c.number == int(version))
        kept = connection.execute(select(table_versions.c.upload).where(mine)).scalar_one()
        found = read_bytes(connection, kept, f"what was found of version {version} of table {name}")
    return msgspec.json.decode(found, type=Upload)


def _claim_number(connection: Connection, name: str, proposal_id: str) -> str:
    while True:
        claim = {"name": name, "proposal_id": proposal_id}
        number = connection.execute(_CLAIM, claim).scalar_one_or_none()
        if number is not None:
            return str(number)
