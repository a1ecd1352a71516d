"""Tables as the route has them: the version in force, and the versions it follows, back to the first."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, select

from roadworthy.contract import Batch, Contract, check_table
from roadworthy.decision import Table
from roadworthy.errors import ContractError, StoreError
from roadworthy.live.loading import read_bytes
from roadworthy.live.manifest import table_subject
from roadworthy.product import Product
from roadworthy.records import TableVersion, decode_payload, metadata

__all__ = ["ROWS", "read_table_version", "read_versions", "rows_to_bytes", "table_key"]

ROWS = "application/vnd.apache.arrow.stream"
"""The media type of a version's checked rows."""
_RECORDS = metadata.tables["records"]


def table_key(contract: Contract) -> str:
    """The column that joins a table to applications: its one column of role identity. ContractError for none or two.

    >>> from roadworthy.contract import Column
    >>> table_key(Contract(name="branches", columns=(Column(name="branch", type="text", role="identity"),)))
    'branch'
    """
    keys = [column.name for column in contract.columns if column.role == "identity"]
    if len(keys) != 1:
        raise ContractError(
            f"table '{contract.name}' has {len(keys)} columns of role identity",
            available=keys or [column.name for column in contract.columns],
            mend="give the role identity to the one column that applications are joined by",
        )
    return keys[0]


def rows_to_bytes(batch: Batch) -> bytes:
    """Checked rows as they are kept: what `read_table_version` reads back, the same bytes for the same rows."""
    cells = {}
    for column in batch.contract.columns:
        values = batch.columns[column.name]
        match column.type:
            case "category":
                words = pa.array(column.allowed or (), pa.string())
                cells[column.name] = words.take(pa.array(values, mask=values < 0))
            case "text":
                cells[column.name] = pa.array(values, pa.string())
            case "date":
                cells[column.name] = pa.array(values, pa.timestamp("us"))
            case _:
                cells[column.name] = pa.array(values, mask=np.isnan(values))
    table = pa.table(cells)
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def read_versions(connection: Connection, name: str) -> dict[str, TableVersion]:
    """Every version of a table as it was uploaded, by its id."""
    wanted = (
        select(_RECORDS.c.payload)
        .where(_RECORDS.c.subject == table_subject(name), _RECORDS.c.kind == "table_version")
        .order_by(_RECORDS.c.nth)
    )
    events = [decode_payload(payload, TableVersion) for payload in connection.execute(wanted).scalars()]
    return {event.version: event for event in events if event.step == "uploaded"}


def read_table_version(connection: Connection, contract: Contract, product: Product, version: str) -> Table:
    """The table as it is with `version` in force: its rows from its effective date on, those it follows before.

    Where two versions give a key a row from the same date, the later version's holds. Columns that this contract does
    not know, since a later release's does, are passed over. StoreError where the store lacks a version, or one of them
    lacks what the contract must have.
    """
    versions = read_versions(connection, contract.name)
    parts: list[tuple[Batch, np.datetime64]] = []
    for event in _chain(versions, version, contract.name):
        what = f"version {event.version} of table {contract.name}"
        with pa.ipc.open_stream(read_bytes(connection, event.digest, what)) as reader:
            checked = check_table(contract, reader.read_all(), writings={}, unknown="ignore")
        if len(checked.set_aside):
            raise StoreError(
                f"{what} is of another contract", mend="upload the table again, for the release's contract"
            )
        parts.append((checked.batch, _naive(product.start_of_day(event.effective))))
    return _lay_together(contract, parts)


def _chain(versions: dict[str, TableVersion], version: str, name: str) -> Iterator[TableVersion]:
    """The version and those it follows, the latest first."""
    seen: set[str] = set()
    while version:
        if version not in versions or version in seen:
            raise StoreError(f"the store does not hold version {version} of table {name}", available=versions)
        seen.add(version)
        yield versions[version]
        version = versions[version].follows


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "us")


def _lay_together(contract: Contract, parts: list[tuple[Batch, np.datetime64]]) -> Table:
    key = table_key(contract)
    names = [column.name for column in contract.columns]
    columns = {name: np.concatenate([part.columns[name] for part, _ in parts]) for name in names}
    effective = np.concatenate([np.full(len(part), moment) for part, moment in parts])
    pairs = [f"{value}\0{moment}" for value, moment in zip(columns[key], effective, strict=True)]
    _, rows = np.unique(np.array(pairs), return_index=True)
    rows.sort()  # of two rows of one key and date the first is the later version's
    n = len(rows)
    nobody = np.full(n, None, dtype=object)
    batch = Batch(
        contract=contract,
        columns={name: values[rows] for name, values in columns.items()},
        application_id=nobody,
        applicant_id=nobody.copy(),
        applied_at=np.full(n, np.datetime64("NaT", "us")),
    )
    return Table(rows=batch, key=key, effective=effective[rows])
