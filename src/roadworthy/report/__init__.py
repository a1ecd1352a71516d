"""Charts and documents from measures. Nothing is computed here: results come in, a page goes out."""

from __future__ import annotations

from roadworthy.report.meaning import ColumnShare, CutOffs, Finding, Meaning, Population
from roadworthy.report.page import render_page, write_page

__all__ = ["ColumnShare", "CutOffs", "Finding", "Meaning", "Population", "render_page", "write_page"]
