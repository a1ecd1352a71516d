"""Calibration: the PD that was promised against the bad rate that came."""

from __future__ import annotations

import altair as alt

from roadworthy.measures import Calibration
from roadworthy.report.drawing import ACCENT, INK, MUTED, Spec, framed, percentages, rows
from roadworthy.report.format import count, percent
from roadworthy.report.places import agreeing

SHOWS = "calibration"


def spec(result: Calibration) -> Spec:
    """Observed bad rate with its interval against mean PD, one point a bucket, the diagonal where they agree."""
    agree = agreeing(result)
    interval = f"{result.confidence:.0%} interval"
    end = float(max(result.predicted.max(), result.observed_high.max()))
    scale = alt.Scale(domain=[0, end], nice=True)
    x = alt.X("predicted:Q", scale=scale, axis=percentages("predicted: mean PD of the bucket"))
    y = alt.Y("observed:Q", scale=scale, axis=percentages(f"observed bad rate, with {interval}"))
    diagonal = alt.Chart(rows(predicted=[0.0, end], observed=[0.0, end]))
    name = alt.Chart(rows(predicted=[0.97 * end], observed=[0.89 * end], text=["predicted = observed"]))
    buckets = alt.Chart(
        rows(
            predicted=result.predicted,
            observed=result.observed,
            low=result.observed_low,
            high=result.observed_high,
            verdict=["agrees" if each else "off" for each in agree.tolist()],
        )
    )
    verdicts = ["agrees", "off"]
    points = buckets.mark_point(filled=True, opacity=1, size=46).encode(
        x=x,
        y=y,
        color=alt.Color("verdict:N", scale=alt.Scale(domain=verdicts, range=[ACCENT, INK]), legend=None),
        shape=alt.Shape("verdict:N", scale=alt.Scale(domain=verdicts, range=["circle", "diamond"]), legend=None),
    )
    return framed(
        diagonal.mark_line(color=MUTED, strokeWidth=1, strokeDash=[4, 3]).encode(x=x, y=y),
        name.mark_text(align="right", baseline="top", color=MUTED, fontSize=11).encode(x=x, y=y, text="text:N"),
        buckets.mark_rule(color=ACCENT, strokeWidth=1.5).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        points,
        finding=_finding(int(agree.sum()), len(agree)),
        population=result.population,
        words=_words(result, interval),
    )


def _finding(agree: int, buckets: int) -> str:
    which = f"all {buckets}" if agree == buckets else f"{agree} of {buckets}"
    return f"Predicted and observed agree in {which} buckets"


def _words(result: Calibration, interval: str) -> str:
    lowest, highest = (
        f"{percent(float(result.predicted[at]))} predicted and {percent(float(result.observed[at]))} observed"
        for at in (0, -1)
    )
    return (
        f"Scatter chart of {count(len(result))} buckets with their {interval}, from {lowest} in the lowest bucket to "
        f"{highest} in the highest. A circle agrees with the prediction, a diamond does not. "
        "All values are in the table."
    )
