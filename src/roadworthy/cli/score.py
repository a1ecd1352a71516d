"""`roadworthy score`: a file of applications to a file of decisions."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from roadworthy.cli.acting import As, acting, take_route, tell_time
from roadworthy.cli.speaking import Json, say, show_json, show_progress
from roadworthy.errors import UsageError
from roadworthy.settings import read_settings

if TYPE_CHECKING:
    from roadworthy.batch import Scored, Source, SourceMapping
    from roadworthy.contract import Contract
    from roadworthy.pipeline import Workspace

NAME = "score"
_Warn = Callable[[Sequence[str]], None]


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
    record: Annotated[bool, Parameter(negative="")] = False,
    as_: As = None,
    json: Json = False,
) -> int:
    """Decide every application in IN (CSV, Parquet or Excel) and write the decisions to OUT (CSV or Parquet).

    Rows that break the contract go to the set-aside file with the rule they broke; mend them and score that file again.
    With --record what is live decides, and every decision is recorded, once for each row of a file however often it
    is scored. What looks wrong about the file as a whole is said first.

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
    record
        Decide by the release that is live, and record the decisions in the product's store.
    as_
        Record as this account: in a trial only.
    json
        Print one JSON document.

    """
    if record and (package is not None or policy is not None):
        raise UsageError(
            "what is recorded is decided by what is live",
            where="--record",
            mend="leave out --package and --policy, or --record",
        )
    aside = set_aside if set_aside is not None else decisions.with_name(f"{decisions.stem}_set_aside.csv")
    _refuse_one_file_twice({"IN": applications, "OUT": decisions, "--set-aside": aside})
    files = _Files(applications, decisions, aside, tuple(name.strip() for name in allow_absent.split(",")))
    warned: list[str] = []

    def warn(warnings: Sequence[str]) -> None:
        warned.extend(warnings)
        for warning in () if json else warnings:  # while there is time to stop it
            say(f"- look at this: {warning}")

    if record:
        scored, notes = _record(files, directory, as_, warn)
    else:
        scored, notes = _score(files, directory, package, policy, warn)
    if not scored.set_aside and aside.is_file():
        aside.unlink()  # of an earlier run: its rows are decided now
    if json:
        show_json({**msgspec.to_builtins(scored, enc_hook=str), "warnings": warned})
    else:
        for note in notes:
            say(f"- {note}")
        say(scored.sentence())
        say(f"wrote {decisions}")
    return 0


@dataclass(frozen=True)
class _Files:
    """IN, OUT, where rows go that break the contract, and which inputs IN need not have."""

    applications: Path
    decisions: Path
    aside: Path
    allowed: tuple[str, ...]


def _score(
    files: _Files, directory: Path, package: Path | None, policy: Path | None, warn: _Warn
) -> tuple[Scored, Sequence[str]]:
    from roadworthy.batch import open_table, score, warn_applications
    from roadworthy.decision import Release
    from roadworthy.model import load
    from roadworthy.pipeline import open_workspace
    from roadworthy.policy import Policy

    alone = package is not None and policy is not None
    workspace = None if alone else open_workspace(directory)
    chosen = package if package is not None else workspace.require_package() if workspace is not None else Path()
    rules = Policy.load(policy) if policy is not None else workspace.policy if workspace is not None else None
    assert rules is not None  # noqa: S101  # one of the two is there
    source = open_table(files.applications)
    trusted = read_settings(directory).trusted
    release = Release(load(chosen, trusted_types=trusted), rules, workspace.tables if workspace is not None else ())
    mapping = _map(source, workspace, release.package.contract, other=package is not None)
    absent = _list_absent(source, mapping, release.package.contract, files.allowed)
    warn(warn_applications(source, mapping, release.package.contract, absent, release.package.golden()[0]))
    with show_progress() as bar:
        task = bar.add_task("score", total=source.rows)
        scored = score(
            source,
            files.decisions,
            release,
            set_aside=files.aside,
            mapping=mapping,
            tables=workspace.tables_at_hand if workspace is not None else {},
            absent=absent,
            progress=lambda rows: bar.advance(task, rows),
        )
    unknown = [table.name for table in release.tables]
    missing = f"no version of {', '.join(unknown)} is at hand here: its values counted as missing (--record has them)"
    return scored, [*source.notes, *([missing] if unknown else [])]


def _record(files: _Files, directory: Path, as_name: str | None, warn: _Warn) -> tuple[Scored, Sequence[str]]:
    from roadworthy.batch import open_table, record_file, warn_applications
    from roadworthy.pipeline import open_workspace

    source = open_table(files.applications)
    workspace = open_workspace(directory) if (directory / "product.yaml").is_file() else None
    with acting(directory, as_name=as_name) as deed:
        deed.demand("batch.score")
        deed.demand("decision.make")
        current = take_route(deed, directory)
        live = current.take().require()
        contract = live.contract
        mapping = _map(source, workspace, contract, other=True)
        absent = _list_absent(source, mapping, contract, files.allowed)
        warn(warn_applications(source, mapping, contract, absent, live.release.package.golden()[0]))
        with show_progress() as bar:
            task = bar.add_task("record", total=source.rows)
            scored = record_file(
                source,
                files.decisions,
                current,
                actor=deed.by.account,
                now=tell_time,
                new_id=deed.new_id,
                set_aside=files.aside,
                mapping=mapping,
                absent=absent,
                progress=lambda rows: bar.advance(task, rows),
            )
    return scored, source.notes


def _map(source: Source, workspace: Workspace | None, contract: Contract, *, other: bool) -> SourceMapping:
    """How the file's columns map to the contract; `other`: the contract need not be the product's own."""
    from roadworthy.batch import SourceMapping

    if workspace is None:
        return SourceMapping(file=source.path.name, format=source.format)
    mapping = workspace.maps(source)
    if other:  # sources.yaml maps to the product's contract, of which another model may know less
        known = {name: value for name, value in mapping.columns.items() if name in contract}
        mapping = msgspec.structs.replace(mapping, columns=known)
    return mapping


def _list_absent(source: Source, mapping: SourceMapping, contract: Contract, allowed: Sequence[str]) -> tuple[str, ...]:
    """The inputs that the file lacks. UsageError for one that it must have."""
    from roadworthy.batch import absent_inputs

    absent = absent_inputs(source, mapping, contract)
    if not set(absent) <= set(allowed):
        raise UsageError(
            f"has no column for the model's inputs: {', '.join(name for name in absent if name not in allowed)}",
            where=source.path,
            available=source.columns,
            mend=f"map them in sources.yaml, or decide without them: --allow-absent {shlex.quote(','.join(absent))}",
        )
    return absent


def _refuse_one_file_twice(files: Mapping[str, Path]) -> None:
    seen: dict[Path, str] = {}
    for place, path in files.items():
        other = seen.setdefault(path.resolve(), place)
        if other != place:
            raise UsageError(f"is both {other} and {place}", where=path, mend=f"give {place} another name")
