"""`roadworthy resume`: the end of a stop."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.cli.switching import say_why, turn_switch

NAME = "resume"


def command(reason: str = "", *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Let the release that is live decide again, after `roadworthy stop`.

    Example: roadworthy resume "the bureau has mended its data"

    Parameters
    ----------
    reason
        Why; kept on the record. Nothing is resumed without one.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import resume_deciding

    with acting(directory, as_name=as_) as deed:
        live = turn_switch(resume_deciding, deed, reason, 'roadworthy resume "the bureau has mended its data"')
        why = say_why(deed)
    if json:
        show_json(live)
        return 0
    decides = "no release is live yet" if live.route.champion is None else f"release {live.route.champion} decides"
    say(f"resumed: {decides}")
    if why:
        say(why)
    return 0
