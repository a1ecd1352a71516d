"""Cut-offs where some outcomes are unknown: the band of all that could be, with no line through its middle (R18)."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import BoundedCutOffTable
from roadworthy.report.drawing import (
    ACCENT,
    INK,
    MONEY_LABEL,
    MUTED,
    PLAIN,
    WIDTH,
    Spec,
    framed,
    percentages,
    rows,
    spread_apart,
)
from roadworthy.report.format import compact_money, count, interval, percent

SHOWS = "bounded"

_ROOM_FOR_NAMES = 90
_APART = 0.07
_WORD = "model's word"
_MONEY = {"at best": "profit_best", "at worst": "profit_worst", _WORD: "profit_expected"}
_RATES = {"at worst": "bad_rate_high", "at best": "bad_rate_low", _WORD: "bad_rate_expected"}


def spec(result: BoundedCutOffTable) -> Spec:
    """Profit against the share approved, between its worst and its best; without money the bad rate of the approved."""
    named = _RATES if result.profit_worst is None else _MONEY
    curves = {name: result.columns[column] for name, column in named.items()}
    drawn = np.flatnonzero(~np.isnan(curves["at best"]))  # a bad rate of nobody is none
    curves = {name: curve[drawn] for name, curve in curves.items()}
    approved = result.approval_rate[drawn]
    x = alt.X("approved:Q", scale=alt.Scale(domain=[0, 1]), axis=percentages("share approved"))
    y = _rate_axis() if result.profit_worst is None else _money_axis(result)
    layers = []
    if result.profit_low is not None and result.profit_high is not None:
        layers.append(alt.Chart(rows(amount=[0.0])).mark_rule(color=MUTED).encode(y=y))
        chance = alt.Chart(rows(approved=approved, amount=result.profit_high[drawn], low=result.profit_low[drawn]))
        layers.append(chance.mark_area(color=PLAIN, opacity=0.25).encode(x=x, y=y, y2="low:Q"))
    upper, lower = (curves[name] for name in list(named)[:2])
    band = alt.Chart(rows(approved=approved, amount=upper, low=lower))
    layers.append(band.mark_area(color=ACCENT, opacity=0.22).encode(x=x, y=y, y2="low:Q"))
    for name, curve in curves.items():
        colour, dash = (MUTED, [4, 3]) if name == _WORD else (ACCENT, [1, 0])
        line = alt.Chart(rows(approved=approved, amount=curve))
        layers.append(line.mark_line(color=colour, strokeWidth=1.75, strokeDash=dash).encode(x=x, y=y))
    names = _names({name: float(curve[-1]) for name, curve in curves.items()}, float(np.ptp([upper, lower])))
    return framed(
        *layers,
        names.encode(x=alt.value(WIDTH - _ROOM_FOR_NAMES + 6), y=y, text="text:N"),
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=WIDTH - _ROOM_FOR_NAMES,
    )


def _rate_axis() -> alt.Y:
    axis = percentages("bad rate of the approved; blue: all that the unknown outcomes allow")
    return alt.Y("amount:Q", scale=alt.Scale(domain=[0, 1]), axis=axis)


def _money_axis(result: BoundedCutOffTable) -> alt.Y:
    title = (
        f"profit, {result.currency}; blue: all that the unknown outcomes allow; grey: chance, {result.confidence:.0%}"
    )
    return alt.Y("amount:Q", axis=alt.Axis(title=title, tickCount=5, labelExpr=MONEY_LABEL))


def _names(ends: dict[str, float], span: float) -> alt.Chart:
    """The curves' names at their right ends, moved apart where the ends are close."""
    by_height = sorted((end, name) for name, end in ends.items())
    heights = spread_apart([end for end, _ in by_height], _APART * (span or 1.0))
    chart: alt.Chart = alt.Chart(rows(amount=heights, text=[name for _, name in by_height])).mark_text(
        align="left", color=INK, fontSize=11
    )
    return chart


def _finding(result: BoundedCutOffTable) -> str:
    if not result.unknown:
        return f"The outcome of all {count(result.count)} is known: the bounds are one line"
    unknown = f"outcome unknown for {count(result.unknown)} of {count(result.count)}"
    everyone = int(np.argmax(result.approval_rate))
    share = float(result.approval_rate[everyone])
    most = "all approved" if share == 1.0 else f"with {percent(share, 0)} approved"
    if result.profit_worst is None or result.profit_best is None or result.currency is None:
        low, high = (percent(float(each[everyone])) for each in (result.bad_rate_low, result.bad_rate_high))
        return f"{most.capitalize()}, {low} to {high} go bad: {unknown}"
    worst, best = (
        compact_money(float(each[everyone]), result.currency) for each in (result.profit_worst, result.profit_best)
    )
    sure = int(np.argmax(result.profit_worst))
    if result.profit_worst[sure] <= 0.0:
        return f"No cut-off is sure to earn; {most}, {interval(worst, best)}: {unknown}"
    at_least = compact_money(float(result.profit_worst[sure]), result.currency)
    said = f"{percent(float(result.approval_rate[sure]), 0)} approved earns {at_least} at least"
    return f"{said}: {unknown}" if sure == everyone else f"{said}; {most}, {interval(worst, best)}: {unknown}"


def _words(result: BoundedCutOffTable) -> str:
    what = "bad rate of the approved" if result.profit_worst is None else "profit"
    return (
        f"Band chart over {count(len(result))} cut-offs of {what} against the share approved, from the worst to the "
        f"best that the unknown outcomes allow, with the model's expectation dashed. {_finding(result)}. All values "
        "are in the table."
    )
