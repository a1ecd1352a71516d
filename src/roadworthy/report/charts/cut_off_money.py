"""The cut-off in money: what is earned, what is lost and what is left, at every share approved (R18)."""

from __future__ import annotations

import altair as alt

from roadworthy.report.drawing import (
    ACCENT,
    INK,
    LIVE,
    MONEY_LABEL,
    MUTED,
    PAPER,
    PLAIN,
    WIDTH,
    Spec,
    beside,
    framed,
    percentages,
    rows,
    spread_apart,
)
from roadworthy.report.format import compact_money, count, percent
from roadworthy.report.meaning import Money

SHOWS = "money"

_ROOM_FOR_NAMES = 98
_SPACE_BETWEEN_NAMES = 0.07
_DASHES = {"revenue": [1, 0], "credit losses": [4, 3], "profit": [1, 0]}


def spec(result: Money) -> Spec:
    """Profit with its interval, revenue and credit losses against the share approved; policy and best marked."""
    table = result.cut_offs.table
    approved = table.approval_rate
    x = alt.X("approved:Q", scale=alt.Scale(domain=[0, 1]), axis=percentages("share approved"))
    y = alt.Y("amount:Q", axis=alt.Axis(title=_axis_title(result), tickCount=5, labelExpr=MONEY_LABEL))
    zero = alt.Chart(rows(amount=[0.0])).mark_rule(color=MUTED).encode(y=y)
    interval = alt.Chart(rows(approved=approved, amount=result.profit_low, high=result.profit_high))
    curves = [
        alt.Chart(rows(approved=approved, amount=amounts))
        .mark_line(color=ACCENT if name == "profit" else PLAIN, strokeWidth=2, strokeDash=_DASHES[name])
        .encode(x=x, y=y)
        for name, amounts in result.curves.items()
    ]
    at = result.cut_offs.policy_row
    text = f"policy: PD {percent(table.cut_off[at])}"
    policy = alt.Chart(rows(approved=approved[[at]], amount=result.profit[[at]], text=[text]))
    layers = [
        zero,
        interval.mark_area(color=ACCENT, opacity=0.18).encode(x=x, y=y, y2="high:Q"),
        *curves,
        policy.mark_rule(color=LIVE, strokeWidth=1.5).encode(x=x),
        policy.mark_point(filled=True, opacity=1, color=INK, size=60).encode(x=x, y=y),
        beside(policy, float(approved[at]), 17).encode(x=x, y=y, text="text:N"),
        _names(result).encode(x=alt.value(WIDTH - _ROOM_FOR_NAMES + 6), y=y, text="text:N"),
    ]
    best = result.cut_offs.best
    if best is not None:
        text = f"best: PD {percent(best.cut_off)}"
        found = alt.Chart(rows(approved=[best.approval_rate], amount=[best.profit], text=[text]))
        diamond = found.mark_point(filled=True, opacity=1, shape="diamond", color=PAPER, stroke=INK, size=90)
        layers.append(diamond.encode(x=x, y=y))
        layers.append(beside(found, best.approval_rate, -13).encode(x=x, y=y, text="text:N"))
    return framed(
        *layers,
        finding=_finding(result, at),
        population=table.population,
        words=_words(result, at),
        width=WIDTH - _ROOM_FOR_NAMES,
    )


def _axis_title(result: Money) -> str:
    interval = f"{result.cut_offs.table.confidence:.0%} interval"
    return f"{result.currency}; the band is the {interval} of profit"


def _names(result: Money) -> alt.Chart:
    """The curves' names at their right ends, moved apart where the ends are close."""
    everything = [float(value) for amounts in result.curves.values() for value in (amounts.min(), amounts.max(), 0.0)]
    apart = _SPACE_BETWEEN_NAMES * (max(everything) - min(everything))
    ends = sorted((float(amounts[-1]), name) for name, amounts in result.curves.items())
    heights = spread_apart([end for end, _ in ends], apart)
    names = rows(amount=heights, text=[name for _, name in ends])
    chart: alt.Chart = alt.Chart(names).mark_text(align="left", color=MUTED)
    return chart


def _finding(result: Money, at: int) -> str:
    best = result.cut_offs.best
    policy = compact_money(float(result.profit[at]), result.currency)
    if best is None:
        return f"The policy's cut-off has a profit of {policy}"
    highest = compact_money(best.profit, result.currency)
    where = f"Profit is highest with {percent(best.approval_rate, 0)} approved: {highest}"
    same = best.profit <= result.profit[at]
    return f"{where}, as at the policy's cut-off" if same else f"{where}; the policy's cut-off has {policy}"


def _words(result: Money, at: int) -> str:
    curves = ", ".join(
        f"{name} {compact_money(float(amounts[at]), result.currency)}" for name, amounts in result.curves.items()
    )
    return (
        f"Line chart over {count(len(result.profit))} cut-offs of money against the share approved. At the policy's "
        f"cut-off: {curves}. {_finding(result, at)}. All values are in the table of cut-offs."
    )
