"""`roadworthy sample`: made-up applications as JSON, to try things with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

NAME = "sample"


def command(
    *,
    n: Annotated[int, Parameter(name=["-n", "--n"])] = 1,
    seed: int = 0,
    directory: Annotated[Path, Parameter(name=["--directory", "-C"])] = Path(),
    package: Path | None = None,
) -> int:
    """Print made-up applications that keep to the contract, one JSON document a line.

    Values are drawn column by column from the model's profile, so they are about nobody.

    Example: roadworthy sample -n 3

    Parameters
    ----------
    n
        How many.
    seed
        Another seed, other applications.
    directory
        The product's directory, whose sealed model is sampled for.
    package
        Another sealed model.

    """
    from roadworthy.model import load
    from roadworthy.pipeline import open_workspace, sample_applications

    path = package if package is not None else open_workspace(directory).require_package()
    for line in sample_applications(load(path, native=False), n, seed=seed):
        print(line)
    return 0
