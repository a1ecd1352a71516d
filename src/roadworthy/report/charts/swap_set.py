"""The swap set: whom a challenger lets in and keeps out, and how far their bad rate is known (R22)."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import SwapSet
from roadworthy.report.drawing import ACCENT, INK, LABELS, PLAIN, WIDTH, Spec, framed, percentages, rows
from roadworthy.report.format import count, interval, percent

SHOWS = "swap_set"

_ROW = 58
_BAR = 14


def spec(result: SwapSet) -> Spec:
    """For each group a bar over the bad rates that the unknown outcomes allow, and a dot for those that are known."""
    held = np.flatnonzero(result.applications > 0.0)
    names = [str(result.group[row]) for row in held]
    y = alt.Y("group:N", sort=names, axis=None)
    axis = percentages("bad rate:  ● of the known outcomes   ▬ all it can be, given the unknown")
    scale = alt.Scale(domain=[0, 1])
    groups = alt.Chart(
        rows(
            group=names,
            low=result.bad_rate_low[held],
            high=result.bad_rate_high[held],
            known=result.bad_rate_known[held],
            text=[_label(result, row) for row in held.tolist()],
            swapped=["swapped" if row in (1, 2) else "same answer" for row in held.tolist()],
            at=np.zeros(len(held)),
        )
    )
    colour = alt.Color(
        "swapped:N", scale=alt.Scale(domain=["swapped", "same answer"], range=[ACCENT, PLAIN]), legend=None
    )
    return framed(
        groups.mark_bar(size=_BAR, opacity=0.45).encode(
            x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q", y=y, color=colour
        ),
        groups.mark_point(filled=True, opacity=1, color=INK, size=60).encode(
            x=alt.X("known:Q", axis=axis, scale=scale), y=y
        ),
        groups.mark_text(align="left", dy=-_BAR - 6).encode(
            x=alt.X("at:Q", axis=axis, scale=scale), y=y, text="text:N"
        ),
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=WIDTH + LABELS,
        height=alt.Step(_ROW),
    )


def _label(result: SwapSet, row: int) -> str:
    name = str(result.group[row])
    unknown = f", {count(float(result.unknown[row]))} of unknown outcome" if result.unknown[row] > 0.0 else ""
    return f"{name}: {count(float(result.applications[row]))} ({percent(float(result.share[row]))}){unknown}"


def _finding(result: SwapSet) -> str:
    swapped_in, swapped_out = (count(float(result.applications[row])) for row in (1, 2))
    unknown = float(result.unknown[1])
    of_them = "all" if unknown == result.applications[1] else f"{count(unknown)} of them"
    said = f"The challenger lets in {swapped_in}{f', {of_them} of unknown outcome' if unknown else ''}"
    said += f", and keeps out {swapped_out}"
    if result.known[2] > 0.0:
        said += f", {percent(float(result.bad_rate_known[2]), 0)} bad as far as known"
    return said if result.verdict is None else f"{said}: {result.verdict}"


def _words(result: SwapSet) -> str:
    bounds = "; ".join(
        f"{_label(result, row)}, bad rate {interval(percent(float(low)), percent(float(high)))}"
        for row, (low, high) in enumerate(zip(result.bad_rate_low, result.bad_rate_high, strict=True))
        if result.applications[row] > 0.0
    )
    return (
        f"Range chart of four groups by the answers of champion and challenger. {bounds}. All values are in the table."
    )
