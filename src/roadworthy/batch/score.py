"""A file of applications to a file of decisions, in a stream: memory does not grow with the file (R5, R8, R29)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.batch.mapping import SourceMapping, absent_inputs, map_columns
from roadworthy.batch.set_aside import describe_set_aside
from roadworthy.batch.sinks import Sink, open_sink
from roadworthy.batch.sources import Source
from roadworthy.batch.writings import settle_writings
from roadworthy.contract import Checked, Contract, SetAside, check_table
from roadworthy.decision import Release, Table, decide
from roadworthy.errors import DataError
from roadworthy.policy import ANSWERS

__all__ = ["Part", "Scored", "number_rows", "score", "walk_file"]

_NO_TABLES: Mapping[str, Table] = MappingProxyType({})


@dataclass(frozen=True)
class Scored:
    """What became of a file: every row read was either decided or set aside; `absent` inputs it did not have at all.

    `repeated` of the decided were recorded by an earlier run over the same file.
    """

    read: int
    decided: int
    set_aside: int
    answers: Mapping[str, int]
    set_aside_path: Path | None
    absent: tuple[str, ...] = ()
    repeated: int = 0

    def sentence(self) -> str:
        """The outcome in words."""
        shares = ", ".join(f"{count:,} {answer}" for answer, count in self.answers.items())
        aside = f"; {self.set_aside:,} set aside in {self.set_aside_path}" if self.set_aside else ""
        without = f"; decided without: {', '.join(self.absent)} (absent from the file)" if self.absent else ""
        before = f", {self.repeated:,} of them recorded before" if self.repeated else ""
        return f"{self.read:,} applications read, {self.decided:,} decided ({shares}){before}{aside}{without}"


@dataclass(frozen=True)
class Part:
    """What became of one part of a file.

    answer      int8, positions in ANSWERS, one a decided row
    decisions   one line a decided row as it is written, `row` first
    set_aside   rows that are not decided though they keep to the contract, and why
    repeated    how many were recorded before
    """

    answer: NDArray[np.int8]
    decisions: pa.Table
    set_aside: SetAside | None = None
    repeated: int = 0


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

    def decide_part(checked: Checked, _: pa.Table, before: int, flat: bool) -> Part:
        decisions = decide(checked.batch, release, tables)
        table = decisions.to_flat_arrow() if flat else decisions.to_arrow()
        return Part(decisions.answer, shape(number_rows(table, checked.rows, before)))

    return walk_file(
        source,
        out,
        release.package.contract,
        decide_part,
        set_aside=set_aside,
        mapping=mapping,
        absent=absent,
        progress=progress,
    )


def walk_file(
    source: Source,
    out: Path,
    contract: Contract,
    decide_part: Callable[[Checked, pa.Table, int, bool], Part],
    *,
    set_aside: Path,
    mapping: SourceMapping | None,
    absent: Collection[str],
    progress: Callable[[int], None],
) -> Scored:
    """Take `source` through `contract` part by part, have each part decided, and write what comes of it.

    `decide_part` gets the part's rows as checked, the whole part by the contract's names, how many rows came before it,
    and whether its decisions are to be flat, without lists. Everything else as for `score`.
    """
    counts = np.zeros(len(ANSWERS), dtype=np.int64)
    read = aside = repeated = 0
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
    names = mapping.file_names()
    with ExitStack() as stack:
        decided_to = stack.enter_context(open_sink(out))
        aside_to: Sink | None = None
        for table in source.batches():
            mapped = map_columns(table, mapping, contract)
            checked = check_table(contract, mapped, unknown="ignore", writings=writings)
            part = decide_part(checked, mapped, read, decided_to.flat)
            counts += np.bincount(part.answer, minlength=len(ANSWERS))
            repeated += part.repeated
            decided_to.write(part.decisions)
            for refused in (checked.set_aside, part.set_aside):
                if refused is not None and len(refused):
                    if aside_to is None:
                        aside_to = stack.enter_context(open_sink(set_aside))
                    aside_to.write(describe_set_aside(table, refused, read, names))
                    aside += len(refused.rows)
            read += table.num_rows
            progress(table.num_rows)
    return Scored(
        read=read,
        decided=int(counts.sum()),
        set_aside=aside,
        answers=dict(zip(ANSWERS, counts.tolist(), strict=True)),
        set_aside_path=set_aside if aside else None,
        absent=lacking,
        repeated=repeated,
    )


def number_rows(table: pa.Table, rows: NDArray[np.int64], before: int) -> pa.Table:
    """The decisions with `row` in front: the position in the file, from 1, of positions in a part of it."""
    return table.add_column(0, "row", pa.array(rows + before + 1, pa.int64()))
