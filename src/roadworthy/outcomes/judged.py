"""Decided applications with how they turned out, as far as that was known on one day."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["BAD", "DECLINED", "ERASED", "GOOD", "IMMATURE", "NOT_BOOKED", "OPEN", "STATUSES", "Judged"]

STATUSES = ("bad", "good", "immature", "not_booked", "declined", "open", "erased")
"""What an application can have come to; `Judged.status` points into it."""
BAD, GOOD, IMMATURE, NOT_BOOKED, DECLINED, OPEN, ERASED = range(len(STATUSES))
_LEFT_OUT = {
    IMMATURE: "immature",
    NOT_BOOKED: "not booked",
    DECLINED: "declined",
    OPEN: "waiting for an answer",
    ERASED: "erased",
}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Judged:
    """n decided applications, ordered by id; every array is read-only and has n entries.

    application_id, decision_id, release, assignment, answer    object: of the last decision made by `as_of`
    final_answer, branch   object: None where there is none
    pd, score    float64: NaN where the model failed
    decided_at   datetime64[us], UTC
    booked_on    datetime64[D]: the day on which the performance window began; NaT where it did not
    window_ends  datetime64[D]: the last day of the performance window
    bad_on       datetime64[D]: the first bad day in the window; NaT where there is none
    status       int8: position in STATUSES
    bad          float64: 1 or 0 where the application may be measured against, NaN elsewhere

    Days are of the product's time zone. An early bad, in a window still open, has the status bad and a `bad` of NaN:
    its vintage would otherwise show its bads and hide its goods.
    """

    application_id: NDArray[Any]
    decision_id: NDArray[Any]
    release: NDArray[Any]
    assignment: NDArray[Any]
    answer: NDArray[Any]
    final_answer: NDArray[Any]
    branch: NDArray[Any]
    pd: NDArray[np.float64]
    score: NDArray[np.float64]
    decided_at: NDArray[np.datetime64]
    booked_on: NDArray[np.datetime64]
    window_ends: NDArray[np.datetime64]
    bad_on: NDArray[np.datetime64]
    status: NDArray[np.int8]
    bad: NDArray[np.float64]
    as_of: datetime
    horizon_months: int
    bad_days_past_due: int
    of: str = ""

    def __post_init__(self) -> None:
        for array in self.columns.values():
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        return f"Judged({len(self):,} applications: {self.population})"

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, np.ndarray)}

    @property
    def matured(self) -> NDArray[np.bool_]:
        """Which applications count in rates: booked, their window over, and with a PD."""
        return ~np.isnan(self.bad) & ~np.isnan(self.pd)

    @property
    def counts(self) -> dict[str, int]:
        """How many applications came to each status."""
        counted = np.bincount(self.status, minlength=len(STATUSES))
        return {name: int(counted[code]) for code, name in enumerate(STATUSES)}

    @property
    def statuses(self) -> NDArray[Any]:
        """The status of each application as a word."""
        return np.array(STATUSES, dtype=object)[self.status]

    @property
    def population(self) -> str:
        """Which applications the rates are about, as of when, and how many are left out, and why."""
        said = (
            f"{np.count_nonzero(self.matured):,} booked and matured applications{self.of}, "
            f"as known on {self.as_of:%Y-%m-%d %H:%M} UTC; {self.definition}"
        )
        left = self.left_out
        return f"{said}; left out: {', '.join(left)}" if left else said

    @property
    def definition(self) -> str:
        """What bad means here."""
        return (
            f"bad is default, or {self.bad_days_past_due} days past due, within {self.horizon_months} months of booking"
        )

    @property
    def whose(self) -> str:
        """Which applications the rates are about, in short: how many, and when they were booked."""
        days = self.booked_on[self.matured]
        when = f", booked {days.min()} to {days.max()}" if len(days) else ""
        return f"{len(days):,} booked and matured applications{self.of}{when}"

    @property
    def left_out(self) -> list[str]:
        """How many applications are in no rate, by why."""
        counted = np.bincount(self.status, minlength=len(STATUSES))
        left = [f"{counted[code]:,} {words}" for code, words in _LEFT_OUT.items() if counted[code]]
        if early := np.count_nonzero((self.status == BAD) & np.isnan(self.bad)):
            left.append(f"{early:,} bad already in a window still open")
        if failed := np.count_nonzero(~np.isnan(self.bad) & np.isnan(self.pd)):
            left.append(f"{failed:,} without a PD")
        return left

    @property
    def first_day(self) -> np.datetime64 | None:
        """The first day as of which one of them, at least, counts in rates; None where none is booked so far."""
        ends = self.window_ends[~np.isnat(self.window_ends) & (self.status != ERASED)]
        first: np.datetime64 | None = ends.min() if len(ends) else None
        return first

    def of_release(self, release: str) -> Judged:
        """Those that this release decided."""
        return self.keep(self.release == release, f" of release {release}")

    def keep(self, rows: NDArray[np.bool_], of: str = "") -> Judged:
        """The applications where `rows` (n,) is true; `of` says in the population which they are."""
        kept: dict[str, Any] = {name: array[rows] for name, array in self.columns.items()}
        return replace(self, **kept, of=self.of + of)

    def to_arrow(self) -> pa.Table:
        """One row an application, the status as a word; the population travels in the schema's metadata."""
        table = pa.table({**self.columns, "status": pa.array(self.statuses, pa.string())})
        return table.replace_schema_metadata({"population": self.population})
