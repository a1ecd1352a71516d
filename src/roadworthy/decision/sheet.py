"""Reasons being written down for a batch, each application's from left to right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sheet"]


class Sheet:
    """At most `most` reasons for each of `n` applications, as positions in a release's catalogue.

    reason         int32 (n, most): -1 where none is written
    contribution   float64 (n, most): NaN where the reason has none
    error          float64 (n, most): its standard error; NaN where the reason has none
    close          bool (n, most): which of it and another column's comes first is open
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
        self.error = np.full((n, most), np.nan)
        self.close = np.zeros((n, most), dtype=np.bool_)
        self.room = np.full(n, most, dtype=np.int64)

    def state(self, entry: int, rows: NDArray[np.int64]) -> None:
        """Write one rule's reason to each of `rows` (distinct), at its next free place; who has no room gets none."""
        if not len(rows):
            return
        at = rows[self.room[rows] > 0]
        self.reason[at, self.reason.shape[1] - self.room[at]] = entry
        self.room[at] -= 1

    def state_columns(
        self,
        entry: NDArray[np.int64],
        rows: NDArray[np.int64],
        contribution: NDArray[np.float64],
        error: NDArray[np.float64],
        close: NDArray[np.bool_],
    ) -> None:
        """Write columns' reasons to `rows` (r,), each (r, m) with its figures, one after the other; -1 for none.

        None stands only after those that are there, and there is room for them.
        """
        one, place = np.nonzero(entry >= 0)
        at = rows[one]
        into = self.reason.shape[1] - self.room[at] + place
        self.reason[at, into] = entry[one, place]
        self.contribution[at, into] = contribution[one, place]
        self.error[at, into] = error[one, place]
        self.close[at, into] = close[one, place]
        self.room[rows] -= (entry >= 0).sum(axis=1)
