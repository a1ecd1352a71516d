"""`roadworthy verify`: is every record what it was when it was made?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json

if TYPE_CHECKING:
    from roadworthy.records import SignedHeads, Verified

NAME = "verify"
_MANY = 200_000
"""From so many records on it pays to start processes for them."""


def command(
    place: Path | None = None,
    /,
    *,
    heads: Annotated[list[Path] | None, Parameter(name="--heads", negative="")] = None,
    directory: Directory = Path(),
    as_: As = None,
    json: Json = False,
) -> int:
    """Hash every record again and follow the chain; what was edited, removed, put in or moved is named.

    Of the store, or of PLACE: a backup, or the folder of an archive, for which nothing else is needed. Exits 1 where
    the chain does not hold. Whoever has the database's password can cut off a tail, or hash it anew, together with its
    head: that shows only against heads that were exported before (`roadworthy heads export`) and kept elsewhere.

    Example: roadworthy verify --heads auditor/march.json

    Parameters
    ----------
    place
        A backup or an archive; the store where it is left out.
    heads
        A file of exported heads; give it several times for several.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document, the heads among it.

    """
    from roadworthy.records import read_signed_heads

    kept = [read_signed_heads(file) for file in heads or ()]
    found = _verify_store(directory, as_, kept) if place is None else _verify_file(place, kept)
    if json:
        stated = [{"slot": head.slot, "seq": head.seq, "hash": head.hash.hex()} for head in found.heads]
        show_json(
            {
                "intact": found.fault is None,
                "records": found.records,
                "fault": found.fault,
                "heads": stated,
                "against": [
                    {"at": signed.heads.at, "public_key": signed.public_key, "heads": signed.heads.heads}
                    for signed in kept
                ],
            }
        )
    elif found.fault is not None:
        say(f"the chain does not hold: {found.fault}")
    else:
        slots = f"{len(found.heads)} writer{'s' if len(found.heads) != 1 else ''}"
        say(f"{found.records:,} records of {slots}: the chain holds")
        for signed in kept:
            say(f"and nothing up to {signed.heads.at:%Y-%m-%d %H:%M} UTC was cut off or changed since")
            say(f"  signed by {signed.public_key}")
    return 0 if found.fault is None else 1


def _verify_store(directory: Path, as_: str | None, kept: Sequence[SignedHeads]) -> Verified:
    from roadworthy.records import verify_chain

    with acting(directory, as_name=as_) as deed:
        deed.demand("chain.verify")
        many = sum(head.seq for head in deed.store.ledger.heads()) >= _MANY
        return verify_chain(deed.store, kept=kept, processes=_processes() if many else 1)


def _verify_file(place: Path, kept: Sequence[SignedHeads]) -> Verified:
    from roadworthy.records import read_archive_manifest, read_manifest, verify_archive, verify_backup

    if place.is_dir():
        many = sum(seq for _, seq, _ in read_archive_manifest(place).heads) >= _MANY
        return verify_archive(place, kept=kept, processes=_processes() if many else 1)
    many = sum(seq for _, seq, _ in read_manifest(place).heads) >= _MANY
    return verify_backup(place, kept=kept, processes=_processes() if many else 1)


def _processes() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
