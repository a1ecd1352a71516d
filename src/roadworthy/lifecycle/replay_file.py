"""Decisions that did not come out the same, as a table for people and their tools."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from roadworthy.lifecycle.replay import Replay

__all__ = ["replays_to_arrow"]

_COLUMNS = pa.schema(
    [
        ("decision_id", pa.string()),
        ("application_id", pa.string()),
        ("differs", pa.string()),
        ("fields", pa.string()),
        ("answer", pa.string()),
        ("answer_now", pa.string()),
        ("pd", pa.float64()),
        ("pd_now", pa.float64()),
        ("ulps", pa.int64()),
        ("release", pa.string()),
        ("build", pa.string()),
        ("build_now", pa.string()),
        ("why", pa.string()),
    ]
)


def replays_to_arrow(replays: Sequence[Replay]) -> pa.Table:
    """One row a decision; `differs` and `fields` are words with a space between."""
    cells = {name: [_cell(replay, name) for replay in replays] for name in _COLUMNS.names}
    return pa.table(cells, schema=_COLUMNS)


def _cell(replay: Replay, name: str) -> object:
    value = getattr(replay, name)
    return " ".join(value) if isinstance(value, tuple) else value
