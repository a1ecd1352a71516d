"""Gains: how many of the bads the riskiest applications hold."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import GainsTable
from roadworthy.report.drawing import ACCENT, INK, MUTED, PLAIN, Spec, framed, percentages, rows
from roadworthy.report.format import count, percent, share_in_words
from roadworthy.report.places import riskiest_tenth

SHOWS = "gains"


def spec(result: GainsTable) -> Spec:
    """Share of all bads against share of applications, riskiest first, beside no model and a perfect one."""
    shares = np.concatenate([[0.0], result.cumulative_count_share])
    capture = np.concatenate([[0.0], result.capture])
    at = riskiest_tenth(result) + 1
    x = alt.X("share:Q", scale=alt.Scale(domain=[0, 1]), axis=percentages("share of applications, riskiest first"))
    y = alt.Y("capture:Q", scale=alt.Scale(domain=[0, 1]), axis=percentages("share of all bads"))
    perfect = alt.Chart(rows(share=[0.0, result.base_rate, 1.0], capture=[0.0, 1.0, 1.0]))
    no_model = alt.Chart(rows(share=[0.0, 1.0], capture=[0.0, 1.0]))
    model = alt.Chart(rows(share=shares, capture=capture))
    beside = [min(result.base_rate + 0.02, 0.7), 0.72]
    names = alt.Chart(rows(share=beside, capture=[0.965, 0.655], text=["perfect ranking", "no model"]))
    tenth = alt.Chart(rows(share=shares[[at]], capture=capture[[at]], text=[f"{percent(capture[at])} of all bads"]))
    dots = alt.OverlayMarkDef(color=ACCENT, filled=True, size=22)
    layers = [
        perfect.mark_line(color=PLAIN, strokeWidth=1),
        no_model.mark_line(color=MUTED, strokeWidth=1, strokeDash=[4, 3]),
        model.mark_line(color=ACCENT, strokeWidth=2, point=dots),
        names.mark_text(align="left", color=MUTED, fontSize=11).encode(text="text:N"),
        tenth.mark_text(align="left", dx=9, dy=4, color=INK, fontWeight="bold").encode(text="text:N"),
    ]
    return framed(
        *(layer.encode(x=x, y=y) for layer in layers),
        finding=_finding(result),
        population=result.population,
        words=_words(result),
    )


def _finding(result: GainsTable) -> str:
    at = riskiest_tenth(result)
    share = share_in_words(float(result.cumulative_count_share[at]))
    holds = "hold" if share.endswith("%") else "holds"
    return f"The riskiest {share} {holds} {percent(float(result.capture[at]), 0)} of all bads"


def _words(result: GainsTable) -> str:
    points = ", ".join(
        f"the first {percent(share)} of applications hold {percent(capture)} of all bads"
        for share, capture in zip(result.cumulative_count_share[:4], result.capture[:4], strict=True)
    )
    return f"Line chart of {count(len(result.capture))} buckets, riskiest first: {points}. All values are in the table."
