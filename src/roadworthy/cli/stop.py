"""`roadworthy stop`: every application goes to people."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json

NAME = "stop"


def command(
    *, reason: str = "from the command line", directory: Directory = Path(), as_: As = None, json: Json = False
) -> int:
    """Send every application to a person from now on, until `roadworthy resume`. What serves needs no restart.

    Example: roadworthy stop --reason "the bureau's data are wrong since this morning"

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
    from roadworthy.lifecycle import stop_deciding

    with acting(directory, as_name=as_) as deed:
        live = stop_deciding(deed, reason)
    if json:
        show_json(live)
    else:
        say("stopped: every application goes to a person, until `roadworthy resume`")
    return 0
