"""`roadworthy archive`: every record in a folder of Parquet files that grows with the store."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "archive"


def command(folder: Path, /, *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Bring the archive in FOLDER up to the store as it is now; begin it where there is none.

    FOLDER holds every record as Parquet, which anything reads, and `roadworthy verify FOLDER` checks it with nothing
    else. Files in it are never written again: the next export adds some. Signed heads go with it where there is a
    signing key. What says something about a person is in it as it is in the store: encrypted under the applicant's key.

    Example: roadworthy archive records

    Parameters
    ----------
    folder
        The archive's folder.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.records import archive, export_heads

    key = read_settings(directory).signing_key_file
    with acting(directory, as_name=as_) as deed:
        deed.demand("store.back_up")
        signed = None
        if key.exists():
            signed = export_heads(deed.store, key, at=deed.now, actor=deed.by.account, new_id=deed.new_id)
        done = archive(deed.store, folder, at=deed.now, signed=signed)
    rows = sum(seq for _, seq, _ in done.manifest.heads)
    if json:
        show_json({"folder": str(folder), "new": done.records, "records": rows, "signed": signed is not None})
        return 0
    say(f"{folder}: {done.records:,} new records in {done.parts} part(s), {rows:,} in all")
    if signed is None:
        say(f"no signed heads: there is no key at {key} (roadworthy heads rotate)")
    return 0
