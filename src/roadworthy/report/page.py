"""The one page: the meaning drawn as a single HTML file that needs no network, no font and no script (R19)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from markupsafe import Markup

from roadworthy.report.charts import charts
from roadworthy.report.drawing import Drawing, draw
from roadworthy.report.meaning import Meaning
from roadworthy.report.slider import slider
from roadworthy.report.tables import (
    Table,
    answer_table,
    calibration_table,
    classification_table,
    cut_off_table,
    economics_table,
    gains_table,
)
from roadworthy.report.templating import environment
from roadworthy.report.words import best_in_words
from roadworthy.yaml_file import write_text

__all__ = ["render_page", "write_page"]

T = TypeVar("T")
_USUAL_BUCKETS = 10
_LONG_TABLE = 20
_IN_SHORT = ("gains", "calibration", "trade_off", "confusion", "cut_off_money")
"""The charts whose titles, together, are the page in short."""


@dataclass(frozen=True)
class Pane:
    """What one bucket count shows: the charts and their table, which is folded where it is long."""

    buckets: int
    drawings: tuple[Drawing, ...]
    table: Table
    open: bool


@dataclass(frozen=True)
class Switch:
    """The panes of one measure by bucket count, and the one the page opens with."""

    name: str
    panes: tuple[Pane, ...]
    usual: Pane


def render_page(meaning: Meaning) -> str:
    """The page as HTML text. All texts in `meaning` are escaped; nothing is fetched, now or when it is read."""
    gains = _switch("gains", meaning.gains, gains_table)
    calibration = _switch("calibration", meaning.calibration, calibration_table)
    at_cut_off = _drawings("confusion", meaning.confusion)
    worth = (
        *_drawings("money", meaning.money),
        *_drawings("earned", meaning.earned),
        *_drawings("cut_offs", meaning.cut_offs),
    )
    drawings = {each.name: each for each in (*gains.usual.drawings, *calibration.usual.drawings, *at_cut_off, *worth)}
    economics = meaning.cut_offs.table.economics
    best = meaning.cut_offs.best
    script = files(__package__).joinpath("templates", "page.js").read_text(encoding="utf-8")
    return (
        environment()
        .get_template("page.html")
        .render(
            meaning=meaning,
            short=[drawings[name] for name in _IN_SHORT if name in drawings],
            gains=gains,
            calibration=calibration,
            at_cut_off=at_cut_off,
            answers=answer_table(meaning.answers),
            classification=classification_table(meaning.classification_report),
            worth=worth,
            best=None if best is None else best_in_words(best),
            slider=slider(meaning.cut_offs, meaning.money),
            cut_offs=cut_off_table(meaning.cut_offs),
            economics=None if economics is None else economics_table(economics),
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def write_page(meaning: Meaning, path: Path) -> None:
    """Write the page to `path`, whole or not at all."""
    write_text(path, render_page(meaning))


def _drawings(shows: str, result: Any) -> tuple[Drawing, ...]:
    """Every chart of `result`; none where there is no result."""
    if result is None:
        return ()
    return tuple(draw(chart.name, chart.spec(result)) for chart in charts() if chart.shows == shows)


def _switch(shows: str, results: Mapping[int, T], tabulate: Callable[[T], Table]) -> Switch:
    panes = []
    for buckets, result in sorted(results.items()):
        table = tabulate(result)
        panes.append(Pane(buckets, _drawings(shows, result), table, open=len(table.rows) <= _LONG_TABLE))
    usual = next((pane for pane in panes if pane.buckets == _USUAL_BUCKETS), panes[0])
    return Switch(shows, tuple(panes), usual)
