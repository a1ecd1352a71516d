"""`roadworthy heads`: what the chain's heads are now, signed, to be kept elsewhere; and the key that signs them."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "heads"
command = App(
    help="The chain's heads, signed: whoever keeps them can show later that nothing before them was changed.\n\n"
    "Example: roadworthy heads export march.json",
    version_flags=[],
)


@command.command
def export(file: Path, /, *, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Write the heads of now to FILE, signed with the key in signing_key_file.

    Give FILE to somebody who cannot write into the store: an auditor, another department, a time-stamping service.
    `roadworthy verify --heads FILE` then shows that nothing up to now was cut off or changed. The first export puts the
    public key on the record.

    Example: roadworthy heads export march.json

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
    from roadworthy.records import export_heads, write_signed_heads

    key = read_settings(directory).signing_key_file
    with acting(directory, as_name=as_) as deed:
        deed.demand("chain.verify")
        signed = export_heads(deed.store, key, at=deed.now, actor=deed.by.account, new_id=deed.new_id)
    write_signed_heads(file, signed)
    if json:
        show_json({"file": str(file), "signed": signed})
        return 0
    rows = sum(seq for _, seq, _ in signed.heads.heads)
    say(f"wrote {file}: the heads of {rows:,} records, signed by {signed.public_key}")
    say("keep it where nobody who can write into the store can change it")
    return 0


@command.command
def rotate(*, lost: str = "", directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Put a new key in place of the one that signs heads. The record of it is signed by both.

    Heads signed before stay good: the old public key stays on the record.

    Example: roadworthy heads rotate

    Parameters
    ----------
    lost
        How the present key was lost, where it cannot sign any more: that stays on the record.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.records import rotate_signing_key

    path = read_settings(directory).signing_key_file
    with acting(directory, as_name=as_) as deed:
        deed.demand("store.back_up")
        introduced = rotate_signing_key(
            deed.store, path, at=deed.now, actor=deed.by.account, new_id=deed.new_id, lost=lost
        )
    if json:
        show_json({"public_key": introduced.public_key, "previous": introduced.previous, "file": str(path)})
        return 0
    say(f"heads are signed by {introduced.public_key} from now on; the key is in {path}")
    say("keep a copy of it apart from the store and its backups")
    return 0


@command.command(name="keys")
def list_keys(*, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """The public keys that heads were ever signed with, the present one last.

    Example: roadworthy heads keys

    Parameters
    ----------
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document.

    """
    from roadworthy.records import list_signing_keys

    with acting(directory, as_name=as_) as deed:
        deed.demand("chain.verify")
        with deed.store.reading() as connection:
            known = list_signing_keys(connection)
    if json:
        show_json({"keys": known})
        return 0
    if not known:
        say("none yet: `roadworthy heads export FILE` puts the first on the record")
    for introduced in known:
        say(introduced.public_key + (f"  (the key before it was lost: {introduced.lost})" if introduced.lost else ""))
    return 0
