"""Week by week: the shares that were declined and referred, the odd weeks marked."""

from __future__ import annotations

from datetime import date

import altair as alt
import numpy as np

from roadworthy.report.drawing import ACCENT, HEIGHT, INK, MUTED, PLAIN, Spec, framed, percentages, rows
from roadworthy.report.format import count, percent
from roadworthy.report.meaning import Weeks

SHOWS = "weeks"

_WIDTH = 760
_ROOM_FOR_NAMES = 70
_NAMED = 13
_APART = 0.06


def spec(result: Weeks) -> Spec:
    """One line for each answer over the weeks; an odd week has a diamond, with its share."""
    days = [_say(day) for day in result.mondays]
    every = max(1, -(-len(days) // _NAMED))
    axis = alt.Axis(title="week that begins on", labelAngle=-40, values=days[::every])
    x = alt.X("week:O", sort=days, scale=alt.Scale(padding=0.5), axis=axis)
    y = alt.Y("share:Q", scale=alt.Scale(domainMin=0), axis=percentages("share of the week's decisions"))
    lines, marks = [], []
    ends = []
    for name, share, odd, colour in (
        ("declined", result.declined.share, result.declined.odd, ACCENT),
        ("referred", result.referred.share, result.referred.odd, PLAIN),
    ):
        data = alt.Chart(rows(week=days, share=share))
        lines.append(data.mark_line(color=colour, strokeWidth=2, strokeDash=[1, 0] if name == "declined" else [4, 3]))
        at = np.flatnonzero(odd)
        found = alt.Chart(rows(week=[days[i] for i in at], share=share[at], text=[percent(share[i], 0) for i in at]))
        marks.append(found.mark_point(filled=True, opacity=1, shape="diamond", color=colour, size=110))
        marks.append(found.mark_text(dy=-13, color=INK, fontWeight="bold").encode(text="text:N"))
        known = share[~np.isnan(share)]
        ends.append((float(known[-1]) if len(known) else 0.0, name))
    return framed(
        *(layer.encode(x=x, y=y) for layer in lines),
        *(layer.encode(x=x, y=y) for layer in marks),
        _names(sorted(ends), result).encode(x=alt.value(_WIDTH + 8), y=y, text="text:N"),
        finding=_finding(result),
        population=result.population,
        words=_words(result),
        width=_WIDTH,
        height=HEIGHT,
    )


def _say(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _names(ends: list[tuple[float, str]], result: Weeks) -> alt.Chart:
    """The lines' names at their right ends, moved apart where the ends are close."""
    shares = np.concatenate([result.declined.share, result.referred.share])
    most = float(np.max(shares[~np.isnan(shares)], initial=0.01))
    low, high = ends
    heights = [low[0], max(high[0], low[0] + _APART * most)]
    data = rows(share=heights, text=[low[1], high[1]])
    chart: alt.Chart = alt.Chart(data).mark_text(align="left", color=MUTED, limit=_ROOM_FOR_NAMES)
    return chart


def _finding(result: Weeks) -> str:
    odd = int(np.count_nonzero(result.declined.odd | result.referred.odd))
    if not odd:
        return "No week differs from the weeks before it by far"
    return (
        f"{count(odd)} of {count(len(result.mondays))} weeks differ{'s' if odd == 1 else ''} from those before by far"
    )


def _words(result: Weeks) -> str:
    odd = [
        f"{percent(float(shares.share[i]))} {name} in the week of {_say(result.mondays[i])}"
        for name, shares in (("declined", result.declined), ("referred", result.referred))
        for i in np.flatnonzero(shares.odd)
    ]
    return (
        f"Line chart of the shares declined and referred in {count(len(result.mondays))} weeks. "
        f"{'Odd: ' + ', '.join(odd) if odd else 'None of them is odd'}. All values are in the table."
    )
