"""Columns that look made in a notebook before the pipeline: a caller has the raw ones, and cannot send these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_made_columns"]

LOOKED_AT = 2_000
FEW = 200
PAIRED_UP_TO = 80


def find_made_columns(table: Any, columns: Sequence[str]) -> list[str]:
    """A sentence for each suspicion: dummies of one category, standardised columns, logs, ratios of other columns.

    `table` is Arrow; the first 2,000 rows are looked at. A suspicion never stops sealing: only a person knows what a
    caller can send.
    """
    numbers = _numbers(table.slice(0, LOOKED_AT), columns)
    said = [*_find_dummies(numbers), *_find_standardised(numbers), *_find_functions(numbers)]
    return [f"{sentence}; callers have to send it as it is: better made inside the pipeline" for sentence in said]


def _numbers(table: Any, columns: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    found = {}
    for name in columns:
        try:
            values = np.asarray(table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)
        except (ValueError, TypeError):
            continue
        if len(np.unique(values[~np.isnan(values)])) > 1:
            found[name] = values
    return found


def _find_dummies(numbers: dict[str, NDArray[np.float64]]) -> list[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, values in numbers.items():
        stem = name.rpartition("_")[0]
        if stem and np.isin(values, (0.0, 1.0)).all():
            groups[stem].append(name)
    said = []
    for stem, names in groups.items():
        if len(names) > 1 and np.all(np.sum([numbers[name] for name in names], axis=0) <= 1):
            said.append(f"{', '.join(names[:4])} look like dummies of one category {stem!r}")
    return said


def _find_standardised(numbers: dict[str, NDArray[np.float64]]) -> list[str]:
    said = []
    for name, values in numbers.items():
        known = values[~np.isnan(values)]
        if len(known) > 100 and abs(known.mean()) < 0.1 and abs(known.std() - 1) < 0.1 and len(np.unique(known)) > 20:
            said.append(f"{name} looks standardised (mean {known.mean():.2f}, deviation {known.std():.2f})")
    return said


def _find_functions(numbers: dict[str, NDArray[np.float64]]) -> list[str]:
    names = [name for name, values in numbers.items() if len(np.unique(values[:FEW])) > 10][:PAIRED_UP_TO]
    if not names:
        return []
    rows = np.stack([numbers[name][:FEW] for name in names])
    said = []
    ratios: dict[frozenset[int], str] = {}
    with np.errstate(all="ignore"):  # a log or ratio that is not finite simply does not match
        for i, name in enumerate(names):
            for word, made in (("log", np.log(rows[i])), ("log1p", np.log1p(rows[i]))):
                said += [f"{names[j]} looks like {word}({name})" for j in _matches(rows, made) if j != i]
        for i, j in permutations(range(len(names)), 2):
            for k in _matches(rows, rows[i] / rows[j]):
                # a / b = c is also a / c = b: what is made mostly stands behind what it is made of
                if k not in (i, j) and (k > max(i, j) or frozenset((i, j, k)) not in ratios):
                    ratios[frozenset((i, j, int(k)))] = f"{names[k]} looks like {names[i]} / {names[j]}"
    return [*said, *ratios.values()]


def _matches(rows: NDArray[np.float64], made: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which rows (k, few) equal `made` (few,) to six digits wherever both are known, more than 20 times."""
    known = np.isfinite(rows) & np.isfinite(made)
    close = np.abs(rows - made) <= 1e-6 * np.abs(made)
    return np.flatnonzero((known.sum(axis=1) > 20) & (close | ~known).all(axis=1))
