"""The cut-offs that no other beats in everything: approval rate, bad rate and profit (R18)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roadworthy.errors import MeasureError
from roadworthy.measures.cut_off import CutOffTable
from roadworthy.measures.results import COUNT, MONEY, PD, SHARE, Floats, Table

__all__ = ["Frontier", "efficient_frontier"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Frontier(Table):
    """One row for each cut-off on the frontier, by rising approval rate; `beaten` cut-offs are left out.

    approved                weight approved
    profit                  in `currency`; None where the table has no money
    """

    cut_off: Floats = field(metadata=PD)
    approved: Floats = field(metadata=COUNT)
    approval_rate: Floats = field(metadata=SHARE)
    bad_rate_approved: Floats = field(metadata=SHARE)
    profit: Floats | None = field(default=None, metadata=MONEY)
    beaten: int
    currency: str | None
    population: str

    @property
    def caption(self) -> str:
        """How many cut-offs are worth a look, and population."""
        money = "" if self.currency is None else f", money in {self.currency}"
        return f"Efficient frontier: {len(self)} cut-offs, {self.beaten} others beaten{money}; {self.population}"


def efficient_frontier(table: CutOffTable) -> Frontier:
    """Keep the cut-offs of `table` that none beats: approves as many, at no higher bad rate, for no less profit.

    A cut-off is beaten by one that is at least as good in all of these and better in one; of equal ones all stay.
    Cut-offs that approve nobody have no bad rate and are left out. Raises MeasureError where nothing else is there.

    Pareto dominance. On cut-offs in credit: Oliver, R. M. and Wells, E. (2001), Efficient frontier cutoff policies in
    credit portfolios, Journal of the Operational Research Society 52(9). doi:10.1057/palgrave.jors.2601182

    >>> from roadworthy.measures import cut_off_table
    >>> table = cut_off_table([0, 1, 0, 1], [.1, .2, .3, .4], value=[5, -1, 5, -9], cut_offs=[0.15, 0.25, 0.35, 0.5])
    >>> efficient_frontier(table).cut_off.tolist()
    [0.15, 0.35, 0.5]
    """
    if not isinstance(table, CutOffTable):
        raise MeasureError(f"table is a CutOffTable, not {type(table).__name__}", mend="cut_off_table(bad, pd, ...)")
    some = np.flatnonzero(table.approved > 0.0)
    if not some.size:
        raise MeasureError("table approves nobody at any cut-off", mend="cut_offs=[0.1, 0.2, 0.5]")
    wanted = [table.approval_rate[some], -table.bad_rate_approved[some]]
    if table.profit is not None:
        wanted.append(table.profit[some])
    as_good = np.ones((len(some), len(some)), dtype=np.bool_)
    better = np.zeros_like(as_good)
    for each in wanted:
        as_good &= each[:, None] >= each[None, :]
        better |= each[:, None] > each[None, :]
    kept = some[~(as_good & better).any(axis=0)]
    return Frontier(
        cut_off=table.cut_off[kept],
        approved=table.approved[kept],
        approval_rate=table.approval_rate[kept],
        bad_rate_approved=table.bad_rate_approved[kept],
        profit=None if table.profit is None else table.profit[kept],
        beaten=len(some) - len(kept),
        currency=table.currency,
        population=table.population,
    )
