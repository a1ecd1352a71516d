"""`run`: preprocess, train, seal, score, post-process. Each stage reads files and writes files, whole or not at all.

A stage whose inputs and outputs are as they were is skipped, so a run that was stopped goes on where it was, and
running twice changes nothing (R8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from roadworthy import __version__
from roadworthy.batch import absent_inputs, open_sink, score
from roadworthy.decision import flatten_decisions
from roadworthy.errors import UsageError
from roadworthy.model import load
from roadworthy.pipeline.journal import Journal, digest_files
from roadworthy.pipeline.meaning import explain_meaning
from roadworthy.pipeline.past import prepare_past, read_past
from roadworthy.pipeline.train import choose_candidate, cut_offs_of, train_candidates
from roadworthy.pipeline.workspace import DATA_DIGEST, PRODUCT_FILES, Workspace
from roadworthy.report import write_page
from roadworthy.yaml_file import write_text

__all__ = ["STAGES", "Progress", "RunResult", "run_stages"]

STAGES = ("preprocess", "train", "seal", "score", "post-process")
_READS = {
    "preprocess": ("product.yaml", "contract.yaml", "sources.yaml", "stages.py"),
    "train": ("product.yaml", "contract.yaml", "stages.py"),
    "seal": ("stages.py",),
    "score": ("contract.yaml", "policy.yaml", "sources.yaml", "stages.py"),
    "post-process": PRODUCT_FILES,
}
_AFTER = {
    "preprocess": (),
    "train": ("applications.parquet",),
    "seal": ("candidates",),
    "score": ("model.rw",),
    "post-process": ("model.rw", "applications.parquet", "decisions.parquet"),
}

Say = Callable[[str, str], None]
"""Told the stage and what it has to say."""


@dataclass(frozen=True)
class Progress:
    """How a run speaks: `say(stage, sentence)`, and `rows(stage, done, of)` with `of` None where not known."""

    say: Say = lambda *_: None
    rows: Callable[[str, int, int | None], None] = lambda *_: None


@dataclass(frozen=True)
class RunResult:
    """Which stages ran, which were up to date, and the files to look at."""

    ran: tuple[str, ...]
    skipped: tuple[str, ...]
    package: Path
    decisions: Path
    output: Path
    page: Path


def run_stages(
    workspace: Workspace, only: Sequence[str] = (), *, progress: Progress = Progress(), force: bool = False
) -> RunResult:
    """Run the stages in order, or `only` the named ones; with `force`, also those that are up to date."""
    unknown = [stage for stage in only if stage not in STAGES]
    if unknown:
        raise UsageError(f"there is no stage {unknown[0]!r}", available=STAGES)
    workspace.build.mkdir(exist_ok=True)
    journal = Journal.read(workspace.build / "run.json")
    bodies = {
        "preprocess": _preprocess, "train": _train, "seal": _seal, "score": _score, "post-process": _post_process,
    }  # fmt: skip
    ran: list[str] = []
    skipped: list[str] = []
    for stage in STAGES:
        if (only and stage not in only) or (stage in ("train", "seal") and not workspace.trains):
            continue
        inputs = _digest_inputs(workspace, stage)
        if journal.is_done(stage, inputs) and not force:
            progress.say(stage, "up to date")
            skipped.append(stage)
            continue
        _require(workspace, stage)
        outputs = bodies[stage](workspace, progress)
        journal.finish(stage, inputs, outputs)
        ran.append(stage)
    build = workspace.build
    return RunResult(
        ran=tuple(ran),
        skipped=tuple(skipped),
        package=workspace.package,
        decisions=build / "decisions.parquet",
        output=build / "output.csv",
        page=build / "page.html",
    )


def _inputs_of(workspace: Workspace, stage: str) -> list[Path]:
    made = []
    for name in _AFTER[stage]:
        path = workspace.package if name == "model.rw" else workspace.build / name
        made += sorted(path.glob("*.rw")) if name == "candidates" else [path]
    return made


def _digest_inputs(workspace: Workspace, stage: str) -> str:
    files = [workspace.directory / name for name in _READS[stage]] + _inputs_of(workspace, stage)
    if stage in ("score", "post-process"):
        files += sorted((workspace.directory / "tables").glob("*.yaml"))
    more = {"roadworthy": __version__, "stage": stage}
    if stage in ("preprocess", "score"):
        more["data"] = workspace.source.digest
    if stage == "train":  # of the policy, only where its answers change is sealed into a package
        more["cut_offs"] = repr(cut_offs_of(workspace))
    return digest_files(files, more)


def _require(workspace: Workspace, stage: str) -> None:
    missing = [path.name for path in _inputs_of(workspace, stage) if not path.exists()]
    if missing or (stage == "seal" and not _inputs_of(workspace, stage)):
        before = STAGES[STAGES.index(stage) - 1]
        raise UsageError(
            f"{stage} needs what an earlier stage makes: {', '.join(missing) or 'candidates'}",
            mend=f"roadworthy run, or first roadworthy run {before}",
        )


def _preprocess(workspace: Workspace, progress: Progress) -> list[Path]:
    kept, aside = workspace.build / "applications.parquet", workspace.build / "set_aside.csv"
    draft = kept.with_name(f".{kept.name}")
    try:
        notes = prepare_past(workspace, draft, aside)
        draft.replace(kept)
    finally:
        draft.unlink(missing_ok=True)
    for note in notes:
        progress.say("preprocess", note)
    found, digest = workspace.build / "notes.json", workspace.build / DATA_DIGEST
    write_text(found, msgspec.json.encode(notes).decode())
    write_text(digest, f"{workspace.source.digest}\n")
    return [kept, found, digest, *([aside] if aside.exists() else [])]


def _train(workspace: Workspace, progress: Progress) -> list[Path]:
    past = read_past(workspace.build / "applications.parquet", workspace.contract)
    return train_candidates(
        workspace, past, workspace.build / "candidates", lambda sentence: progress.say("train", sentence)
    )


def _seal(workspace: Workspace, progress: Progress) -> list[Path]:
    why = workspace.build / "choice.json"
    progress.say("seal", choose_candidate(workspace, workspace.build / "candidates", workspace.package, why))
    package = load(workspace.package)
    engine = package.manifest.engine
    progress.say("seal", f"{workspace.package.name}, SHA-256 {package.digest[:16]}, runs {engine.kind}: {engine.why}")
    return [workspace.package, why]


def _score(workspace: Workspace, progress: Progress) -> list[Path]:
    release = workspace.release()
    out, aside = workspace.build / "decisions.parquet", workspace.build / "score_set_aside.csv"
    aside.unlink(missing_ok=True)
    shape = getattr(workspace.stages, "score", None) or (lambda decisions: decisions)
    done = 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        progress.rows("score", done, workspace.source.rows)

    # What the past applications lack, the model was judged without: it is said, not refused.
    absent = absent_inputs(workspace.source, workspace.mapping, release.package.contract)
    scored = score(
        workspace.source, out, release, set_aside=aside, mapping=workspace.mapping, tables=workspace.tables_at_hand,
        absent=absent, shape=shape, progress=count,
    )  # fmt: skip
    progress.say("score", scored.sentence())
    if release.tables:
        names = ", ".join(table.name for table in release.tables)
        progress.say("score", f"no version of {names} is at hand here: its values counted as missing")
    return [out, *([aside] if scored.set_aside else [])]


def _post_process(workspace: Workspace, progress: Progress) -> list[Path]:
    output, page = workspace.build / "output.csv", workspace.build / "page.html"
    shape = getattr(workspace.stages, "post_process", None) or (lambda decisions: decisions)
    release = workspace.release()
    most = release.policy.reasons.max
    with open_sink(output) as sink:
        for batch in pq.ParquetFile(workspace.build / "decisions.parquet").iter_batches():
            sink.write(shape(flatten_decisions(pa.Table.from_batches([batch]), most)))
    progress.say("post-process", f"{sink.rows:,} decisions in {output.name}, ready to be handed on")
    past = read_past(workspace.build / "applications.parquet", release.package.contract)
    notes = msgspec.json.decode((workspace.build / "notes.json").read_bytes(), type=list[str])
    write_page(explain_meaning(workspace, release, past, notes), page)
    progress.say("post-process", f"{page.name}: was it right, and what is it worth")
    return [output, page]
