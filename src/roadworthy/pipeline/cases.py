"""The two cases of a starting policy: an ordinary applicant, approved at a low PD and declined at a high one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, Column
from roadworthy.policy import Case, Expected

__all__ = ["starting_cases"]


def starting_cases(batch: Batch, bad: NDArray[np.float64], base_rate: float) -> tuple[Case, ...]:
    """Two cases on the inputs of an ordinary good applicant: medians of numbers, the most frequent categories.

    `bad` (n,) is 1.0, 0.0 or NaN. The applicant is made up, so that no real one's data gets into a file. The PDs lie
    clear of every cut-off that a starting policy has: half the base rate, and as far above it as twice its odds allow.
    """
    goods = batch.take(np.flatnonzero(bad == 0)) if np.any(bad == 0) else batch
    inputs = {column.name: _ordinary(column, goods.columns[column.name]) for column in batch.contract.inputs}
    stated = {name: value for name, value in inputs.items() if value is not None}
    high = 2 * base_rate / (1 + base_rate)
    return (
        Case(
            name="an ordinary applicant at a low PD",
            inputs=stated,
            pd=_short(base_rate / 2),
            expect=Expected(answer="approve"),
        ),
        Case(
            name="the same applicant at a high PD",
            inputs=stated,
            pd=_short((1 + high) / 2),
            expect=Expected(answer="decline"),
        ),
    )


def _short(pd: float) -> float:
    return float(f"{pd:.3g}")


def _ordinary(column: Column, values: NDArray[Any]) -> Any:
    """A value that the data itself holds, near the middle of the column; None where it holds none."""
    if column.type == "category":
        codes = values[values >= 0]
        return column.allowed[int(np.bincount(codes).argmax())] if len(codes) and column.allowed else None
    if column.type == "text":
        return None
    if column.type == "date":
        days = np.sort(values[~np.isnat(values)])
        return str(days[len(days) // 2].astype("datetime64[D]")) if len(days) else None
    numbers = np.sort(values[~np.isnan(values)])
    if not len(numbers):
        return None
    middle = float(numbers[len(numbers) // 2])
    if column.type == "boolean":
        return bool(middle)
    return int(middle) if middle.is_integer() else middle
