"""What a model and its policy mean on held-out applications: the figures of the one page, each with its population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.decide import Release
from roadworthy.measures import (
    Economics,
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
)
from roadworthy.pipeline.past import Past
from roadworthy.pipeline.workspace import Workspace
from roadworthy.policy import Policy
from roadworthy.product import missing_purpose
from roadworthy.report import ColumnShare, CutOffs, Finding, Meaning, Population

__all__ = ["explain_meaning"]

BUCKETS = (5, 10, 20, 50)
EXPLAINED = 2_000
UNKNOWN = ("declined", "immature", "indeterminate")


def explain_meaning(workspace: Workspace, release: Release, past: Past, notes: Sequence[str]) -> Meaning:
    """Measure the release on the held-out applications whose outcome is known."""
    rows = past.rows(held_out=True)
    batch, bad, weights = past.batch.take(rows), past.bad[rows], past.weights(rows)
    pd = release.package.engine.pd(batch)
    known = ~np.isnan(pd)
    batch, bad, pd = batch.take(known), bad[known], pd[known]
    weights = None if weights is None else weights[known]
    population = _describe_population(workspace, past, batch)
    whose: dict[str, Any] = {"weights": weights, "population": population.caption}
    decline_from, refer_from = _cut_offs(release.policy)
    shared = gains_table(bad, pd, buckets=10, **whose)
    at = {"cut_off": decline_from, **whose}
    return Meaning(
        title=f"Was {workspace.product.name} right, and what is it worth?",
        product=workspace.product.name,
        package=release.package.name,
        digest=release.package.digest,
        population=population,
        gains={10: shared} | {n: gains_table(bad, pd, buckets=n, **whose) for n in BUCKETS if n != 10},
        calibration={n: calibration(bad, pd, buckets=n, **whose) for n in BUCKETS},
        confusion=confusion(bad, pd, **at),
        classification_report=classification_report(bad, pd, **at),
        cut_offs=_price(release.policy, batch, bad, pd, decline_from, refer_from, whose),
        measures=tuple(measure(bad, pd, weights=weights) for measure in (auc, gini, ks, brier)),
        columns=_column_shares(release, batch),
        findings=tuple(_findings(workspace, release, bad, pd, weights, notes)),
        made=_how_made(workspace, release),
        synthetic=workspace.synthetic,
    )


def _describe_population(workspace: Workspace, past: Past, batch: Batch) -> Population:
    counted = {name: int(np.sum(past.outcome == name)) for name in UNKNOWN}
    times = batch.applied_at[~np.isnat(batch.applied_at)]
    dated = len(times) == len(batch) and len(times) > 0
    name = workspace.product.data.weight
    return Population(
        who="held-out applications with a known outcome",
        count=len(batch),
        of=len(past.batch),
        first=_day(times.min()) if dated else None,
        last=_day(times.max()) if dated else None,
        unknown={why: count for why, count in counted.items() if count},
        weights=f"column {name}" if name is not None else "",
    )


def _day(time: np.datetime64) -> date:
    found: date = time.astype("datetime64[D]").item()
    return found


def _cut_offs(policy: Policy) -> tuple[float, float | None]:
    """The PD from which the policy declines, and that from which it refers (None where no band refers below)."""
    start = 0.0
    refer_from: float | None = None
    for band in policy.bands:
        if band.answer == "decline":
            return start, refer_from
        if band.answer == "refer" and refer_from is None:
            refer_from = start
        start = band.up_to if band.up_to is not None else 1.0
    return 1.0, refer_from


def _price(
    policy: Policy,
    batch: Batch,
    bad: NDArray[np.float64],
    pd: NDArray[np.float64],
    decline_from: float,
    refer_from: float | None,
    whose: Mapping[str, Any],
) -> CutOffs:
    economics: Economics | None = None if policy.economics is None else policy.economics.to_economics()
    money: dict[str, Any] = {}
    best = None
    marks = [decline_from]
    if economics is not None:
        columns = {name: batch.matrix([name])[:, 0] for name in economics.columns}
        money = {"economics": economics.price(columns, len(batch)), "refer_from": refer_from}
        best = best_cut_off(bad, pd, in_force=decline_from, **money, **whose)
        marks.append(best.cut_off)
    steps = np.quantile(pd, np.linspace(0, 1, 41)[1:-1])
    rounded = [float(f"{step:.3g}") for step in steps]
    at = np.unique([0.0, *rounded, *marks, 1.0])
    table = cut_off_table(bad, pd, cut_offs=at, **money, **whose)
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


def _findings(
    workspace: Workspace,
    release: Release,
    bad: NDArray[np.float64],
    pd: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    notes: Sequence[str],
) -> list[Finding]:
    found = []
    gates = workspace.product.gates
    reached = float(auc(bad, pd, weights=weights))
    error = calibration(bad, pd, weights=weights).expected_calibration_error
    bads = int(bad.sum())
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
    package = release.package.manifest
    if package.engine.kind == "native":
        found.append(Finding(severity="note", title="The model runs natively, slower", detail=package.engine.why))
    found += [Finding(severity="note", title=note) for note in (*package.notes, *notes)]
    return found


def _how_made(workspace: Workspace, release: Release) -> dict[str, str]:
    package = release.package.manifest
    return {
        "Model": package.engine.model,
        "Runs": f"{package.engine.kind}: {package.engine.why}",
        "Data": f"{workspace.source.path.name}, SHA-256 {workspace.source.digest[:16]}",
        "Release": release.digest[:16],
        "Made with": ", ".join(f"{name} {version}" for name, version in package.environment.items()),
    }
