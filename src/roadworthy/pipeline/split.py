"""Which past applications are learned from and which the model is judged on: the newest, where they are dated (R16).

A model that is released on a day knows only what was known then. So where applications are dated, the newest are held
out; and where the day of booking is known too, nothing is learned from an outcome whose window was still open on the
first held-out day.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HELD_OUT_SHARE", "JUDGE", "LEARN", "split_past"]

HELD_OUT_SHARE = 0.3
LEARN, JUDGE = "learn", "judge"
_ENOUGH_BADS = 50


def split_past(
    bad: NDArray[np.float64],
    applied: NDArray[np.datetime64],
    known: NDArray[np.datetime64] | None = None,
) -> tuple[NDArray[np.str_], str]:
    """The side of each of n applications, LEARN, JUDGE or "" for neither, and in words how they were split.

    `bad` (n,) is 1, 0 or NaN where the outcome may not be used; `applied` (n,) when each was applied for, NaT where
    not known; `known` (n,) the day on which its outcome was settled, where there are such days. The newest 30% of the
    dated are held out; those applied for at the same time as the newest of the others are learned from. What is not
    dated, or was not known on the first held-out day, is on neither side. Where dates leave a side without bads or
    without goods, 30% are drawn at random, bads and goods alike.

    >>> days = np.array("2024-01-01", dtype="datetime64[D]") + np.arange(10)
    >>> part, note = split_past(np.arange(10) % 2.0, days)
    >>> part.tolist().count(JUDGE), note
    (3, 'held out: 3 of 10 with a known outcome (30.0%), applied for from 2024-01-08 on, newer than all learned from')
    """
    usable = ~np.isnan(bad)
    dated = usable & ~np.isnat(applied)
    if not dated.any():
        return _draw(bad, "applications are not dated")
    times = np.sort(applied[dated])
    last_learned = times[max(0, int(len(times) * (1 - HELD_OUT_SHARE)) - 1)]
    judge, learn = dated & (applied > last_learned), dated & (applied <= last_learned)
    if not judge.any():
        return _draw(bad, f"the newest applications were all applied for at one time, {_day(last_learned)}")
    first = applied[judge].min()
    for side, which in ((judge, f"from {_day(first)} on"), (learn, f"before {_day(first)}")):
        if not _has_both(bad[side]):
            return _draw(bad, f"all dated applications {which} came out {'bad' if bad[side][0] else 'good'}")
    notes = []
    if known is not None:
        settled = learn & (known <= first.astype("datetime64[D]"))
        early = int(np.sum(learn & ~settled))
        if early and np.sum(bad[settled] == 1) >= _ENOUGH_BADS and _has_both(bad[settled]):
            learn = settled
            notes.append(
                f"{early:,} older ones are on neither side, for their outcome was not known yet on {_day(first)}"
            )
        elif early:
            notes.append(
                f"{early:,} outcomes that were not known yet on {_day(first)} are learned from all the same: without "
                "them too few bads are left"
            )
    if undated := int(np.sum(usable & ~dated)):
        notes.append(f"{undated:,} without a date are on neither side")
    share = _share(judge, usable)
    how = f"held out: {share}, applied for from {_day(first)} on, newer than all learned from"
    return _parts(judge, learn), "; ".join([how, *notes])


def _draw(bad: NDArray[np.float64], why: str) -> tuple[NDArray[np.str_], str]:
    judge = np.zeros(len(bad), dtype=np.bool_)
    rng = np.random.default_rng(0)
    for outcome in (0.0, 1.0):
        rows = rng.permutation(np.flatnonzero(bad == outcome))
        judge[rows[: max(1, round(len(rows) * HELD_OUT_SHARE))]] = True
    learn = ~np.isnan(bad) & ~judge
    return _parts(judge, learn), f"held out: {_share(judge, ~np.isnan(bad))}, drawn at random, since {why}"


def _parts(judge: NDArray[np.bool_], learn: NDArray[np.bool_]) -> NDArray[np.str_]:
    return np.select([judge, learn], [JUDGE, LEARN], "")


def _share(judge: NDArray[np.bool_], usable: NDArray[np.bool_]) -> str:
    return f"{judge.sum():,} of {usable.sum():,} with a known outcome ({judge.sum() / usable.sum():.1%})"


def _has_both(bad: NDArray[np.float64]) -> bool:
    return len(np.unique(bad)) == 2


def _day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))
