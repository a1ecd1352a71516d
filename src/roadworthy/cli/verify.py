"""`roadworthy verify`: is every record what it was when it was made?"""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import As, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json

NAME = "verify"


def command(*, directory: Directory = Path(), as_: As = None, json: Json = False) -> int:
    """Hash every record again and follow the chain; what was edited, removed or exchanged is named.

    Exits 1 where the chain does not hold. A tail that was cut off together with its head shows only against a head that
    was kept elsewhere: print them with --json.

    Example: roadworthy verify

    Parameters
    ----------
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    json
        Print one JSON document, the heads among it.

    """
    from roadworthy.records import verify_chain

    with acting(directory, as_name=as_) as deed:
        deed.demand("chain.verify")
        found = verify_chain(deed.store)
    if json:
        heads = [{"slot": head.slot, "seq": head.seq, "hash": head.hash.hex()} for head in found.heads]
        show_json({"intact": found.fault is None, "records": found.records, "fault": found.fault, "heads": heads})
    elif found.fault is not None:
        say(f"the chain does not hold: {found.fault}")
    else:
        slots = f"{len(found.heads)} writer{'s' if len(found.heads) != 1 else ''}"
        say(f"{found.records:,} records of {slots}: the chain holds")
    return 0 if found.fault is None else 1
