"""Two cut-offs: what each share of referrals would earn, the best pair and the one in force marked (R18)."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import BestBands
from roadworthy.report.drawing import ACCENT, INK, MONEY_LABEL, PAPER, Spec, beside, framed, percentages, rows
from roadworthy.report.format import compact_money, count, percent

SHOWS = "bands"

_PAIR = [
    alt.Tooltip("refer_from:Q", title="refer from", format=".1%"),
    alt.Tooltip("decline_from:Q", title="decline from", format=".1%"),
]


def spec(result: BestBands) -> Spec:
    """The most profit with so many referred, a dot a pair of cut-offs."""
    trade = result.trade
    marked = _marked(result)
    end = max(float(trade.referred_share.max()), *(share for share, *_ in marked), 0.01)
    x = alt.X(
        "referred:Q", scale=alt.Scale(domain=[0, end], nice=True), axis=percentages("share referred to people, at most")
    )
    title = (
        f"most profit, {result.currency}; people approve {percent(result.referrals.approved, 0)} of these, as stated"
    )
    y = alt.Y(
        "profit:Q",
        scale=alt.Scale(zero=False, nice=True, padding=24),
        axis=alt.Axis(title=title, tickCount=5, labelExpr=MONEY_LABEL),
    )
    pairs = alt.Chart(
        rows(
            referred=trade.referred_share,
            profit=trade.profit,
            refer_from=trade.refer_from,
            decline_from=trade.decline_from,
        )
    )
    dots = alt.OverlayMarkDef(color=ACCENT, filled=True, size=26)
    layers = [pairs.mark_line(color=ACCENT, strokeWidth=1.5, point=dots).encode(x=x, y=y, tooltip=_PAIR)]
    for share, profit, text, shape, fill in marked:
        point = alt.Chart(rows(referred=[share], profit=[profit], text=[text]))
        mark = point.mark_point(filled=True, opacity=1, shape=shape, color=fill, stroke=INK, size=80)
        layers.append(mark.encode(x=x, y=y))
        below = -13 if shape == "diamond" else 17
        layers.append(beside(point, share / end, below).encode(x=x, y=y, text="text:N"))
    return framed(*layers, finding=_finding(result), population=result.population, words=_words(result))


def _marked(result: BestBands) -> list[tuple[float, float, str, str, str]]:
    best = f"best: {_pair(result.refer_from, result.decline_from)}"
    marked = [(result.referred_share, result.profit, best, "diamond", PAPER)]
    if result.in_force is not None and result.profit_in_force is not None:
        text = f"in force: {_pair(*result.in_force)}"
        marked.append((result.referred_share_in_force or 0.0, result.profit_in_force, text, "circle", INK))
    return marked


def _pair(refer_from: float, decline_from: float) -> str:
    if refer_from == decline_from:
        return f"decline from {percent(decline_from)}"
    return f"refer from {percent(refer_from)}, decline from {percent(decline_from)}"


def _finding(result: BestBands) -> str:
    highest = compact_money(result.profit, result.currency)
    if result.refer_from == result.decline_from:
        return f"Referring does not pay: one cut-off earns most, {highest}"
    referred = percent(result.referred_share, 0)
    without = np.flatnonzero(result.trade.referred == 0.0)
    if not without.size:
        return f"Most is earned with {referred} referred: {highest}"
    more = compact_money(result.profit - float(result.trade.profit[without[-1]]), result.currency)
    return f"With {referred} referred {highest} is earned, {more} more than by one cut-off"


def _words(result: BestBands) -> str:
    marked = "; ".join(
        f"{text}, {percent(share)} referred, profit {compact_money(profit, result.currency)}"
        for share, profit, text, *_ in _marked(result)
    )
    return (
        f"Line chart of {count(len(result.trade))} pairs of cut-offs: the most profit against the share referred, on "
        "the applications that they were chosen on. "
        f"{_finding(result)}. {marked}. {result.referrals.sentence} All values are in the table."
    )
