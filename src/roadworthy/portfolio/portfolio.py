"""The portfolio: what the bank would hold, what nobody could know, and the files they are written to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from roadworthy.errors import UsageError
from roadworthy.portfolio.applications import spoil_text
from roadworthy.portfolio.outcomes import derive_outcomes

__all__ = ["Portfolio"]

LABEL = {b"synthetic": b"simulated by roadworthy.portfolio; about nobody"}
"""On every table's schema, and so in every Parquet file written from one."""


@dataclass(frozen=True, repr=False)
class Portfolio:
    """A simulated portfolio; every table is labelled synthetic.

    What the bank holds on `end`, the last day of the simulation:
    `applications` one row per application in order of time (a few rows twice), columns as in `describe()`;
    `events` application_id, event, at, known_at, amount, in the order in which the bank learned of them;
    `merchants`, `branches` monthly parameters: key, effective, parameters.

    What nobody could know, for tests:
    `truth` application_id, pd (default within 24 months of booking), pd_lifetime, and what came or would have come:
    bad (0/1), booked_on, defaulted_on, exposure_at_default, loss_given_default;
    `truth_by_month` effective, hazard, newcomers, drifted, funding_rate.
    """

    seed: int
    start: date
    end: date
    applications: pa.Table
    events: pa.Table
    merchants: pa.Table
    branches: pa.Table
    truth: pa.Table
    truth_by_month: pa.Table

    def __post_init__(self) -> None:
        for name in self.tables:
            object.__setattr__(self, name, getattr(self, name).replace_schema_metadata(LABEL))

    def __repr__(self) -> str:
        return (
            f"Portfolio(synthetic: {self.truth.num_rows:,} applications from {self.start} to {self.end}, "
            f"{self.events.num_rows:,} events, seed {self.seed})"
        )

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(field.name for field in fields(self) if field.name not in ("seed", "start", "end"))

    def known(self, as_of: date) -> pa.Table:
        """The events known by the end of the day `as_of`.

        Raises UsageError where `as_of` is after `end`: the books are silent about later days, which is not the same as
        nothing having happened.
        """
        if isinstance(as_of, datetime) or not isinstance(as_of, date):
            raise UsageError(f"as_of is {as_of!r}: it is a date", mend="as_of=date(2020, 12, 31)")
        if as_of > self.end:
            raise UsageError(
                f"as_of is {as_of}: the simulation ends on {self.end}", mend=f"as_of={self.end!r} or earlier"
            )
        return self.events.filter(pc.field("known_at") <= pa.scalar(as_of))

    def outcomes(self, as_of: date, horizon_months: int) -> pa.Table:
        """Each booked application's outcome, from nothing but the events known by `as_of`; see `derive_outcomes`.

        >>> from roadworthy.portfolio import simulate
        >>> outcomes = simulate(2_000, seed=1).outcomes(date(2020, 12, 31), 24)
        >>> sorted(set(outcomes["outcome"].to_pylist()))
        ['bad', 'good', 'immature']
        """
        return derive_outcomes(self.known(as_of), as_of, horizon_months)

    def write(self, folder: Path, *, format: Literal["parquet", "csv"] = "parquet") -> dict[str, Path]:  # noqa: A002  the reader's word
        """Writes each table to a file of its own in `folder` and returns their paths by table name.

        Parquet files are named after the table (`applications.parquet`) and carry the key `synthetic` in their
        metadata; CSV files cannot, so their names begin with it (`synthetic_applications.csv`). The truth is never in
        the bank's files. In CSV a few numbers are text, as people type them. A file is written whole or not at all.

        Raises UsageError for another format, and where the folder cannot be written to.
        """
        if format not in ("parquet", "csv"):
            raise UsageError(f"format is {format!r}", available=["parquet", "csv"])
        folder = Path(folder)
        paths = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in self.tables:
                table = getattr(self, name)
                if format == "csv" and name == "applications":
                    table = spoil_text(np.random.default_rng([self.seed, len(table)]), table)
                paths[name] = folder / (f"synthetic_{name}.csv" if format == "csv" else f"{name}.parquet")
                _write_whole(table, paths[name])
        except OSError as error:
            raise UsageError(f"cannot be written to: {error.strerror or error}", where=folder) from None
        return paths


def _write_whole(table: pa.Table, path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(table, part)
        else:
            pyarrow.parquet.write_table(table, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
