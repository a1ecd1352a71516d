"""A drawing as an image of its own, for pages that set no style inside themselves."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from roadworthy.report.charts import charts
from roadworthy.report.drawing import Drawing, draw

__all__ = ["draw_charts", "image_address"]

_STYLE = """
:root{--paper:#fff;--ink:#1b2126;--muted:#56616b;--grid:#dfe3e6;--plain:#828d97;--accent:#0b5c8c}
@media (prefers-color-scheme:dark){
:root{--paper:#1c2026;--ink:#e8ebee;--muted:#a3adb7;--grid:#353c44;--plain:#77828c;--accent:#7cc0ec}}
text{font-family:"Liberation Sans",Arial,sans-serif;font-variant-numeric:tabular-nums;
paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
"""


def draw_charts(shows: str, result: Any) -> Iterator[Drawing]:
    """Every chart of a result: `shows` is the field of `Meaning` that it would be, such as gains or calibration."""
    return (draw(chart.name, chart.spec(result)) for chart in charts() if chart.shows == shows)


def image_address(drawing: Drawing) -> str:
    """The drawing as a `data:` address, light or dark as its reader's screen is.

    >>> from roadworthy.measures import calibration
    >>> (drawing, *_) = draw_charts("calibration", calibration([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], buckets=2))
    >>> image_address(drawing)[:26]
    'data:image/svg+xml;base64,'
    """
    begin, end, marks = drawing.svg.partition(">")
    svg = f"{begin}{end}<style>{_STYLE}</style>{marks}"
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
