"""How a whole file writes its numbers and dates, so that no row's reading depends on where in the file it lies."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from roadworthy.batch.mapping import SourceMapping, map_columns
from roadworthy.batch.sources import Source
from roadworthy.contract import Column, Contract, check_table, find_writings
from roadworthy.errors import DataError

__all__ = ["settle_writings"]

_WORDS = {",": "a decimal comma", ".": "a decimal point", "%d": "the day first", "%m": "the month first"}


def settle_writings(source: Source, mapping: SourceMapping, contract: Contract) -> dict[str, str]:
    """What `find_writings` tells of the whole of `source`, found in one pass before any row is decided.

    A part of the file that shows nothing (01/02/2026 alone) is read as the others; parts that show different things
    raise DataError. A file that holds nothing to settle, because its numbers and dates are no text or the contract
    tells how they are written, is not read. Where only some parts show a decimal comma, a second pass sees whether the
    others show a point.
    """
    untold = _untold(map_columns(source.schema.empty_table(), mapping, contract), contract)
    settled: dict[str, str] = {}
    parts: dict[str, int] = {}
    count = 0
    for table in source.batches() if untold else ():
        count += 1
        for name, writing in find_writings(contract, _only(table, mapping, contract, untold)).items():
            parts[name] = parts.get(name, 0) + 1
            if _sign(settled.setdefault(name, writing)) != _sign(writing):
                raise _two_writings(source, name, settled[name], writing)
    commas = [name for name, writing in settled.items() if writing == "," and parts[name] < count]
    for table in source.batches() if commas else ():
        part = _only(table, mapping, contract, commas)
        for name in commas:
            if _count_unread(part, name, ",") > _count_unread(part, name, "."):
                raise _two_writings(source, name, ",", ".")
    return settled


def _untold(mapped: pa.Table, contract: Contract) -> list[str]:
    """The columns of numbers and dates that come as text and that the contract does not tell how to read."""

    def is_untold(name: str) -> bool:
        if name not in contract:
            return name == "applied_at"
        column = contract[name]
        return column.type in ("number", "integer", "date") and not (column.decimal or column.format)

    return [field.name for field in mapped.schema if not pa.types.is_primitive(field.type) and is_untold(field.name)]


def _only(table: pa.Table, mapping: SourceMapping, contract: Contract, names: list[str]) -> pa.Table:
    return map_columns(table, mapping, contract).select(names)


def _sign(writing: str) -> str:
    """What two writings must share: the decimal sign, or what comes first; 31/01/2026 and 31.01.2026 are read alike."""
    return writing[:2]


def _count_unread(table: pa.Table, name: str, decimal: Literal[",", "."]) -> int:
    """How many cells are no number where `decimal` is the sign."""
    bare = Contract(name="one column", columns=(Column(name=name, type="number", decimal=decimal, missing=True),))
    return len(check_table(bare, table.select([name]), unknown="ignore").set_aside)


def _two_writings(source: Source, name: str, one: str, other: str) -> DataError:
    told = 'decimal: "," or "."' if one == "," else f'format: "{one}" or "{other}"'
    return DataError(
        f"column {name!r} is written in two ways: one part of the file shows {_WORDS[_sign(one)]}, another "
        f"{_WORDS[_sign(other)]}",
        where=source.path,
        mend="write times as YYYY-MM-DD"
        if name == "applied_at"
        else f"say which in contract.yaml, under the column: {told}",
    )
