"""The table that stands beside a chart, whatever the chart shows: the same numbers, all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from roadworthy.errors import UsageError
from roadworthy.measures import BestBands, Calibration, Confusion, GainsTable
from roadworthy.measures import Table as MeasuredTable
from roadworthy.report.format import count, day, decimal, money, percent
from roadworthy.report.meaning import CutOffs, Money, Weeks
from roadworthy.report.tables import Table, calibration_table, cut_off_table, gains_table

__all__ = ["table_beside"]

_WRITTEN: dict[str, Callable[[Any], str]] = {
    "count": count,
    "share": percent,
    "pd": partial(percent, places=2),
    "ratio": decimal,
    "money": money,
    "text": str,
}


def table_beside(result: Any) -> Table:
    """The table of `result`, which is anything a chart of this room draws; UsageError for anything else.

    >>> from roadworthy.measures import psi
    >>> table_beside(psi(["a", "a", "b", "b"], ["a", "b", "b", "b"])).rows
    (('a', '50.0%', '25.0%', '0.173'), ('b', '50.0%', '75.0%', '0.101'))
    """
    match result:
        case GainsTable():
            return gains_table(result)
        case Calibration():
            return calibration_table(result)
        case CutOffs():
            return cut_off_table(result)
        case Money():
            return cut_off_table(result.cut_offs)
        case Confusion():
            return _matrix(result)
        case Weeks():
            return _weeks(result)
        case BestBands():
            return _columns(result.trade)
        case MeasuredTable():
            return _columns(result)
    raise UsageError(f"there is no table of a {type(result).__name__}")


def _columns(result: MeasuredTable) -> Table:
    """The columns that are known, under their own names in plain words."""
    shown = {field.name: field.metadata["shown"] for field in fields(result) if "shown" in field.metadata}  # type: ignore[arg-type]  # every table is a dataclass
    columns = result.columns
    cells = [[_WRITTEN[shown[name]](value) for value in values.tolist()] for name, values in columns.items()]
    return Table(
        caption=result.caption,
        headings=tuple(name.replace("_", " ") for name in columns),
        rows=tuple(zip(*cells, strict=True)),
        words=frozenset(at for at, name in enumerate(columns) if shown[name] == "text"),
    )


def _matrix(result: Confusion) -> Table:
    rows = (("declined", result.tp, result.fp), ("approved", result.fn, result.tn))
    return Table(
        caption=f"Confusion matrix at a cut-off of {percent(result.cut_off)}: {result.population}",
        headings=("answer", "bad", "good", "share good"),
        rows=tuple(
            (name, count(bad), count(good), percent(good / (bad + good) if bad + good else np.nan))
            for name, bad, good in rows
        ),
    )


def _weeks(result: Weeks) -> Table:
    both = result.declined, result.referred
    shares = zip(*(one.share.tolist() for one in both), *(one.odd.tolist() for one in both), strict=True)
    return Table(
        caption=f"Shares of each week's decisions: {result.population}",
        headings=("week from", "decisions", "declined", "referred", "odd"),
        rows=tuple(
            (day(monday), count(total), percent(declined), percent(referred), "odd" if odd or odd_too else "")
            for monday, total, (declined, referred, odd, odd_too) in zip(
                result.mondays, result.declined.total.tolist(), shares, strict=True
            )
        ),
        words=frozenset({0, 4}),
    )
