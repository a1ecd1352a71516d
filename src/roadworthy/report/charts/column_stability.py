"""Stability of all columns: which moved, and whether by more than chance."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import CSI
from roadworthy.report.drawing import ACCENT, INK, PLAIN, WIDTH, Spec, framed, rows
from roadworthy.report.format import count, decimal

SHOWS = "csi"

_SHOWN = 20
_COLUMN = 22
_ROOM_FOR_NAMES = 90


def spec(result: CSI) -> Spec:
    """A bar for the PSI of each column, what moved most first, a tick for what chance alone reaches."""
    shown = slice(0, _SHOWN)
    names = [str(name) for name in result.column[shown]]
    beyond = ["beyond chance" if each else "chance" for each in (result.value > result.by_chance)[shown].tolist()]
    columns = alt.Chart(rows(column=names, psi=result.value[shown], chance=result.by_chance[shown], verdict=beyond))
    title = "PSI of the column;  | what chance alone reaches in 1 of 20"
    axis = alt.Axis(title=title, tickCount=5)
    x = alt.X("psi:Q", axis=axis, scale=alt.Scale(domainMin=0, nice=True))
    y = alt.Y(
        "column:N",
        sort=names,
        axis=alt.Axis(title="column", domain=False, labelLimit=_ROOM_FOR_NAMES + 40, titleX=-6, titleAlign="right"),
    )
    colour = alt.Color(
        "verdict:N", scale=alt.Scale(domain=["beyond chance", "chance"], range=[ACCENT, PLAIN]), legend=None
    )
    return framed(
        columns.mark_bar(size=_COLUMN * 0.6).encode(x=x, y=y, color=colour),
        columns.mark_tick(color=INK, thickness=2, size=_COLUMN * 0.85).encode(x=alt.X("chance:Q", axis=axis), y=y),
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=WIDTH - _ROOM_FOR_NAMES,
        height=alt.Step(_COLUMN),
    )


def _finding(result: CSI) -> str:
    moved = int(np.count_nonzero(result.value > result.by_chance))
    if not moved:
        return f"None of {count(len(result))} columns moved by more than chance"
    return (
        f"{count(moved)} of {count(len(result))} columns moved by more than chance, {result.column[0]} the most: "
        f"PSI {decimal(float(result.value[0]))}"
    )


def _words(result: CSI) -> str:
    left_out = f", of {count(len(result))} the {_SHOWN} that moved most" if len(result) > _SHOWN else ""
    return (
        f"Bar chart of the population stability index by column{left_out}, with a tick at what chance alone reaches. "
        f"{_finding(result)}. Bins: {result.rule}. All values are in the table."
    )
