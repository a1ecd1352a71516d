"""Recalibrating a sealed package from the command line, on a file of newer applications with outcomes."""

from __future__ import annotations

from pathlib import Path

from roadworthy.errors import DataError
from roadworthy.model import Recalibrated, load, recalibrate
from roadworthy.pipeline.read_labelled import read_labelled

__all__ = ["recalibrate_file"]


def recalibrate_file(
    package: Path,
    data: Path,
    *,
    target: str,
    out: Path | None = None,
    method: str = "auto",
    weight: str | None = None,
    trusted_types: tuple[str, ...] = (),
) -> tuple[Recalibrated, Path]:
    """Recalibrate the package on the rows of `data` and write the new one, by default as NAME-recalibrated.rw."""
    sealed = load(package, trusted_types=trusted_types)
    path = out if out is not None else package.with_name(f"{package.stem}-recalibrated.rw")
    if path.exists() and path.samefile(package):
        raise DataError("is the package itself, which stays as it is", where=path, mend="--out ANOTHER.rw")
    labelled = read_labelled(data, lambda _: sealed.contract, target=target, weight=weight)
    done = recalibrate(
        sealed,
        labelled.batch,
        labelled.bad,
        method=method,
        weights=labelled.weights,
        population=data.name,
        lineage={"recalibrated_on": labelled.digest, "recalibrated_on_file": data.name},
        left_out=labelled.left_out,
    )
    done.package.save(path)
    return done, path
