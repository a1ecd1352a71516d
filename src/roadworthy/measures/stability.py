"""PSI: has a distribution moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_buckets, check_numbers, check_weights
from roadworthy.measures.results import RATIO, SHARE, TEXT, Floats, Table

__all__ = ["PSI", "psi"]

_FLOOR = 0.0001
"""Stands in for an empty bin's share, whose logarithm would be infinite."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class PSI(Table):
    """One row for each bin: its share before and after, and its term; `value` is their sum, `rule` made the bins."""

    bin: NDArray[Any] = field(metadata=TEXT)
    expected: Floats = field(metadata=SHARE)
    actual: Floats = field(metadata=SHARE)
    term: Floats = field(metadata=RATIO)
    value: float
    rule: str

    def __float__(self) -> float:
        return self.value

    @property
    def caption(self) -> str:
        """The value and the rule that made the bins."""
        return f"PSI {self.value:.4f}; bins: {self.rule}"


def psi(
    expected: ArrayLike,
    actual: ArrayLike,
    *,
    buckets: int | ArrayLike = 10,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
) -> PSI:
    """Population stability index: the sum over bins of (actual - expected) x ln(actual / expected), in shares.

    `expected` (n,) and `actual` (m,) are numbers or texts; weights are at least 0. Numbers are binned at the quantiles
    of `expected` into at most `buckets` bins (equal values stay together), or at the edges that `buckets` lists, where a
    value equal to an edge falls below it; texts are binned by value. What is missing is a bin of its own. An empty bin's
    share counts as 0.0001. No totals row takes part. Raises MeasureError.

    The symmetric divergence of Jeffreys, H. (1946), Proceedings of the Royal Society A 186(1007),
    doi:10.1098/rspa.1946.0056; in credit, Siddiqi, N. (2017), Intelligent Credit Scoring, doi:10.1002/9781119282396.

    >>> psi(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    PSI 0.2747; bins: one for each value of expected and actual; an empty bin counts as 0.0001
    bin  expected  actual   term
      a    0.5000  0.2500  0.173
      b    0.5000  0.7500  0.101
    """
    before, after = _array(expected, "expected"), _array(actual, "actual")
    weighed = (
        _weights(expected_weights, "expected_weights", len(before)),
        _weights(actual_weights, "actual_weights", len(after)),
    )
    if _is_text(before) or _is_text(after):
        codes_before, codes_after, labels = _by_value(before, after)
        rule = "one for each value of expected and actual"
    else:
        codes_before, codes_after, labels, rule = _by_edges(
            check_numbers(before, "expected", missing_allowed=True),
            check_numbers(after, "actual", missing_allowed=True),
            weighed[0],
            buckets,
        )
    share_before = np.bincount(codes_before, weights=weighed[0], minlength=len(labels)) / weighed[0].sum()
    share_after = np.bincount(codes_after, weights=weighed[1], minlength=len(labels)) / weighed[1].sum()
    seen = (share_before > 0.0) | (share_after > 0.0)
    share_before, share_after = share_before[seen], share_after[seen]
    floored_before, floored_after = (np.where(share > 0.0, share, _FLOOR) for share in (share_before, share_after))
    term = (floored_after - floored_before) * np.log(floored_after / floored_before)
    return PSI(
        bin=labels[seen],
        expected=share_before,
        actual=share_after,
        term=term,
        value=float(term.sum()),
        rule=f"{rule}; an empty bin counts as {_FLOOR}",
    )


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.ndim != 1 or not array.size:
        raise MeasureError(f"{name} is one array of numbers or texts, not of shape {array.shape}", mend=f"{name}=[...]")
    return array


def _is_text(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "US" or (array.dtype.kind == "O" and any(isinstance(value, str) for value in array))


def _weights(weights: ArrayLike | None, name: str, n: int) -> Floats:
    return np.ones(n) if weights is None else check_weights(weights, n, name)


def _by_value(before: NDArray[Any], after: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    together = [None if _missing(value) else str(value) for side in (before, after) for value in side.tolist()]
    encoded = pa.array(together, type=pa.string()).dictionary_encode()
    codes = np.asarray(encoded.indices.fill_null(len(encoded.dictionary)))
    labels = np.array([*encoded.dictionary.to_pylist(), "missing"], dtype=object)
    return codes[: len(before)], codes[len(before) :], labels


def _missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and np.isnan(value))


def _by_edges(
    before: Floats, after: Floats, weights: Floats, buckets: int | ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], str]:
    if np.ndim(buckets) == 0:
        edges = _quantiles(before, weights, check_buckets(buckets))
        rule = f"quantiles of expected, {len(edges) + 1} of {buckets} distinct"
    else:
        edges = np.unique(check_numbers(buckets, "buckets"))
        rule = "edges handed in"
    bounds = ["-inf", *(f"{edge:.6g}" for edge in edges), "inf"]
    labels = [f"({low}, {high}]" for low, high in pairwise(bounds)]
    sides = (np.searchsorted(edges, side, side="left") for side in (before, after))
    codes = [np.where(np.isnan(side), len(labels), code) for side, code in zip((before, after), sides, strict=True)]
    return codes[0], codes[1], np.array([*labels, "missing"], dtype=object), rule


def _quantiles(before: Floats, weights: Floats, buckets: int) -> Floats:
    known = ~np.isnan(before)
    if not weights[known].sum() > 0.0:
        raise MeasureError(
            "expected holds only missing values", mend="bins are made from expected: hand in some numbers"
        )
    steps = np.arange(1, buckets) / buckets
    edges = np.unique(np.quantile(before[known], steps, weights=weights[known], method="inverted_cdf"))
    # The last bin is open, so an edge at the largest value would leave an empty bin behind it.
    below: Floats = edges[edges < before[known].max()]
    return below
