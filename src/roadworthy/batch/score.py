"""A file of applications to a file of decisions, in a stream: memory does not grow with the file (R5, R8, R29)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from roadworthy.batch.mapping import SourceMapping, absent_inputs, map_columns
from roadworthy.batch.set_aside import describe_set_aside
from roadworthy.batch.sinks import Sink, open_sink
from roadworthy.batch.sources import Source
from roadworthy.batch.writings import settle_writings
from roadworthy.contract import check_table
from roadworthy.decision import Decisions, Release, Table, decide
from roadworthy.errors import DataError
from roadworthy.policy import ANSWERS

__all__ = ["Scored", "score"]

_NO_TABLES: Mapping[str, Table] = MappingProxyType({})


@dataclass(frozen=True)
class Scored:
    """What became of a file: every row read was either decided or set aside; `absent` inputs it did not have at all."""

    read: int
    decided: int
    set_aside: int
    answers: Mapping[str, int]
    set_aside_path: Path | None
    absent: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The outcome in words."""
        shares = ", ".join(f"{count:,} {answer}" for answer, count in self.answers.items())
        aside = f"; {self.set_aside:,} set aside in {self.set_aside_path}" if self.set_aside else ""
        without = f"; decided without: {', '.join(self.absent)} (absent from the file)" if self.absent else ""
        return f"{self.read:,} applications read, {self.decided:,} decided ({shares}){aside}{without}"


def score(
    source: Source,
    out: Path,
    release: Release,
    *,
    set_aside: Path,
    mapping: SourceMapping | None = None,
    tables: Mapping[str, Table] = _NO_TABLES,
    absent: Collection[str] = (),
    shape: Callable[[pa.Table], pa.Table] = lambda decisions: decisions,
    progress: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Decide every row of `source` by `release` and write the decisions to `out` (CSV or Parquet by its name).

    Each decision carries `row`, the position in the file counted from 1. A row that breaks the contract goes to
    `set_aside` as it came, with its number and the rules it broke, ready to be mended and sent again; that file is
    written only where there are such rows. `mapping` names the source's columns where they are not the contract's;
    without it, columns that the contract does not know are ignored. An input that may be missing and that the whole
    file lacks raises DataError unless `absent` names it. Both files appear whole or not at all. `shape` may
    add to each table of decisions before it is written; `progress` is told how many rows each step has done.
    """
    counts = np.zeros(len(ANSWERS), dtype=np.int64)
    read = aside = 0
    contract = release.package.contract
    mapping = mapping or SourceMapping(file=source.path.name, format=source.format)
    lacking = absent_inputs(source, mapping, contract)
    if not set(lacking) <= set(absent):
        raise DataError(
            f"has no column for the model's inputs: {', '.join(name for name in lacking if name not in absent)}",
            where=source.path,
            available=source.columns,
            mend="map the columns that hold them, or name them in `absent` to decide every row without them",
        )
    writings = settle_writings(source, mapping, contract)
    with ExitStack() as stack:
        decided_to = stack.enter_context(open_sink(out))
        aside_to: Sink | None = None
        for table in source.batches():
            mapped = map_columns(table, mapping, contract)
            checked = check_table(contract, mapped, unknown="ignore", writings=writings)
            decisions = decide(checked.batch, release, tables)
            counts += np.bincount(decisions.answer, minlength=len(ANSWERS))
            decided_to.write(shape(_numbered(decisions, checked.rows + read + 1, flat=decided_to.format == "csv")))
            if len(checked.set_aside):
                if aside_to is None:
                    aside_to = stack.enter_context(open_sink(set_aside))
                aside_to.write(describe_set_aside(table, checked.set_aside, read))
                aside += len(checked.set_aside.rows)
            read += table.num_rows
            progress(table.num_rows)
    return Scored(
        read=read,
        decided=int(counts.sum()),
        set_aside=aside,
        answers=dict(zip(ANSWERS, counts.tolist(), strict=True)),
        set_aside_path=set_aside if aside else None,
        absent=lacking,
    )


def _numbered(decisions: Decisions, rows: np.ndarray[tuple[int], np.dtype[np.int64]], *, flat: bool) -> pa.Table:
    table = decisions.to_flat_arrow() if flat else decisions.to_arrow()
    return table.add_column(0, "row", pa.array(rows, pa.int64()))
