"""A batch with some columns of some rows put to the reference applicant's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch

__all__ = ["move_to_reference"]


def move_to_reference(batch: Batch, reference: Batch, columns: Sequence[str], moved: NDArray[np.bool_]) -> Batch:
    """`batch` where `moved` (n, len(columns)) marks what takes the value of `reference`, a batch of one."""
    changed: dict[str, NDArray[Any]] = dict(batch.columns)
    for position, name in enumerate(columns):
        changed[name] = np.where(moved[:, position], reference.columns[name][0], batch.columns[name]).astype(
            batch.columns[name].dtype
        )
    return Batch(
        contract=batch.contract,
        columns=changed,
        application_id=batch.application_id,
        applicant_id=batch.applicant_id,
        applied_at=batch.applied_at,
    )
