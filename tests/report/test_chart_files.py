"""One spec gives the interactive page, the SVG and the PNG: whole by themselves, and without a network (R16, R18)."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from roadworthy import measures
from roadworthy.errors import UsageError
from roadworthy.report import Meaning, chart_files
from roadworthy.report.chart_files import chart_page, chart_png, chart_svg, write_chart
from roadworthy.report.charts import Chart, charts
from roadworthy.report.drawing import ACCENT, PAPER, Spec
from roadworthy.report.table_beside import table_beside
from tests.report.test_charts import result_for


@pytest.fixture(scope="session")
def gains() -> measures.GainsTable:
    return measures.gains_table([1, 0, 0, 1], [0.9, 0.8, 0.2, 0.1], buckets=2, population="four <b>rows</b>")


@pytest.fixture(scope="session")
def chart(gains: measures.GainsTable) -> Spec:
    return next(chart for chart in charts() if chart.name == "gains").spec(gains)


@pytest.mark.parametrize("kind", charts(), ids=lambda kind: kind.name)
def test_every_chart_is_an_svg_by_itself_with_its_finding(
    kind: Chart, meaning: Meaning, shown_beyond: dict[str, Any]
) -> None:
    result = result_for(kind, meaning, shown_beyond)
    spec = kind.spec(result)
    svg = ElementTree.fromstring(chart_svg(spec))  # noqa: S314 - our own drawing
    words = " ".join(" ".join(svg.itertext()).split())
    assert " ".join(spec.title.text.split()) in words
    assert " ".join(meaning.population.caption.split()) in words
    assert svg.get("aria-label") == spec.description
    assert table_beside(result).rows, "and there is a table to stand beside it"


def test_light_and_dark_are_the_same_drawing_in_other_colours(chart: Spec) -> None:
    light, dark = chart_svg(chart), chart_svg(chart, dark=True)
    assert ACCENT in light
    assert PAPER in light
    assert ACCENT not in dark
    assert PAPER not in dark
    colour = re.compile(r"#[0-9a-f]{6}")
    assert colour.sub("", light) == colour.sub("", dark)


def test_a_png_is_the_svg_in_pixels(chart: Spec) -> None:
    png = chart_png(chart, scale=1.5)
    assert png.startswith(b"\x89PNG")
    width = float(ElementTree.fromstring(chart_svg(chart)).get("width", ""))  # noqa: S314 - our own drawing
    assert struct.unpack(">I", png[16:20])[0] == pytest.approx(1.5 * width, abs=1)


def test_the_page_holds_everything_and_what_comes_from_data_stays_text(
    chart: Spec, gains: measures.GainsTable, hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_files, "_vega", lambda: "/* Vega */")
    spec = chart.copy()
    spec.description = hostile
    page = chart_page(spec, table_beside(gains))
    assert page.count("<script>") == page.count("</script>") == 2
    assert "four &lt;b&gt;rows&lt;/b&gt;" in page
    assert "<b>rows" not in page
    assert "default-src 'none'" in page
    assert _embedded(page)["layer"]
    assert '<th scope="row">1</th>' in page, "the table stands beside it"


def _embedded(page: str) -> dict[str, Any]:
    """The spec that the page draws."""
    found = re.search(r'vegaEmbed\("#chart", (\{.*\}), \{renderer', page)
    assert found is not None
    spec: dict[str, Any] = json.loads(found[1])
    return spec


@pytest.mark.parametrize("kind", charts(), ids=lambda kind: kind.name)
def test_values_under_the_pointer_are_rounded_and_named_in_every_chart(
    kind: Chart, meaning: Meaning, shown_beyond: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_files, "_vega", lambda: "")
    result = result_for(kind, meaning, shown_beyond)
    layers = _embedded(chart_page(kind.spec(result), table_beside(result)))["layer"]
    said = 0
    for layer in layers:
        encoding, mark = layer["encoding"], layer["mark"]["type"]
        if mark in ("text", "line", "area"):
            assert "tooltip" not in encoding, "a line is one mark, with one value, wherever the pointer is"
            at = {channel: encoding[channel] for channel in "xy"} if mark != "text" else None
            assert at is None or any(
                other["mark"].get("opacity") == 0
                and other["data"] == layer["data"]
                and other["encoding"].items() >= at.items()
                for other in layers
            ), "each value of it has a point"
            continue
        drawn = {
            encoding[channel]["field"] for channel in ("x", "y", "x2", "y2") if "field" in encoding.get(channel, {})
        }
        assert {each["field"] for each in encoding["tooltip"]} >= drawn
        for each in encoding["tooltip"]:
            said += 1
            assert re.fullmatch(r"[a-z][a-z0-9 -]*", each["title"])
            if each["type"] == "quantitative":
                assert each["format"] in {".1%", ",.0f", ",.3~f"}, "not all the digits of a float"
    assert said, "there is something under the pointer"


def test_the_library_in_the_page_is_whole_and_cannot_end_its_script(tmp_path: Path, chart: Spec) -> None:
    script = chart_files._vega()
    assert len(script) > 500_000
    assert "</script" not in script
    assert "vegaEmbed" in script


def test_a_chart_is_written_as_its_ending_says(
    tmp_path: Path, chart: Spec, gains: measures.GainsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_files, "_vega", lambda: "")
    for ending, start in ((".html", b"<!doctype html>"), (".svg", b"<svg"), (".png", b"\x89PNG")):
        write_chart(tmp_path / f"gains{ending}", chart, table_beside(gains))
        assert (tmp_path / f"gains{ending}").read_bytes().lstrip().startswith(start)
    with pytest.raises(UsageError, match=r"a chart is a \.html, \.svg or \.png file, not '\.pdf'"):
        write_chart(tmp_path / "gains.pdf", chart, table_beside(gains))
    assert {path.suffix for path in tmp_path.iterdir()} == {".html", ".svg", ".png"}


def test_the_table_of_what_is_no_result_is_refused() -> None:
    with pytest.raises(UsageError, match="no table of a int"):
        table_beside(3)
