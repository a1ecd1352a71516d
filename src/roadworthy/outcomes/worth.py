"""The cut-off in money over the applications whose outcome may be judged (R18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import MeasureError, Refused
from roadworthy.measures import BestCutOff, CutOffTable, Economics, best_cut_off, cut_off_table, spread_cut_offs
from roadworthy.outcomes.judged import Judged
from roadworthy.outcomes.matured import take_matured
from roadworthy.policy import Policy, find_band_starts
from roadworthy.records import Particulars, Store, decode_payload

__all__ = ["MaturedWorth", "matured_worth"]

_AT_ONCE = 5_000
_SEALED = "SELECT record_id, subject, key_id, sealed FROM records WHERE record_id IN ({values})"


class _Row(NamedTuple):
    record_id: str
    subject: str
    key_id: str | None
    sealed: bytes | None


@dataclass(frozen=True)
class MaturedWorth:
    """What each cut-off would have been worth, the policy's own, and the best one."""

    table: CutOffTable
    in_force: float
    best: BestCutOff


def matured_worth(store: Store, judged: Judged, policy: Policy) -> MaturedWorth | None:
    """The booked and matured applications priced by the policy's economics; None where it states none.

    The terms' columns are read from the inputs that each application was decided with. One that lacks any of them is
    left out, which the population says. Refused where there are not goods and bads with every column, and where the
    money cannot be priced: it looks further ahead than the outcomes, say, and no lifetime factor joins the two.
    """
    if policy.economics is None:
        return None
    try:
        economics = policy.economics.to_economics(pd_horizon_months=judged.horizon_months)
        return _price(store, judged, policy, economics)
    except MeasureError as error:
        raise Refused(error.message, where=error.where, mend=error.mend) from error


def _price(store: Store, judged: Judged, policy: Policy, economics: Economics) -> MaturedWorth:
    rows = take_matured(judged, both=True)
    columns = _read_columns(store, rows, economics.columns)
    known = np.ones(len(rows), dtype=np.bool_)
    for values in columns.values():
        known &= ~np.isnan(values)
    bad, pd, count = rows.bad[known], rows.pd[known], int(known.sum())
    if len({*bad.tolist()}) < 2:
        lacking = [name for name, values in columns.items() if np.isnan(values).all()]
        what = f"the columns {', '.join(lacking)}" if lacking else "every column that the money reads"
        raise Refused(
            f"the applications whose outcome is known were decided without {what}",
            mend="send these columns with each application, or state the economics on columns that are sent",
        )
    left_out = len(rows) - count
    less = f", less {left_out:,} without a column that the money reads" if left_out else ""
    priced = economics.price({name: values[known] for name, values in columns.items()}, count)
    terms: dict[str, Any] = {"economics": priced, "population": judged.whose + less}
    starts = find_band_starts(policy)
    in_force = starts.cut_off
    if starts.decline is not None:
        terms["refer_from"] = starts.refer
    best = best_cut_off(bad, pd, in_force=in_force, **terms)
    table = cut_off_table(bad, pd, cut_offs=spread_cut_offs(pd, (in_force, best.cut_off)), **terms)
    return MaturedWorth(table, in_force, best)


def _read_columns(store: Store, rows: Judged, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """The columns as each application was decided with them; NaN where it told none, or no number."""
    columns = {name: np.full(len(rows), np.nan) for name in names}
    if not names:
        return columns
    # What is not priced is passed over unread.
    priced = msgspec.defstruct(
        "Priced", [(f"column_{i}", Any, msgspec.field(default=None, name=name)) for i, name in enumerate(names)]
    )
    decoder = msgspec.json.Decoder(priced)
    place = {record_id: i for i, record_id in enumerate(rows.decision_id.tolist())}
    for record_id, inputs in _read_inputs(store, list(place)):
        for name, value in zip(names, msgspec.structs.astuple(decoder.decode(inputs)), strict=True):
            if isinstance(value, int | float):
                columns[name][place[record_id]] = value
    return columns


def _read_inputs(store: Store, decision_ids: list[str]) -> Iterator[tuple[str, msgspec.Raw]]:
    """The inputs of each decision, as they came; none for what cannot be opened any more."""
    for start in range(0, len(decision_ids), _AT_ONCE):
        with store.reading() as connection:
            found = store.connections.select_in(connection, _SEALED, decision_ids[start : start + _AT_ONCE])
        rows = [_Row(*row) for row in found]
        for row, plain in zip(rows, store.ledger.unseal(rows), strict=True):
            if plain is not None:
                yield row.record_id, decode_payload(plain, Particulars).inputs
