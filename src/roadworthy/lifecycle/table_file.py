"""An uploaded file of a table, read and checked: bad rows are set aside with their rule, the rest go on (R5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from roadworthy.batch import open_apart
from roadworthy.contract import RESERVED, UNSEEN, Batch, Column, Contract, check_table, column_of
from roadworthy.errors import DataError, RoadworthyError
from roadworthy.lifecycle.table_diff import is_missing
from roadworthy.live import table_key

__all__ = ["LARGEST_FILE", "MOST_LISTED", "MOST_ROWS", "AsideRow", "CheckedFile", "check_file"]

LARGEST_FILE = 64 * 1024 * 1024
MOST_ROWS = 1_000_000
MOST_LISTED = 1_000
"""Lines that are listed one by one; more are counted."""


class AsideRow(Struct, frozen=True):
    """A rule that a row of the file failed; rows count from 1, below the header."""

    row: int
    path: str
    rule: str
    message: str


@dataclass(frozen=True)
class CheckedFile:
    """The rows that keep to the contract, one a key; how many do not, and why (the first lines)."""

    batch: Batch
    aside: int
    set_aside: tuple[AsideRow, ...]
    notes: tuple[str, ...]


def check_file(contract: Contract, data: bytes, file_name: str) -> CheckedFile:
    """Read CSV, Excel or Parquet, by its content and in a process apart, and check every row by the table's contract.

    Beside the contract's own rules: `missing` for a row without a key, `allowed` for a category that the contract does
    not list, `duplicate_key` for the later rows of one key. DataError where the file is too large or no table, where
    its columns are not the contract's, and where no row is good.
    """
    if len(data) > LARGEST_FILE:
        raise DataError(f"has {len(data):,} bytes", where=file_name, mend=f"at most {LARGEST_FILE:,}")
    table, notes = _read(data, file_name)
    _check_columns(contract, table.column_names, file_name)
    checked = check_table(contract, table)
    aside = {
        int(row): AsideRow(int(row) + 1, violation.path.replace("$.inputs", "$", 1), violation.rule, violation.message)
        for row, violation in zip(checked.set_aside.row, checked.set_aside.violations(), strict=True)
    }
    good = np.ones(len(checked.batch), dtype=np.bool_)
    for path, rule, message, bad in _find_faults(contract, checked.batch):
        for row in checked.rows[bad & good].tolist():
            aside[row] = AsideRow(row + 1, path, rule, message)
        good &= ~bad
    lines = tuple(aside[row] for row in sorted(aside))
    if not good.any():
        first = lines[0]
        raise DataError(
            f"not one of its {table.num_rows:,} rows keeps to the contract of table '{contract.name}'; the first: row "
            f"{first.row}, {column_of(first.path)} {first.message}",
            where=file_name,
            mend="is it the right file? Mend it and upload it again",
        )
    return CheckedFile(checked.batch.take(good), len(aside), lines[:MOST_LISTED], notes)


def _read(data: bytes, file_name: str) -> tuple[pa.Table, tuple[str, ...]]:
    with TemporaryDirectory(prefix="roadworthy-upload-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(data)
        try:
            with open_apart(path) as source:
                parts, rows = [], source.rows or 0
                if rows <= MOST_ROWS:
                    rows = 0
                    for part in source.batches():
                        parts.append(part)
                        rows += part.num_rows
                        if rows > MOST_ROWS:
                            break
                if rows > MOST_ROWS:
                    raise DataError("has too many rows", where=path, mend=f"at most {MOST_ROWS:,}")
        except RoadworthyError as error:
            error.where = (error.where or str(path)).replace(str(path), file_name)
            raise
        return pa.concat_tables(parts), source.notes


def _check_columns(contract: Contract, names: list[str], file_name: str) -> None:
    known = [column.name for column in contract.columns]
    unknown = [name for name in names if name not in contract and name not in RESERVED]
    lacking = [column.name for column in contract.columns if column.name not in names and not column.missing]
    if table_key(contract) not in names:
        lacking.insert(0, table_key(contract))
    if not (unknown or lacking):
        return
    faults = [f"lacks {', '.join(dict.fromkeys(lacking))}"] if lacking else []
    if unknown:
        faults.append(f"has {', '.join(unknown)}, which the contract does not know")
    raise DataError(
        f"is not of table '{contract.name}': it {' and '.join(faults)}",
        where=file_name,
        available=known,
        mend="name the columns as the table's contract does, and leave out the others",
    )


def _find_faults(contract: Contract, batch: Batch) -> list[tuple[str, str, str, NDArray[np.bool_]]]:
    """What is wrong with rows for a table, though not for the contract: path, rule, message, and which rows."""
    name = table_key(contract)
    keys = batch.columns[name]
    faults = [
        (f"$.{column.name}", "allowed", "is not one of the allowed values", batch.columns[column.name] == UNSEEN)
        for column in contract.columns
        if column.type == "category"
    ]
    faults.append((f"$.{name}", "missing", "is missing", is_missing(contract[name], keys)))
    faults.append((f"$.{name}", "duplicate_key", "is the key of an earlier row", _is_repeated(contract[name], keys)))
    return faults


def _is_repeated(column: Column, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows have the key of an earlier one. Whoever has no key repeats none."""
    there = np.flatnonzero(~is_missing(column, values))
    _, first = np.unique(values[there], return_index=True)
    repeated = np.zeros(len(values), dtype=np.bool_)
    repeated[there] = True
    repeated[there[first]] = False
    return repeated
