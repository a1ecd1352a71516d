"""`roadworthy score`: a file of applications to a file of decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from roadworthy.cli.speaking import Json, say, show_json, show_progress

NAME = "score"


def command(
    applications: Annotated[Path, Parameter(name="IN")],
    decisions: Annotated[Path, Parameter(name="OUT")],
    /,
    *,
    directory: Annotated[Path, Parameter(name=["--directory", "-C"])] = Path(),
    package: Path | None = None,
    policy: Path | None = None,
    set_aside: Path | None = None,
    json: Json = False,
) -> int:
    """Decide every application in IN (CSV, Parquet or Excel) and write the decisions to OUT (CSV or Parquet).

    Rows that break the contract go to the set-aside file with the rule they broke; mend them and score that file again.

    Example: roadworthy score march.csv decided.csv

    Parameters
    ----------
    applications
        The applications; columns by the contract's names, or as sources.yaml maps them.
    decisions
        The file to write.
    directory
        The product's directory, whose model and policy decide.
    package
        Another sealed model.
    policy
        Another policy file.
    set_aside
        Where rows go that break the contract; by default beside OUT.
    json
        Print one JSON document.

    """
    from roadworthy.batch import open_table, score
    from roadworthy.decide import Release
    from roadworthy.model import load
    from roadworthy.pipeline import open_workspace
    from roadworthy.policy import Policy

    alone = package is not None and policy is not None
    workspace = None if alone else open_workspace(directory)
    chosen = package if package is not None else workspace.require_package() if workspace is not None else Path()
    rules = Policy.load(policy) if policy is not None else workspace.policy if workspace is not None else None
    assert rules is not None  # noqa: S101  # one of the two is there
    source = open_table(applications)
    mapping = None
    if workspace is not None and workspace.maps(source):
        mapping = workspace.mapping
    aside = set_aside if set_aside is not None else decisions.with_name(f"{decisions.stem}_set_aside.csv")
    with show_progress() as bar:
        task = bar.add_task("score", total=source.rows)
        scored = score(
            source,
            decisions,
            Release(load(chosen), rules),
            set_aside=aside,
            mapping=mapping,
            progress=lambda rows: bar.advance(task, rows),
        )
    if json:
        show_json(scored)
    else:
        for note in source.notes:
            say(f"- {note}")
        say(scored.sentence())
        say(f"wrote {decisions}")
    return 0
