"""`roadworthy report`: the page of meaning and money."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from roadworthy.cli.speaking import say
from roadworthy.errors import UsageError

NAME = "report"


def command(
    *, html: Path | None = None, directory: Annotated[Path, Parameter(name=["--directory", "-C"])] = Path()
) -> int:
    """Make the page that says whether the model was right and what it is worth; bring it up to date first.

    Example: roadworthy report --html meaning.html

    Parameters
    ----------
    html
        Where to put a copy of the page; it needs no other file and no network.
    directory
        The product's directory.

    """
    from roadworthy.pipeline import open_workspace, run_stages

    page = run_stages(open_workspace(directory)).page
    if html is not None:
        try:
            shutil.copyfile(page, html)
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=html, mend="--html ANOTHER.html") from None
        page = html
    say(f"wrote {page}")
    return 0
