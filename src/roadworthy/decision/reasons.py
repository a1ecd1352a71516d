"""How a stated column's value lies to the reference applicant's, which decides its text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, Batch
from roadworthy.decision.catalogue import DIRECTIONS

__all__ = ["compare_with_reference"]

_HIGHER, _LOWER = DIRECTIONS.index("higher"), DIRECTIONS.index("lower")
_DIFFERENT, _NOT_GIVEN = DIRECTIONS.index("different"), DIRECTIONS.index("missing")


def compare_with_reference(
    batch: Batch, reference: Batch, names: tuple[str, ...], column: NDArray[np.int32]
) -> NDArray[np.int64]:
    """How the values of the columns at positions `column` (n, m) lie to the reference's, as positions in DIRECTIONS.

    Any number where a position is -1.
    """
    is_category = np.array([*(batch.contract[name].type == "category" for name in names), False])[column]
    rows = np.arange(len(batch))[:, None]
    value = batch.matrix(names)[rows, column]
    other = reference.matrix(names)[0, column]
    number = np.where(value > other, _HIGHER, np.where(value < other, _LOWER, _DIFFERENT))
    kind = np.where(is_category, _DIFFERENT, number)
    return np.where(np.isnan(value) | (is_category & (value == MISSING)), _NOT_GIVEN, kind)
