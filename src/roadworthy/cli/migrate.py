"""`roadworthy migrate`: the store's tables, brought to this version."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import Directory
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "migrate"


def command(*, directory: Directory = Path(), json: Json = False) -> int:
    """Bring the store's tables to what this version works with: whole, or not at all. Back up first.

    Whoever has the store's address does it: before it is done nobody can be asked who they are.

    Example: roadworthy backup before.zip && roadworthy migrate

    Parameters
    ----------
    directory
        The product's directory.
    json
        Print one JSON document.

    """
    from roadworthy.records import migrate_store

    revisions = migrate_store(read_settings(directory).store)
    if json:
        show_json({"revisions": revisions})
        return 0
    say(f"the store is at {', '.join(revisions)}")
    return 0
