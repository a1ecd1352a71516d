"""Columns that know too much: alone they almost decide the outcome, or they are filled in for one class only.

Two tests, each on one column at a time:

- AUC alone. The column's values (or 256 quantile bins of them, with missing as a bin of its own) are given their bad
  rate on one half of the rows and judged on the other half, both ways round. Nothing known at application time reaches
  0.88 alone in the public credit data sets: their strongest single columns lie between 0.58 and 0.86.
- One class only. The rows where the column is filled in (or missing, or away from its usual value) are 95% bad, or
  hold a hundredth of the bads that their number would make one expect.

A leak is suspected, never proven: whether the value was known when the application was decided, a person must say.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.measures import auc
from roadworthy.pipeline.findings import Finding

__all__ = ["find_leaks", "judge_alone"]

AUC_ALONE = 0.88
_BINS = 256
_MOST_VALUES = 1000
_SMOOTHING = 5.0
_LEAST_OF_A_CLASS = 10
_LEAST_ROWS = 30
_NEARLY_ALL = 0.95
_HARDLY_ANY = 0.01
_EXPECTED_BADS = 20.0
_SHARE_OF_CLASS = 0.05

Floats = NDArray[np.float64]


def find_leaks(batch: Batch, bad: Floats, weights: Floats | None = None) -> list[Finding]:
    """Suspected leaks among the columns of `batch`, the strongest first.

    `bad` (n,) is 1.0, 0.0 or NaN for rows that cannot be judged, which are left out; `weights` (n,) are above zero.
    With fewer than ten bads or goods nothing can be said and the list is empty.
    """
    known = ~np.isnan(bad)
    judged = bad[known]
    weight = np.ones(len(judged)) if weights is None else weights[known]
    if min(judged.sum(), (1 - judged).sum()) < _LEAST_OF_A_CLASS:
        return []
    half = np.random.default_rng(0).random(len(judged)) < 0.5
    found = []
    for column in batch.contract.columns:
        codes = _encode(batch.columns[column.name][known])
        alone = judge_alone(codes, judged, weight, half)
        one_class = _describe_one_class(codes, judged, weight)
        if one_class or _decides(alone, judged):
            figures = f"AUC {alone:.2f} on rows held out"
            sentence = (
                f"{column.name} {one_class} ({figures})"
                if one_class
                else f"{column.name} alone almost decides the outcome ({figures})"
            )
            mend = f"if it was not known when the application was decided: --drop {shlex.quote(column.name)}"
            if "weight" in column.name.lower():
                mend = f"if it weights the rows: --weight {shlex.quote(column.name)}; {mend}"
            found.append(Finding("leak", (column.name,), sentence, mend, {"auc": alone}))
    return sorted(found, key=lambda finding: -finding.figures["auc"])


def judge_alone(codes: NDArray[np.int64], bad: Floats, weights: Floats, half: NDArray[np.bool_]) -> float:
    """Held-out AUC of a column by itself: the mean of both ways round; 0.5 where a half lacks a class.

    `codes` (n,) number the column's values from 0; `half` (n,) says which rows are in the first half.

    >>> codes = np.array([0, 0, 1, 1] * 50)
    >>> judge_alone(codes, (codes == 1).astype(float), np.ones(200), np.arange(200) % 3 == 0)
    1.0
    """
    scores = []
    for learnt in (half, ~half):
        judged = ~learnt
        if len(np.unique(bad[judged])) < 2 or len(np.unique(bad[learnt])) < 2:
            return 0.5
        rates = _smooth_rates(codes[learnt], bad[learnt], weights[learnt], int(codes.max()) + 1)
        scores.append(float(auc(bad[judged], rates[codes[judged]], weights=weights[judged])))
    return float(np.mean(scores))


def _smooth_rates(codes: NDArray[np.int64], bad: Floats, weights: Floats, size: int) -> Floats:
    """The bad rate of each code, drawn to the overall rate by the weight of a few average rows."""
    base = float(weights @ bad) / float(weights.sum())
    prior = _SMOOTHING * float(weights.mean())
    total = np.bincount(codes, weights, minlength=size)
    bads = np.bincount(codes, weights * bad, minlength=size)
    rates: Floats = (bads + prior * base) / (total + prior)
    return rates


def _decides(alone: float, bad: Floats) -> bool:
    """High enough, and not by the luck of few rows."""
    fewest = min(bad.sum(), (1 - bad).sum())
    return bool(alone >= AUC_ALONE and alone - 3 * np.sqrt(alone * (1 - alone) / fewest) > 0.7)


def _encode(values: NDArray[Any]) -> NDArray[np.int64]:
    """Codes from 1 for the values or bins of a column, in its order; 0 is missing."""
    if values.dtype == np.int32:  # categories: -1 is missing, -2 is unseen, which a contract's own rows never are
        return np.asarray(values + 1, dtype=np.int64).clip(0)
    if values.dtype == object:
        numbered = pl.Series(values, dtype=pl.String).rank("dense").fill_null(0)
        return np.asarray(numbered.to_numpy(), dtype=np.int64)
    numbers = values.astype(np.float64)
    if values.dtype.kind == "M":
        numbers = np.where(np.isnat(values), np.nan, numbers)
    present = numbers[~np.isnan(numbers)]
    edges = np.unique(present)
    if len(edges) > _MOST_VALUES:
        edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[:-1], method="lower"))
    codes = np.searchsorted(edges, numbers, side="right").astype(np.int64)
    codes[np.isnan(numbers)] = 0
    return codes


def _describe_one_class(codes: NDArray[np.int64], bad: Floats, weights: Floats) -> str:
    """In words, the group of rows that only one class has; empty where there is none."""
    base = float(weights @ bad) / float(weights.sum())
    all_bads, all_goods = float(bad.sum()), float((1 - bad).sum())
    for words, group in _groups(codes):
        rows, bads = int(group.sum()), float(bad[group].sum())
        if rows < _LEAST_ROWS:
            continue
        rate = float(weights[group] @ bad[group]) / float(weights[group].sum())
        if rate >= _NEARLY_ALL and base < 0.8 and bads >= _SHARE_OF_CLASS * all_bads:
            return f"{words} almost only in bads: {rate:.0%} of those {rows:,} rows are bad"
        expected = rows * all_bads / len(bad)
        if expected >= _EXPECTED_BADS and bads <= _HARDLY_ANY * expected and rows - bads >= _SHARE_OF_CLASS * all_goods:
            return f"{words} almost only in goods: {bads:,.0f} of those {rows:,} rows are bad"
    return ""


def _groups(codes: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    filled = codes > 0
    if not filled.all() and filled.any():
        yield "is filled in", filled
        yield "is missing", ~filled
    usual = int(np.bincount(codes).argmax())
    away = codes != usual
    if usual > 0 and 2 * away.sum() < len(codes):
        yield "differs from its usual value", away
