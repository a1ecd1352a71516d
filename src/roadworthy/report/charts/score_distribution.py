"""How PDs are spread among the goods and among the bads: what any cut-off catches of each."""

from __future__ import annotations

import altair as alt
import numpy as np
from numpy.typing import NDArray

from roadworthy.measures import CutOffTable
from roadworthy.report.drawing import ACCENT, INK, MUTED, PLAIN, Spec, beside, framed, percentages, rows
from roadworthy.report.format import count, percent
from roadworthy.report.meaning import CutOffs

SHOWS = "cut_offs"

_X = "PD from which applications are declined"
_Y = "share declined"
_TAIL = 0.005
_CLOSE = 0.07


def spec(result: CutOffs) -> Spec:
    """Share of the bads and share of the goods with a PD at or above each cut-off."""
    table = result.table
    bads, goods = _shares(table)
    # Beyond the PD that hardly anyone reaches, both curves lie on the axis.
    reached = table.cut_off[np.maximum(bads, goods) > _TAIL]
    end = float(reached.max(initial=max(result.policy, _TAIL)))
    x = alt.X("cut_off:Q", scale=alt.Scale(domain=[0, end], clamp=True), axis=percentages(_X))
    y = alt.Y("share:Q", scale=alt.Scale(domain=[0, 1]), axis=percentages(_Y))
    shown = table.cut_off <= end
    layers: list[alt.Chart] = []
    at = result.policy_row
    # Where the curves are close, the upper label moves out of the lower one's way.
    above = -6 if bads[at] - goods[at] > _CLOSE else -20
    for name, shares, colour, dy in (("bads", bads, ACCENT, above), ("goods", goods, PLAIN, -6)):
        curve = rows(cut_off=table.cut_off[shown], share=shares[shown])
        here = rows(cut_off=table.cut_off[[at]], share=shares[[at]], text=[f"{percent(shares[at], 0)} of {name}"])
        layers.append(alt.Chart(curve).mark_line(color=colour, strokeWidth=2).encode(x=x, y=y))
        layers.append(alt.Chart(here).mark_point(filled=True, opacity=1, color=INK, size=40).encode(x=x, y=y))
        layers.append(beside(alt.Chart(here), float(table.cut_off[at]) / end, dy).encode(x=x, y=y, text="text:N"))
    policy = alt.Chart(rows(cut_off=table.cut_off[[at]])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x=x)
    return framed(
        policy,
        *layers,
        finding=_finding(table, at),
        population=table.population,
        words=_words(table, at),
    )


def _shares(table: CutOffTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of all bads and of all goods, the share at or above each cut-off."""
    all_bads = table.bads_approved + table.bads_declined
    all_goods = table.approved - table.bads_approved + table.goods_declined
    return table.bads_declined / all_bads, table.goods_declined / all_goods


def _finding(table: CutOffTable, at: int) -> str:
    bads, goods = _shares(table)
    return (
        f"A cut-off at a PD of {percent(table.cut_off[at])} stops {percent(bads[at], 0)} of the bads "
        f"and {percent(goods[at], 0)} of the goods"
    )


def _words(table: CutOffTable, at: int) -> str:
    return (
        f"Two falling curves over {count(len(table))} cut-offs: the share of bads and the share of goods declined. "
        f"{_finding(table, at)}. All values are in the table of cut-offs."
    )
