"""Stability of one distribution: how much of it fell into each bin before, and how much does now."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import PSI
from roadworthy.report.drawing import ACCENT, PLAIN, WIDTH, Spec, framed, percentages, rows
from roadworthy.report.format import count, decimal, percent

SHOWS = "psi"

_BIN = 24
_ROOM_FOR_BINS = 90


def spec(result: PSI) -> Spec:
    """A bar for the share before, a dot for the share now, in each bin."""
    bins = [str(each) for each in result.bin]
    shares = alt.Chart(rows(bin=bins, before=result.expected, now=result.actual))
    end = float(max(result.expected.max(), result.actual.max()))
    axis = percentages("share of all:  ▬ before   ● now")
    x_axis = alt.X("before:Q", scale=alt.Scale(domain=[0, end], nice=True), axis=axis)
    y = alt.Y(
        "bin:N",
        sort=bins,
        axis=alt.Axis(title="bin", domain=False, labelLimit=_ROOM_FOR_BINS + 40, titleX=-6, titleAlign="right"),
    )
    return framed(
        shares.mark_bar(color=PLAIN, opacity=0.55, size=_BIN * 0.55).encode(x=x_axis, y=y),
        shares.mark_point(filled=True, opacity=1, color=ACCENT, size=55).encode(x=alt.X("now:Q", axis=axis), y=y),
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=WIDTH - _ROOM_FOR_BINS,
        height=alt.Step(_BIN),
    )


def _finding(result: PSI) -> str:
    at = int(np.argmax(result.term))
    if result.value <= result.by_chance:
        return f"No shift beyond chance: PSI {decimal(result.value)}, chance alone reaches {decimal(result.by_chance)}"
    return (
        f"PSI {decimal(result.value)}, chance alone reaches {decimal(result.by_chance)}: most moved in bin "
        f"{result.bin[at]}, from {percent(float(result.expected[at]))} to {percent(float(result.actual[at]))}"
    )


def _words(result: PSI) -> str:
    return (
        f"Bar chart of {count(len(result))} bins with the share before and a dot for the share now. "
        f"{_finding(result)}. Bins: {result.rule}. All values are in the table."
    )
