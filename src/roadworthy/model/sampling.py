"""Shapley values of a model that can only be asked, not read: every coalition where they are few, else sampled orders.

Sampled orders come in antithetic pairs, each order with its reverse (Castro, Gomez and Tejada 2009,
doi:10.1016/j.cor.2008.04.004; Mitchell et al. 2022, arXiv:2104.12199), drawn from what the row holds: the same row
always gets the same values, alone or among others, and the errors of different rows are their own. Every order's steps
telescope, so rows sum exactly to output - reference output either way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.model.columns import move_to_reference
from roadworthy.model.engine import Explanation

__all__ = ["coalitions_asked", "explain_by_asking"]

PADDED_TO = 64
"""How many rows a native model is asked about at a time, so that single equals batch."""
EXACT_UP_TO = 8
PAIRS = 16


def explain_by_asking(
    pd_of: Callable[[Batch, int], NDArray[np.float64]], batch: Batch, reference: Batch, columns: tuple[str, ...]
) -> Explanation:
    """Contributions to PD by column: exact for up to 8 columns, else with a standard error per value.

    `pd_of(batch, size)` asks the model in batches padded to `size`; each applicant's coalitions go in one, so that who
    else is asked about makes no difference.
    """
    k = len(columns)
    contributions, error = np.empty((len(batch), k)), np.empty((len(batch), k))
    output = np.empty(len(batch))
    rows, size = batch.matrix(columns), coalitions_asked(k)
    for row in range(len(batch)):
        present, combine = _all_coalitions(k) if k <= EXACT_UP_TO else _sampled_orders(k, _seed(rows[row]))
        everything = int(np.flatnonzero(present.all(axis=1))[0])
        everyone = batch.take(np.full(len(present), row))
        values = pd_of(move_to_reference(everyone, reference, columns, ~present), len(present))
        contributions[row], error[row] = combine(values)
        output[row] = values[everything]
    at_reference = float(pd_of(reference, size)[0])
    return Explanation(
        columns=columns,
        contributions=contributions,
        output=output,
        reference_output=at_reference,
        reference_pd=at_reference,
        quantity="pd",
        method="asked" if k <= EXACT_UP_TO else "sampled",
        error=None if k <= EXACT_UP_TO else error,
    )


def coalitions_asked(k: int) -> int:
    """How many rows a model of `k` columns is asked about for the reasons of one applicant.

    >>> coalitions_asked(5), coalitions_asked(20)
    (32, 672)
    """
    return 2**k if k <= EXACT_UP_TO else 2 * PAIRS * (k + 1)


Combine = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""From one applicant's answers, by coalition, to the contributions (k,) and their standard errors (k,)."""


@lru_cache(maxsize=16)
def _all_coalitions(k: int) -> tuple[NDArray[np.bool_], Combine]:
    coalitions = [frozenset(chosen) for size in range(k + 1) for chosen in combinations(range(k), size)]
    place = {coalition: i for i, coalition in enumerate(coalitions)}
    weights = np.zeros((len(coalitions), k))
    for coalition, i in place.items():
        for column in set(range(k)) - coalition:
            weight = factorial(len(coalition)) * factorial(k - len(coalition) - 1) / factorial(k)
            weights[place[coalition | {column}], column] += weight
            weights[i, column] -= weight
    asked = [[column in coalition for column in range(k)] for coalition in coalitions]
    present = np.array(asked, dtype=bool).reshape(len(coalitions), k)

    def combine(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # Not by BLAS, whose sums are taken in another order for one applicant than for many.
        return (values[:, None] * weights).sum(axis=0), np.zeros(k)

    return present, combine


def _seed(row: NDArray[np.float64]) -> int:
    """From what a row (k,) holds: every missing number is one, and -0.0 is 0.0."""
    return int.from_bytes(
        sha256(np.where(np.isnan(row), np.nan, row + 0.0).astype("<f8").tobytes()).digest()[:16], "little"
    )


def _sampled_orders(k: int, seed: int) -> tuple[NDArray[np.bool_], Combine]:
    # The raw bits of a generator are the same in every version of NumPy; what is made of them is not promised to be.
    keys = np.random.PCG64(seed).random_raw(PAIRS * k).reshape(PAIRS, k)
    orders = [order for pair in np.argsort(keys, axis=1, kind="stable") for order in (pair, pair[::-1])]
    present = np.zeros((len(orders), k + 1, k), dtype=np.bool_)
    for i, order in enumerate(orders):
        for size in range(1, k + 1):
            present[i, size:, order[size - 1]] = True

    def combine(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        steps = np.diff(values.reshape(len(orders), k + 1), axis=1)
        by_order = np.empty_like(steps)
        for i, order in enumerate(orders):
            by_order[i, order] = steps[i, :]
        pairs = by_order.reshape(PAIRS, 2, k).mean(axis=1)
        return pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(PAIRS)

    return present.reshape(-1, k), combine
