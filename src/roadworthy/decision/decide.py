"""The one function of the product: applications and a release in, decisions out. Everything scores through it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import outside
from roadworthy.decision.decisions import Decisions
from roadworthy.decision.reasons import compare_with_reference
from roadworthy.decision.release import Release
from roadworthy.decision.sheet import Sheet
from roadworthy.decision.tables import Table, join_tables
from roadworthy.model import choose_columns
from roadworthy.policy import APPROVE, DECLINE, REFER, Ruling

__all__ = ["decide"]

_NO_TABLES: Mapping[str, Table] = MappingProxyType({})


def decide(applications: Any, release: Release, tables: Mapping[str, Table] = _NO_TABLES) -> Decisions:
    """Decide every application by one release.

    `applications` is a Batch, or anything that becomes one (pandas, polars, Arrow, a mapping of columns); `tables` are
    the tables that the release reads, by name. A row is decided the same alone and among others. Referred to a person,
    whatever the policy says, is a row on which the model fails, one with a value outside the contract, and a decline
    for which no true reason is found.

    Steps: join the tables by `applied_at`, PD, knock-outs and bands, then reasons for whoever is not approved.

    Raises DataError where rows break the contract or a Batch is of another one, UsageError where a table is absent or
    of another contract.

    >>> from roadworthy.testing import make_applications, make_release
    >>> applications, _ = make_applications(3)
    >>> decisions = decide(applications, make_release("scorecard"))
    >>> decisions.answers().tolist()
    ['refer', 'decline', 'refer']
    >>> decisions.row(0)["reasons"][0]["text"]
    'The number of late payments is too high'
    >>> bool(decisions.pd_at_reference[0] < decisions.pd[0])
    True
    """
    batch = release.package.batch(applications)
    joined = join_tables(batch, tables, release.tables)
    strange = outside(batch)
    is_strange = np.asarray(strange.any(axis=1))
    pd = release.package.engine.pd(batch)
    failed = np.isnan(pd)
    ruling = release.compiled.answer(batch, pd, tables=joined, refer=is_strange)
    answer = ruling.answer.copy()
    sheet = Sheet(len(batch), release.policy.reasons.max)
    _state_rules(sheet, release, ruling, strange, failed)

    by_rule = _settled_by_rules(release, ruling)
    stated = np.flatnonzero((answer != APPROVE) & ~failed & ~((answer == DECLINE) & by_rule) & (sheet.room > 0))
    no_true_reason, adjusted = np.zeros(len(batch), dtype=np.bool_), np.zeros(len(batch), dtype=np.bool_)
    pd_at_reference = np.full(len(batch), np.nan)
    if len(stated):
        package, asked = release.package, batch if len(stated) == len(batch) else batch.take(stated)
        columns = choose_columns(package.engine, package.reference, asked, pd[stated], sheet.room[stated])
        untrue = stated[~columns.true & (answer[stated] == DECLINE)]
        answer[untrue] = REFER
        sheet.state(release.catalogue.no_true_reason, untrue)
        direction = compare_with_reference(asked, package.reference, package.engine.inputs, columns.column)
        entry = np.array([*release.catalogue.columns, 0])[columns.column] + direction
        entry[(columns.column < 0) | ~columns.true[:, None]] = -1
        sheet.state_columns(entry, stated, columns.contribution, columns.error, columns.close)
        no_true_reason[untrue] = True
        adjusted[stated] = columns.adjusted
        pd_at_reference[stated] = columns.pd_at_reference
    built_in = np.stack([failed, is_strange, no_true_reason], axis=1)
    return Decisions(
        application_id=batch.application_id,
        answer=answer,
        pd=pd,
        score=release.policy.score.score(pd),
        rules=np.concatenate([ruling.fired, built_in], axis=1),
        reason=sheet.reason,
        contribution=sheet.contribution,
        error=sheet.error,
        close=sheet.close,
        pd_at_reference=pd_at_reference,
        adjusted=adjusted,
        rule_codes=release.rule_codes,
        catalogue=release.catalogue.reasons,
        quantity=release.explained.quantity,
        method=release.explained.method,
        release=release.digest,
    )


def _settled_by_rules(release: Release, ruling: Ruling) -> NDArray[np.bool_]:
    """Where a rule alone would have given the answer: bool (n,)."""
    settled = np.zeros(len(ruling.answer), dtype=np.bool_)
    for j, rule in enumerate(release.compiled.rules):
        settled |= ruling.fired[:, j] & (np.where(ruling.unknown[:, j], rule.if_missing, rule.then) == ruling.answer)
    return settled


def _state_rules(
    sheet: Sheet, release: Release, ruling: Ruling, strange: NDArray[np.bool_], failed: NDArray[np.bool_]
) -> None:
    """The rules that gave the answer, whether they hold or could not be checked, and what refers by itself."""
    catalogue = release.catalogue
    referred = ruling.answer == REFER
    for j, rule in enumerate(release.compiled.rules):
        fired, unknown = ruling.fired[:, j], ruling.unknown[:, j]
        if fired.any():
            sheet.state(catalogue.fired[j], np.flatnonzero(fired & ~unknown & (ruling.answer == rule.then)))
            sheet.state(catalogue.unknown[j], np.flatnonzero(unknown & (ruling.answer == rule.if_missing)))
    for column in np.flatnonzero(strange.any(axis=0)):
        sheet.state(catalogue.outside[int(column)], np.flatnonzero(strange[:, column] & referred))
    sheet.state(catalogue.engine_failed, np.flatnonzero(failed & referred))
