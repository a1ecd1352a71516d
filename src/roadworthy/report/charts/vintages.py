"""Vintages: how the loans of each period go bad as they age, and where that is an estimate or not known yet."""

from __future__ import annotations

import altair as alt
import numpy as np
from numpy.typing import NDArray

from roadworthy.measures import Vintages
from roadworthy.report.drawing import ACCENT, INK, MUTED, PLAIN, WIDTH, Spec, framed, percentages, rows, spread_apart
from roadworthy.report.format import count, percent

SHOWS = "vintages"

_ROOM_FOR_NAMES = 72
_ALL_NAMED = 6
_TICKS = 10
_ESTIMATED = [2, 3]
_Y = "gone bad; dotted: estimated, as not all have been watched so long"


def spec(result: Vintages) -> Spec:
    """Share gone bad against months on book, a line a vintage; dotted where not all have been watched that long."""
    if result.kaplan_meier is None:
        return _by_vintage(result)
    end = int(result.months_on_book.max())
    step = next(step for step in (1, 3, 6, 12, 24, 60) if end / step <= _TICKS)
    months = alt.Axis(title="months on book", values=list(range(0, end + 1, step)))
    x = alt.X("month:Q", scale=alt.Scale(domain=[0, end]), axis=months)
    y = alt.Y("bad:Q", scale=alt.Scale(domainMin=0), axis=percentages(_Y))
    names = result.maturity.vintage.tolist()
    marked = _worst(result)
    layers = [
        alt.Chart(rows(month=[result.window], text=[f"window, {result.window} months"]))
        .mark_rule(color=MUTED, strokeDash=[4, 3])
        .encode(x=x)
    ]
    ends: list[tuple[float, float, str]] = []
    for vintage, known_months in sorted(
        zip(names, result.maturity.months_known.tolist(), strict=True), key=lambda each: each[0] == marked
    ):
        mine = result.vintage == vintage
        month = np.concatenate([[0], result.months_on_book[mine]])
        share = np.concatenate([[0.0], result.kaplan_meier[mine]])
        stops = int(np.flatnonzero(~np.isnan(share))[-1])
        colour, width = (ACCENT, 2.5) if vintage == marked else (PLAIN, 1.25)
        for start, stop, dash in ((0, min(known_months, stops), [1, 0]), (known_months, stops, _ESTIMATED)):
            if start < stop:
                part = slice(start, stop + 1)
                line = alt.Chart(rows(month=month[part], bad=share[part], vintage=[vintage] * (stop + 1 - start)))
                stroke = line.mark_line(strokeDash=dash, color=colour, strokeWidth=width)
                layers.append(stroke.encode(x=x, y=y, tooltip=[alt.Tooltip("vintage:N", title="vintage")]))
        ends.append((float(share[stops]), float(month[stops]), vintage))
    layers.append(_names(result, ends, marked).encode(x=x, y=y, text="text:N", opacity=alt.value(1)))
    return framed(
        *layers,
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=WIDTH - _ROOM_FOR_NAMES,
    )


def _names(result: Vintages, ends: list[tuple[float, float, str]], marked: str) -> alt.Chart:
    """The vintages' names at the ends of their lines; of many, the marked one, the oldest and the youngest."""
    order = result.maturity.vintage.tolist()
    kept = order if len(order) <= _ALL_NAMED else [order[0], marked, order[-1]]
    named = sorted(each for each in ends if each[2] in kept)
    top = max(height for height, _, _ in ends)
    # Names at the same month move apart; those of shorter lines stand alone.
    heights = spread_apart([height for height, _, _ in named], 0.065 * top)
    names = rows(month=[month for _, month, _ in named], bad=heights, text=[f"{vintage}" for *_, vintage in named])
    chart: alt.Chart = alt.Chart(names).mark_text(align="left", dx=5, color=INK, fontSize=11)
    return chart


def _by_vintage(result: Vintages) -> Spec:
    """One point a vintage, at the window: all that is known where the days of going bad are not."""
    axis = alt.Axis(title="booked", labelAngle=0, labelOverlap=True)
    known = ~np.isnan(result.bad_rate)
    chart = alt.Chart(rows(vintage=result.vintage[known], bad=result.bad_rate[known]))
    x = alt.X("vintage:O", axis=axis, sort=result.vintage.tolist(), scale=alt.Scale(domain=result.vintage.tolist()))
    y = alt.Y("bad:Q", scale=alt.Scale(domainMin=0), axis=percentages(f"gone bad within {result.window} months"))
    point = chart.mark_point(filled=True, opacity=1, color=ACCENT, size=50).encode(x=x, y=y)
    return framed(point, finding=_finding(result), population=result.population, words=_words(result))


def _mature(result: Vintages) -> NDArray[np.bool_]:
    return ~np.isnan(result.maturity.bad_rate_at_window)


def _worst(result: Vintages) -> str:
    """The mature vintage with the most bads; the oldest where none is mature."""
    rate = np.where(_mature(result), result.maturity.bad_rate_at_window, -1.0)
    return str(result.maturity.vintage[int(np.argmax(rate))])


def _finding(result: Vintages) -> str:
    mature = _mature(result)
    if not mature.any():
        return f"No vintage has been watched for {result.window} months yet"
    rate, names = result.maturity.bad_rate_at_window[mature], result.maturity.vintage[mature]
    after = f"within {result.window} months"
    if len(rate) == 1:
        return f"Of {names[0]}, the one mature vintage, {percent(float(rate[0]))} went bad {after}"
    worst, best = int(np.argmax(rate)), int(np.argmin(rate))
    return (
        f"Of mature vintages {names[worst]} is the worst, {percent(float(rate[worst]))} bad {after}; "
        f"{names[best]} the best, {percent(float(rate[best]))}"
    )


def _words(result: Vintages) -> str:
    immature = int((~_mature(result)).sum())
    said = (
        f"Line chart of {count(len(result.maturity))} vintages over months on book, {count(immature)} of them immature."
    )
    return " ".join([said, f"{_finding(result)}.", *result.warnings, "All values are in the table."])
