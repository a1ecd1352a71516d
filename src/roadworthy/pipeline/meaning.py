"""What a model and its policy mean on held-out applications: the figures of the one page, each with its population."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.decision import Decisions, Release, decide
from roadworthy.errors import DataError
from roadworthy.measures import (
    AnswerTable,
    Priced,
    answer_table,
    auc,
    best_cut_off,
    brier,
    calibration,
    classification_report,
    confusion,
    cut_off_table,
    gains_table,
    gini,
    ks,
    spread_cut_offs,
)
from roadworthy.model import METHODS
from roadworthy.pipeline.past import Past
from roadworthy.pipeline.workspace import Workspace
from roadworthy.policy import ANSWERS, DECLINE, Policy, find_band_starts
from roadworthy.product import Product, TrueReasons, missing_purpose
from roadworthy.report import ColumnShare, CutOffs, Finding, Meaning, Population

__all__ = ["explain_meaning"]

BUCKETS = (5, 10, 20, 50)
EXPLAINED = 2_000
TOO_GOOD = 0.98
"""No lender's model ranks so well; what does has seen the outcome."""
UNKNOWN = ("declined", "immature", "indeterminate")


def explain_meaning(workspace: Workspace, release: Release, past: Past, notes: Sequence[str]) -> Meaning:
    """Measure the release on the held-out applications whose outcome is known.

    `past` is read with the package's own contract. DataError where the model answers none of them.
    """
    rows = past.rows(held_out=True)
    decisions = decide(past.batch.take(rows), release, workspace.tables_at_hand)
    answered = ~np.isnan(decisions.pd)
    if not answered.any():
        raise DataError("the model gives no PD for any held-out application", mend="roadworthy inspect build/model.rw")
    rows, pd = rows[answered], decisions.pd[answered]
    batch, bad, weights = past.batch.take(rows), past.bad[rows], past.weights(rows)
    population = _describe_population(workspace, past, batch, failed=int(np.sum(~answered)))
    whose: dict[str, Any] = {"weights": weights, "population": population.caption}
    starts = find_band_starts(release.policy)
    decline_from, refer_from = starts.cut_off, starts.refer if starts.decline is not None else None
    at = {"cut_off": decline_from, **whose}
    priced = _price(release.policy, batch, workspace.product)
    return Meaning(
        title=f"Was {workspace.product.name} right, and what is it worth?",
        product=workspace.product.name,
        package=release.package.name,
        digest=release.package.digest,
        population=population,
        gains={n: gains_table(bad, pd, buckets=n, **whose) for n in BUCKETS},
        calibration={n: calibration(bad, pd, buckets=n, **whose) for n in BUCKETS},
        confusion=confusion(bad, pd, **at),
        classification_report=classification_report(bad, pd, **at),
        answers=_count_answers(release.policy, bad, decisions.answer[answered], priced, whose),
        cut_offs=_compare_cut_offs(priced, bad, pd, decline_from, refer_from, whose),
        measures=tuple(measure(bad, pd, weights=weights) for measure in (auc, gini, ks, brier)),
        columns=_column_shares(release, batch),
        findings=(
            *_judge_reasons(workspace.product.gates.true_reasons, decisions, release),
            *_findings(workspace, release, bad, pd, weights, notes, priced),
        ),
        made=_how_made(workspace, release),
        synthetic=workspace.synthetic,
    )


def _describe_population(workspace: Workspace, past: Past, batch: Batch, *, failed: int) -> Population:
    """Whose figures these are. What has no known outcome is counted over the same months, where there are dates."""
    times = batch.applied_at[~np.isnat(batch.applied_at)]
    dated = len(times) == len(batch)
    beside = past.batch.applied_at >= times.min() if dated else np.ones(len(past.batch), dtype=np.bool_)
    unknown = {name: int(np.sum((past.outcome == name) & beside)) for name in UNKNOWN}
    if failed:
        unknown["on which the model failed"] = failed
    name = workspace.product.data.weight
    if workspace.trains:
        who = "held-out applications with a known outcome"
    else:
        who = "past applications with a known outcome (whether the model learned from them is not known here)"
    return Population(
        who=who,
        count=len(batch),
        of=int(np.sum(beside)),
        first=_day(times.min()) if dated else None,
        last=_day(times.max()) if dated else None,
        unknown={why: count for why, count in unknown.items() if count},
        weights=f"column {name}" if name is not None else "",
    )


def _day(time: np.datetime64) -> date:
    found: date = time.astype("datetime64[D]").item()
    return found


@dataclass(frozen=True)
class _Money:
    """What applications are worth: the terms, and which of the n applications can be priced, bool (n,)."""

    priced: Priced
    known: NDArray[np.bool_]


def _price(policy: Policy, batch: Batch, product: Product) -> _Money | None:
    """Price the applications that have every column the economics read; None without economics or such rows.

    MeasureError where the money looks as far ahead as neither the outcome nor a lifetime factor allows.
    """
    if policy.economics is None:
        return None
    horizon = product.outcome.horizon_months or product.purpose.horizon_months
    economics = policy.economics.to_economics(pd_horizon_months=horizon)
    columns = {name: batch.matrix([name])[:, 0] for name in economics.columns}
    known = np.ones(len(batch), dtype=np.bool_)
    for values in columns.values():
        known &= ~np.isnan(values)
    if not known.any():
        return None
    there = {name: values[known] for name, values in columns.items()}
    return _Money(economics.price(there, int(known.sum())), known)


def _on_priced(money: _Money, whose: Mapping[str, Any]) -> dict[str, Any]:
    """The population and weights of the rows that can be priced."""
    weights, left_out = whose["weights"], int(np.sum(~money.known))
    caption = whose["population"]
    if left_out:
        caption += f", less {left_out:,} without a column that the money needs"
    return {"weights": None if weights is None else weights[money.known], "population": caption}


