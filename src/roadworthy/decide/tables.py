"""Tables of parameters that people upload: each application is joined to the row in force when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, Batch, Contract
from roadworthy.errors import UsageError

__all__ = ["Table", "join_tables"]


@dataclass(frozen=True)
class Table:
    """Rows by key and by the date they take effect.

    `rows` (m) is a batch of the table's own contract; `key` names the column that joins them, alike in the table and in
    the application; `effective` (m,) is datetime64[us], UTC. Two rows of one key with one date are refused.
    """

    rows: Batch
    key: str
    effective: NDArray[np.datetime64]

    def __post_init__(self) -> None:
        if self.effective.shape != (len(self.rows),) or np.isnat(self.effective).any():
            raise UsageError(f"table '{self.contract.name}' needs one effective date for each of its rows")
        if self.key not in self.contract:
            raise UsageError(
                f"table '{self.contract.name}' has no key column '{self.key}'",
                available=[column.name for column in self.contract.columns],
            )
        if len(set(zip(self._keys, self.effective.tolist(), strict=True))) != len(self.rows):
            raise UsageError(f"table '{self.contract.name}' has two rows of one '{self.key}' with one effective date")

    @property
    def contract(self) -> Contract:
        """What a row looks like."""
        return self.rows.contract

    @cached_property
    def _keys(self) -> list[str | None]:
        return list(_texts(self.rows, self.key))

    @cached_property
    def _order(self) -> tuple[dict[str, int], NDArray[np.datetime64], NDArray[np.int64], NDArray[np.int64]]:
        """Key numbers, the dates that occur, and the rows sorted by (key number, date) with that pair as one number."""
        number = {key: i for i, key in enumerate(sorted({key for key in self._keys if key is not None}))}
        dates = np.unique(self.effective)
        pair = np.array([number.get(key, -1) if key is not None else -1 for key in self._keys], dtype=np.int64)
        pair = pair * (len(dates) + 1) + np.searchsorted(dates, self.effective)
        order = np.argsort(pair, kind="stable")
        return number, dates, order, pair[order]

    def find(self, batch: Batch) -> NDArray[np.int64]:
        """For each application the position of the row in force at its `applied_at`; -1 where there is none."""
        number, dates, order, pairs = self._order
        given = _texts(batch, self.key)
        absent = np.array([text is None for text in given], dtype=np.bool_)
        texts, inverse = np.unique(given.astype(str), return_inverse=True)
        keys = np.array([number.get(text, -1) for text in texts], dtype=np.int64)[inverse]
        keys[absent] = -1
        known = (keys >= 0) & ~np.isnat(batch.applied_at)
        latest = np.searchsorted(dates, batch.applied_at, side="right") - 1
        width = len(dates) + 1
        place = np.searchsorted(pairs, keys * width + latest, side="right") - 1
        found = known & (latest >= 0) & (place >= 0)
        found &= np.where(place >= 0, pairs[np.maximum(place, 0)] // width, -1) == keys
        return np.where(found, order[np.maximum(place, 0)], -1)

    def join(self, batch: Batch) -> Batch:
        """The rows in force, one for each application and in its order; every value missing where there is none."""
        place = self.find(batch)
        if not len(self.rows):
            raise UsageError(f"table '{self.contract.name}' has no rows")
        rows = self.rows.take(np.maximum(place, 0))
        nowhere = place < 0
        columns: dict[str, NDArray[Any]] = {}
        for column in self.contract.columns:
            values = rows.columns[column.name].copy()
            values[nowhere] = {"category": MISSING, "date": np.datetime64("NaT"), "text": None}.get(column.type, np.nan)
            columns[column.name] = values
        return Batch(
            contract=self.contract,
            columns=columns,
            application_id=batch.application_id,
            applicant_id=batch.applicant_id,
            applied_at=batch.applied_at,
        )


def _texts(batch: Batch, name: str) -> NDArray[np.object_]:
    """A key column as texts, None where it is missing or unknown."""
    column, values = batch.contract[name], batch.columns[name]
    if column.type == "category":
        vocabulary = np.array([*(column.allowed or ()), None, None], dtype=object)
        return vocabulary[np.where(values < 0, -1, values)]
    if column.type == "text":
        return values
    numbers = batch.matrix([name])[:, 0]
    return np.array([None if np.isnan(value) else repr(float(value)) for value in numbers], dtype=object)


def join_tables(batch: Batch, tables: Mapping[str, Table], wanted: tuple[Contract, ...]) -> dict[str, Batch]:
    """The rows in force of every wanted table, by its name; UsageError where one is absent or of another contract."""
    joined = {}
    for contract in wanted:
        table = tables.get(contract.name)
        if table is None:
            raise UsageError(f"the release reads the table '{contract.name}'", available=tables, mend="hand it in")
        if table.contract != contract:
            raise UsageError(f"table '{contract.name}' is not of the contract that the release pins")
        joined[contract.name] = table.join(batch)
    return joined
