"""A batch with some columns of some rows put to the reference applicant's values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch

__all__ = ["move_to_reference"]


def move_to_reference(batch: Batch, reference: Batch, columns: Sequence[str], moved: NDArray[np.bool_]) -> Batch:
    """`batch` where `moved` (n, len(columns)) marks what takes the value of `reference`, a batch of one.

    >>> from roadworthy.contract import Column, Contract, check_body
    >>> contract = Contract(name="loans", columns=(Column(name="age", type="integer"),))
    >>> young, typical = (check_body(contract, {"inputs": {"age": age}}) for age in (19, 41))
    >>> move_to_reference(young, typical, ["age"], np.array([[True]])).columns["age"]
    array([41.])
    """
    changed = dict(batch.columns)
    for position, name in enumerate(columns):
        if moved[:, position].any():
            changed[name] = batch.columns[name].copy()
            changed[name][moved[:, position]] = reference.columns[name][0]
    return replace(batch, columns=changed)
