"""The reference applicant that reasons are measured against, and the profile of the inputs the model was judged on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch

__all__ = ["InputProfile", "find_medoid", "profile_inputs"]

CANDIDATES = 500
COMPARED_WITH = 2_000


class InputProfile(TypedDict, total=False):
    """One input's shape: the missing share, and `shares` by category, or `mean` and `deciles` (11 of them, or none)."""

    missing: float
    shares: dict[str, float]
    mean: float | None
    deciles: list[float]


def find_medoid(batch: Batch, columns: Sequence[str], chosen: NDArray[np.bool_], seed: int = 0) -> int:
    """The row among `chosen` with the least mean Gower distance to the others: a real, typical applicant.

    Numbers are compared by their rank among `chosen` (0..1), categories by being equal; a missing value is as far as
    can be from any other and equals another missing one (Gower 1971, doi:10.2307/2528823). Up to 500 candidates are
    compared with up to 2,000 rows, both drawn with `seed`.
    """
    rows = np.flatnonzero(chosen)
    if not len(rows):
        raise ValueError("a reference applicant needs at least one chosen row")
    rng = np.random.default_rng(seed)
    compared = rng.choice(rows, min(len(rows), COMPARED_WITH), replace=False)
    candidates = compared[:CANDIDATES]
    distance = np.zeros(len(candidates))
    for name in columns:
        values = batch.columns[name]
        ours, theirs = values[candidates], values[compared]
        if batch.contract[name].type == "category":
            distance += (ours[:, None] != theirs[None, :]).mean(axis=1)
            continue
        numbers = batch.matrix([name])[:, 0]
        ours, theirs = numbers[candidates], numbers[compared]
        known = np.sort(theirs[~np.isnan(theirs)])
        scale = max(len(known), 1)
        rank = np.searchsorted(known, ours, side="right") / scale
        other = np.searchsorted(known, theirs, side="right") / scale
        gap = np.abs(rank[:, None] - other[None, :])
        one_missing = np.isnan(ours)[:, None] != np.isnan(theirs)[None, :]
        both_missing = np.isnan(ours)[:, None] & np.isnan(theirs)[None, :]
        distance += np.where(one_missing, 1.0, np.where(both_missing, 0.0, gap)).mean(axis=1)
    return int(candidates[int(np.argmin(distance))])


def profile_inputs(batch: Batch, columns: Sequence[str]) -> dict[str, InputProfile]:
    """Each input's shape, to compare later months with: missing share, and deciles or the share of each category."""
    n = max(len(batch), 1)
    profile: dict[str, InputProfile] = {}
    for name in columns:
        column = batch.contract[name]
        if column.type == "category":
            codes = batch.columns[name]
            counts = np.bincount(codes[codes >= 0], minlength=len(column.allowed or ()))
            shares = {text: float(count / n) for text, count in zip(column.allowed or (), counts, strict=False)}
            profile[name] = {"missing": float((codes == -1).mean()) if len(codes) else 0.0, "shares": shares}
            continue
        values = batch.matrix([name])[:, 0]
        known = values[~np.isnan(values)]
        profile[name] = {
            "missing": 1.0 - len(known) / n,
            "mean": float(known.mean()) if len(known) else None,
            "deciles": [float(q) for q in np.quantile(known, np.linspace(0, 1, 11))] if len(known) else [],
        }
    return profile
