"""Two samples of one column in the same bins: at quantiles of the first, at stated edges, or one for each value."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.categories import MISSING, encode, holds_text
from roadworthy.measures.checks import check_buckets, check_numbers, check_weights
from roadworthy.measures.results import Floats

__all__ = ["BinnedSamples", "bin_samples", "effective_rows"]


@dataclass(frozen=True)
class BinnedSamples:
    """Shares of weight by bin, bins empty in both left out; what is missing is the last bin."""

    labels: NDArray[Any]
    expected: Floats
    actual: Floats
    expected_rows: float
    actual_rows: float
    """Effective numbers of rows: (sum w)^2 / (sum w^2)."""
    rule: str


def bin_samples(
    expected: ArrayLike,
    actual: ArrayLike,
    *,
    buckets: int | ArrayLike,
    expected_weights: ArrayLike | None,
    actual_weights: ArrayLike | None,
) -> BinnedSamples:
    """Put numbers or texts of both samples into the same bins."""
    before, after = _array(expected, "expected"), _array(actual, "actual")
    heavy_before = (
        None if expected_weights is None else check_weights(expected_weights, len(before), "expected_weights")
    )
    heavy_after = None if actual_weights is None else check_weights(actual_weights, len(after), "actual_weights")
    if holds_text(before) or holds_text(after):
        codes_before, codes_after, labels = _by_value(before, after)
        rule = "one for each value of expected and actual"
    else:
        numbers_before = check_numbers(before, "expected", missing_allowed=True)
        numbers_after = check_numbers(after, "actual", missing_allowed=True)
        edges, rule = _edges(numbers_before, heavy_before, buckets)
        codes_before, codes_after = _by_edges(numbers_before, edges), _by_edges(numbers_after, edges)
        labels = _labels(edges)
    share_before = _shares(codes_before, heavy_before, len(labels))
    share_after = _shares(codes_after, heavy_after, len(labels))
    seen = (share_before > 0.0) | (share_after > 0.0)
    return BinnedSamples(
        labels=labels[seen],
        expected=share_before[seen],
        actual=share_after[seen],
        expected_rows=effective_rows(heavy_before, len(before)),
        actual_rows=effective_rows(heavy_after, len(after)),
        rule=rule,
    )


def effective_rows(weights: Floats | None, n: int) -> float:
    """How many rows of equal weight would be as sure: (sum w)^2 / (sum w^2)."""
    if weights is None:
        return float(n)
    scaled = weights / weights.max()
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.shape == (0,):
        raise MeasureError(f"{name} is empty", mend="two samples are compared: each needs some rows")
    if array.ndim != 1 or not array.size:
        raise MeasureError(f"{name} is one array of numbers or texts, not of shape {array.shape}", mend=f"{name}=[...]")
    return array


def _shares(codes: NDArray[np.int64], weights: Floats | None, bins: int) -> Floats:
    weight = np.bincount(codes, weights=weights, minlength=bins)
    shares: Floats = weight / weight.sum()
    return shares


def _by_value(
    before: NDArray[Any], after: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.object_]]:
    sides = encode(before), encode(after)
    values = dict.fromkeys(value for found, _ in sides for value in found if value != MISSING)
    number = {value: at for at, value in enumerate([*values, MISSING])}
    # What is missing has code -1, and so the last of these numbers.
    codes = [np.array([*(number[value] for value in found), len(values)])[code] for found, code in sides]
    return codes[0], codes[1], np.array(list(number), dtype=object)


def _edges(before: Floats, weights: Floats | None, buckets: int | ArrayLike) -> tuple[Floats, str]:
    if np.ndim(buckets) > 0:
        return np.unique(check_numbers(buckets, "buckets")), "edges handed in"
    asked = check_buckets(buckets)
    missing = np.isnan(before)
    if missing.any():
        before = before[~missing]
        weights = None if weights is None else weights[~missing]
    if not before.size or (weights is not None and not weights.any()):
        raise MeasureError(
            "expected holds only missing values", mend="bins are made from expected: hand in some numbers"
        )
    edges = np.unique(np.quantile(before, np.arange(1, asked) / asked, weights=weights, method="inverted_cdf"))
    # The last bin is open, so an edge at the largest value would leave an empty bin behind it.
    edges = edges[edges < before.max()]
    return edges, f"quantiles of expected, {len(edges) + 1} of {asked} distinct"


def _by_edges(numbers: Floats, edges: Floats) -> NDArray[np.int64]:
    codes = np.searchsorted(edges, numbers, side="left")
    codes[np.isnan(numbers)] = len(edges) + 1
    return codes


def _labels(edges: Floats) -> NDArray[np.object_]:
    bounds = ["-inf", *(f"{edge:.6g}" for edge in edges), "inf"]
    return np.array([*(f"({low}, {high}]" for low, high in pairwise(bounds)), MISSING], dtype=object)
