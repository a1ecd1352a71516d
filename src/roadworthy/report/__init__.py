"""Charts and documents from measures. Nothing is computed here: results come in, a page goes out."""

from __future__ import annotations

from roadworthy.report.drawing import Drawing
from roadworthy.report.image import draw_charts, image_address
from roadworthy.report.meaning import ColumnShare, CutOffs, Finding, Meaning, Money, Population, Weeks
from roadworthy.report.page import render_page, write_page
from roadworthy.report.tables import (
    Table,
    calibration_table,
    classification_table,
    cut_off_table,
    economics_table,
    gains_table,
)
from roadworthy.report.words import best_in_words

__all__ = [
    "ColumnShare",
    "CutOffs",
    "Drawing",
    "Finding",
    "Meaning",
    "Money",
    "Population",
    "Table",
    "Weeks",
    "best_in_words",
    "calibration_table",
    "classification_table",
    "cut_off_table",
    "draw_charts",
    "economics_table",
    "gains_table",
    "image_address",
    "render_page",
    "write_page",
]
