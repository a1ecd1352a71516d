"""Shapley values of a model that can only be asked, not read: every coalition where they are few, else sampled orders.

Sampled orders come in antithetic pairs, each order with its reverse (Castro, Gomez and Tejada 2009,
doi:10.1016/j.cor.2008.04.004; Mitchell et al. 2022, arXiv:2104.12199), from a fixed seed, so that the same row always
gets the same values. Every order's steps telescope, so rows sum exactly to output - reference output either way.
"""

from __future__ import annotations

from collections.abc import Callable
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
    present, combine, method = _all_coalitions(k) if k <= EXACT_UP_TO else _sampled_orders(k)
    everything = int(np.flatnonzero(present.all(axis=1))[0])
    contributions, error = np.empty((len(batch), k)), np.empty((len(batch), k))
    output = np.empty(len(batch))
    for row in range(len(batch)):
        everyone = batch.take(np.full(len(present), row))
        values = pd_of(move_to_reference(everyone, reference, columns, ~present), len(present))
        contributions[row], error[row] = combine(values)
        output[row] = values[everything]
    at_reference = float(pd_of(reference, len(present))[0])
    return Explanation(
        columns=columns,
        contributions=contributions,
        output=output,
        reference_output=at_reference,
        reference_pd=at_reference,
        quantity="pd",
        method=method,
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


def _all_coalitions(k: int) -> tuple[NDArray[np.bool_], Combine, str]:
    coalitions = [frozenset(chosen) for size in range(k + 1) for chosen in combinations(range(k), size)]
    place = {coalition: i for i, coalition in enumerate(coalitions)}
    weights = np.zeros((len(coalitions), k))
    for coalition, i in place.items():
        for column in set(range(k)) - coalition:
            weight = factorial(len(coalition)) * factorial(k - len(coalition) - 1) / factorial(k)
            weights[place[coalition | {column}], column] += weight
            weights[i, column] -= weight
    present = np.array([[column in coalition for column in range(k)] for coalition in coalitions]).reshape(-1, k)

    def combine(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # Not by BLAS, whose sums are taken in another order for one applicant than for many.
        return (values[:, None] * weights).sum(axis=0), np.zeros(k)

    return present, combine, "exact Shapley values, every coalition asked"


def _sampled_orders(k: int) -> tuple[NDArray[np.bool_], Combine, str]:
    rng = np.random.default_rng(20_090)
    orders = [order for _ in range(PAIRS) for order in _with_reverse(rng.permutation(k))]
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

    return present.reshape(-1, k), combine, f"Shapley values sampled over {2 * PAIRS} orders, with their standard error"


def _with_reverse(order: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return order, order[::-1]
