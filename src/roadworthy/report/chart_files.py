"""A chart by itself, as a file: an interactive page, an SVG or a PNG, all from the same spec, without a network.

The page holds Vega itself and the table beside the chart, and asks nobody for anything when it is read. SVG and PNG are
the same drawing, light or dark. Every one of them carries the finding as its title, and the population under it.
"""

from __future__ import annotations

import json
import textwrap
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

import vl_convert
from markupsafe import Markup

from roadworthy.errors import UsageError
from roadworthy.report.drawing import (
    ACCENT,
    FAINT,
    INK,
    LABELS,
    LIVE,
    MUTED,
    PAPER,
    PLAIN,
    THEME,
    Spec,
    version,
)
from roadworthy.report.tables import Table
from roadworthy.report.templating import environment
from roadworthy.report.tooltips import with_tooltips
from roadworthy.yaml_file import write_bytes

__all__ = ["chart_page", "chart_png", "chart_svg", "write_chart"]

_DARK = MappingProxyType(
    {
        PAPER: "#15191d",
        INK: "#e7e9ea",
        MUTED: "#a3adb6",
        FAINT: "#2c343b",
        PLAIN: "#7d8993",
        ACCENT: "#7cb8e0",
        LIVE: "#7cb8e1",
    }
)
_TITLE_AT, _SUBTITLE_AT = 7.4, 5.6
"""Pixels a letter takes, to break the lines of the title before the plot ends."""
_TITLE: dict[str, Any] = {
    "anchor": "start",
    "frame": "group",
    "color": INK,
    "fontSize": 14,
    "fontWeight": 600,
    "lineHeight": 18,
    "offset": 22,
    "subtitleColor": MUTED,
    "subtitleFontSize": 11.5,
    "subtitleLineHeight": 15,
    "subtitlePadding": 5,
}
_SVG = "http://www.w3.org/2000/svg"


def chart_svg(chart: Spec, *, dark: bool = False) -> str:
    """`chart` as an SVG with its title, readable by itself on light or `dark`."""
    spec = _themed(chart, dark=dark)
    svg = vl_convert.vegalite_to_svg(spec, vl_version=version(spec))
    return _described(svg, spec["description"], spec["background"])


def chart_png(chart: Spec, *, dark: bool = False, scale: float = 2.0) -> bytes:
    """`chart` as a PNG, `scale` times as many pixels as the SVG has units."""
    png: bytes = vl_convert.svg_to_png(chart_svg(chart, dark=dark), scale=scale)
    return png


def chart_page(chart: Spec, table: Table) -> str:
    """`chart` as an interactive page: values under the pointer, files to save, and `table` beside it."""
    spec = _themed(chart, dark=False)
    title = chart.to_dict(validate=False)["title"]
    del spec["title"]  # the page sets it as text
    spec["layer"] = with_tooltips(spec["layer"])
    # What comes from data must not end the script it stands in.
    text = json.dumps(spec, ensure_ascii=False).replace("<", "\\u003c")
    return (
        environment()
        .get_template("chart.html")
        .render(title=title, description=spec["description"], table=table, spec=Markup(text), vega=Markup(_vega()))  # noqa: S704 - our own spec, escaped above, and the library
    )


def write_chart(path: Path, chart: Spec, table: Table, *, dark: bool = False) -> None:
    """Write `chart` to `path`, whole or not at all; its ending says as what: .html, .svg or .png.

    `table` stands beside it on the page. Raises UsageError for any other ending.
    """
    match path.suffix:
        case ".html":
            content = chart_page(chart, table).encode()
        case ".svg":
            content = chart_svg(chart, dark=dark).encode()
        case ".png":
            content = chart_png(chart, dark=dark)
        case ending:
            raise UsageError(f"a chart is a .html, .svg or .png file, not {ending!r}", mend=f"{path.stem}.png")
    write_bytes(path, content)


def _themed(chart: Spec, *, dark: bool) -> dict[str, Any]:
    """The spec with theme, title in lines, and background, in the light or the dark palette."""
    spec = chart.to_dict(validate=False)
    wide = spec["width"] + LABELS
    spec["title"] = {
        "text": textwrap.wrap(spec["title"]["text"], int(wide / _TITLE_AT)),
        "subtitle": textwrap.wrap(spec["title"]["subtitle"], int(wide / _SUBTITLE_AT)),
    }
    spec["config"] = {**THEME, "title": _TITLE}
    spec["background"] = PAPER
    spec["padding"] = 14
    text = json.dumps(spec)
    for light, other in _DARK.items() if dark else ():
        text = text.replace(light, other)
    themed: dict[str, Any] = json.loads(text)
    return themed


def _described(svg: str, words: str, background: str) -> str:
    """The SVG with its text alternative, and text that stays readable where it crosses a line."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own renderer's output, in which all text is escaped
    root.set("role", "img")
    root.set("aria-label", words)
    for text in root.iter(f"{{{_SVG}}}text"):
        for name, value in (
            ("paint-order", "stroke"),
            ("stroke", background),
            ("stroke-width", "3"),
            ("stroke-linejoin", "round"),
        ):
            text.set(name, value)
    return ElementTree.tostring(root, encoding="unicode")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and their embedding as one script, from the library that draws our files too."""
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script")
