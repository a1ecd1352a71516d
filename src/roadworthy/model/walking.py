"""Trees laid out to be walked fast, and the kernel that adds up their leaves.

A step of a walk waits for the node's bytes, then for the feature's. So all that a step needs of a node lies in one
record, the right child beside the left, and eight rows (or, for a row alone, four trees) walk at the same time: while
one waits, the others go on. A leaf leads to itself, so nothing has to ask whether a walk has ended until all have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.kernels import njit

__all__ = ["CATEGORY", "MISSING_RIGHT", "NODE", "LaidTrees", "goes_right", "lay_out", "walk_trees"]

NODE = np.dtype([("threshold", "f8"), ("feature", "u4"), ("left", "u4"), ("way", "u4"), ("leaf", "u4")])
"""One node. `way` holds the flags below; the right child is `left` + 1; `leaf` is 1 in a leaf, which leads back."""
MISSING_RIGHT, CATEGORY = 1, 2
_TOGETHER = 8


@dataclass(frozen=True)
class LaidTrees:
    """Trees as the kernels take them; `begin` and `end` say which words of `bits` hold a category split's left set.

    `cover` is as in `Forest`: by node, or empty.
    """

    nodes: NDArray[np.void]
    value: NDArray[np.float64]
    cover: NDArray[np.float64]
    roots: NDArray[np.uint32]
    begin: NDArray[np.int32]
    end: NDArray[np.int32]
    bits: NDArray[np.uint32]


def lay_out(
    roots: NDArray[np.int32], feature: NDArray[np.int32], threshold: NDArray[np.float64], left: NDArray[np.int32],
    right: NDArray[np.int32], missing_left: NDArray[np.uint8], value: NDArray[np.float64], cover: NDArray[np.float64],
    begin: NDArray[np.int32], end: NDArray[np.int32], bits: NDArray[np.uint32],
) -> LaidTrees:  # fmt: skip
    """The trees of a `Forest` in the kernels' order: each root, then the pairs of children in the order of parents."""
    inner = np.flatnonzero(feature >= 0)
    ordered = np.sort(roots)
    pairs = np.searchsorted(ordered, inner, side="right") + 2 * np.arange(len(inner))
    place = np.full(len(feature), -1, dtype=np.int64)
    place[ordered] = np.arange(len(roots)) + 2 * np.searchsorted(inner, ordered)
    place[left[inner]] = pairs
    place[right[inner]] = pairs + 1
    size = len(roots) + 2 * len(inner)
    nodes = np.zeros(size, dtype=NODE)
    nodes["left"], nodes["leaf"], nodes["threshold"] = np.arange(size), 1, np.inf
    there = place[inner]
    nodes["left"][there] = pairs
    nodes["leaf"][there] = 0
    nodes["threshold"][there] = threshold[inner]
    nodes["feature"][there] = feature[inner]
    nodes["way"][there] = np.where(missing_left[inner] != 0, 0, MISSING_RIGHT) | np.where(
        begin[inner] >= 0, CATEGORY, 0
    )
    here = np.flatnonzero(place >= 0)
    moved = {}
    for name, values in (("value", value), ("cover", cover), ("begin", begin), ("end", end)):
        moved[name] = np.zeros(size if len(values) else 0, dtype=values.dtype)
        moved[name][place[here[: len(values)]]] = values[here[: len(values)]]
    return LaidTrees(nodes, moved["value"], moved["cover"], place[roots].astype(np.uint32), moved["begin"],
                     moved["end"], bits)  # fmt: skip


# What asks about one step takes and gives single numbers, and the kernels themselves hold the arrays: an array handed
# to an inner function is counted in and out again at every step, which costs ten times what the step does.


@njit(cache=True, nogil=True)
def find_word(x: Any, begin: Any, end: Any) -> Any:
    """Where in `bits` the bit of category `x` lies; -1 for what is in no set."""
    if not -1.0 < x < 2147483648.0:
        return -1
    word = begin + (int(x) >> 5)
    return word if word < end else -1


@njit(cache=True, nogil=True)
def goes_right(x: Any, threshold: Any, way: Any) -> Any:
    """Whether a number goes right: above the threshold, or missing where the node says so."""
    return (x > threshold) | (np.isnan(x) & ((way & np.uint32(MISSING_RIGHT)) != 0))


@njit(cache=True, nogil=True)
def is_outside(x: Any, word: Any, way: Any) -> Any:
    """Whether a category goes right: its bit in `word` is not set, or it is missing where the node says so."""
    if np.isnan(x):
        return (way & np.uint32(MISSING_RIGHT)) != 0
    return (word >> np.uint32(int(x) & 31)) & np.uint32(1) == 0


@njit(cache=True, nogil=True)
def walk_trees(
    features: Any, nodes: Any, value: Any, roots: Any, begin: Any, end: Any, bits: Any, float32_sum: Any, total: Any
) -> None:
    """Add each tree's leaf to what `total` (n,) starts from, tree after tree, in the library's own width."""
    n, trees = features.shape[0], roots.shape[0]
    none = np.uint32(0)
    at = np.empty(_TOGETHER, dtype=np.uint32)
    row = np.empty(_TOGETHER, dtype=np.uintp)
    for first in range(0, n, _TOGETHER):
        rows = min(_TOGETHER, n - first)
        for tree in range(0, trees, _TOGETHER // rows):
            walkers = min(_TOGETHER // rows, trees - tree) * rows
            for k in range(_TOGETHER):  # always as many, which runs faster; those too many are not added up
                at[k] = roots[tree + min(k, walkers - 1) // rows]
                row[k] = first + k % rows
            moving = True
            while moving:
                moving = False
                for k in range(_TOGETHER):
                    here = np.uintp(at[k])
                    node = nodes[here]
                    x = features[row[k], np.uintp(node.feature)]
                    if node.way & np.uint32(CATEGORY):
                        place = find_word(x, begin[here], end[here])
                        right = is_outside(x, bits[place] if place >= 0 else none, node.way)
                    else:
                        right = goes_right(x, node.threshold, node.way)
                    child = np.uint32(node.left + np.uint32(right))
                    moving |= child != at[k]
                    at[k] = child
            for k in range(walkers):
                leaf = value[np.uintp(at[k])]
                if float32_sum:
                    total[row[k]] = float(np.float32(total[row[k]]) + np.float32(leaf))
                else:
                    total[row[k]] += leaf
