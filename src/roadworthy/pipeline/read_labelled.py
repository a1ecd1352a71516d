"""Reading a file of applications with their outcomes, to seal a model on or to recalibrate one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.batch import open_table
from roadworthy.contract import Batch, Column, Contract, check_table
from roadworthy.errors import DataError
from roadworthy.product import read_weights

__all__ = ["Labelled", "read_labelled"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """The rows of a file that keep to a contract, their outcomes and weights (n,), and how many rows do not."""

    batch: Batch
    bad: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    left_out: int
    digest: str


def read_labelled(
    data: Path, choose: Callable[[pa.Table], Contract], *, target: str, weight: str | None = None
) -> Labelled:
    """The rows of `data` by the contract that `choose` finds for its inputs; DataError where not one keeps to it.

    `target` and `weight` name columns that are no inputs.
    """
    source = open_table(data)
    table = source.read()
    own = [column for column in (target, weight) if column is not None]
    for column in own:
        if column not in table.column_names:
            raise DataError(f"no column {column!r}", where=data, available=table.column_names)
    inputs = table.drop_columns(own)
    checked = check_table(choose(inputs), inputs, unknown="ignore")
    if not len(checked.batch):
        violation = checked.set_aside.violations()[0]
        raise DataError(f"no row keeps to the contract; the first: {violation.path} {violation.message}", where=data)
    return Labelled(
        batch=checked.batch,
        bad=_read_outcome(table, target, data)[checked.rows],
        weights=None if weight is None else read_weights(table, weight)[checked.rows],
        left_out=table.num_rows - len(checked.rows),
        digest=source.digest,
    )


def _read_outcome(table: pa.Table, name: str, path: Path) -> NDArray[np.float64]:
    """A column as numbers; DataError where one is not."""
    one = Contract(name=name, columns=(Column(name=name, type="number"),))
    checked = check_table(one, pa.table({name: table[name]}))
    if len(checked.set_aside):
        row = int(checked.set_aside.row[0]) + 1
        raise DataError(f"row {row} of {name!r} {checked.set_aside.message[0]}", where=path, mend="0 and 1 are needed")
    values: NDArray[np.float64] = checked.batch.columns[name]
    return values
