"""Single trees as arrays, laid end to end so that every child lies after its parent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.forest import NODE_DTYPES, Forest

__all__ = ["TreeArrays", "join_trees"]


@dataclass(frozen=True)
class TreeArrays:
    """One tree: arrays by node, 0 the root, `feature` -1 in a leaf. `categories`: by node, those that go left.

    `cover`: how many training rows, or how much of their weight, came to each node; None where that is not known.
    """

    feature: NDArray[Any]
    threshold: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    missing_left: NDArray[Any]
    value: NDArray[Any]
    categories: dict[int, NDArray[Any]] = field(default_factory=dict)
    cover: NDArray[Any] | None = None


def join_trees(
    trees: Sequence[TreeArrays],
    *,
    base: float = 0.0,
    divisor: float = 1.0,
    float32_inputs: bool = False,
    float32_sum: bool = False,
) -> Forest:
    """One `Forest` of many trees, each renumbered breadth-first: parents before children, and near each other."""
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in NODE_DTYPES}
    roots: list[int] = []
    words: list[NDArray[np.uint32]] = []
    covers: list[NDArray[np.float64]] = []
    start, first_word = 0, 0
    for tree in trees:
        order = _breadth_first(tree)
        position = np.full(len(tree.feature), -1, dtype=np.int64)
        position[order] = np.arange(len(order)) + start
        leaf = tree.feature[order] < 0
        begin = np.full(len(order), -1, dtype=np.int32)
        end = np.full(len(order), -1, dtype=np.int32)
        for place, node in enumerate(order):
            if not leaf[place] and int(node) in tree.categories:
                bits = _pack(tree.categories[int(node)])
                begin[place], end[place] = first_word, first_word + len(bits)
                first_word += len(bits)
                words.append(bits)
        columns["feature"].append(tree.feature[order])
        columns["threshold"].append(tree.threshold[order])
        columns["left"].append(np.where(leaf, -1, position[tree.left[order]]))
        columns["right"].append(np.where(leaf, -1, position[tree.right[order]]))
        columns["missing_left"].append(tree.missing_left[order])
        columns["value"].append(tree.value[order])
        columns["category_begin"].append(begin)
        columns["category_end"].append(end)
        covers.append(np.zeros(1) if tree.cover is None else np.asarray(tree.cover, dtype=np.float64)[order])
        roots.append(start)
        start += len(order)
    arrays = {name: np.ascontiguousarray(np.concatenate(parts), NODE_DTYPES[name]) for name, parts in columns.items()}
    cover = np.concatenate(covers)
    return Forest(
        roots=np.array(roots, dtype=np.int32),
        # A node that no weight came to has no share of its parent's.
        cover=cover if ((cover > 0) & (cover < np.inf)).all() else np.zeros(0),
        category_bits=np.concatenate(words) if words else np.zeros(0, dtype=np.uint32),
        base=base,
        divisor=divisor,
        float32_inputs=float32_inputs,
        float32_sum=float32_sum,
        **arrays,
    )


def _breadth_first(tree: TreeArrays) -> NDArray[np.int64]:
    order, level = [], np.array([0], dtype=np.int64)
    while len(level):
        order.append(level)
        inner = level[tree.feature[level] >= 0]
        level = np.stack([tree.left[inner], tree.right[inner]], axis=1).ravel().astype(np.int64)
    return np.concatenate(order)


def _pack(categories: NDArray[Any]) -> NDArray[np.uint32]:
    """Category numbers as a bit set in 32-bit words, lowest first."""
    known = np.asarray(categories, dtype=np.int64)
    bits = np.zeros(int(known.max()) // 32 + 1 if len(known) else 0, dtype=np.uint32)
    np.bitwise_or.at(bits, known >> 5, np.uint32(1) << (known & 31).astype(np.uint32))
    return bits
