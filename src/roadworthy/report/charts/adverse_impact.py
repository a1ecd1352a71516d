"""Adverse impact: each group's approval rate over the reference's, with its interval and the line of four fifths."""

from __future__ import annotations

import altair as alt
import numpy as np

from roadworthy.measures import FOUR_FIFTHS, AdverseImpact
from roadworthy.report.drawing import ACCENT, INK, LABELS, MUTED, PAPER, PLAIN, WIDTH, Spec, framed, rows
from roadworthy.report.format import count, decimal, interval, percent

SHOWS = "adverse_impact"

_ROW = 44
_BELOW, _SMALL, _REFERENCE = "below four fifths", "too few to say", "reference"


def spec(result: AdverseImpact) -> Spec:
    """A dot for each group's ratio over its interval; hollow where the group is too small for a verdict."""
    names = [str(group) for group in result.group]
    ratios, ends = float(np.nanmax([*result.ratio, 1.0])), float(np.nanmax([*result.ratio_high, 1.0]))
    axis = alt.Axis(
        title=f"approval rate over that of {result.reference}, {result.confidence:.0%} interval", tickCount=6
    )
    x = alt.X(
        "ratio:Q",
        scale=alt.Scale(domain=[0, min(1.05 * ends, 2.0 * ratios)], clamp=True),
        axis=axis,
    )
    lowest_first = [names[row] for row in np.argsort(result.ratio)]
    y = alt.Y("group:N", sort=lowest_first, axis=None)
    groups = alt.Chart(
        rows(
            group=names,
            ratio=result.ratio,
            low=result.ratio_low,
            high=result.ratio_high,
            text=[_label(result, row) for row in range(len(names))],
            verdict=[str(verdict) for verdict in result.verdict],
            at=np.zeros(len(names)),
        )
    )
    said = alt.Scale(
        domain=[_BELOW, "not below", "not enough evidence yet", _REFERENCE, _SMALL],
        range=[ACCENT, PLAIN, PLAIN, INK, PAPER],
    )
    colour = alt.Color("verdict:N", scale=said, legend=None)
    line = alt.Chart(rows(ratio=[FOUR_FIFTHS], text=["four fifths"]))
    return framed(
        line.mark_rule(color=MUTED, strokeDash=[4, 3]).encode(x=x),
        alt.Chart(rows(ratio=[1.0])).mark_rule(color=MUTED).encode(x=x),
        groups.mark_rule(color=INK, strokeWidth=1.5).encode(x=alt.X("low:Q", axis=axis), x2="high:Q", y=y),
        groups.mark_point(filled=True, opacity=1, size=80, stroke=INK).encode(x=x, y=y, fill=colour),
        groups.mark_text(align="left", dy=-16).encode(x=alt.X("at:Q", axis=axis), y=y, text="text:N"),
        line.mark_text(align="left", dx=4, color=MUTED, fontSize=11).encode(x=x, y=alt.value(-6), text="text:N"),
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=WIDTH + LABELS,
        height=alt.Step(_ROW),
    )


def _label(result: AdverseImpact, row: int) -> str:
    rate = percent(float(result.approval_rate[row]))
    said = f"{result.group[row]}: {rate} of {count(float(result.count[row]))} approved"
    verdict = str(result.verdict[row])
    return said if verdict == _REFERENCE else f"{said}; ratio {decimal(float(result.ratio[row]), 2)}, {verdict}"


def _finding(result: AdverseImpact) -> str:
    below = np.flatnonzero(result.verdict == _BELOW)
    others = int(np.count_nonzero(result.verdict != _REFERENCE))
    if np.isnan(result.ratio).all():
        return "Nobody of the reference group is approved: there is no ratio to compare"
    if below.size:
        worst = below[int(np.argmin(result.ratio[below]))]
        ratio, low, high = (
            decimal(float(each[worst]), 2) for each in (result.ratio, result.ratio_low, result.ratio_high)
        )
        which = (
            f"Group {result.group[worst]} is"
            if below.size == 1
            else f"{count(below.size)} of {count(others)} groups are"
        )
        lowest = "" if below.size == 1 else f"{result.group[worst]} lowest, "
        return f"{which} below four fifths of {result.reference}: {lowest}{ratio} ({interval(low, high)})"
    if not others:
        return f"There is no group to compare {result.reference} with"
    which = "The other group" if others == 1 else f"None of {count(others)} groups"
    said = f"{which} is {'not ' if others == 1 else ''}shown to be below four fifths of {result.reference}"
    left = [
        f"{count(number)} {what}"
        for verdict, what in (("not enough evidence yet", "without enough evidence yet"), (_SMALL, "too small to say"))
        if (number := int(np.count_nonzero(result.verdict == verdict)))
    ]
    return "; ".join([said, ", ".join(left)] if left else [said])


def _words(result: AdverseImpact) -> str:
    groups = "; ".join(_label(result, row) for row in range(len(result)))
    return (
        f"Dot chart of each group's approval rate over that of {result.reference}, with intervals and a line at four "
        f"fifths. {_finding(result)}. {groups}. All values are in the table."
    )
