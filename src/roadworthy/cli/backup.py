"""`roadworthy backup`: the store as one file."""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "backup"


def command(file: Path, /, *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Write the whole store, as it is at one moment, to FILE, while it serves.

    FILE is a ZIP of Parquet tables with their SHA-256, and restores into SQLite and PostgreSQL alike. It holds what
    applicants told: keep it as safe as the store. Beside it, as FILE.heads.json, are the chain's heads, signed, where
    there is a signing key: keep those elsewhere.

    Example: roadworthy backup monday.zip

    Parameters
    ----------
    file
        A file that is not there yet.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.records import backup, export_heads, write_signed_heads

    key = read_settings(directory).signing_key_file
    beside = file.with_name(file.name + ".heads.json")
    with acting(directory, as_name=as_) as deed:
        deed.demand("store.back_up")
        signed = None
        if key.exists():
            signed = export_heads(deed.store, key, at=deed.now, actor=deed.by.account, new_id=deed.new_id)
        manifest = backup(deed.store, file, at=deed.now)
        if signed is not None:
            write_signed_heads(beside, signed)
    if json:
        show_json({"file": str(file), "manifest": manifest, "heads": str(beside) if signed is not None else None})
        return 0
    rows = sum(table.rows for table in manifest.tables)
    say(f"wrote {file}: {rows:,} rows of {len(manifest.tables)} tables, {file.stat().st_size:,} bytes")
    if signed is not None:
        say(f"and {beside}, the signed heads: keep them elsewhere")
    return 0
