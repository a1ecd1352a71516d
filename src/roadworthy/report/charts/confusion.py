"""The confusion matrix as two bars: who is approved, who is declined, and how each turned out."""

from __future__ import annotations

import altair as alt

from roadworthy.measures import Confusion
from roadworthy.report.drawing import ACCENT, LABELS, PLAIN, WIDTH, Spec, framed, percentages
from roadworthy.report.format import count, percent

SHOWS = "confusion"
_BAR = 24
_ROW = 84


def spec(result: Confusion) -> Spec:
    """Shares of good and bad among the approved (PD below the cut-off) and the declined (PD at or above it)."""
    groups = [
        (f"{count(result.tn + result.fn)} approved", result.tn, result.fn, "good", "bad"),
        (f"{count(result.tp + result.fp)} declined", result.fp, result.tp, "good, turned away", "bad, avoided"),
    ]
    segments, names, ends = [], [], []
    for group, good, bad, if_good, if_bad in groups:
        everyone = good + bad
        if everyone:
            split = float(good / everyone)
            segments.append({"group": group, "start": 0.0, "end": split, "outcome": "good"})
            segments.append({"group": group, "start": split, "end": 1.0, "outcome": "bad"})
            names.append({"group": group, "at": 0.0})
            ends.append({"group": group, "at": 0.0, "text": f"{count(good)} {if_good} ({percent(split)})"})
            ends.append({"group": group, "at": 1.0, "text": f"{count(bad)} {if_bad} ({percent(1 - split)})"})
    y = alt.Y("group:N", sort=[group for group, *_ in groups], axis=None)
    axis = percentages("share of each group")
    colour = alt.Color("outcome:N", scale=alt.Scale(domain=["good", "bad"], range=[PLAIN, ACCENT]), legend=None)
    bars = (
        alt.Chart(alt.InlineData(values=segments))
        .mark_bar(size=_BAR)
        .encode(x=alt.X("start:Q", axis=axis, scale=alt.Scale(domain=[0, 1])), x2="end:Q", y=y, color=colour)
    )
    text = alt.Chart(alt.InlineData(values=ends)).encode(x="at:Q", y=y, text="text:N")
    name = alt.Chart(alt.InlineData(values=names)).mark_text(align="left", dy=-_BAR // 2 - 27, fontWeight="bold")
    left = text.transform_filter("datum.at == 0").mark_text(align="left", dy=-_BAR // 2 - 9)
    right = text.transform_filter("datum.at == 1").mark_text(align="right", dy=-_BAR // 2 - 9)
    return framed(
        bars,
        name.encode(x="at:Q", y=y, text="group:N"),
        left,
        right,
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=WIDTH + LABELS,
        height=alt.Step(_ROW),
    )


def _finding(result: Confusion) -> str:
    declined = result.tp + result.fp
    if not declined:
        return "At this cut-off nobody is declined"
    right = result.precision
    # Rounded once, so that the two always add up; at the very ends each says "<1%" or ">99%".
    wrong = 1 - (round(right, 2) if 0.01 <= right <= 0.99 else right)
    return f"Of the declines {percent(right, 0)} were right, {percent(wrong, 0)} turned good applicants away"


def _words(result: Confusion) -> str:
    return (
        f"Two bars. Approved: {count(result.tn)} good and {count(result.fn)} bad. Declined: {count(result.tp)} bad and "
        f"{count(result.fp)} good. The same numbers are in the confusion matrix."
    )