def _count_answers(
    policy: Policy,
    bad: NDArray[np.float64],
    answer: NDArray[np.int8],
    money: _Money | None,
    whose: Mapping[str, Any],
) -> AnswerTable:
    words = [getattr(policy.answer_words, name) for name in ANSWERS]
    if money is None:
        return answer_table(bad, answer, words=words, **whose)
    there = money.known
    return answer_table(bad[there], answer[there], words=words, priced=money.priced, **_on_priced(money, whose))


def _compare_cut_offs(
    money: _Money | None,
    bad: NDArray[np.float64],
    pd: NDArray[np.float64],
    decline_from: float,
    refer_from: float | None,
    whose: Mapping[str, Any],
) -> CutOffs:
    marks = [decline_from]
    best = None
    terms: dict[str, Any] = dict(whose)
    if money is not None:
        bad, pd = bad[money.known], pd[money.known]
        terms = {**_on_priced(money, whose), "economics": money.priced, "refer_from": refer_from}
        best = best_cut_off(bad, pd, in_force=decline_from, **terms)
        marks.append(best.cut_off)
    table = cut_off_table(bad, pd, cut_offs=spread_cut_offs(pd, marks), **terms)
    return CutOffs(table=table, policy=decline_from, best=best)


def _column_shares(release: Release, batch: Batch) -> tuple[ColumnShare, ...]:
    rows = np.linspace(0, len(batch) - 1, min(EXPLAINED, len(batch))).astype(np.int64)
    if release.package.engine.kind == "native":
        rows = rows[:: max(1, len(rows) // 50)]
    explanation = release.package.engine.explain(batch.take(rows), release.package.reference)
    weight = np.abs(explanation.contributions).mean(axis=0)
    total = float(weight.sum()) or 1.0
    contract = release.package.contract
    order = np.argsort(-weight, kind="stable")[:12]
    names = [explanation.columns[i] for i in order]
    return tuple(
        ColumnShare(column=name, share=float(weight[i] / total), description=contract[name].description)
        for i, name in zip(order, names, strict=True)
    )


def _judge_reasons(gates: TrueReasons, decisions: Decisions, release: Release) -> Iterator[Finding]:
    """How often the stated reasons were true, of those declined by their PD or referred for want of one (R27)."""
    without = decisions.rules[:, decisions.rule_codes.index("no_true_reason")]
    tested = (decisions.answer == DECLINE) & ~np.isnan(decisions.pd_at_reference)
    count, none = int(np.sum(tested | without)), int(np.sum(without))
    if not count:
        return
    adjusted = int(np.sum(decisions.adjusted & tested))
    title = (
        f"Of {count:,} declined by their PD, {adjusted:,} ({adjusted / count:.1%}) needed other reasons than the "
        f"largest contributions, {none:,} ({none / count:.1%}) had no true one and go to a person"
    )
    fails = adjusted / count > gates.adjusted_at_most or none / count > gates.none_at_most
    note = release.package.manifest.engine
    yield Finding(
        severity="stop" if fails else "note",
        title=title,
        detail="above gates.true_reasons in product.yaml" if fails else METHODS[note.reasons],
    )


def _findings(
    workspace: Workspace,
    release: Release,
    bad: NDArray[np.float64],
    pd: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    notes: Sequence[str],
    money: _Money | None,
) -> list[Finding]:
    found = []
    gates = workspace.product.gates
    reached = float(auc(bad, pd, weights=weights))
    error = calibration(bad, pd, weights=weights).expected_calibration_error
    bads = int(bad.sum())
    if reached > TOO_GOOD:
        found.append(
            Finding(
                severity="stop",
                title=f"AUC is {reached:.3f}: too good to be true until shown otherwise",
                detail="look for a column that is known only after the outcome; `roadworthy init` names suspects",
            )
        )
    for fails, title in (
        (reached < gates.auc_at_least, f"AUC is {reached:.3f}, below the gate of {gates.auc_at_least:g}"),
        (
            error > gates.calibration_error_at_most,
            f"the calibration error is {error:.2%}, above the gate of {gates.calibration_error_at_most:.2%}",
        ),
        (bads < gates.bads_at_least, f"{bads:,} bads are held out, fewer than the gate's {gates.bads_at_least:,}"),
    ):
        if fails:
            found.append(Finding(severity="stop", title=title, detail="gates in product.yaml"))
    unstated = missing_purpose(workspace.product)
    if unstated:
        found.append(
            Finding(
                severity="warn",
                title="The product's purpose is not stated, so it may not go live",
                detail=f"product.yaml: {', '.join(unstated)}",
            )
        )
    if money is None and release.policy.economics is not None:
        found.append(Finding(severity="warn", title="No application has every column that the economics read"))
    package = release.package.manifest
    if package.engine.kind == "native":
        found.append(Finding(severity="note", title="The model runs natively, slower", detail=package.engine.why))
    found += [Finding(severity="note", title=note) for note in (*package.notes, *notes)]
    return found


def _quantity(release: Release) -> str:
    quantity = release.package.manifest.engine.quantity
    return {"margin": "the log-odds of bad", "pd": "the PD"}.get(quantity, "what the model sums")


def _how_made(workspace: Workspace, release: Release) -> dict[str, str]:
    package = release.package.manifest
    return {
        "Model": package.engine.model,
        "Runs": f"{package.engine.kind}: {package.engine.why}",
        "Reasons": f"{METHODS[package.engine.reasons]}, of {_quantity(release)}",
        "Data": f"{workspace.source.path.name}, SHA-256 {workspace.prepared_from[:16]}",
        "Release": release.digest[:16],
        "Made with": ", ".join(f"{name} {version}" for name, version in package.environment.items()),
    }
