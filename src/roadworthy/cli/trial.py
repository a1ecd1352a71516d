"""`roadworthy trial`: a store in which one person may try everything."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from roadworthy.cli.acting import Directory, begin_store, tell_time
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "trial"
command = App(
    help="Try everything alone: one person may author and approve, and nothing of it ever goes live for real.\n\n"
    "Example: roadworthy trial on",
    version_flags=[],
)


@command.command(name="on")
def turn_on(*, directory: Directory = Path(), json: Json = False) -> int:
    """Make this product's empty store a trial, for good.

    Whoever sits at the store has every role in it, and everything it records and shows says that it is a trial.

    Example: roadworthy trial on

    Parameters
    ----------
    directory
        The product's directory.
    json
        Print one JSON document.

    """
    from roadworthy.access import begin_trial, record_in
    from roadworthy.records import new_id

    settings = read_settings(directory)
    with begin_store(directory, settings) as store:
        begin_trial(store, now=tell_time(), recorder=record_in(store.ledger, lambda: new_id(tell_time())))
        facts = store.facts()
    if json:
        show_json({"store": settings.shown()["store"], "store_id": facts.store_id, "trial": True})
        return 0
    say("this is a trial now: one person may author and approve, every record says so, and it never becomes live")
    say("next: roadworthy release create && roadworthy release promote 1")
    return 0
