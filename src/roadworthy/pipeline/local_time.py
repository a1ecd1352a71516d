"""Times of application that say no offset, taken in the product's own time zone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roadworthy.batch import SourceMapping
from roadworthy.contract import Column, Contract, check_table

__all__ = ["localise"]

_ONE_TIME = Contract(name="a time", columns=(Column(name="time", type="date", missing=True),))
_HAS_TIME = r"[0-9]:[0-9]{2}"
_HAS_OFFSET = r"(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})\s*$"


def localise(table: pa.Table, mapping: SourceMapping, time_zone: str) -> pa.Table:
    """`table` with the times of its `applied_at` column that say no offset taken in `time_zone`, an IANA name.

    A day without a time (midnight too, as tables store days) stays that day. What is read as no time stays as it is,
    for the contract to refuse. An hour that the clock shows twice is the first of them.

    >>> mapping = SourceMapping(file="loans.csv", format="csv", applied_at="on")
    >>> table = pa.table({"on": ["2026-07-01 00:30", "2026-07-01T00:30Z", "2026-07-01", "soon"]})
    >>> localise(table, mapping, "Europe/Berlin")["on"].to_pylist()
    ['2026-06-30T22:30:00.000000Z', '2026-07-01T00:30Z', '2026-07-01', 'soon']
    """
    name = mapping.applied_at or "applied_at"
    if name not in table.column_names:
        return table
    cells = table[name]
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_timestamp(cells.type) and cells.type.tz is None:
        days = pc.equal(pc.floor_temporal(cells, unit="day"), cells)
        placed = pc.if_else(days, pc.assume_timezone(cells, "UTC"), _to_utc(cells, time_zone))
    elif pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        placed = _place_text(cells, time_zone)
    else:
        return table
    return table.set_column(table.column_names.index(name), name, placed)


def _place_text(cells: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    checked = check_table(_ONE_TIME, pa.table({"time": cells}))
    read = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[us]")
    read[checked.rows] = checked.batch.columns["time"]
    times = pa.chunked_array([pa.array(read, pa.timestamp("us"))])
    naive = pc.and_not(pc.match_substring_regex(cells, _HAS_TIME), pc.match_substring_regex(cells, _HAS_OFFSET))
    naive = pc.fill_null(pc.and_(naive, pc.is_valid(times)), False)
    written = pc.strftime(_to_utc(times, time_zone), "%Y-%m-%dT%H:%M:%SZ").cast(cells.type)
    return pc.if_else(naive, written, cells)


def _to_utc(times: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    placed = pc.assume_timezone(times, time_zone, ambiguous="earliest", nonexistent="earliest")
    return placed.cast(pa.timestamp(times.type.unit, "UTC"))
