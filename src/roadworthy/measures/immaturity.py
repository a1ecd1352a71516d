"""What in vintages would read as improvement and is none: immature vintages, and data of ended loans alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures.results import Floats, percent_text

__all__ = ["immature", "only_ended"]

_NAMED = 3


def immature(
    names: Sequence[str], weight: Floats, mature: Floats, bads_so_far: Floats, bads_at_window: Floats, window: int
) -> tuple[str, ...]:
    """A warning where vintages that were not watched long enough look better than those that were.

    One entry of each array for each vintage; `bads_at_window` is NaN where the vintage is not mature.
    """
    ripe = ~np.isnan(bads_at_window)
    if not ripe.any():
        said = (
            f"No vintage has been watched for {window} months throughout: every bad rate so far is of loans too young "
            "to judge, and will rise."
        )
        return (said,)
    expected = float(bads_at_window[ripe].sum() / weight[ripe].sum())
    young = ~ripe & (bads_so_far < expected * weight)
    if not young.any():
        return ()
    watched = float(mature[young] @ weight[young] / weight[young].sum())
    so_far = float(bads_so_far[young].sum() / weight[young].sum())
    one = int(young.sum()) == 1
    which = _listed([name for name, each in zip(names, young, strict=True) if each])
    said = (
        f"{which} {'is' if one else 'are'} not mature: "
        f"only {percent_text(watched)} of {'it' if one else 'them'} has been watched for {window} months. "
        f"{'Its' if one else 'Their'} {percent_text(so_far)} bad so far beside {percent_text(expected)} in the mature "
        "vintages is no improvement: compare at the same month on book."
    )
    return (said,)


def only_ended(ended: NDArray[np.bool_], lived: Floats, age: Floats) -> tuple[str, ...]:
    """A warning where the data hold no running loan, though some must be running.

    `ended` (n,) says which loans went bad or were closed, `lived` after how many months; `age` is the months since each
    was booked. Loans that ran longer than the youngest are old show that not all of the young can have ended.
    """
    longest, youngest = float(lived.max()), float(age.min())
    if not ended.all() or longest <= youngest:
        return ()
    said = (
        f"Every loan here has ended, though loans ran for up to {longest:.0f} months and the youngest was booked "
        f"{youngest:.0f} months ago: loans still running seem to have been left out. Of a young vintage that leaves "
        "only what ended early, so its rates say nothing about the vintage, and no difference between vintages is "
        "improvement."
    )
    return (said,)


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_NAMED])
    more = len(names) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
