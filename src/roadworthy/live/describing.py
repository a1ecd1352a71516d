"""Decisions of a batch as they are recorded: one `Decision` each, whole enough to be shown and made again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

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
    # Plain values, taken out of the arrays at once: one by one they would cost more than all that is done with them.
    answers, failed, adjusted = decisions.answer.tolist(), np.isnan(decisions.pd).tolist(), decisions.adjusted.tolist()
    pds, scores, at_reference = (_numbers(each) for each in (decisions.pd, decisions.score, decisions.pd_at_reference))
    fired, stated = _rules_fired(decisions), _reasons_stated(decisions, catalogues, said)
    applied = batch.applied_at.astype("datetime64[us]").tolist()
    described = []
    for i in range(n):
        decision = Decision(
            answer=ANSWERS[REFER if stopped else answers[i]],
            pd=pds[i],
            score=scores[i],
            release=release,
            assignment=STOPPED if stopped else "champion",
            rules=(*fired[i], STOPPED) if stopped else fired[i],
            reasons=(_STOPPED_REASON,) if stopped else stated[i],
            pd_at_reference=None if stopped else at_reference[i],
            adjusted=adjusted[i] and not stopped,
            quantity=decisions.quantity,
            method=decisions.method,
            language=said[i] or "",
            rows=rows[i],
            branch=branches[i],
            applied_at=applied[i].replace(tzinfo=UTC),
            corrects=corrects[i],
            engine_failed=failed[i],
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


def _rules_fired(decisions: Decisions) -> list[tuple[str, ...]]:
    """The codes of the rules that fired, for each application in their order."""
    fired: list[tuple[str, ...]] = [()] * len(decisions)
    at, rule = np.nonzero(decisions.rules)
    for i, j in zip(at.tolist(), rule.tolist(), strict=True):
        fired[i] += (decisions.rule_codes[j],)
    return fired


def _reasons_stated(
    decisions: Decisions, catalogues: Mapping[str | None, Sequence[StatedReason]], said: Sequence[str | None]
) -> list[tuple[StatedReason, ...]]:
    """The reasons of each application, in its language."""
    stated: list[tuple[StatedReason, ...]] = [()] * len(decisions)
    at, place = np.nonzero(decisions.reason >= 0)
    figures = (
        each[at, place].tolist()
        for each in (decisions.reason, decisions.contribution, decisions.error, decisions.close)
    )
    for i, entry, contribution, error, close in zip(at.tolist(), *figures, strict=True):
        stated[i] += (_state(catalogues[said[i]][entry], contribution, error, close),)
    return stated


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """The values; None for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]


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
        # Of many applications most share a row, which is told once.
        places, which = np.unique(table.find(batch), return_inverse=True)
        found = table.rows.take(np.maximum(places, 0))
        cells = {column.name: plain_cells(found, column.name) for column in table.contract.columns}
        since = [_moment(moment) for moment in table.effective[np.maximum(places, 0)].tolist()]
        names = (*cells, "effective")
        told = [
            dict(zip(names, row, strict=True)) if place >= 0 else None
            for place, *row in zip(places.tolist(), *cells.values(), since, strict=True)
        ]
        for row_of, i in zip(used, which.tolist(), strict=True):
            row_of[name] = told[i]
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
