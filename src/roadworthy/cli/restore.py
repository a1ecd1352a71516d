"""`roadworthy restore`: a store from a backup."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import Directory
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "restore"


def command(file: Path, /, *, directory: Directory = Path(), json: Json = False) -> int:
    """Make this product's store, where there must be none, from the backup FILE: whole, or not at all.

    Every hash of the file is checked before, and every chain of records within.

    Example: roadworthy restore monday.zip

    Parameters
    ----------
    file
        What `roadworthy backup` wrote.
    directory
        The product's directory, whose settings say where the store is to be.
    json
        Print one JSON document.

    """
    from roadworthy.records import restore

    settings = read_settings(directory)
    manifest = restore(file, settings.store)
    place = settings.shown()["store"]
    if json:
        show_json({"store": place, "manifest": manifest})
        return 0
    rows = sum(table.rows for table in manifest.tables)
    say(f"restored {rows:,} rows of {len(manifest.tables)} tables, as of {manifest.made_at:%Y-%m-%d %H:%M} UTC")
    say(f"the store is {place}")
    return 0
