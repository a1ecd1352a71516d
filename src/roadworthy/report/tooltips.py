"""What stands under the pointer on a chart's page: the values of the mark, each named, and rounded as its axis is.

A line or a band is one mark, which has one value only. So what is said of either hangs on a point, seen by nobody, at
each value it is drawn through.
"""

from __future__ import annotations

from typing import Any

from roadworthy.report.drawing import MONEY_LABEL

__all__ = ["with_tooltips"]

_REACH = 90
"""Square pixels around a value of a line in which the pointer finds it."""
_AXIS_OF = {"x": "x", "x2": "x", "y": "y", "y2": "y"}
_SAID = ("x", "x2", "y", "y2", "color", "fill", "shape")


def with_tooltips(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`layers` of a Vega-Lite spec with a tooltip for each mark, beside those that the chart names itself.

    >>> bar = {"mark": "bar", "encoding": {"x": {"field": "bad_rate", "type": "quantitative", "axis": {"format": "%"}}}}
    >>> with_tooltips([bar])[0]["encoding"]["tooltip"]
    [{'field': 'bad_rate', 'type': 'quantitative', 'title': 'bad rate', 'format': '.1%'}]
    """
    rounded = {channel: _format(layers, channel) for channel in "xy"}
    drawn, unseen = [], []
    for layer in layers:
        encoding = layer.get("encoding", {})
        said = encoding.get("tooltip", []) + _said(encoding, rounded)
        bare = {channel: each for channel, each in encoding.items() if channel != "tooltip"}
        match _kind(layer):
            case "text":
                drawn.append({**layer, "encoding": bare})
            case "line" | "area":
                drawn.append({**layer, "encoding": bare})
                mark = {"type": "point", "filled": True, "opacity": 0, "size": _REACH}
                at = {channel: each for channel, each in bare.items() if channel in ("x", "y")}
                unseen.append({**layer, "mark": mark, "encoding": {**at, "tooltip": said}})
            case _:
                drawn.append({**layer, "encoding": {**bare, "tooltip": said}})
    return drawn + unseen


def _kind(layer: dict[str, Any]) -> str:
    mark = layer["mark"]
    return str(mark["type"] if isinstance(mark, dict) else mark)


def _format(layers: list[dict[str, Any]], channel: str) -> str:
    """How the values along an axis are rounded. All layers share it, and one of them describes it."""
    for layer in layers:
        axis = layer.get("encoding", {}).get(channel, {}).get("axis") or {}
        if axis.get("format") == "%":
            return ".1%"
        if axis.get("labelExpr") == MONEY_LABEL:
            return ",.0f"
    return ",.3~f"


def _said(encoding: dict[str, Any], rounded: dict[str, str]) -> list[dict[str, Any]]:
    """A tooltip's lines for what is encoded, each field once."""
    lines: dict[str, dict[str, Any]] = {}
    for channel in _SAID:
        each = encoding.get(channel, {})
        if "field" not in each:
            continue
        kind = each.get("type", "quantitative")  # the second end of a bar or a band states none
        line = {"field": each["field"], "type": kind, "title": each["field"].replace("_", " ")}
        if kind == "quantitative":
            line["format"] = rounded[_AXIS_OF.get(channel, "y")]
        lines.setdefault(each["field"], line)
    return list(lines.values())
