"""`roadworthy score`: a file of applications to a file of decisions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from roadworthy.cli.speaking import Json, say, show_json, show_progress
from roadworthy.errors import UsageError

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
    allow_absent: str = "",
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
    allow_absent
        Inputs that IN need not have, with commas between: every row is then decided without them.
    json
        Print one JSON document.

    """
    from roadworthy.batch import SourceMapping, absent_inputs, open_table, score
    from roadworthy.decision import Release
    from roadworthy.model import load
    from roadworthy.pipeline import open_workspace
    from roadworthy.policy import Policy

    alone = package is not None and policy is not None
    workspace = None if alone else open_workspace(directory)
    chosen = package if package is not None else workspace.require_package() if workspace is not None else Path()
    rules = Policy.load(policy) if policy is not None else workspace.policy if workspace is not None else None
    assert rules is not None  # noqa: S101  # one of the two is there
    aside = set_aside if set_aside is not None else decisions.with_name(f"{decisions.stem}_set_aside.csv")
    _refuse_one_file_twice({"IN": applications, "OUT": decisions, "--set-aside": aside})
    source = open_table(applications)
    release = Release(load(chosen), rules)
    contract = release.package.contract
    if workspace is None:
        mapping = SourceMapping(file=source.path.name, format=source.format)
    else:
        mapping = workspace.maps(source)
        if package is not None:  # sources.yaml maps to the product's contract, of which another model may know less
            known = {name: value for name, value in mapping.columns.items() if name in contract}
            mapping = msgspec.structs.replace(mapping, columns=known)
    absent = absent_inputs(source, mapping, contract)
    allowed = [name.strip() for name in allow_absent.split(",")]
    if not set(absent) <= set(allowed):
        raise UsageError(
            f"has no column for the model's inputs: {', '.join(name for name in absent if name not in allowed)}",
            where=applications,
            available=source.columns,
            mend=f"map them in sources.yaml, or decide without them: --allow-absent {shlex.quote(','.join(absent))}",
        )
    with show_progress() as bar:
        task = bar.add_task("score", total=source.rows)
        scored = score(
            source,
            decisions,
            release,
            set_aside=aside,
            mapping=mapping,
            absent=absent,
            progress=lambda rows: bar.advance(task, rows),
        )
    if not scored.set_aside and aside.is_file():
        aside.unlink()  # of an earlier run: its rows are decided now
    if json:
        show_json(scored)
    else:
        for note in source.notes:
            say(f"- {note}")
        say(scored.sentence())
        say(f"wrote {decisions}")
    return 0


def _refuse_one_file_twice(files: Mapping[str, Path]) -> None:
    seen: dict[Path, str] = {}
    for place, path in files.items():
        other = seen.setdefault(path.resolve(), place)
        if other != place:
            raise UsageError(f"is both {other} and {place}", where=path, mend=f"give {place} another name")
