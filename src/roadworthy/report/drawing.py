"""How a chart is drawn: one palette, one theme, and an SVG that follows the page it stands in.

A chart is an Altair spec that is whole by itself: its title says the finding, its subtitle the population, its
description is the text alternative. `draw` takes the words out for the page to set as text, renders the marks with
vl-convert (no browser, no network), and hands every colour of the palette over to the page's style sheet, so that one
drawing reads well on light, on dark and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree import ElementTree

import numpy as np
import vl_convert

if TYPE_CHECKING:
    import altair as alt  # loads with the first chart: a server's start, or a command, does not wait for it

__all__ = [
    "ACCENT",
    "FAINT",
    "HEIGHT",
    "INK",
    "LABELS",
    "LIVE",
    "MONEY_LABEL",
    "MUTED",
    "PAPER",
    "PLAIN",
    "THEME",
    "WIDTH",
    "Drawing",
    "Spec",
    "beside",
    "bucket_axis",
    "draw",
    "framed",
    "percentages",
    "rows",
    "spread_apart",
    "version",
]

Spec: TypeAlias = "alt.LayerChart"

# The palette in its light form. Each colour is also the name of one of the page's style variables; the values must stay
# distinct, because they are how a colour is found again in the SVG.
INK = "#1b2026"  # text
MUTED = "#5a646e"  # axis labels, reference lines
FAINT = "#dfe3e6"  # grid
PLAIN = "#828d97"  # what the figure is not about
ACCENT = "#17608f"  # what the figure is about
PAPER = "#fdfdfc"  # the page behind
LIVE = "#17608e"  # the mark that the page's slider moves

WIDTH = 440
LABELS = 44
HEIGHT = 250
MONEY_LABEL = "replace(replace(format(datum.value, '~s'), 'M', 'm'), 'G', 'bn')"
"""How an axis writes amounts, as an expression of Vega."""
_ALL_NUMBERED = 20

_VARIABLES = MappingProxyType(
    {
        PAPER: "--paper",
        INK: "--ink",
        MUTED: "--muted",
        FAINT: "--grid",
        PLAIN: "--plain",
        ACCENT: "--accent",
        LIVE: "--accent",
    }
)
THEME: dict[str, Any] = {
    "aria": False,
    "background": None,
    "font": "Liberation Sans, Arial, sans-serif",
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "domainColor": MUTED,
        "gridColor": FAINT,
        "labelColor": MUTED,
        "labelFontSize": 11.5,
        "labelPadding": 5,
        "ticks": False,
        "titleColor": MUTED,
        "titleFontSize": 11.5,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisX": {"grid": False},
    "axisY": {
        "domain": False,
        # The same room for the labels everywhere, so that all charts come out equally wide.
        "minExtent": LABELS,
        # The title of the vertical axis stands above it, to be read without turning the head.
        "titleAlign": "left",
        "titleAnchor": "start",
        "titleAngle": 0,
        "titleX": 0,
        "titleY": -12,
    },
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": MUTED},
}
_SVG = "http://www.w3.org/2000/svg"
_DROPPED = ("aria-hidden", "aria-label", "aria-roledescription", "class", "font-family", "pointer-events", "role")


@dataclass(frozen=True)
class Drawing:
    """The chart `name` as the page shows it: words as text, marks as an SVG element without script, font or colour.

    `width` is the plot's, inside its axes and in the SVG's own units.
    """

    name: str
    title: str
    subtitle: str
    alternative: str
    svg: str
    width: int


def rows(**columns: Iterable[Any] | np.ndarray[Any, Any]) -> alt.InlineData:
    """Columns of equal length as the inline data of a spec; what is not finite becomes null.

    >>> rows(pd=np.array([0.25, float("nan")]), kind=["a", "b"]).to_dict()
    {'values': [{'pd': 0.25, 'kind': 'a'}, {'pd': None, 'kind': 'b'}]}
    """
    import altair as alt

    cleaned = {name: [_cell(value) for value in values] for name, values in columns.items()}
    # A tuple: Altair copies a list anew, row by row, at each step that builds a chart.
    return alt.InlineData(
        values=tuple(dict(zip(cleaned, line, strict=True)) for line in zip(*cleaned.values(), strict=True))
    )


def _cell(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        # Twelve figures are more than any screen has pixels, and the same on every machine.
        return float(f"{plain:.12g}") if math.isfinite(plain) else None
    return plain


def percentages(title: str) -> alt.Axis:
    """An axis of shares, written as percentages."""
    import altair as alt

    return alt.Axis(format="%", title=title, tickCount=5)


def bucket_axis(buckets: int, title: str) -> alt.Axis:
    """An axis of bucket numbers: every one while they fit, else the first and every fifth."""
    import altair as alt

    shown = [bucket for bucket in range(1, buckets + 1) if buckets <= _ALL_NUMBERED or bucket == 1 or bucket % 5 == 0]
    return alt.Axis(title=title, labelAngle=0, values=shown)


def spread_apart(heights: Sequence[float], apart: float) -> list[float]:
    """Rising heights moved up where they are closer than `apart`, so that what stands at them can be read.

    >>> spread_apart([1.0, 1.2, 5.0], 1.0)
    [1.0, 2.0, 5.0]
    """
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + apart) if moved else height)
    return moved


def beside(chart: alt.Chart, along: float, dy: int) -> alt.Chart:
    """A label beside a point that stands at `along` (0..1) of the plot's width: on the side where there is room."""
    before = along > 0.5
    label: alt.Chart = chart.mark_text(align="right" if before else "left", dx=-9 if before else 9, dy=dy)
    return label


