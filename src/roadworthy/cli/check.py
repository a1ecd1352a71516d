"""`roadworthy check`: is the product fit to go live?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from roadworthy.cli.speaking import Json, say, show_json

NAME = "check"


def command(*, directory: Annotated[Path, Parameter(name=["--directory", "-C"])] = Path(), json: Json = False) -> int:
    """Check purpose, contract, policy with its cases, sources and stages; every fault with its line.

    Exits 1 where anything stands in the way of going live, as reasons that are not true often enough do. Whether the
    model passes its other gates is on the page of a run.

    Example: roadworthy check

    Parameters
    ----------
    directory
        The product's directory.
    json
        Print one JSON document.

    """
    from roadworthy.pipeline import check_product, open_workspace

    result = check_product(open_workspace(directory))
    if json:
        show_json({"fit": result.fit, "faults": result.faults, "notes": result.notes, "cases": result.cases})
        return 0 if result.fit else 1
    for case in result.cases:
        if case.status != "failed":  # those are among the faults
            say(f"{'ok' if case.passed else 'note':>6}  {case.sentence}")
    for note in result.notes:
        say(f"  note  {note}")
    for fault in result.faults:
        say(f" FAULT  {fault}")
    found = f"{len(result.faults)} fault{'s' if len(result.faults) > 1 else ''}"
    say("fit to go live, as far as these files say" if result.fit else f"not fit to go live: {found}")
    return 0 if result.fit else 1
