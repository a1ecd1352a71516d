"""`roadworthy release`: from the product's files to what is live, with two people between."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from msgspec import structs

from roadworthy.cli.acting import As, Directory, acting, take_route, tell_time
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.errors import UsageError
from roadworthy.settings import read_settings

if TYPE_CHECKING:
    from roadworthy.lifecycle import ReleaseView

NAME = "release"
command = App(
    help="A release is one model, one policy and the contracts of its tables: what is approved and goes live.\n\n"
    "Example: roadworthy release create && roadworthy release submit 1",
    version_flags=[],
)
Note = Annotated[str, Parameter(name="--note")]


@command.command
def create(
    *,
    note: Note = "",
    from_trial: Path | None = None,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Make a release of this product's files: its sealed model, policy.yaml, product.yaml and tables/*.yaml.

    What `roadworthy check` finds wrong is refused. In a trial the purpose may still be open; elsewhere it is stated.

    Example: roadworthy release create

    Parameters
    ----------
    note
        What it is for: whoever approves it reads this.
    from_trial
        Another product's directory, whose store is a trial: what is live there, byte for byte, becomes a release here.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.cli.release_parts import read_parts, read_trial_parts
    from roadworthy.lifecycle import create_release

    with acting(directory, as_name=as_, begin=True) as deed:
        deed.demand("release.create")
        parts = read_parts(directory, trial=deed.trial) if from_trial is None else read_trial_parts(from_trial)
        made = create_release(
            deed,
            package=parts.package,
            policy=parts.policy,
            product=parts.product,
            tables=parts.tables,
            note=note,
            trusted_types=read_settings(directory).trusted,
        )
        trial = deed.trial
    following = f"promote {made.id}" if trial else f"submit {made.id}"
    return _show_step(
        made, f"made release {made.id}, digest {made.digest[:12]}", f"roadworthy release {following}", json
    )


@command.command(name="list")
def show_all(*, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """List every release and how far it is.

    Example: roadworthy release list

    Parameters
    ----------
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import list_releases

    with acting(directory, as_name=as_) as deed:
        deed.demand("release.read")
        found = list_releases(deed.store)
    if json:
        show_json({"releases": found})
        return 0
    for release in found:
        by = f", approved by {release.approved_by}" if release.approved_by is not None else ""
        made = f"made by {release.created_by} on {release.created_at:%Y-%m-%d}"
        say(f"{release.id:>4}  {_word(release.state):<10} {release.digest[:12]}  {made}{by}")
    if not found:
        say("no release yet: roadworthy release create")
    return 0


