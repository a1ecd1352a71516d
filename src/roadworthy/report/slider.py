"""The cut-off slider: every figure of every step, formatted here, so that the page's script computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures import CutOffTable
from roadworthy.report.format import compact_money, count, interval, percent
from roadworthy.report.meaning import CutOffs, Money

__all__ = ["Figure", "Slider", "slider"]


@dataclass(frozen=True)
class Figure:
    """One number of the panel: what it is called, and its value and small print at each cut-off."""

    key: str
    label: str
    values: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Slider:
    """The panel: its figures, the row it starts on, and the rows it can jump to by name."""

    figures: tuple[Figure, ...]
    start: int
    stops: dict[str, int]
    steps: tuple[dict[str, Any], ...]


def slider(cut_offs: CutOffs, priced: Money | None) -> Slider:
    """The panel over all rows of the table, from the strictest cut-off to the most lenient."""
    table = cut_offs.table
    figures = (*_figures(table), *(() if priced is None else _amounts(table, priced)))
    stops = {"policy": cut_offs.policy_row} | ({} if cut_offs.best_row is None else {"best": cut_offs.best_row})
    return Slider(figures, cut_offs.policy_row, stops, tuple(_step(table, figures, row) for row in range(len(table))))


def _step(table: CutOffTable, figures: tuple[Figure, ...], row: int) -> dict[str, Any]:
    texts = {"cut_off": percent(table.cut_off[row])}
    for figure in figures:
        texts[figure.key] = figure.values[row]
        texts[f"{figure.key}_note"] = figure.notes[row]
    spoken = f"decline from a PD of {texts['cut_off']}; " + "; ".join(
        f"{figure.label} {figure.values[row]}" for figure in figures
    )
    return {"approval_rate": round(float(table.approval_rate[row]), 6), "texts": texts, "spoken": spoken}


def _figures(table: CutOffTable) -> list[Figure]:
    everyone = table.approved + table.declined
    goods = table.approved - table.bads_approved + table.goods_declined
    figures = [
        Figure(
            "approved",
            "approved",
            _each(percent, table.approval_rate),
            _each(lambda approved, total: f"{count(approved)} of {count(total)}", table.approved, everyone),
        ),
        Figure(
            "bad_rate",
            "bad rate of the approved",
            _each(percent, table.bad_rate_approved),
            _each(lambda bads: f"{count(bads)} went bad", table.bads_approved),
        ),
        Figure(
            "declines_right",
            "declines that were right",
            _each(percent, table.declines_right),
            _each(
                lambda bads, declined: f"{count(bads)} of {count(declined)} declined",
                table.bads_declined,
                table.declined,
            ),
        ),
        Figure(
            "good_turned_away",
            "declines of good applicants",
            _each(percent, table.good_turned_away),
            _each(
                lambda turned, total: f"{count(turned)}, {percent(turned / total)} of all goods",
                table.goods_declined,
                goods,
            ),
        ),
    ]
    if table.referred is not None:
        share = _each(lambda referred, total: f"{percent(referred / total)} of all", table.referred, everyone)
        figures.append(Figure("referred", "referred to a person", _each(count, table.referred), share))
    return figures


def _amounts(table: CutOffTable, priced: Money) -> list[Figure]:
    def amount(value: float) -> str:
        return compact_money(value, priced.currency)

    figures = []
    if table.revenue is not None and table.revenue_lost is not None:
        lost = _each(lambda value: f"{amount(value)} lost with good applicants", table.revenue_lost)
        figures.append(Figure("revenue", "revenue", _each(amount, table.revenue), lost))
    if table.losses is not None and table.losses_avoided is not None:
        avoided = _each(lambda value: f"{amount(value)} avoided by declining", table.losses_avoided)
        figures.append(Figure("losses", "credit losses", _each(amount, table.losses), avoided))
    confidence = f"{table.confidence:.0%} interval"
    within = _each(
        lambda low, high: f"{confidence} {interval(amount(low), amount(high))}", priced.profit_low, priced.profit_high
    )
    figures.append(Figure("profit", "profit", _each(amount, priced.profit), within))
    return figures


def _each(write: Callable[..., str], *columns: NDArray[np.float64]) -> tuple[str, ...]:
    return tuple(write(*map(float, values)) for values in zip(*columns, strict=True))
