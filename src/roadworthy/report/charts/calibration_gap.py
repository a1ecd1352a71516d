"""Calibration bucket by bucket: predicted beside observed, where the rare risks are too close together to see."""

from __future__ import annotations

import altair as alt

from roadworthy.measures import Calibration
from roadworthy.report.drawing import ACCENT, INK, WIDTH, Spec, bucket_axis, framed, percentages, rows
from roadworthy.report.format import count, percent

SHOWS = "calibration"

_WIDEST_TICK = 26.0


def spec(result: Calibration) -> Spec:
    """A dot for the observed bad rate with its interval, a tick for the mean PD, in each bucket."""
    interval = f"{result.confidence:.0%} interval"
    buckets = alt.Chart(
        rows(
            bucket=result.bucket,
            predicted=result.predicted,
            observed=result.observed,
            low=result.observed_low,
            high=result.observed_high,
        )
    )
    x = alt.X("bucket:O", axis=bucket_axis(len(result), "bucket, 1 = lowest PD"))
    y = percentages(f"bad rate:  ● observed, with {interval}   ▬ predicted")
    width = min(_WIDEST_TICK, 0.8 * WIDTH / len(result))
    return framed(
        buckets.mark_rule(color=ACCENT, strokeWidth=1.5).encode(x=x, y=alt.Y("low:Q", axis=y), y2="high:Q"),
        buckets.mark_point(filled=True, opacity=1, color=ACCENT, size=30).encode(x=x, y=alt.Y("observed:Q", axis=y)),
        buckets.mark_tick(color=INK, thickness=2, size=width).encode(x=x, y=alt.Y("predicted:Q", axis=y)),
        finding=_finding(result),
        population=result.population,
        words=_words(result, interval),
    )


def _finding(result: Calibration) -> str:
    at = int(abs(result.observed - result.predicted).argmax())
    return (
        f"Widest gap in bucket {count(result.bucket[at])}: predicted {percent(float(result.predicted[at]))}, "
        f"observed {percent(float(result.observed[at]))}"
    )


def _words(result: Calibration, interval: str) -> str:
    return (
        f"Chart of {count(len(result))} buckets, lowest PD first, each with the observed bad rate, its {interval} and "
        f"the predicted rate. {_finding(result)}. All values are in the table."
    )