@command.command
def show(release: str, /, *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Show one release: its parts by digest, every step of its life, and what is missing.

    Example: roadworthy release show 1

    Parameters
    ----------
    release
        Its number.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import show_release

    with acting(directory, as_name=as_) as deed:
        deed.demand("release.read")
        found = show_release(deed.store, release)
    if json:
        show_json(found)
        return 0
    say(f"release {found.id}: {_word(found.state)}")
    parts = found.manifest
    say(f"  digest   {found.digest}")
    say(f"  model    {parts.model}")
    say(f"  policy   {parts.policy}")
    for name, digest in parts.tables.items():
        say(f"  table    {name} {digest}")
    for step in found.steps:
        said = step.details.get("note") or step.details.get("reason")
        say(f"  {step.at:%Y-%m-%d %H:%M:%S} UTC  {_word(step.step)} by {step.by}" + (f": {said}" if said else ""))
    if found.missing:
        say(f"  missing  {', '.join(found.missing)}: it goes live in a trial only")
    return 0


@command.command
def submit(
    release: str, /, *, note: Note = "", directory: Directory = Path(), as_: As = None, json: Json = False
) -> int:
    """Put a release up for approval by another person.

    Example: roadworthy release submit 1

    Parameters
    ----------
    release
        Its number.
    note
        What the approver should know.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import submit_release

    with acting(directory, as_name=as_) as deed:
        found = submit_release(deed, release, note)
    mend = f"roadworthy release approve {found.id}, by somebody else"
    return _show_step(found, f"release {found.id} waits for approval", mend, json)


@command.command
def approve(
    release: str, /, *, note: Note = "", directory: Directory = Path(), as_: As = None, json: Json = False
) -> int:
    """Approve a release that somebody else made and put up.

    Example: roadworthy release approve 1

    Parameters
    ----------
    release
        Its number.
    note
        Why, or on what conditions.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import approve_release

    with acting(directory, as_name=as_) as deed:
        found = approve_release(deed, release, note=note)
    return _show_step(found, f"release {found.id} is approved", f"roadworthy release promote {found.id}", json)


@command.command
def reject(release: str, /, *, note: Note, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Reject a release that was put up, and say why; it may be put up again.

    Example: roadworthy release reject 1 --note "the cut-off is not backed by the backtest"

    Parameters
    ----------
    release
        Its number.
    note
        Why.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import approve_release

    with acting(directory, as_name=as_) as deed:
        found = approve_release(deed, release, reject=True, note=note)
    return _show_step(found, f"release {found.id} is rejected", None, json)


@command.command
def promote(
    release: str,
    /,
    *,
    reason: str = "",
    break_glass: str | None = None,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Make an approved release live. What serves takes it up without a restart; no decision mixes two releases.

    Example: roadworthy release promote 1

    Parameters
    ----------
    release
        Its number.
    reason
        Why now; kept on the record.
    break_glass
        Why it goes live without approval, by an operator; kept on the record.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import list_warnings, promote_release, show_release

    with acting(directory, as_name=as_) as deed:
        current = take_route(deed, directory)
        warnings = list_warnings(current, show_release(deed.store, release))
        found = promote_release(deed, release, current=current, reason=reason, break_glass=break_glass)
        found = structs.replace(found, warnings=warnings)
    done = (
        f"release {found.id} is live: a service that runs decides by it from the next application on, without a restart"
    )
    undo = 'roadworthy release rollback "WHY"'
    return _show_step(found, done, "roadworthy serve, where none runs yet", json, undo)


@command.command
def rollback(reason: str = "", *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Go back to the release that was live before this one; a second time, one more.

    Example: roadworthy release rollback "declines doubled since noon"

    Parameters
    ----------
    reason
        Why; kept on the record.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import find_rollback, list_warnings, roll_back

    if reason.strip().isdigit():  # somebody means a release, and what goes live would be another one
        raise UsageError(
            "takes no release: it goes back to the one that was live before",
            where="roadworthy release rollback",
            mend=f'`roadworthy release rollback "WHY"`, or `roadworthy release promote {reason.strip()}`',
        )
    with acting(directory, as_name=as_) as deed:
        deed.demand("release.rollback")
        current = take_route(deed, directory)
        warnings = list_warnings(current, find_rollback(deed.store), back=True)
        found = structs.replace(roll_back(deed, current=current, reason=reason), warnings=warnings)
    why = found.steps[-1].details
    done = f"release {found.id} is live again, instead of release {why['instead_of']}"
    undo = f"roadworthy release promote {why['instead_of']}"
    if reason.strip():
        return _show_step(found, f"{done}: {why['reason']}", None, json, undo)
    said = 'no reason is on the record; next time: roadworthy release rollback "WHY"'
    return _show_step(structs.replace(found, notes=(*found.notes, said)), done, None, json, undo)


@command.command(name="who-was-live")
def who_was_live(at: str = "", /, *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Say which release and which tables were live at a moment, since when, and who made it so.

    Example: roadworthy release who-was-live 2026-11-01T09:00

    Parameters
    ----------
    at
        The moment, as ISO 8601; without an offset in UTC. Now by default.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import who_was_live as ask

    moment = read_moment(at) if at else tell_time()
    with acting(directory, as_name=as_) as deed:
        deed.demand("release.read")
        found = ask(deed.store, moment)
    if json:
        show_json({"at": moment, **_plain(found)})
        return 0
    then = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    if found.release is None:
        say(f"{then}: no release was live")
    else:
        since = "" if found.since is None else f", since {found.since:%Y-%m-%d %H:%M:%S} UTC by {found.by}"
        say(f"{then}: release {found.release}{since} (epoch {found.epoch})")
    for name, version in found.tables.items():
        say(f"  table {name}: version {version}")
    if found.stopped:
        say("  stopped: every application went to people")
    return 0


def read_moment(text: str) -> datetime:
    """A moment as people write it; UsageError where it is none."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is no moment", mend="2026-11-01 or 2026-11-01T09:00:00+01:00") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _show_step(release: ReleaseView, sentence: str, following: str | None, json: bool, undo: str = "") -> int:
    if json:
        show_json(release)
        return 0
    say(sentence)
    for note in release.notes:
        say(f"- {note}")
    for warning in release.warnings:
        say(f"- look at this: {warning}")
    if release.warnings:
        say(f"to take it back: {undo}")
    if following is not None:
        say(f"next: {following}")
    return 0


def _word(state: str) -> str:
    return state.replace("_", " ")


def _plain(struct: Any) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(struct)
    return plain
