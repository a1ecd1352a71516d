"""Is the compiled engine the model? Compared on the rows given and on made-up hard ones, before anything is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, UNSEEN, Batch
from roadworthy.model.composed import ComposedEngine
from roadworthy.model.engine import CompiledEngine

__all__ = ["LINEAR_TOLERANCE", "Parity", "compare", "make_hard_rows"]

LINEAR_TOLERANCE = 1e-12
"""BLAS itself differs between one row and many in the last bits; trees must agree to the last one."""
HARD_ROWS_PER_COLUMN = 200


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparison found.

    Rows compared, of which made-up hard ones, rows equal to the bit, the largest difference in PD, answers that would
    change at a cut-off, and rows that the library refuses but the engine would answer.
    """

    rows: int
    hard_rows: int
    bit_equal: int
    largest_difference: float
    changed_answers: int
    refused_by_library_only: int
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the engine may stand for the model."""
        return (
            self.largest_difference <= self.tolerance
            and self.changed_answers == 0
            and self.refused_by_library_only == 0
        )

    def sentence(self) -> str:
        """The finding in words."""
        return (
            f"{self.bit_equal:,} of {self.rows:,} rows equal to the bit ({self.hard_rows:,} made up to be hard), "
            f"largest difference in PD {self.largest_difference:.2g}, {self.changed_answers} answers changed"
        )


def compare(
    engine: CompiledEngine | ComposedEngine,
    batches: tuple[Batch, Batch],
    answers: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    cut_offs: Sequence[float],
    linear_tolerance: float = LINEAR_TOLERANCE,
) -> Parity:
    """The engine against the library's own PDs, on rows as given and on rows made up to be hard: two of each."""
    ours = np.concatenate([engine.pd(batch) for batch in batches])
    own = np.concatenate(answers)
    answered = ~np.isnan(own)
    difference = np.abs(ours[answered] - own[answered])
    changed = sum(int(np.sum((ours[answered] < cut) != (own[answered] < cut))) for cut in cut_offs)
    return Parity(
        rows=len(ours),
        hard_rows=len(batches[1]),
        bit_equal=int(np.sum(ours[answered] == own[answered]) + np.sum(np.isnan(ours[~answered]))),
        largest_difference=float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0)),
        changed_answers=changed,
        refused_by_library_only=int(np.sum(~np.isnan(ours[~answered]))),
        tolerance=0.0 if engine.is_exact else linear_tolerance,
    )


def make_hard_rows(batch: Batch, columns: Sequence[str], thresholds: dict[str, NDArray[np.float64]]) -> Batch:
    """Rows of `batch` with one column at a time set to what tends to go wrong.

    Missing, unseen, every listed category (up to 200), the ends of the range, zero, huge and tiny numbers, and each of
    up to 60 of the model's own split points with the numbers just beside it.
    """
    source: list[int] = []
    changes: list[tuple[str, Any]] = []
    for name in columns:
        for value in _hard_values(batch, name, thresholds.get(name)):
            source.append(len(source) % max(len(batch), 1))
            changes.append((name, value))
    rows = batch.take(np.array(source, dtype=np.int64))
    changed = {name: array.copy() for name, array in rows.columns.items()}
    for row, (name, value) in enumerate(changes):
        changed[name][row] = value
    return Batch(
        contract=rows.contract,
        columns=changed,
        application_id=rows.application_id,
        applicant_id=rows.applicant_id,
        applied_at=rows.applied_at,
    )


def _hard_values(batch: Batch, name: str, thresholds: NDArray[np.float64] | None) -> list[float]:
    column = batch.contract[name]
    if column.type == "category":
        codes = range(len(column.allowed or ()))
        return [MISSING, UNSEEN, *list(codes)[:HARD_ROWS_PER_COLUMN]]
    if column.type == "boolean":
        return [np.nan, 0.0, 1.0]
    values = [np.nan, 0.0, -0.0, 1.0, -1.0, 1e-300, 1e9, -1e9, 1e300, -1e300]
    values += [end for end in (column.range or ()) if end is not None]
    if thresholds is not None and len(thresholds):
        step = max(1, len(thresholds) // 60)
        for point in thresholds[::step]:
            values += [float(point), float(np.nextafter(point, -np.inf)), float(np.nextafter(point, np.inf))]
    return values[:HARD_ROWS_PER_COLUMN]
