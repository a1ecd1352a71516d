"""How many applications each row of a sample stands for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.contract import Column, Contract, check_table
from roadworthy.errors import DataError
from roadworthy.product.labels import unknown_column

__all__ = ["read_weights"]

_ONE_NUMBER = Contract(name="a weight", columns=(Column(name="weight", type="number"),))


def read_weights(table: pa.Table, name: str) -> NDArray[np.float64]:
    """The column `name` as weights, float64 (n,), all above zero; DataError where one is not a number above zero.

    >>> read_weights(pa.table({"weight": ["1.5", "20"]}), "weight")
    array([ 1.5, 20. ])
    """
    if name not in table.column_names:
        raise unknown_column(name, table.column_names, "--weight")
    checked = check_table(_ONE_NUMBER, pa.table({"weight": table[name]}))
    weights: NDArray[np.float64] = checked.batch.columns["weight"]
    wrong = table.num_rows - int(np.sum(weights > 0))
    if wrong:
        raise DataError(
            f"{wrong:,} values of the weight {name!r} are not numbers above zero", mend="mend them, or no --weight"
        )
    return weights
