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
    from roadworthy.erasure import erase_again, keys_of, list_of
    from roadworthy.records import new_id, open_store, restore

    settings = read_settings(directory)
    manifest = restore(file, settings.store)
    listed = list_of(settings).read()
    now = tell_time()
    # Nothing opens it before this is done: should this be cut off, whoever opens the store does it first.
    with open_store(settings.store, keys=keys_of(settings)) as store:
        again = erase_again(store, listed, now=now, new_id=lambda: new_id(now))
    place = settings.shown()["store"]
    if json:
        show_json({"store": place, "manifest": manifest, "erased_again": again})
        return 0
    rows = sum(table.rows for table in manifest.tables)
    say(f"restored {rows:,} rows of {len(manifest.tables)} tables, as of {manifest.made_at:%Y-%m-%d %H:%M} UTC")
    say(f"the store is {place}")
    if again:
        say(f"{again} erasure(s) from after the backup were done again")
    elif not list_of(settings).path.is_file():
        say(f"no erasure was done again: there is no list of them at {list_of(settings).path}")
    return 0
