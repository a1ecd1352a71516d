"""Gains, calibration and right and wrong over the applications whose outcome may be judged (R16, R17, R21)."""

from __future__ import annotations

from roadworthy.errors import Refused
from roadworthy.measures import Calibration, Confusion, GainsTable, calibration, confusion, gains_table
from roadworthy.outcomes.judged import Judged

__all__ = ["matured_calibration", "matured_confusion", "matured_gains"]


def matured_gains(judged: Judged, buckets: int = 10) -> GainsTable:
    """`measures.gains_table` over the booked and matured applications, which its caption names.

    Refused where there are not goods and bads among them yet. MeasureError for other `buckets`.
    """
    rows = _matured(judged, both=True)
    return gains_table(rows.bad, rows.pd, buckets=buckets, population=judged.population)


def matured_calibration(judged: Judged, buckets: int = 10) -> Calibration:
    """`measures.calibration` over the booked and matured applications. Refused where there is none yet."""
    rows = _matured(judged)
    return calibration(rows.bad, rows.pd, buckets=buckets, population=judged.population)


def matured_confusion(judged: Judged, cut_off: float) -> Confusion:
    """`measures.confusion` at a PD over the booked and matured applications. Refused where there is none yet.

    They are those that were lent to: what is declined at a cut-off below the policy's is among them, and whoever the
    policy declined is not.
    """
    rows = _matured(judged)
    return confusion(rows.bad, rows.pd, cut_off=cut_off, population=judged.population)


def _matured(judged: Judged, *, both: bool = False) -> Judged:
    rows = judged.keep(judged.matured)
    if not len(rows):
        raise Refused(f"no outcome can be judged yet: {judged.population}", mend="wait, or send the outcomes known")
    if both and len({*rows.bad.tolist()}) == 1:
        only = "bad" if rows.bad[0] else "good"
        raise Refused(f"not enough evidence yet, all are {only}: {judged.population}", mend="wait for more outcomes")
    return rows