def framed(
    *layers: alt.Chart, finding: str, population: str, words: str, width: int = WIDTH, height: int | alt.Step = HEIGHT
) -> Spec:
    """The layers as one chart: `finding` its title, `population` under it, `words` for those who cannot see it."""
    import altair as alt

    title = alt.Title(finding, subtitle=population)
    return alt.LayerChart(layer=list(layers), title=title, description=words, width=width, height=height)


def draw(name: str, chart: Spec) -> Drawing:
    """Render `chart` for the page. It needs a title with a subtitle, and a description."""
    # Every chart is validated against the schema by the tests of the room; here that would be a third of the time.
    spec = chart.to_dict(validate=False)
    title = spec.pop("title")
    alternative = spec.pop("description")
    svg = vl_convert.vegalite_to_svg({**spec, "config": THEME}, vl_version=version(spec))
    return Drawing(name, title["text"], title["subtitle"], alternative, _slim(svg, alternative), spec["width"])


def version(spec: dict[str, Any]) -> str:
    """The Vega-Lite version that Altair wrote the spec for, as vl-convert wants it."""
    return ".".join(spec["$schema"].rpartition("/")[2].removesuffix(".json").split(".")[:2])


def _slim(svg: str, alternative: str) -> str:
    """The SVG without what the page sets itself, its colours as the page's variables."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own renderer's output, in which all text is escaped
    for parent in list(root.iter()):
        for child in list(parent):
            empty = child.tag == f"{{{_SVG}}}path" and (
                child.get("display") == "none" or child.get("d") == "M0,0h0v0h0Z"
            )
            if empty:
                parent.remove(child)
    for element in root.iter():
        live = LIVE in (element.get("fill"), element.get("stroke"))
        for attribute in ("fill", "stroke"):
            if (variable := _VARIABLES.get(element.get(attribute, ""))) is not None:
                element.set(attribute, f"var({variable})")
        for attribute in _DROPPED:
            element.attrib.pop(attribute, None)
        if element.get("opacity") == "1":
            del element.attrib["opacity"]
        if live:
            element.set("class", "live")
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-label", alternative)
    return ElementTree.tostring(root, encoding="unicode")
