"""`roadworthy tables`: the monthly tables, uploaded by one person and approved by another."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import DataError, UsageError

if TYPE_CHECKING:
    from roadworthy.lifecycle import TableVersionView, Upload

NAME = "tables"
command = App(
    help="Parameters per merchant, branch or region that people upload: checked, compared with what is in force, in "
    "force from a date once another person approves them, and undoable.\n\n"
    "Example: roadworthy tables upload merchants june.csv --effective 2026-06-01",
    version_flags=[],
)
_MOST_SHOWN = 10


@command.command
def upload(
    name: str, file: Path, /, *, effective: str, directory: Directory = Path(), as_: As = None, json: Json = False
) -> int:
    """Upload FILE (CSV, Excel or Parquet) as a new version of the table NAME; another person approves it.

    Prints what it changes against the version in force, and what looks wrong. Bad rows are set aside, the others go on.

    Example: roadworthy tables upload merchants june.csv --effective 2026-06-01

    Parameters
    ----------
    name
        The table, as the release's tables/NAME.yaml names it.
    file
        The rows, with the columns of the table's contract.
    effective
        The day from which it holds, as YYYY-MM-DD.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import upload_table

    day = _read_day(effective)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=file) from None
    with acting(directory, as_name=as_) as deed:
        found = upload_table(deed, name, data, file.name, day)
    if json:
        show_json(found)
    else:
        _say_upload(found)
    return 0


@command.command
def approve(
    name: str,
    version: str,
    /,
    *,
    note: str = "",
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Put a version in force that somebody else uploaded. What serves takes it up without a restart.

    Example: roadworthy tables approve merchants 2

    Parameters
    ----------
    name
        The table.
    version
        Its version.
    note
        Why, or on what conditions.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import approve_table

    with acting(directory, as_name=as_) as deed:
        found = approve_table(deed, name, version, note=note)
    return _show(found, f"version {found.version} of {name} is in force from {found.effective}", json)


@command.command
def reject(
    name: str,
    version: str,
    /,
    *,
    note: str,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Reject a version that was uploaded, and say why.

    Example: roadworthy tables reject merchants 2 --note "this is May's file"

    Parameters
    ----------
    name
        The table.
    version
        Its version.
    note
        Why.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import approve_table

    with acting(directory, as_name=as_) as deed:
        found = approve_table(deed, name, version, reject=True, note=note)
    return _show(found, f"version {found.version} of {name} is rejected", json)


@command.command
def undo(name: str, /, *, reason: str, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Take the version in force back: the one before it holds again.

    Example: roadworthy tables undo merchants --reason "limits in cents, not euros"

    Parameters
    ----------
    name
        The table.
    reason
        Why; kept on the record.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import undo_table

    with acting(directory, as_name=as_) as deed:
        found = undo_table(deed, name, reason)
    before = f"version {found.follows} is in force again" if found.follows else "no version is in force"
    return _show(found, f"version {found.version} of {name} is undone; {before}", json)


@command.command(name="list")
def show_all(
    name: Annotated[str | None, Parameter(show_default=False)] = None,
    /,
    *,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """List the versions of the table NAME, or of every table that a release reads.

    Example: roadworthy tables list merchants

    Parameters
    ----------
    name
        The table.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import list_releases, list_table_versions

    with acting(directory, as_name=as_) as deed:
        deed.demand("table.read")
        read = {table for release in list_releases(deed.store) for table in release.manifest.tables}
        names = sorted(read) if name is None else [name]
        versions = [version for each in names for version in list_table_versions(deed.store, each)]
    if json:
        show_json({"tables": names, "versions": versions})
        return 0
    for version in versions:
        by = f", answered by {version.answered_by}" if version.answered_by is not None else ""
        said = f": {version.note}" if version.note else ""
        say(
            f"{version.table} {version.version:>3}  {version.state.replace('_', ' '):<9} from {version.effective}  "
            f"{version.rows:,} rows, uploaded by {version.uploaded_by}{by}{said}"
        )
    if not versions:
        say(
            "no version yet: roadworthy tables upload NAME FILE --effective DATE"
            if names
            else "no release reads a table"
        )
    return 0


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is no day", where="--effective", mend="--effective 2026-06-01") from None


def _say_upload(found: Upload) -> None:
    from roadworthy.contract import column_of  # with the libraries of tables, which `--help` has no use for

    against = f"version {found.follows}" if found.follows else "nothing, for it is the first"
    aside = f", {found.aside:,} set aside" if found.aside else ""
    say(f"version {found.version} of {found.table}: {found.rows:,} rows{aside}, from {found.effective}")
    for note in found.notes:
        say(f"- {note}")
    diff = found.diff
    counted = f"{diff.added:,} new, {diff.gone:,} gone, {diff.changed:,} changed, {diff.unchanged:,} as before"
    say(f"against {against}: {counted}")
    for change in diff.changes[:_MOST_SHOWN]:
        moved = f" ({change.relative:+.0%})" if change.relative is not None else ""
        say(f"  {change.key}: {change.column} {change.old} -> {change.new}{moved}")
    for row in found.set_aside[:_MOST_SHOWN]:
        say(f"  set aside: row {row.row}, {column_of(row.path)} {row.message}")
    for warning in found.warnings:
        say(f"! {warning}")
    say(f"next: roadworthy tables approve {found.table} {found.version}, by somebody else")


def _show(found: TableVersionView, sentence: str, json: bool) -> int:
    if json:
        show_json(found)
    else:
        say(sentence)
    return 0
