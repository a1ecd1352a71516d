"""Decisions of a batch as they are recorded: one `Decision` each, whole enough to be shown and made again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from msgspec import UNSET

from roadworthy.contract import Batch
from roadworthy.decision import Decisions, Table
from roadworthy.live.current import Taken
from roadworthy.live.loading import Loaded
from roadworthy.policy import ANSWERS, REFER, choose_language
from roadworthy.records import Decision, ReleaseRef, StatedReason

__all__ = ["STOPPED", "Described", "describe_decisions"]

STOPPED = "stopped"
"""The rule, and the assignment, of applications that the stop switch sends to a person."""
_STOPPED_REASON = StatedReason(STOPPED, "Every application is assessed by a person at present")


@dataclass(frozen=True)
class Described:
    """A decision, and what of the application is kept beside it."""

    application_id: str
    applicant_id: str | None
    name: str | None
    amount: float | None
    decision: Decision


def describe_decisions(
    batch: Batch,
    decisions: Decisions,
    loaded: Loaded,
    taken: Taken,
    *,
    corrects: Sequence[str | None],
    languages: Sequence[Sequence[str]],
    build: str,
) -> list[Described]:
    """Every decision of the batch under the route taken; under the stop switch all of them are referrals.

    `languages` are those in which each is to state its reasons, the best first; else the product's own is.
    """
    n = len(batch)
    stopped = taken.route.stopped
    release = ReleaseRef(
        id=loaded.id,
        model=loaded.manifest.model,
        policy=loaded.manifest.policy,
        tables={name: taken.route.tables[name] for name in sorted(taken.tables)},
    )
    data = loaded.product.data
    branches, names = _texts(batch, data.branch), _texts(batch, data.name)
    amounts = _amounts(batch, data.amount)
    rows = _rows_used(batch, taken.tables)
    spoken, own = loaded.release.policy.reasons.spoken, loaded.product.reasons.language
    said = [choose_language(spoken, (*wanted, own)) if spoken else None for wanted in languages]
    catalogues = {
        language: [StatedReason(reason.code, reason.say(language), reason.column) for reason in decisions.catalogue]
        for language in set(said)
    }
    failed = np.isnan(decisions.pd)
    applied = batch.applied_at.astype("datetime64[us]").tolist()
    described = []
    for i in range(n):
        catalogue = catalogues[said[i]]
        reasons = tuple(
            _state(catalogue[entry], *figures)
            for entry, *figures in zip(
                decisions.reason[i].tolist(),
                decisions.contribution[i].tolist(),
                decisions.error[i].tolist(),
                decisions.close[i].tolist(),
                strict=True,
            )
            if entry >= 0
        )
        fired = tuple(decisions.rule_codes[j] for j in np.flatnonzero(decisions.rules[i]))
        decision = Decision(
            answer=ANSWERS[REFER if stopped else decisions.answer[i]],
            pd=_number(decisions.pd[i]),
            score=_number(decisions.score[i]),
            release=release,
            assignment=STOPPED if stopped else "champion",
            rules=(*fired, STOPPED) if stopped else fired,
            reasons=(_STOPPED_REASON,) if stopped else reasons,
            pd_at_reference=None if stopped else _number(decisions.pd_at_reference[i]),
            adjusted=bool(decisions.adjusted[i]) and not stopped,
            quantity=decisions.quantity,
            method=decisions.method,
            language=said[i] or "",
            rows=rows[i],
            branch=branches[i],
            applied_at=applied[i].replace(tzinfo=UTC),
            corrects=corrects[i],
            engine_failed=bool(failed[i]),
            build=build,
        )
        described.append(Described(batch.application_id[i], batch.applicant_id[i], names[i], amounts[i], decision))
    return described


def _state(reason: StatedReason, contribution: float, error: float, close: bool) -> StatedReason:
    if math.isnan(contribution):
        return reason
    if error == 0.0:
        return StatedReason(reason.code, reason.text, reason.column, contribution)
    return StatedReason(reason.code, reason.text, reason.column, contribution, error, close or UNSET)


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _texts(batch: Batch, name: str | None) -> list[str | None]:
    """A column as words; None where the product names none, or it has no value."""
    if name is None or name not in batch.contract:
        return [None] * len(batch)
    return [None if value is None else str(value) for value in plain_cells(batch, name)]


def _amounts(batch: Batch, name: str | None) -> list[float | None]:
    if name is None or name not in batch.contract or batch.contract[name].type not in ("number", "integer"):
        return [None] * len(batch)
    return [None if math.isnan(value) else value for value in batch.columns[name].tolist()]


def _rows_used(batch: Batch, tables: Mapping[str, Table]) -> list[dict[str, Any]]:
    """For each application the row in force of each table, with its effective date; None where there was none."""
    used: list[dict[str, Any]] = [{} for _ in range(len(batch))]
    for name, table in sorted(tables.items()):
        places = table.find(batch)
        found = table.rows.take(np.maximum(places, 0))
        cells = {column.name: plain_cells(found, column.name) for column in table.contract.columns}
        since = table.effective[np.maximum(places, 0)].tolist()
        for i, place in enumerate(places.tolist()):
            row = {column: values[i] for column, values in cells.items()} | {"effective": _moment(since[i])}
            used[i][name] = row if place >= 0 else None
    return used


def plain_cells(batch: Batch, name: str) -> list[Any]:
    """A column as plain values: words of categories, times as ISO 8601 text, None for missing.

    A category that the contract does not list has no word any more, and is None too.
    """
    column, values = batch.contract[name], batch.columns[name]
    match column.type:
        case "category":
            allowed = column.allowed or ()
            return [allowed[code] if code >= 0 else None for code in values.tolist()]
        case "date":
            return [None if moment is None else _moment(moment) for moment in values.tolist()]
        case "text":
            return list(values)
        case "boolean":
            return [None if math.isnan(value) else bool(value) for value in values.tolist()]
        case "integer":
            return [None if math.isnan(value) else int(value) for value in values.tolist()]
        case _:
            return [None if math.isnan(value) else value for value in values.tolist()]


def _moment(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC).isoformat()
