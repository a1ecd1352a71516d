"""Reasons being written down for a batch, each application's from left to right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sheet"]


class Sheet:
    """At most `most` reasons for each of `n` applications, as positions in a release's catalogue.

    reason         int32 (n, most): -1 where none is written
    contribution   float64 (n, most): NaN where the reason has none
    room           int64 (n,): how many reasons still fit

    >>> sheet = Sheet(2, most=1)
    >>> sheet.state(7, np.array([1]))
    >>> sheet.state(8, np.array([0, 1]))
    >>> sheet.reason.tolist(), sheet.room.tolist()
    ([[8], [7]], [0, 0])
    """

    def __init__(self, n: int, most: int) -> None:
        self.reason = np.full((n, most), -1, dtype=np.int32)
        self.contribution = np.full((n, most), np.nan)
        self.room = np.full(n, most, dtype=np.int64)

    def state(
        self,
        entry: int | NDArray[np.int64],
        rows: NDArray[np.int64],
        contribution: float | NDArray[np.float64] = np.nan,
    ) -> None:
        """Write one reason to each of `rows` (distinct), at its next free place; who has no room left gets none."""
        if not len(rows):
            return
        free = self.room[rows] > 0
        at = rows[free]
        place = self.reason.shape[1] - self.room[at]
        self.reason[at, place] = np.broadcast_to(entry, len(rows))[free]
        self.contribution[at, place] = np.broadcast_to(contribution, len(rows))[free]
        self.room[at] -= 1
