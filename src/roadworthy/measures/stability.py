"""Has a distribution moved: PSI of one column, CSI of every column of an application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from roadworthy.errors import MeasureError
from roadworthy.measures.binned_samples import bin_samples
from roadworthy.measures.categories import MISSING
from roadworthy.measures.results import COUNT, NOT_STATED, RATIO, SHARE, TEXT, Floats, Ints, Table

__all__ = ["CSI", "PSI", "csi", "psi"]

_FLOOR = 0.0001
"""Stands in for an empty bin's share, whose logarithm would be infinite."""
_RARE = 0.05
"""Chance alone goes beyond `by_chance` this often."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class PSI(Table):
    """One row for each bin: its share before and after, and its term; `value` is their sum, `rule` made the bins.

    `by_chance` is what two samples of these sizes from one distribution exceed in 1 of 20 cases, about.
    """

    bin: NDArray[Any] = field(metadata=TEXT)
    expected: Floats = field(metadata=SHARE)
    actual: Floats = field(metadata=SHARE)
    term: Floats = field(metadata=RATIO)
    value: float
    by_chance: float
    rule: str
    population: str

    def __float__(self) -> float:
        return self.value

    @property
    def caption(self) -> str:
        """The value, the rule that made the bins, and population."""
        return f"PSI {self.value:.4f}; bins: {self.rule}; {self.population}"


def psi(
    expected: ArrayLike,
    actual: ArrayLike,
    *,
    buckets: int | ArrayLike = 10,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> PSI:
    """Population stability index: the sum over bins of (actual - expected) x ln(actual / expected), in shares.

    `expected` (n,) and `actual` (m,) are numbers or texts; weights are at least 0. Numbers are binned at the quantiles
    of `expected` into at most `buckets` bins (equal values stay together), or at the edges that `buckets` lists, where
    a value equal to an edge falls below it; texts are binned by value. What is missing is a bin of its own. An empty
    bin's share counts as 0.0001. No totals row takes part. `population` says
    what is compared with what. Raises MeasureError.

    `by_chance` = chi-squared quantile of 95% with bins - 1 degrees of freedom x (1 / n + 1 / m), as by Yurdakul, B. and
    Naranjo, J. (2020), Statistical properties of the population stability index, Journal of Risk Model Validation
    14(4), doi:10.21314/JRMV.2020.227; with weights n is (sum w)^2 / (sum w^2).

    The symmetric divergence of Jeffreys, H. (1946), Proceedings of the Royal Society A 186(1007),
    doi:10.1098/rspa.1946.0056; in credit, Siddiqi, N. (2017), Intelligent Credit Scoring, doi:10.1002/9781119282396.

    >>> psi(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    PSI 0.2747; bins: one for each value of expected and actual; an empty bin counts as 0.0001; population not stated
    bin  expected  actual   term
      a    0.5000  0.2500  0.173
      b    0.5000  0.7500  0.101
    """
    binned = bin_samples(
        expected, actual, buckets=buckets, expected_weights=expected_weights, actual_weights=actual_weights
    )
    before, after = (np.where(share > 0.0, share, _FLOOR) for share in (binned.expected, binned.actual))
    term = (after - before) * np.log(after / before)
    freedom = len(term) - 1
    noise = 1.0 / binned.expected_rows + 1.0 / binned.actual_rows
    return PSI(
        bin=binned.labels,
        expected=binned.expected,
        actual=binned.actual,
        term=term,
        value=float(term.sum()),
        by_chance=float(chdtri(freedom, _RARE)) * noise if freedom else 0.0,
        rule=f"{binned.rule}; an empty bin counts as {_FLOOR}",
        population=population,
    )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CSI(Table):
    """One row for each column, the one that moved most first.

    column                             its name
    value, by_chance                   its PSI, and what chance alone exceeds in 1 of 20 cases
    bins                               how many bins, missing among them
    missing_expected, missing_actual   share of weight that is missing, before and after
    most                               the bin with the largest term

    `tables` holds the whole PSI of each column by name, with the rule that made its bins.
    """

    column: NDArray[Any] = field(metadata=TEXT)
    value: Floats = field(metadata=RATIO)
    by_chance: Floats = field(metadata=RATIO)
    bins: Ints = field(metadata=COUNT)
    missing_expected: Floats = field(metadata=SHARE)
    missing_actual: Floats = field(metadata=SHARE)
    most: NDArray[Any] = field(metadata=TEXT)
    tables: Mapping[str, PSI]
    rule: str
    population: str

    @property
    def caption(self) -> str:
        """How many columns, how many moved by more than chance, the rule that made the bins, and population."""
        moved = int(np.count_nonzero(self.value > self.by_chance))
        return (
            f"CSI of {len(self)} columns, {moved} beyond chance (1 in 20 would be by luck); bins: {self.rule}; "
            f"{self.population}"
        )


def csi(
    expected: Mapping[str, ArrayLike] | pa.Table,
    actual: Mapping[str, ArrayLike] | pa.Table,
    *,
    buckets: int | Mapping[str, ArrayLike] = 10,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> CSI:
    """Characteristic stability index: the PSI of every column that both samples have, what moved most first.

    `expected` and `actual` hold columns of n and m numbers or texts by name: a mapping, an Arrow table or a data frame.
    `buckets` is a number, or edges by column (others take 10 bins). Both need the same columns, since one that appears
    or disappears is no drift but a broken feed. Everything else as for `psi`. Raises MeasureError, naming the column.

    Siddiqi, N. (2017), Intelligent Credit Scoring, Wiley, chapter on scorecard monitoring. doi:10.1002/9781119282396

    >>> moved = csi({"age": [20, 30, 40, 50], "job": ["a", "a", "b", "b"]},
    ...             {"age": [20, 30, 40, 50], "job": ["a", "b", "b", "b"]}, buckets=2)
    >>> moved.column.tolist(), moved.value.round(4).tolist()
    (['job', 'age'], [0.2747, 0.0])
    """
    names, others = _names(expected, "expected"), _names(actual, "actual")
    apart = sorted(map(str, set(names) ^ set(others)))
    if apart or not names:
        raise MeasureError(
            f"expected and actual do not hold the same columns: {', '.join(apart[:3]) or 'there are none'}",
            mend="hand in the columns both have, or find why one is gone",
        )
    unknown = sorted(set(buckets) - set(names), key=str) if isinstance(buckets, Mapping) else []
    if unknown:
        raise MeasureError(
            f"buckets names {', '.join(map(str, unknown[:3]))}, which no column is called",
            available=[str(name) for name in names],
            mend="name columns that are there",
        )
    tables: dict[str, PSI] = {}
    for name in names:
        try:
            tables[name] = psi(
                expected[name],
                actual[name],
                buckets=buckets if not isinstance(buckets, Mapping) else buckets.get(name, 10),
                expected_weights=expected_weights,
                actual_weights=actual_weights,
                population=population,
            )
        except MeasureError as error:
            raise MeasureError(f"column {name}: {error.message}", mend=error.mend) from error
    ordered = sorted(tables, key=lambda name: -tables[name].value)
    rules = {table.rule for table in tables.values()}
    return CSI(
        column=np.array(ordered, dtype=object),
        value=np.array([tables[name].value for name in ordered]),
        by_chance=np.array([tables[name].by_chance for name in ordered]),
        bins=np.array([len(tables[name]) for name in ordered]),
        missing_expected=np.array([_missing(tables[name], tables[name].expected) for name in ordered]),
        missing_actual=np.array([_missing(tables[name], tables[name].actual) for name in ordered]),
        most=np.array([tables[name].bin[int(tables[name].term.argmax())] for name in ordered], dtype=object),
        tables=MappingProxyType(tables),
        rule=rules.pop() if len(rules) == 1 else "by column, in `tables`",
        population=population,
    )


def _names(columns: Any, name: str) -> list[str]:
    if isinstance(columns, pa.Table):
        return list(columns.column_names)
    if isinstance(columns, Mapping):
        return list(columns)
    if hasattr(columns, "columns"):  # a data frame
        return list(columns.columns)
    raise MeasureError(
        f"{name} holds columns by name, and is {type(columns).__name__}",
        mend=f"{name}={{'age': [...], 'income': [...]}}",
    )


def _missing(table: PSI, shares: Floats) -> float:
    # The bin of what is missing is the last, where there is one.
    return float(shares[-1]) if table.bin[-1] == MISSING else 0.0
