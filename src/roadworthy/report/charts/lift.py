"""Lift: how much more often each bucket goes bad than the average."""

from __future__ import annotations

import altair as alt

from roadworthy.measures import GainsTable
from roadworthy.report.drawing import ACCENT, MUTED, PLAIN, WIDTH, Spec, bucket_axis, framed, rows
from roadworthy.report.format import count, decimal, multiple, percent, share_in_words
from roadworthy.report.places import riskiest_tenth

SHOWS = "gains"
_LABELLED = 10


def spec(result: GainsTable) -> Spec:
    """Bad rate of each bucket over the bad rate of all, the average drawn as a line at 1."""
    labels = [multiple(float(lift)) for lift in result.lift]
    riskier = ["above" if lift > 1 else "below" for lift in result.lift]
    base = alt.Chart(rows(bucket=result.bucket, lift=result.lift, label=labels, side=riskier))
    x = alt.X("bucket:O", axis=bucket_axis(len(result), "bucket, 1 = riskiest"))
    y = alt.Y("lift:Q", axis=alt.Axis(title="times the average bad rate", tickCount=5), scale=alt.Scale(nice=True))
    side = alt.Color("side:N", scale=alt.Scale(domain=["above", "below"], range=[ACCENT, PLAIN]), legend=None)
    bars = base.mark_bar().encode(x=x, y=y, color=side)
    average = alt.Chart(rows(lift=[1.0])).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y=y)
    name = (
        alt.Chart(rows(lift=[1.0], text=[f"average {percent(result.base_rate)}"]))
        .mark_text(align="right", dy=-7, color=MUTED, fontSize=11)
        .encode(x=alt.value(WIDTH), y=y, text="text:N")
    )
    layers = [bars, average, name]
    if len(labels) <= _LABELLED:
        layers.append(base.mark_text(dy=-7, fontSize=11).encode(x=x, y=y, text="label:N"))
    return framed(
        *layers,
        finding=_finding(result),
        population=result.population,
        words=_words(result),
    )


def _finding(result: GainsTable) -> str:
    at = riskiest_tenth(result)
    share = share_in_words(float(result.cumulative_count_share[at]))
    often = f"bad {decimal(float(result.cumulative_lift[at]), 1)} times as often as the average"
    return f"The riskiest {share} {'go' if share.endswith('%') else 'goes'} {often}"


def _words(result: GainsTable) -> str:
    riskiest, safest = (
        f"{multiple(float(result.lift[at]))} the average, {percent(float(result.bad_rate[at]))} bad" for at in (0, -1)
    )
    return (
        f"Bar chart of lift in {count(len(result.lift))} buckets: {riskiest}, in the riskiest; {safest}, in "
        "the safest. All values are in the table."
    )
