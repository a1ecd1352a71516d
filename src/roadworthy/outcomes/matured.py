"""Gains, calibration and right and wrong over the applications whose outcome may be judged (R16, R17, R21)."""

from __future__ import annotations

import numpy as np

from roadworthy.errors import Refused
from roadworthy.measures import (
    Calibration,
    ClassificationReport,
    Confusion,
    GainsTable,
    calibration,
    classification_report,
    confusion,
    gains_table,
)
from roadworthy.outcomes.judged import Judged

__all__ = [
    "matured_calibration",
    "matured_confusion",
    "matured_gains",
    "matured_report",
    "take_matured",
    "unknown_outcomes",
]


def matured_gains(judged: Judged, buckets: int = 10) -> GainsTable:
    """`measures.gains_table` over the booked and matured applications, which its caption names.

    Refused where there are not goods and bads among them yet. MeasureError for other `buckets`.
    """
    rows = take_matured(judged, both=True)
    return gains_table(rows.bad, rows.pd, buckets=buckets, population=judged.population)


def matured_calibration(judged: Judged, buckets: int = 10) -> Calibration:
    """`measures.calibration` over the booked and matured applications. Refused where there is none yet."""
    rows = take_matured(judged)
    return calibration(rows.bad, rows.pd, buckets=buckets, population=judged.population)


def matured_confusion(judged: Judged, cut_off: float) -> Confusion:
    """`measures.confusion` at a PD over the booked and matured applications. Refused where there is none yet.

    They are those that were lent to: what is declined at a cut-off below the policy's is among them, and whoever the
    policy declined is not.
    """
    rows = take_matured(judged)
    return confusion(rows.bad, rows.pd, cut_off=cut_off, population=judged.population)


def matured_report(judged: Judged, cut_off: float) -> ClassificationReport:
    """`measures.classification_report` at a PD, over the same applications as `matured_confusion`."""
    rows = take_matured(judged)
    return classification_report(rows.bad, rows.pd, cut_off=cut_off, population=judged.population)


def unknown_outcomes(judged: Judged, cut_off: float) -> tuple[int, int]:
    """How many applications have a PD and no outcome that may be judged: below the cut-off, and at it or above."""
    pd = judged.pd[~np.isnan(judged.pd) & ~judged.matured]
    above = int(np.count_nonzero(pd >= cut_off))
    return len(pd) - above, above


def take_matured(judged: Judged, *, both: bool = False) -> Judged:
    """The booked and matured applications. Refused where there are none, or, of `both`, no goods or no bads."""
    rows = judged.keep(judged.matured)
    if not len(rows):
        raise Refused(f"no outcome can be judged yet: {judged.population}", mend="wait, or send the outcomes known")
    if both and len({*rows.bad.tolist()}) == 1:
        only = "bad" if rows.bad[0] else "good"
        raise Refused(f"not enough evidence yet, all are {only}: {judged.population}", mend="wait for more outcomes")
    return rows
