"""`roadworthy run`: preprocess, train, seal, score, post-process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from roadworthy.cli.speaking import Json, say, show_json, show_progress

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
    page = f": open {result.page}" if result.page.exists() else ""
    say(f"{'done':>12}  in {time.monotonic() - began:.1f} s{page}")
    return 0
