"""The tables beside the charts: a measure's columns as formatted cells, each with the population in its caption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roadworthy.measures import AnswerTable, Calibration, ClassificationReport, CutOffTable, Economics, GainsTable
from roadworthy.report.format import count, decimal, interval, money, multiple, percent, signed_percent
from roadworthy.report.meaning import CutOffs
from roadworthy.report.places import agreeing

__all__ = ["Table", "calibration_table", "classification_table", "cut_off_table", "economics_table", "gains_table"]

_CUT_OFFS_SHOWN = 25


@dataclass(frozen=True)
class Table:
    """Formatted cells; the first of a row is its header. `words` are the positions of columns read as text.

    `marked` are rows that stand out, `foot` the line under them.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = field(default_factory=frozenset)
    marked: frozenset[int] = field(default_factory=frozenset)
    foot: tuple[str, ...] = ()


def _lines(columns: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(zip(*columns, strict=True))


def _weight_column(result: GainsTable | Calibration) -> dict[str, list[str]]:
    """The weight, where rows stand for more or less than one application each."""
    if np.array_equal(result.weight, result.count):
        return {}
    return {"weight": [count(weight) for weight in result.weight]}


def gains_table(result: GainsTable) -> Table:
    """Gains and lift, with all applications together in the last line."""
    weight = _weight_column(result)
    columns: dict[str, list[str]] = {
        "bucket": [count(bucket) for bucket in result.bucket],
        "applications": [count(number) for number in result.count],
        **weight,
        "PD from": [percent(pd) for pd in result.pd_low],
        "to": [percent(pd) for pd in result.pd_high],
        "mean PD": [percent(pd) for pd in result.pd_mean],
        "bads": [count(bads) for bads in result.bads],
        "bad rate": [percent(rate) for rate in result.bad_rate],
        "applications so far": [percent(share) for share in result.cumulative_count_share],
        "bads so far": [percent(capture) for capture in result.capture],
        "lift": [multiple(lift) for lift in result.lift],
        "lift so far": [multiple(lift) for lift in result.cumulative_lift],
        "KS": [percent(distance) for distance in result.ks],
    }
    everyone = {
        "bucket": "all",
        "applications": count(result.count.sum()),
        "weight": count(result.weight.sum()),
        "PD from": percent(result.pd_low.min()),
        "to": percent(result.pd_high.max()),
        "bads": count(result.bads.sum()),
        "bad rate": percent(result.base_rate),
    }
    return Table(
        caption=f"Gains and lift, bucket 1 the riskiest: {result.population}",
        headings=tuple(columns),
        rows=_lines(columns.values()),
        foot=tuple(everyone.get(heading, "") for heading in columns),
    )


def calibration_table(result: Calibration) -> Table:
    """Predicted beside observed, with the verdict of the interval in words."""
    agree = agreeing(result)
    off = np.where(result.predicted < result.observed, "▲ too low", "▼ too high")
    verdicts = np.where(agree, "agrees", off).tolist()
    intervals = zip(result.observed_low, result.observed_high, strict=True)
    columns: dict[str, list[str]] = {
        "bucket": [count(bucket) for bucket in result.bucket],
        "applications": [count(number) for number in result.count],
        **_weight_column(result),
        "PD from": [percent(pd) for pd in result.pd_low],
        "to": [percent(pd) for pd in result.pd_high],
        "predicted": [percent(pd) for pd in result.predicted],
        "observed": [percent(rate) for rate in result.observed],
        f"{result.confidence:.0%} interval": [interval(percent(low), percent(high)) for low, high in intervals],
        "gap, points": [signed_percent(gap) for gap in result.observed - result.predicted],
        "prediction": verdicts,
    }
    everyone = {
        "bucket": "all",
        "applications": count(result.count.sum()),
        "weight": count(result.weight.sum()),
        "predicted": percent(result.predicted_rate),
        "observed": percent(result.observed_rate),
        "gap, points": signed_percent(result.observed_rate - result.predicted_rate),
    }
    return Table(
        caption=f"Predicted and observed bad rate, bucket 1 the lowest PD: {result.population}",
        headings=tuple(columns),
        rows=_lines(columns.values()),
        marked=frozenset(np.flatnonzero(~agree).tolist()),
        foot=tuple(everyone.get(heading, "") for heading in columns),
    )


def answer_table(result: AnswerTable) -> Table:
    """What the policy answers, and what each group would have been worth."""
    columns: dict[str, list[str]] = {
        "answer": [str(answer) for answer in result.answer],
        "applications": [count(value) for value in result.applications],
        "share": [percent(value) for value in result.share],
        "went bad": [count(value) for value in result.bads],
        "bad rate": [percent(value) for value in result.bad_rate],
    }
    if result.profit_if_approved is not None:
        columns[f"profit if all approved, {result.currency}"] = [money(value) for value in result.profit_if_approved]
    return Table(caption=result.caption, headings=tuple(columns), rows=_lines(columns.values()), words=frozenset({0}))


def classification_table(result: ClassificationReport) -> Table:
    """Precision, recall and F1 of the goods and of the bads."""
    meant = {"good": "approved as good", "bad": "declined as bad"}
    columns: dict[str, list[str]] = {
        "class": [f"{outcome} ({meant[str(outcome)]})" for outcome in result.outcome],
        "precision": [percent(value) for value in result.precision],
        "recall": [percent(value) for value in result.recall],
        "F1": [decimal(value) for value in result.f1],
        "applications": [count(value) for value in result.count],
    }
    return Table(
        caption=f"Classification report at a cut-off of {percent(result.cut_off)}: {result.population}",
        headings=tuple(columns),
        rows=_lines(columns.values()),
        words=frozenset({0}),
    )


def cut_off_table(cut_offs: CutOffs) -> Table:
    """The cut-offs in steps of the share approved, always with the policy's and the best one."""
    table = cut_offs.table
    marks = _marked_rows(cut_offs)
    shown = _spread(table, marks)
    columns: dict[str, list[str]] = {
        "decline from PD": [percent(table.cut_off[row]) for row in shown],
        "which": [marks.get(row, "") for row in shown],
        "approved": [percent(table.approval_rate[row]) for row in shown],
        "bad rate": [percent(table.bad_rate_approved[row]) for row in shown],
        "declines right": [percent(table.declines_right[row]) for row in shown],
        "declines good": [percent(table.good_turned_away[row]) for row in shown],
        "goods turned away": [count(table.goods_declined[row]) for row in shown],
    }
    if table.referred is not None:
        columns["referred"] = [count(table.referred[row]) for row in shown]
    unit, unit_name = _unit(table)
    amounts = {
        "revenue": table.revenue,
        "revenue lost": table.revenue_lost,
        "credit losses": table.losses,
        "losses avoided": table.losses_avoided,
        "profit": table.profit,
    }
    for heading, values in amounts.items():
        if values is not None:
            columns[heading] = [money(values[row] / unit) for row in shown]
    if table.profit_low is not None and table.profit_high is not None:
        low, high = table.profit_low, table.profit_high
        columns[f"{table.confidence:.0%} interval"] = [
            interval(money(low[row] / unit), money(high[row] / unit)) for row in shown
        ]
    currency = f"; money in {table.currency}{unit_name}" if table.currency else ""
    return Table(
        caption=f"What each cut-off would have meant{currency}: {table.population}",
        headings=tuple(columns),
        rows=_lines(columns.values()),
        words=frozenset({1}),
        marked=frozenset(position for position, row in enumerate(shown) if row in marks),
    )


def _unit(table: CutOffTable) -> tuple[float, str]:
    """Thousands or millions where the amounts are too long to be compared at a glance."""
    amounts = [amount for amount in (table.revenue, table.losses, table.profit) if amount is not None]
    largest = max((float(np.abs(amount).max()) for amount in amounts), default=0.0)
    return (1e6, " million") if largest >= 1e10 else (1e3, " thousand") if largest >= 1e7 else (1.0, "")


def _marked_rows(cut_offs: CutOffs) -> dict[int, str]:
    """The rows of the policy's cut-off and of the best one, with what they are called."""
    if cut_offs.best_row == cut_offs.policy_row:
        return {cut_offs.policy_row: "policy and best"}
    return {cut_offs.policy_row: "policy"} | ({} if cut_offs.best_row is None else {cut_offs.best_row: "best"})


def _spread(table: CutOffTable, marked: Iterable[int]) -> list[int]:
    """All rows, or where there are many those nearest to every twentieth approved, and the marked ones."""
    if len(table) <= _CUT_OFFS_SHOWN:
        return list(range(len(table)))
    steps = np.linspace(0.0, 1.0, 21)
    nearest = np.abs(table.approval_rate[:, None] - steps).argmin(axis=0)
    return sorted({*nearest.tolist(), *marked})


def economics_table(economics: Economics) -> Table:
    """Each term of the money with where it comes from."""
    terms: list[tuple[str, Any]] = list(economics.terms.items())
    return Table(
        caption=f"Per application, in {economics.currency}",
        headings=("term", "is", "basis"),
        rows=tuple((name.replace("_", " "), _stated(term.value), term.basis) for name, term in terms),
        words=frozenset({0, 1, 2}),
    )


def _stated(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.6g}"
