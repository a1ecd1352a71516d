"""Training: the user's candidates, each sealed and judged on the same held-out rows, and the one that is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.errors import ProductError, RoadworthyError
from roadworthy.model import load, seal, training_frame
from roadworthy.pipeline.past import Past
from roadworthy.pipeline.workspace import Workspace
from roadworthy.yaml_file import write_text

__all__ = ["choose_candidate", "cut_offs_of", "train_candidates"]


def cut_offs_of(workspace: Workspace) -> tuple[float, ...]:
    """The PDs at which the policy's answer changes."""
    return tuple(band.up_to for band in workspace.policy.bands if band.up_to is not None)


def train_candidates(workspace: Workspace, past: Past, folder: Path, say: Callable[[str], None]) -> list[Path]:
    """Fit the candidates of stages.py on the rows to learn from, and seal each with its held-out evaluation."""
    learn, judge = past.rows(held_out=False), past.rows(held_out=True)
    inputs = [column.name for column in workspace.contract.inputs if column.type not in ("text", "date")]
    X = training_frame(past.batch.take(learn), inputs)
    if not hasattr(workspace.stages, "train"):
        raise ProductError("has no function train", where=workspace.directory / "stages.py")
    candidates: dict[str, Any] = workspace.stages.train(X, past.bad[learn].astype(int), past.weights(learn))
    if not isinstance(candidates, dict) or not candidates:
        raise ProductError(
            "train returns no candidates",
            where=workspace.directory / "stages.py",
            mend='return a dict of fitted models by name, as {"scorecard": pipeline}',
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    written = []
    for name, model in candidates.items():
        try:
            package = seal(
                model,
                past.batch.take(judge),
                past.bad[judge],
                name=f"{workspace.product.name}-{name}",
                weights=past.weights(judge),
                cut_offs=cut_offs_of(workspace),
                population=f"held-out applications with a known outcome, n = {len(judge):,}",
                reasons=workspace.product.reasons.method,
                lineage={"data": workspace.prepared_from, "data_file": workspace.source.path.name},
            )
        except RoadworthyError as error:
            error.where = error.where or f"candidate {name}"
            raise
        path = folder / f"{name}.rw"
        package.save(path)
        written.append(path)
        say(f"{name}: AUC {package.evaluation['auc']:.4f} held out, {package.manifest.engine.kind}")
    return written


def choose_candidate(workspace: Workspace, folder: Path, package: Path, why: Path) -> str:
    """Copy the candidate that stages.py chooses to `package`, and write down why; returns the sentence."""
    auc = {path.stem: float(load(path).evaluation["auc"]) for path in sorted(folder.glob("*.rw"))}
    choose = getattr(workspace.stages, "choose", None)
    chosen = choose(auc) if choose is not None else max(auc, key=lambda name: auc[name])
    if chosen not in auc:
        raise ProductError(
            f"choose names {chosen!r}, which was not trained", where=workspace.directory / "stages.py", available=auc
        )
    figures = ", ".join(f"{name} {value:.4f}" for name, value in auc.items())
    rule = " ".join((getattr(choose, "__doc__", None) or "The candidate with the largest AUC.").split("\n")[0].split())
    sentence = f"{chosen} is kept. Held-out AUC: {figures}. Rule: {rule}"
    load(folder / f"{chosen}.rw", native=False).save(package)
    write_text(
        why, msgspec.json.format(msgspec.json.encode({"chosen": chosen, "auc": auc, "rule": rule}), indent=1).decode()
    )
    return sentence
