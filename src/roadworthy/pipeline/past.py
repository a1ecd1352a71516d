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
from roadworthy.pipeline.workspace import Workspace
from roadworthy.product import Labels, label_outcomes, read_weights

__all__ = ["HELD_OUT_SHARE", "Past", "prepare_past", "read_past"]

HELD_OUT_SHARE = 0.3
_OWN = ("rw:outcome", "rw:bad", "rw:weight", "rw:held_out")


@dataclass(frozen=True)
class Past:
    """n past applications that keep to the contract.

    outcome    object (n,): bad, good, indeterminate, declined or immature
    bad        float64 (n,): 1, 0, or NaN where the outcome may not be used
    weight     float64 (n,) or None: how many applications a row stands for
    held_out   bool (n,): not to be learned from
    """

    batch: Batch
    outcome: NDArray[Any]
    bad: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    held_out: NDArray[np.bool_]

    def rows(self, *, held_out: bool) -> NDArray[np.int64]:
        """The usable rows of one side of the split."""
        return np.flatnonzero(~np.isnan(self.bad) & (self.held_out == held_out))

    def weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """The weights of `rows`, or None where rows are not weighted."""
        return None if self.weight is None else self.weight[rows]


def prepare_past(workspace: Workspace, kept: Path, set_aside: Path) -> list[str]:
    """Read, preprocess, map, check, label and split; write the kept rows and those set aside. Returns what was found.

    The newest 30% of the usable applications by `applied_at` are held out where applications are dated, so that the
    model is judged on what came after what it learned from; else 30% drawn at random, bads and goods alike.
    """
    table = workspace.source.read()
    preprocess = getattr(workspace.stages, "preprocess", None)
    if preprocess is not None:
        table = preprocess(table)
    product, contract = workspace.product, workspace.contract
    labels = label_outcomes(table, product.outcome)
    mapped = map_columns(table, workspace.mapping, contract)
    checked = check_table(contract, mapped, unknown="ignore")
    notes = [*workspace.source.notes, *labels.notes]
    _write_set_aside(table, checked, set_aside)
    if len(checked.set_aside):
        share = len(checked.set_aside.rows) / table.num_rows
        notes.append(
            f"{len(checked.set_aside.rows):,} of {table.num_rows:,} rows ({share:.2%}) broke the contract and lie in "
            f"{set_aside.name} with the rule that failed"
        )
    rows = checked.rows
    bad = labels.bad[rows]
    _require_both(bad, labels)
    held_out, how = _split(checked.batch, bad)
    notes.append(how)
    columns: dict[str, Any] = {
        "rw:outcome": pa.array(labels.names[rows], pa.string()),
        "rw:bad": pa.array(bad, mask=np.isnan(bad)),
        "rw:held_out": pa.array(held_out),
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
        held_out=own["rw:held_out"].to_numpy(zero_copy_only=False).astype(np.bool_),
    )


def _write_set_aside(table: pa.Table, checked: Checked, path: Path) -> None:
    path.unlink(missing_ok=True)
    if len(checked.set_aside):
        with open_sink(path) as sink:
            sink.write(describe_set_aside(table, checked.set_aside))


def _require_both(bad: NDArray[np.float64], labels: Labels) -> None:
    goods, bads = int(np.sum(bad == 0)), int(np.sum(bad == 1))
    if min(goods, bads) < 10:
        counted = ", ".join(f"{count:,} {name}" for name, count in labels.counts.items())
        raise DataError(
            f"too little to learn from: {bads} bad and {goods} good applications keep to the contract ({counted})",
            mend="check bad, good and the dates under outcome in product.yaml, or bring more applications",
        )


def _split(batch: Batch, bad: NDArray[np.float64]) -> tuple[NDArray[np.bool_], str]:
    usable = ~np.isnan(bad)
    dated = usable & ~np.isnat(batch.applied_at)
    if dated.sum() == usable.sum():
        times = np.sort(batch.applied_at[usable])
        first = times[int(len(times) * (1 - HELD_OUT_SHARE))]
        held_out = batch.applied_at >= first
        if all(len(np.unique(bad[usable & side])) == 2 for side in (held_out, ~held_out)):
            return held_out, f"held out: applications from {str(first)[:10]} on, newer than all that was learned from"
    held_out = np.zeros(len(bad), dtype=np.bool_)
    rng = np.random.default_rng(0)
    for outcome in (0.0, 1.0):
        rows = rng.permutation(np.flatnonzero(bad == outcome))
        held_out[rows[: max(1, round(len(rows) * HELD_OUT_SHARE))]] = True
    return held_out, f"held out: {HELD_OUT_SHARE:.0%} drawn at random, since applications are not dated"
