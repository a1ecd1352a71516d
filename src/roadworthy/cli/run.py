"""`roadworthy run`: preprocess, train, seal, score, post-process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from roadworthy.cli.speaking import Json, say, show_json, show_progress

if TYPE_CHECKING:
    from roadworthy.pipeline import RunResult

NAME = "run"


def command(
    *stages: str,
    directory: Annotated[Path, Parameter(name=["--directory", "-C"])] = Path(),
    force: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Run the stages of the product in this directory; what is up to date is skipped.

    Example: roadworthy run, or only some of the stages: roadworthy run score post-process

    Parameters
    ----------
    stages
        preprocess, train, seal, score, post-process; all of them by default.
    directory
        The product's directory.
    force
        Run also what is up to date.
    json
        Print one JSON document.

    """
    from roadworthy.pipeline import Progress, open_workspace, run_stages

    began = time.monotonic()
    with show_progress() as bar:
        tasks = {}

        def rows(stage: str, done: int, of: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=of)
            bar.update(tasks[stage], completed=done)

        def tell(stage: str, sentence: str) -> None:
            if not json:
                say(f"{stage:>12}  {sentence}")

        result = run_stages(open_workspace(directory), stages, progress=Progress(tell, rows), force=force)
    if json:
        show_json(result)
        return 0
    look = f": open {result.page}" if result.page.exists() else _say_made(result)
    say(f"{'done':>12}  in {time.monotonic() - began:.1f} s{look}")
    return 0


def _say_made(result: RunResult) -> str:
    """What the last stage made, where that is not yet the page."""
    build = result.page.parent
    made = {
        "preprocess": build / "applications.parquet", "train": build / "candidates", "seal": result.package,
        "score": result.decisions,
    }  # fmt: skip
    there = [path for stage, path in made.items() if stage in (*result.ran, *result.skipped)]
    return f": made {there[-1]}" if there else ""
