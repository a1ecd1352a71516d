"""Tables of parameters that people upload: each application is joined to the row in force when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.contract import MISSING, Batch, Contract
from roadworthy.errors import UsageError

__all__ = ["Table", "join_tables"]

Kind = Literal["text", "date", "number"]
_NEVER = np.datetime64(2**62, "us")  # beyond every date that an application can have


@dataclass(frozen=True)
class Table:
    """Rows by key and by the date they take effect.

    `rows` (m) is a batch of the table's own contract, m at least 1; `key` names the column that joins them, alike in
    the table and in the application; `effective` (m,) is datetime64[us], UTC. UsageError for a row without a key or
    without a date, and for two rows of one key with one date.

    >>> from roadworthy.contract import Column, check_table, to_arrow
    >>> contract = Contract(name="branches", columns=(
    ...     Column(name="branch", type="text"), Column(name="limit", type="number")
    ... ))
    >>> rows = check_table(contract, to_arrow({"branch": ["B1", "B1"], "limit": [500, 800]})).batch
    >>> effective = np.array(["2026-01-01", "2026-07-01"], dtype="datetime64[us]")
    >>> branches = Table(rows=rows, key="branch", effective=effective)
    >>> loans = Contract(name="loans", columns=(Column(name="branch", type="text"),))
    >>> asked = to_arrow({"branch": ["B1", "B1", "B2"], "applied_at": ["2026-06-30", "2026-07-01", "2026-07-01"]})
    >>> branches.join(check_table(loans, asked).batch).columns["limit"]
    array([500., 800.,  nan])
    """

    rows: Batch
    key: str
    effective: NDArray[np.datetime64]

    def __post_init__(self) -> None:
        if not len(self.rows):
            raise UsageError(f"table '{self.contract.name}' has no rows", mend="give at least one")
        effective = np.array(self.effective, dtype="datetime64[us]")
        effective.flags.writeable = False
        object.__setattr__(self, "effective", effective)
        if effective.shape != (len(self.rows),) or np.isnat(effective).any():
            raise UsageError(f"table '{self.contract.name}' needs one effective date for each of its rows")
        if self.key not in self.contract:
            raise UsageError(
                f"table '{self.contract.name}' has no key column '{self.key}'",
                available=[column.name for column in self.contract.columns],
            )
        if (self._places(self.rows) < 0).any():
            raise UsageError(f"table '{self.contract.name}' has a row without '{self.key}'")
        _, pairs, _ = self._order
        if (np.diff(pairs) == 0).any():
            raise UsageError(f"table '{self.contract.name}' has two rows of one '{self.key}' with one effective date")

    @classmethod
    def of_nothing(cls, contract: Contract, key: str) -> Table:
        """A table of which no row is ever in force: whatever a rule reads of it is missing.

        >>> from roadworthy.contract import Column, check_table, to_arrow
        >>> contract = Contract(name="branches", columns=(
        ...     Column(name="branch", type="category", allowed=("B1",)), Column(name="limit", type="number")
        ... ))
        >>> asked = to_arrow({"branch": ["B1"], "limit": [1], "applied_at": ["9999-12-31"]})
        >>> Table.of_nothing(contract, "branch").join(check_table(contract, asked).batch).columns["limit"]
        array([nan])
        """
        someone: dict[str, Any] = {"category": np.zeros(1, np.int32), "text": np.array(["-"], dtype=object),
                                   "date": np.zeros(1, "datetime64[us]")}  # fmt: skip
        columns = {column.name: someone.get(column.type, np.zeros(1)).copy() for column in contract.columns}
        nobody = np.full(1, None, dtype=object)
        rows = Batch(contract, columns, nobody, nobody.copy(), np.full(1, np.datetime64("NaT", "us")))
        return cls(rows=rows, key=key, effective=np.array([_NEVER]))

    @property
    def contract(self) -> Contract:
        """What a row looks like."""
        return self.rows.contract

    @cached_property
    def _keys(self) -> pa.Array:
        """The keys that occur, each once."""
        return pc.unique(_cells(self.rows, self.key)).drop_null()

    @cached_property
    def _dates(self) -> NDArray[np.datetime64]:
        """The dates that occur, rising."""
        return np.unique(self.effective)

    @cached_property
    def _order(self) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """The rows by (key, date); that pair of each as one rising number; and how many numbers a key has.

        A key has a number before all dates, then one for each date.
        """
        width = len(self._dates) + 1
        keys = self._places(self.rows)
        pair = keys * width + np.searchsorted(self._dates, self.effective) + 1
        order = np.argsort(pair, kind="stable")
        return order, pair[order], width

    def _places(self, batch: Batch) -> NDArray[np.int64]:
        """Where each row's key stands among the keys, -1 where it is missing or none of them."""
        places = pc.index_in(_cells(batch, self.key), value_set=self._keys, skip_nulls=True).fill_null(-1)
        return np.asarray(places.to_numpy(zero_copy_only=False), dtype=np.int64)

    def find(self, batch: Batch) -> NDArray[np.int64]:
        """For each application the position (n,) of the row in force at its `applied_at`; -1 where there is none.

        In force is the row of its key with the latest date that is not after `applied_at`. Without `applied_at` there
        is none.
        """
        order, pairs, width = self._order
        keys = self._places(batch)
        latest = np.searchsorted(self._dates, batch.applied_at, side="right")
        place = np.searchsorted(pairs, keys * width + latest, side="right") - 1
        # The number found may be of an earlier key: this one's first date is then still to come.
        in_force = (keys >= 0) & ~np.isnat(batch.applied_at) & (place >= 0) & (pairs[place] > keys * width)
        return np.where(in_force, order[place], -1)

    def join(self, batch: Batch) -> Batch:
        """The rows in force, one for each application and in its order; every value missing where there is none."""
        place = self.find(batch)
        nowhere = place < 0
        rows = self.rows.take(np.maximum(place, 0))
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


def _kind(contract: Contract, name: str) -> Kind:
    match contract[name].type:
        case "category" | "text":
            return "text"
        case "date":
            return "date"
    return "number"


def _cells(batch: Batch, name: str) -> pa.Array:
    """A key column as Arrow, null where it is missing or unknown."""
    column, values = batch.contract[name], batch.columns[name]
    if column.type == "category":
        return pa.array(column.allowed, pa.string()).take(pa.array(values, mask=values < 0))
    if column.type == "text":
        return pa.array(values, pa.string())
    if column.type == "date":
        return pa.array(values)
    return pa.array(values + 0.0, mask=np.isnan(values))  # so that -0.0 is 0.0


def join_tables(batch: Batch, tables: Mapping[str, Table], wanted: tuple[Contract, ...]) -> dict[str, Batch]:
    """The rows in force of every wanted table, by its name.

    UsageError where a table is absent, of another contract, or keyed by what the applications do not have.
    """
    joined = {}
    for contract in wanted:
        table = tables.get(contract.name)
        if table is None:
            raise UsageError(f"the release reads the table '{contract.name}'", available=tables, mend="hand it in")
        if table.contract != contract:
            raise UsageError(f"table '{contract.name}' is not of the contract that the release pins")
        if table.key not in batch.contract:
            raise UsageError(
                f"table '{contract.name}' is keyed by '{table.key}', which applications do not have",
                available=[column.name for column in batch.contract.columns],
            )
        ours, theirs = _kind(batch.contract, table.key), _kind(contract, table.key)
        if ours != theirs:
            raise UsageError(
                f"table '{contract.name}' is keyed by '{table.key}', a {theirs} there and a {ours} in applications",
                mend="declare it alike in both contracts",
            )
        joined[contract.name] = table.join(batch)
    return joined
