"""`roadworthy resume`: the end of a stop."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json

NAME = "resume"


def command(
    *, reason: str = "from the command line", directory: Directory = Path(), as_: As = None, json: Json = False
) -> int:
    """Let the release that is live decide again, after `roadworthy stop`.

    Example: roadworthy resume --reason "the bureau has mended its data"

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
    from roadworthy.lifecycle import resume_deciding

    with acting(directory, as_name=as_) as deed:
        live = resume_deciding(deed, reason)
    if json:
        show_json(live)
    elif live.route.champion is None:
        say("resumed; no release is live yet")
    else:
        say(f"resumed: release {live.route.champion} decides")
    return 0
