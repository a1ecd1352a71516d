"""Recalibrating a sealed package from the command line, on a file of newer applications with outcomes."""

from __future__ import annotations

from pathlib import Path

from roadworthy.batch import open_table
from roadworthy.contract import check_table
from roadworthy.errors import DataError
from roadworthy.model import Recalibrated, load, recalibrate
from roadworthy.pipeline.seal_file import read_outcome
from roadworthy.product import read_weights

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
    source = open_table(data)
    table = source.read()
    own = [column for column in (target, weight) if column is not None]
    for column in own:
        if column not in table.column_names:
            raise DataError(f"no column {column!r}", where=data, available=table.column_names)
    path = out if out is not None else package.with_name(f"{package.stem}-recalibrated.rw")
    if path.exists() and path.samefile(package):
        raise DataError("is the package itself, which stays as it is", where=path, mend="--out ANOTHER.rw")
    checked = check_table(sealed.contract, table.drop_columns(own), unknown="ignore")
    if not len(checked.batch):
        violation = checked.set_aside.violations()[0]
        raise DataError(f"no row keeps to the contract; the first: {violation.path} {violation.message}", where=data)
    done = recalibrate(
        sealed,
        checked.batch,
        read_outcome(table, target, data)[checked.rows],
        method=method,
        weights=None if weight is None else read_weights(table, weight)[checked.rows],
        population=data.name,
        lineage={"recalibrated_on": source.digest, "recalibrated_on_file": data.name},
        left_out=table.num_rows - len(checked.rows),
    )
    done.package.save(path)
    return done, path
