"""Past applications prepared for training: kept to the contract, labelled, and split into learned-from and held-out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roadworthy.batch import describe_set_aside, map_columns, open_sink
from roadworthy.contract import Batch, Checked, Contract, check_table
from roadworthy.errors import DataError
from roadworthy.pipeline.leave_out import leave_out, refuse_our_names
from roadworthy.pipeline.local_time import localise
from roadworthy.pipeline.split import JUDGE, LEARN, split_past
from roadworthy.pipeline.workspace import Workspace
from roadworthy.product import Labels, Outcome, add_months, label_outcomes, read_days, read_weights

__all__ = ["Past", "prepare_past", "read_past"]

_OWN = ("rw:outcome", "rw:bad", "rw:weight", "rw:part")


@dataclass(frozen=True)
class Past:
    """n past applications that keep to the contract.

    outcome    object (n,): bad, good, indeterminate, declined or immature
    bad        float64 (n,): 1, 0, or NaN where the outcome may not be used
    weight     float64 (n,) or None: how many applications a row stands for
    part       object (n,): "learn", "judge" (held out), or "" for neither
    """

    batch: Batch
    outcome: NDArray[Any]
    bad: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    part: NDArray[Any]

    def rows(self, *, held_out: bool) -> NDArray[np.int64]:
        """The usable rows of one side of the split."""
        return np.flatnonzero(~np.isnan(self.bad) & (self.part == (JUDGE if held_out else LEARN)))

    def weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """The weights of `rows`, or None where rows are not weighted."""
        return None if self.weight is None else self.weight[rows]


def prepare_past(workspace: Workspace, kept: Path, set_aside: Path) -> list[str]:
    """Read, preprocess, map, check, label and split; write the kept rows and those set aside. Returns what was found.

    `split_past` says what is learned from and what is held out.
    """
    source = workspace.source.read()
    refuse_our_names(source)
    table, numbers = leave_out(workspace, source)
    product, contract = workspace.product, workspace.contract
    labels = label_outcomes(table, product.outcome)
    placed = localise(table, workspace.mapping, product.time_zone)
    mapped = map_columns(placed, workspace.mapping, contract)
    checked = check_table(contract, mapped, unknown="ignore")
    notes = [*workspace.source.notes, *labels.notes]
    if left_out := source.num_rows - table.num_rows:
        notes.append(f"preprocess left out {left_out:,} of {source.num_rows:,} rows")
    _write_set_aside(table, checked, numbers, set_aside)
    if len(checked.set_aside):
        share = len(checked.set_aside.rows) / table.num_rows
        notes.append(
            f"{len(checked.set_aside.rows):,} of {table.num_rows:,} rows ({share:.2%}) broke the contract and lie in "
            f"{set_aside.name} with the rule that failed"
        )
    rows = checked.rows
    bad = labels.bad[rows]
    _require_both(bad, labels)
    part, how = split_past(bad, checked.batch.applied_at, _days_known(table, product.outcome, rows))
    notes.append(how)
    columns: dict[str, Any] = {
        "rw:outcome": pa.array(labels.names[rows], pa.string()),
        "rw:bad": pa.array(bad, mask=np.isnan(bad)),
        "rw:part": pa.array(part, pa.string()),
    }
    if product.data.weight is not None:
        columns["rw:weight"] = pa.array(read_weights(table, product.data.weight)[rows])
    out = mapped.take(pa.array(rows))
    for name, values in columns.items():
        out = out.append_column(name, values)
    pq.write_table(out, kept)
    return notes


def read_past(path: Path, contract: Contract) -> Past:
    """The rows that `prepare_past` kept; DataError where not all of them keep to today's `contract` too."""
    table = pq.read_table(path, pre_buffer=False)
    own = {name: table[name] for name in _OWN if name in table.column_names}
    if "rw:part" not in own:
        raise DataError("was made by an earlier version", where=path, mend="roadworthy run --force")
    checked = check_table(contract, table.drop_columns(list(own)), unknown="ignore")
    if len(checked.rows) != table.num_rows:
        raise DataError(
            f"the contract changed since preprocess: {table.num_rows - len(checked.rows):,} of {table.num_rows:,} "
            "rows that kept to it do so no longer",
            where=path,
            mend="roadworthy run preprocess",
        )
    return Past(
        batch=checked.batch,
        outcome=own["rw:outcome"].to_numpy(zero_copy_only=False),
        bad=own["rw:bad"].to_numpy(zero_copy_only=False).astype(np.float64),
        weight=own["rw:weight"].to_numpy() if "rw:weight" in own else None,
        part=own["rw:part"].to_numpy(zero_copy_only=False),
    )


def _write_set_aside(table: pa.Table, checked: Checked, numbers: NDArray[np.int64], path: Path) -> None:
    path.unlink(missing_ok=True)
    if len(checked.set_aside):
        described = describe_set_aside(table, checked.set_aside)
        in_file = pa.array(numbers[checked.set_aside.rows])
        with open_sink(path) as sink:
            sink.write(described.set_column(0, described.column_names[0], in_file))


def _require_both(bad: NDArray[np.float64], labels: Labels) -> None:
    goods, bads = int(np.sum(bad == 0)), int(np.sum(bad == 1))
    if min(goods, bads) < 10:
        counted = ", ".join(f"{count:,} {name}" for name, count in labels.counts.items())
        raise DataError(
            f"too little to learn from: {bads} bad and {goods} good applications keep to the contract ({counted})",
            mend="check bad, good and the dates under outcome in product.yaml, or bring more applications",
        )


def _days_known(table: pa.Table, outcome: Outcome, rows: NDArray[np.int64]) -> NDArray[np.datetime64] | None:
    """The day on which each outcome was settled: the end of its window, where the day of booking is known."""
    if outcome.booked_date is None or outcome.horizon_months is None:
        return None
    return add_months(read_days(table, outcome.booked_date)[rows], outcome.horizon_months)
