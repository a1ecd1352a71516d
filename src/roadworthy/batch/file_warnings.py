"""What looks wrong about a file of applications, in words, before any of them is decided (R10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa

from roadworthy.batch.mapping import SourceMapping, map_columns
from roadworthy.batch.sources import Source
from roadworthy.contract import RESERVED, Batch, Contract, SetAside, check_table, column_of, outside, say_number

__all__ = ["warn_applications"]

_MOST_LOOKED_AT = 5_000
"""So many rows of a file are looked at for what is wrong with it: what is, is in most of them."""
_MANY = 0.2
_FOLD = 20.0


def warn_applications(
    source: Source, mapping: SourceMapping, contract: Contract, absent: Collection[str], like: Batch | None = None
) -> tuple[str, ...]:
    """Every warning about the first rows of a file: other columns, other units, another product's applications.

    `absent` are the inputs that it lacks; `like` are applications as the model knows them, to compare amounts with.
    The same at every door: at the pages, over HTTP and at the command line.
    """
    table = next(iter(source.batches(_MOST_LOOKED_AT)), source.schema.empty_table())
    checked = check_table(contract, map_columns(table, mapping, contract))
    return (
        *_other_columns(table, mapping, contract, absent),
        *_set_aside(checked.set_aside, table.num_rows, mapping.file_names()),
        *_beyond(checked.batch),
        *_other_units(checked.batch, like),
    )


def _other_columns(
    table: pa.Table, mapping: SourceMapping, contract: Contract, absent: Collection[str]
) -> Iterator[str]:
    if not absent:
        return
    known = {*RESERVED, *mapping.columns.values(), *(column.name for column in contract.columns)}
    strange = [name for name in table.column_names if name not in known]
    said = f"it lacks {', '.join(absent)}, and every row would be decided without"
    yield said + (f"; it has {', '.join(strange[:10])} instead. Was a column renamed?" if strange else "")


def _set_aside(aside: SetAside, rows: int, names: Mapping[str, str]) -> Iterator[str]:
    broken = len(aside.rows)
    if broken > _MANY * rows:
        (path, message), _ = Counter(zip(aside.path.tolist(), aside.message.tolist(), strict=True)).most_common(1)[0]
        column = column_of(path)
        why = f"{names.get(column, column)} {message}"
        yield (
            f"{broken:,} of the first {rows:,} rows would be set aside, most often because {why}. Is "
            "it a file of this product's applications?"
        )


def _beyond(batch: Batch) -> Iterator[str]:
    if not len(batch):
        return
    for column, share in zip(batch.contract.columns, outside(batch).mean(axis=0).tolist(), strict=True):
        if share > _MANY:
            yield (
                f"{column.name}: {share:.0%} of the values are none that the contract knows, and would be referred to "
                "people. Did its unit or its words change?"
            )


def _other_units(batch: Batch, like: Batch | None) -> Iterator[str]:
    if like is None or not len(batch) or like.contract.columns != batch.contract.columns:
        return
    for column in batch.contract.columns:
        if column.type not in ("number", "integer"):
            continue
        now, then = (_median(each.columns[column.name]) for each in (batch, like))
        if not (now > 0.0 and then > 0.0) or 1.0 / _FOLD < now / then < _FOLD:
            continue
        fold = f"{now / then:,.0f} times" if now > then else f"one {then / now:,.0f}th of"
        yield (
            f"{column.name}: the median is {say_number(now)}, {fold} what the model was made of ({say_number(then)}). "
            "Did its unit change?"
        )


def _median(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if len(there) else 0.0
