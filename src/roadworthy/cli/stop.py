"""`roadworthy stop`: every application goes to people."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.cli.switching import say_why, turn_switch

NAME = "stop"


def command(reason: str = "", *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Send every application to a person from now on, until `roadworthy resume`. What serves needs no restart.

    Example: roadworthy stop "the bureau's data are wrong since this morning"

    Parameters
    ----------
    reason
        Why; kept on the record. Nothing is stopped without one.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.lifecycle import stop_deciding

    with acting(directory, as_name=as_) as deed:
        live = turn_switch(stop_deciding, deed, reason, 'roadworthy stop "the bureau\'s data are wrong"')
        why = say_why(deed)
    if json:
        show_json(live)
    else:
        say("stopped: every application goes to a person, until `roadworthy resume`")
        say(why)
    return 0
