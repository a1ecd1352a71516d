"""Applications as frozen column arrays: the one shape in which they walk through the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract.schema import Contract

__all__ = ["MISSING", "UNSEEN", "Batch"]

MISSING = -1
"""Code of a missing category."""
UNSEEN = -2
"""Code of a category that the contract does not list."""


@dataclass(frozen=True)
class Batch:
    """`n` applications as one array per contract column, all of length `n` and read-only.

    number, integer, boolean   float64; NaN is missing; booleans are 0.0 and 1.0
    category                   int32 codes into `Column.allowed`; MISSING (-1), UNSEEN (-2)
    date                       datetime64[us], UTC; NaT is missing
    text                       object: str or None

    `application_id` and `applicant_id` are object arrays of str or None; `applied_at` is datetime64[us], UTC, or NaT.
    """

    contract: Contract
    columns: Mapping[str, NDArray[Any]]
    application_id: NDArray[Any]
    applicant_id: NDArray[Any]
    applied_at: NDArray[np.datetime64]

    def __post_init__(self) -> None:
        n = len(self.application_id)
        columns = dict(self.columns)
        if set(columns) != {column.name for column in self.contract.columns}:
            raise ValueError("a batch holds exactly its contract's columns")
        for array in (*columns.values(), self.applicant_id, self.applied_at):
            if array.shape != (n,):
                raise ValueError(f"every array of a batch of {n} has shape ({n},), not {array.shape}")
        for array in (*columns.values(), self.application_id, self.applicant_id, self.applied_at):
            array.flags.writeable = False
        object.__setattr__(self, "columns", MappingProxyType(columns))

    def __len__(self) -> int:
        return len(self.application_id)

    def take(self, rows: NDArray[Any] | slice) -> Batch:
        """The chosen rows: an index array, a boolean mask or a slice."""
        return Batch(
            contract=self.contract,
            columns={name: array[rows] for name, array in self.columns.items()},
            application_id=self.application_id[rows],
            applicant_id=self.applicant_id[rows],
            applied_at=self.applied_at[rows],
        )

    def matrix(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The named columns side by side as float64 of shape (n, len(names)), C order.

        Categories are their codes (-1.0 missing, -2.0 unseen), dates are days since 1970-01-01 with NaN for missing;
        text has no number and raises KeyError.
        """
        out = np.empty((len(self), len(names)), dtype=np.float64)
        for position, name in enumerate(names):
            kind = self.contract[name].type
            array = self.columns[name]
            if kind == "text":
                raise KeyError(f"{name} is text: it has no numbers")
            if kind == "date":
                days = (array - np.datetime64(0, "us")) / np.timedelta64(1, "D")
                out[:, position] = np.where(np.isnat(array), np.nan, days)
            else:
                out[:, position] = array
        return out
