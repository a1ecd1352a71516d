"""Does the model answer the same when its rows are read by the contract, as callers will send them?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.errors import SealError
from roadworthy.model.formats.frames import make_frame
from roadworthy.model.formats.native import NativeEngine

__all__ = ["refuse_other_reading"]

TOLERANCE = 1e-6
"""A table of float32 may move a PD this far; a category read as another moves it further."""


def refuse_other_reading(
    native: NativeEngine, X: Any, batch: Batch, rows: NDArray[np.int64], pd: NDArray[np.float64]
) -> None:
    """SealError where the model answers `X`, a pandas frame, otherwise than `pd` (n,), its answers to `batch`.

    `rows` (n,) are the positions in `X` of the batch's rows. It happens where the contract reads a value as another
    than the model was trained on: a number as text, one of the model's categories as missing.
    """
    columns = list(native.inputs)
    own = native.pd_at_once(batch, lambda chosen: X[columns].iloc[rows[chosen]])
    other = np.flatnonzero(~np.isnan(own) & ~(np.abs(own - pd) <= TOLERANCE))
    if len(other):
        first = int(other[0])
        suspects = _find_suspects(native, X[columns].iloc[rows[[first]]], batch.take(other[:1]), own[first])
        raise SealError(
            f"read by the contract, {len(other):,} of {len(rows):,} rows get another PD than in X; the first is row "
            f"{rows[first]}" + (f", by the value of {', '.join(suspects)}" if suspects else ""),
            mend="declare the column in contract.yaml as the model was trained on it: its type, its allowed values",
        )


def _find_suspects(native: NativeEngine, given: Any, read: Batch, own: float) -> list[str]:
    """The columns whose value as read, put into the row as given, changes the answer."""
    made = make_frame(read, native.frame)
    found = []
    for name in native.inputs:
        mixed = given.copy()
        mixed[name] = made[name].to_numpy() if str(made[name].dtype) != "category" else made[name].array
        answer = native.pd_at_once(read, mixed.iloc.__getitem__)[0]
        if not abs(answer - own) <= TOLERANCE:
            found.append(name)
    return found
