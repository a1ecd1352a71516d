"""`roadworthy hold`: legal holds, which keep an applicant's data from being erased."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from roadworthy.cli.acting import As, BreakGlass, Directory, acting
from roadworthy.cli.erase import whom_of
from roadworthy.cli.speaking import Json, say, show_json

NAME = "hold"
command = App(
    help="Legal holds: while one is on, neither an erasure nor the end of their time removes an applicant's data.\n\n"
    "Example: roadworthy hold list",
    version_flags=[],
)


@command.command(name="set")
def set_one(
    applicant: str = "",
    /,
    *,
    reason: str,
    application: str = "",
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Keep everything about APPLICANT until the hold is released.

    Example: roadworthy hold set C-1042 --reason "case 12 C 34/26"

    Parameters
    ----------
    applicant
        The applicant's id, as it came with their applications.
    reason
        Why, in words that name nobody: they stay on record.
    application
        Instead of it, the id of one of their applications.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Act from the store's own machine although there is an admin, and why.
    json
        Print one JSON document.

    """
    from roadworthy.erasure import set_hold

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        hold_id = set_hold(deed, whom_of(applicant, application), reason=reason)
    show_json({"hold_id": hold_id}) if json else say(f"held: {hold_id}, until `roadworthy hold release {hold_id}`")
    return 0


@command.command(name="release")
def release_one(
    hold_id: str,
    /,
    *,
    reason: str,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Let a hold go.

    Example: roadworthy hold release 01a19656-4a80-7000-8000-000000000000 --reason "the case is closed"

    Parameters
    ----------
    hold_id
        The hold, as `roadworthy hold list` shows it.
    reason
        Why, in words that name nobody: they stay on record.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Act from the store's own machine although there is an admin, and why.
    json
        Print one JSON document.

    """
    from roadworthy.erasure import release_hold

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        release_hold(deed, hold_id, reason=reason)
    show_json({"hold_id": hold_id, "released": True}) if json else say(f"released: {hold_id}")
    return 0


@command.command(name="list")
def list_all(
    *, directory: Directory = Path(), as_: As = None, break_glass: BreakGlass = None, json: Json = False
) -> int:
    """Every hold that is on.

    Example: roadworthy hold list

    Parameters
    ----------
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Act from the store's own machine although there is an admin, and why.
    json
        Print one JSON document.

    """
    from roadworthy.erasure import list_holds

    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        holds = list_holds(deed)
    if json:
        show_json({"holds": holds})
        return 0
    for one in holds:
        say(f"{one.hold_id}  {one.subject}  since {one.at:%Y-%m-%d}, by {one.by}: {one.reason}")
    if not holds:
        say("no hold is on")
    return 0
