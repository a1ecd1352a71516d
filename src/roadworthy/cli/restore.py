"""`roadworthy restore`: a store from a backup."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import Directory, tell_time
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "restore"


def command(file: Path, /, *, directory: Directory = Path(), json: Json = False) -> int:
    """Make this product's store, where there must be none, from the backup FILE: whole, or not at all.

    Every hash of the file is checked before, and every chain of records within. What was erased after the backup was
    made is erased again, by the list that lies beside the wrapping key (wrapping.erasures); without it, nobody knows.

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
    from roadworthy.erasure import erase_listed, list_of, open_kept_store
    from roadworthy.errors import StoreError
    from roadworthy.records import restore

    settings = read_settings(directory)
    manifest = restore(file, settings.store)
    # Should this be cut off here, whoever opens the store does it first.
    again = erase_listed(settings, now=tell_time())
    try:
        open_kept_store(settings, now=tell_time()).close()
        locked = None
    except StoreError as error:
        locked = error
    place = settings.shown()["store"]
    if json:
        show_json({"store": place, "manifest": manifest, "erased_again": again, "opens": locked is None})
        return 0
    rows = sum(table.rows for table in manifest.tables)
    say(f"restored {rows:,} rows of {len(manifest.tables)} tables, as of {manifest.made_at:%Y-%m-%d %H:%M} UTC")
    say(f"the store is {place}")
    if again:
        say(f"{again} erasure(s) from after the backup were done again")
    elif not list_of(settings).path.is_file():
        say(f"no erasure was done again: there is no list of them at {list_of(settings).path}")
    if locked is not None:
        say(f"it does not open yet: {locked}")
    return 0
