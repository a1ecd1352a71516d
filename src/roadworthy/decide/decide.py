"""The one function of the product: applications and a release in, decisions out. Everything scores through it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, outside
from roadworthy.decide.decisions import Decisions, Reason
from roadworthy.decide.reasons import DIRECTIONS, ColumnReasons, choose_columns, compare_with_reference
from roadworthy.decide.release import Release
from roadworthy.decide.tables import Table, join_tables
from roadworthy.policy import APPROVE, DECLINE, REFER, Ruling, assign_reason_codes, reason_text, rule_text

__all__ = ["BUILT_IN_RULES", "decide"]

BUILT_IN_RULES = ("engine_failed", "outside_contract", "no_true_reason")
"""What refers an application whatever the policy says."""
_BUILT_IN_TEXTS = {
    "engine_failed": "The application could not be assessed automatically",
    "no_true_reason": "No specific reason could be stated automatically",
}
_NO_TABLES: Mapping[str, Table] = MappingProxyType({})


def decide(applications: Any, release: Release, tables: Mapping[str, Table] = _NO_TABLES) -> Decisions:
    """Decide every application by one release.

    `applications` is a Batch, or anything that becomes one (pandas, polars, Arrow, a mapping of columns). A row is
    decided the same alone and among others. A row on which the model fails, a value outside the contract and a decline
    for which no true reason can be stated are referred to a person. DataError where rows break the contract.

    Steps: join the tables by `applied_at`, PD, knock-outs and bands, then reasons for whoever is not approved.
    """
    batch = release.package.batch(applications)
    joined = join_tables(batch, tables, release.tables)
    strange = outside(batch)
    is_strange = np.asarray(strange.any(axis=1), dtype=np.bool_)
    pd = release.package.engine.pd(batch)
    failed = np.isnan(pd)
    ruling = release.compiled.answer(batch, pd, tables=joined, refer=is_strange)
    answer = ruling.answer.copy()
    by_rule = _settled_by_rules(release, ruling)

    stated = np.flatnonzero((answer != APPROVE) & ~failed & ~((answer == DECLINE) & by_rule))
    columns = choose_columns(release.package, batch.take(stated), pd[stated], release.policy.reasons.max)
    no_true_reason = np.zeros(len(batch), dtype=np.bool_)
    no_true_reason[stated] = ~columns.true & (answer[stated] == DECLINE)
    answer[no_true_reason] = REFER

    built_in = np.stack([failed, is_strange, no_true_reason], axis=1)
    catalogue, reason, contribution = _state_reasons(release, batch, ruling, strange, built_in, answer, stated, columns)
    pd_at_reference = np.full(len(batch), np.nan)
    pd_at_reference[stated] = columns.pd_at_reference
    adjusted = np.zeros(len(batch), dtype=np.bool_)
    adjusted[stated] = columns.adjusted
    return Decisions(
        application_id=batch.application_id,
        answer=answer,
        pd=pd,
        score=release.policy.score.score(pd),
        rules=np.concatenate([ruling.fired, built_in], axis=1),
        reason=reason,
        contribution=contribution,
        pd_at_reference=pd_at_reference,
        adjusted=adjusted,
        rule_codes=(*release.compiled.codes, *BUILT_IN_RULES),
        catalogue=catalogue,
        quantity="pd" if release.package.manifest.engine.link == "identity" else "margin",
        release=release.digest,
    )


def _settled_by_rules(release: Release, ruling: Ruling) -> NDArray[np.bool_]:
    """Where a rule alone would have given the answer: bool (n,)."""
    settled = np.zeros(len(ruling.answer), dtype=np.bool_)
    for j, rule in enumerate(release.compiled.rules):
        settled |= ruling.fired[:, j] & (np.where(ruling.unknown[:, j], rule.if_missing, rule.then) == ruling.answer)
    return settled


def _state_reasons(
    release: Release,
    batch: Batch,
    ruling: Ruling,
    strange: NDArray[np.bool_],
    built_in: NDArray[np.bool_],
    answer: NDArray[np.int8],
    stated: NDArray[np.int64],
    columns: ColumnReasons,
) -> tuple[tuple[Reason, ...], NDArray[np.int32], NDArray[np.float64]]:
    """The catalogue of reasons, and which of them each application gets: rules first, then columns."""
    most = release.policy.reasons.max
    sheet = _Sheet(len(batch), most)
    policy, contract = release.policy, release.package.contract
    codes = assign_reason_codes(contract)
    for j, rule in enumerate(release.compiled.rules):
        names = tuple(str(name) for name in rule.columns)
        single = names[0] if len(names) == 1 else None
        code = rule.rule.code
        fired, unknown = ruling.fired[:, j], ruling.unknown[:, j]
        sheet.state(Reason(code, rule_text(policy, code), single), fired & ~unknown & (answer == rule.then))
        sheet.state(
            Reason(code, f"{rule_text(policy, code)}: could not be checked, {' and '.join(names)} not given", single),
            unknown & (answer == rule.if_missing),
        )
    for j, column in enumerate(contract.columns):
        if strange[:, j].any():
            text = f"{column.description or column.name} is outside what is assessed automatically"
            sheet.state(Reason("outside_contract", text, column.name), strange[:, j] & (answer == REFER))
    for j, code in enumerate(BUILT_IN_RULES):
        if code in _BUILT_IN_TEXTS:
            sheet.state(Reason(code, _BUILT_IN_TEXTS[code], None), built_in[:, j] & (answer == REFER))

    names = release.package.engine.inputs
    direction = compare_with_reference(batch.take(stated), release.package.reference, names)
    first = len(sheet.catalogue)
    sheet.catalogue += [
        Reason(codes[name], reason_text(policy, contract, name, said), name) for name in names for said in DIRECTIONS
    ]
    for place in range(columns.column.shape[1]):
        at = columns.column[:, place]
        chosen = np.flatnonzero((at >= 0) & columns.true)
        entry = first + at[chosen] * len(DIRECTIONS) + direction[chosen, at[chosen]]
        sheet.put(stated[chosen], entry, columns.contribution[chosen, place])
    return tuple(sheet.catalogue), sheet.reason, sheet.contribution


class _Sheet:
    """Reasons being written down, left to right, at most `most` an application."""

    def __init__(self, n: int, most: int) -> None:
        self.catalogue: list[Reason] = []
        self.reason = np.full((n, most), -1, dtype=np.int32)
        self.contribution = np.full((n, most), np.nan)
        self._next = np.zeros(n, dtype=np.int64)

    def state(self, reason: Reason, who: NDArray[np.bool_]) -> None:
        """Enter `reason` in the catalogue and state it to whom the mask (n,) marks."""
        self.catalogue.append(reason)
        rows = np.flatnonzero(who)
        self.put(rows, np.full(len(rows), len(self.catalogue) - 1), np.full(len(rows), np.nan))

    def put(self, rows: NDArray[np.int64], entries: NDArray[Any], contribution: NDArray[np.float64]) -> None:
        """State catalogue entries to rows, each at its next free place."""
        free = self._next[rows] < self.reason.shape[1]
        rows, entries, contribution = rows[free], entries[free], contribution[free]
        self.reason[rows, self._next[rows]] = entries
        self.contribution[rows, self._next[rows]] = contribution
        self._next[rows] += 1
