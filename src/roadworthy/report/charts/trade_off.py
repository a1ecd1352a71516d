"""The trade every cut-off makes: the more are approved, the more of the approved go bad."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import CutOffTable
from roadworthy.report.drawing import ACCENT, INK, LIVE, Spec, beside, framed, percentages, rows
from roadworthy.report.format import count, percent
from roadworthy.report.meaning import CutOffs

SHOWS = "cut_offs"

_X = "share approved"
_Y = "bad rate of the approved"


def spec(result: CutOffs) -> Spec:
    """Bad rate of the approved against the share approved, with the policy's cut-off and the slider's mark."""
    table = result.table
    known = np.isfinite(table.bad_rate_approved)
    x = alt.X("approved:Q", scale=alt.Scale(domain=[0, 1]), axis=percentages(_X))
    y = alt.Y("bad_rate:Q", scale=alt.Scale(domainMin=0, nice=True), axis=percentages(_Y))
    curve = (
        alt.Chart(rows(approved=table.approval_rate[known], bad_rate=table.bad_rate_approved[known]))
        .mark_line(color=ACCENT, strokeWidth=2)
        .encode(x=x, y=y)
    )
    at = result.policy_row
    policy = rows(
        approved=table.approval_rate[[at]],
        bad_rate=table.bad_rate_approved[[at]],
        text=[f"policy: PD {percent(table.cut_off[at])}"],
    )
    live = alt.Chart(policy).mark_rule(color=LIVE, strokeWidth=1.5).encode(x=x)
    point = alt.Chart(policy).mark_point(filled=True, opacity=1, color=INK, size=60).encode(x=x, y=y)
    name = beside(alt.Chart(policy), float(table.approval_rate[at]), -8).encode(x=x, y=y, text="text:N")
    return framed(
        curve,
        live,
        point,
        name,
        finding=_finding(table, at),
        population=table.population,
        words=_words(table, at),
    )


def _finding(table: CutOffTable, at: int) -> str:
    if not table.approved[at]:
        return "The policy's cut-off approves nobody"
    return (
        f"The policy's cut-off approves {percent(table.approval_rate[at], 0)}, and "
        f"{percent(table.bad_rate_approved[at])} of them go bad"
    )


def _words(table: CutOffTable, at: int) -> str:
    return (
        f"Line chart over {count(len(table))} cut-offs: bad rate of the approved against the share approved. "
        f"{_finding(table, at)}. All values are in the table of cut-offs."
    )
