"""Revenue against profit: from where on more business earns less (R18)."""

from __future__ import annotations

import altair as alt

from roadworthy.report.drawing import ACCENT, INK, MONEY_LABEL, MUTED, PAPER, Spec, beside, framed, rows
from roadworthy.report.format import compact_money, count, percent
from roadworthy.report.meaning import Money

SHOWS = "earned"


def spec(result: Money) -> Spec:
    """Profit against revenue over all cut-offs, from declining all at the left; the policy and the best one marked."""
    revenue = result.curves["revenue"]
    end = float(revenue.max()) or 1.0
    x = alt.X(
        "revenue:Q",
        scale=alt.Scale(domain=[0, end]),
        axis=alt.Axis(title=f"revenue of the approved, {result.currency}", tickCount=5, labelExpr=MONEY_LABEL),
    )
    y = alt.Y("profit:Q", axis=alt.Axis(title=f"profit, {result.currency}", tickCount=5, labelExpr=MONEY_LABEL))
    curve = alt.Chart(rows(revenue=revenue, profit=result.profit))
    layers = [
        alt.Chart(rows(profit=[0.0])).mark_rule(color=MUTED).encode(y=y),
        curve.mark_line(color=ACCENT, strokeWidth=2, order=False).encode(x=x, y=y),
    ]
    for row, text, shape, fill in _marked(result):
        point = alt.Chart(rows(revenue=revenue[[row]], profit=result.profit[[row]], text=[text]))
        mark = point.mark_point(filled=True, opacity=1, shape=shape, color=fill, stroke=INK, size=70)
        layers.append(mark.encode(x=x, y=y))
        above = -13 if shape == "diamond" else 17
        layers.append(beside(point, float(revenue[row]) / end, above).encode(x=x, y=y, text="text:N"))
    return framed(
        *layers,
        finding=_finding(result),
        population=result.cut_offs.table.population,
        words=_words(result),
    )


def _marked(result: Money) -> list[tuple[int, str, str, str]]:
    table, policy, best = result.cut_offs.table, result.cut_offs.policy_row, result.cut_offs.best_row
    marked = [(policy, f"policy: {percent(table.approval_rate[policy], 0)} approved", "circle", INK)]
    if best is not None and best != policy:
        marked.append((best, f"best: {percent(table.approval_rate[best], 0)} approved", "diamond", PAPER))
    return marked


def _finding(result: Money) -> str:
    revenue, best = result.curves["revenue"], int(result.profit.argmax())
    most = int(revenue.argmax())
    more = compact_money(float(revenue[most] - revenue[best]), result.currency)
    less = compact_money(float(result.profit[best] - result.profit[most]), result.currency)
    highest = compact_money(float(result.profit[best]), result.currency)
    if result.profit[best] <= result.profit[most]:
        return f"Profit rises with revenue to the end: {highest} with all approved"
    return f"Beyond a profit of {highest}, {more} more revenue loses {less}"


def _words(result: Money) -> str:
    return (
        f"Line chart over {count(len(result.profit))} cut-offs of profit against the revenue of the approved. "
        f"{_finding(result)}. All values are in the table of cut-offs."
    )
