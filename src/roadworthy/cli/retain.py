"""`roadworthy retain`: what is kept longer than it should be is erased."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from roadworthy.cli.acting import As, BreakGlass, Directory, acting
from roadworthy.cli.speaking import Json, say, show_json
from roadworthy.settings import read_settings

NAME = "retain"


def command(
    *,
    yes: Annotated[bool, Parameter(negative="")] = False,
    directory: Directory = Path(),
    as_: As = None,
    break_glass: BreakGlass = None,
    json: Json = False,
) -> int:
    """Erase every applicant about whom nothing was recorded for `retain_months` (25 unless it is set otherwise).

    Without --yes it says how many, and nothing is done. A legal hold keeps whoever it is on. Run it every night.

    Example: roadworthy retain --yes

    Parameters
    ----------
    yes
        Do it.
    directory
        The product's directory.
    as_
        Act as this account: in a trial only.
    break_glass
        Act from the store's own machine although there is an admin, and why.
    json
        Print one JSON document.

    """
    from roadworthy.erasure import find_overdue, retain

    months = read_settings(directory).retain_months
    with acting(directory, as_name=as_, break_glass=break_glass) as deed:
        overdue = find_overdue(deed, months)
        erased = retain(deed, months) if yes else 0
    if json:
        show_json(
            {"before": overdue.before, "overdue": len(overdue.applicants), "held": overdue.held, "erased": erased}
        )
        return 0
    say(f"{len(overdue.applicants):,} applicant(s) without a record since {overdue.before:%Y-%m-%d}")
    if overdue.held:
        say(f"{overdue.held:,} more are kept by a legal hold")
    say(f"erased: {erased:,}" if yes else "nothing was erased: --yes does it, for good")
    return 0
