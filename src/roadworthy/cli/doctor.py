"""`roadworthy doctor`: is this machine fit to run the product?"""

from __future__ import annotations

from pathlib import Path

from roadworthy.cli.acting import Directory
from roadworthy.cli.speaking import Json, say, show_json

NAME = "doctor"


def command(*, directory: Directory = Path(), json: Json = False) -> int:
    """Look at what the product runs on: settings, store, release, disk and clock; every fault with its mend.

    Exits 1 where anything is at fault. It changes nothing.

    Example: roadworthy doctor

    Parameters
    ----------
    directory
        The product's directory.
    json
        Print one JSON document.

    """
    from roadworthy.cli.findings import FAULT, examine

    found = examine(directory)
    well = not any(finding.state == FAULT for finding in found)
    if json:
        show_json({"well": well, "findings": found})
        return 0 if well else 1
    for finding in found:
        say(f"{finding.state.upper() if finding.state == FAULT else finding.state:>6}  {finding.about}: {finding.says}")
        if finding.mend is not None:
            say(f"        mend: {finding.mend}")
    return 0 if well else 1
