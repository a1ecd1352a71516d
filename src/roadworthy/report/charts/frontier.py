"""The efficient frontier: the cut-offs that no other one beats in approvals, bad rate and profit at once."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import Frontier
from roadworthy.report.drawing import ACCENT, INK, PAPER, Spec, beside, framed, percentages, rows
from roadworthy.report.format import compact_money, count, percent

SHOWS = "frontier"


def spec(result: Frontier) -> Spec:
    """Bad rate of the approved against the share approved, a dot a cut-off; the most profitable one marked."""
    x = alt.X("approved:Q", scale=alt.Scale(domain=[0, 1]), axis=percentages("share approved"))
    y = alt.Y("bad_rate:Q", scale=alt.Scale(domainMin=0, nice=True), axis=percentages("bad rate of the approved"))
    cut_offs = alt.Chart(rows(approved=result.approval_rate, bad_rate=result.bad_rate_approved, cut_off=result.cut_off))
    dots = alt.OverlayMarkDef(color=ACCENT, filled=True, size=26)
    said = alt.Tooltip("cut_off:Q", title="cut-off", format=".1%")
    layers = [cut_offs.mark_line(color=ACCENT, strokeWidth=1.25, point=dots).encode(x=x, y=y, tooltip=[said])]
    if result.profit is not None:
        at = int(np.argmax(result.profit))
        text = [f"most profit: PD {percent(float(result.cut_off[at]))}"]
        best = alt.Chart(rows(approved=result.approval_rate[[at]], bad_rate=result.bad_rate_approved[[at]], text=text))
        diamond = best.mark_point(filled=True, opacity=1, shape="diamond", color=PAPER, stroke=INK, size=90)
        layers.append(diamond.encode(x=x, y=y))
        layers.append(beside(best, float(result.approval_rate[at]), -13).encode(x=x, y=y, text="text:N"))
    return framed(*layers, finding=_finding(result), population=result.population, words=_words(result))


def _finding(result: Frontier) -> str:
    all_of = len(result) + result.beaten
    said = f"{count(len(result))} of {count(all_of)} cut-offs are worth a choice: none beats them"
    if result.profit is None or result.currency is None:
        low, high = (percent(float(result.approval_rate[at]), 0) for at in (0, -1))
        return f"{said}, from {low} approved to {high}"
    at = int(np.argmax(result.profit))
    most = compact_money(float(result.profit[at]), result.currency)
    return f"{said}; {percent(float(result.approval_rate[at]), 0)} approved has the most profit, {most}"


def _words(result: Frontier) -> str:
    ends = " to ".join(
        f"{percent(float(result.approval_rate[at]))} approved with {percent(float(result.bad_rate_approved[at]))} bad"
        for at in (0, -1)
    )
    return f"Line chart of the frontier, from {ends}. {_finding(result)}. All values are in the table."
