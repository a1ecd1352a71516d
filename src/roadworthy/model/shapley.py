r"""Exact Shapley values of a tree ensemble against one reference applicant, by contract column.

The game: a coalition S of columns takes its values from the applicant, the others from the reference; v(S) is the
ensemble's output. A leaf is reached by S exactly when S holds all a columns on whose splits only the applicant goes
the leaf's way, and none of the b columns on whose splits only the reference does. Such a leaf of value v gives
$v\,(a-1)!\,b!/(a+b)!$ to each of the first and $-v\,a!\,(b-1)!/(a+b)!$ to each of the second (Shapley 1953; for trees
and single references: Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9, section on interventional values). Columns,
not features, are the players, so a one-hot column is one player and nothing has to be summed afterwards.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.kernels import njit
from roadworthy.model.walking import CATEGORY, NODE, LaidTrees, find_word, goes_right, is_outside

__all__ = ["explain_trees", "leaf_weights", "mark_reference"]

_COMPARED = np.dtype([*((name, NODE[name]) for name in NODE.names or ()), ("column", "i4"), ("theirs", "u4")])
"""A node with the column it asks about, -1 in a leaf, and whether the reference goes right there."""
_ROWS = 64
"""So many rows are explained by one tree after the other, while its nodes are at hand."""


@lru_cache(maxsize=16)
def leaf_weights(players: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights for columns of the applicant and of the reference, by (a, b), each (players + 1, players + 1).

    They are (a-1)! b! / (a+b)! and a! (b-1)! / (a+b)!; every intermediate stays within 0..1, so that hundreds of
    players do not overflow.

    >>> ours, theirs = leaf_weights(2)
    >>> float(ours[1, 1]), float(theirs[1, 1]), float(ours[2, 0])
    (0.5, 0.5, 0.5)
    """
    a = np.arange(players + 1, dtype=np.float64)
    chosen = np.ones((players + 1, players + 1))  # a! b! / (a + b)!
    for b in range(1, players + 1):
        chosen[:, b] = chosen[:, b - 1] * (b / (a + b))
    ours, theirs = np.zeros_like(chosen), np.zeros_like(chosen)
    ours[1:, :] = chosen[1:, :] / a[1:, None]
    theirs[:, 1:] = chosen[:, 1:] / a[None, 1:]
    for weights in (ours, theirs):
        weights.flags.writeable = False
    return ours, theirs


def mark_reference(trees: LaidTrees, reference: NDArray[np.float64], origin: NDArray[np.int32]) -> NDArray[np.void]:
    """The trees' nodes with the way that `reference` (m,) goes at each, and the column that each asks about.

    `origin` (m,) is the column of each feature. Made once for a reference applicant.
    """
    nodes = np.zeros(len(trees.nodes), dtype=_COMPARED)
    for name in NODE.names or ():
        nodes[name] = trees.nodes[name]
    leaf = trees.nodes["leaf"] != 0
    nodes["column"] = -1
    nodes["column"][~leaf] = origin[trees.nodes["feature"][~leaf]]
    theirs = np.zeros(len(nodes), dtype=np.uint32)
    _go(reference, trees.nodes, trees.begin, trees.end, trees.bits, theirs)
    nodes["theirs"] = theirs
    return nodes


@njit(cache=True, nogil=True)
def _go(reference: Any, nodes: Any, begin: Any, end: Any, bits: Any, theirs: Any) -> None:
    """Which way the reference goes at every node, whether it comes there or not."""
    for here in range(nodes.shape[0]):
        node = nodes[here]
        if node.leaf == 0:
            x = reference[np.uintp(node.feature)]
            if node.way & np.uint32(CATEGORY):
                place = find_word(x, begin[here], end[here])
                theirs[here] = is_outside(x, bits[place] if place >= 0 else np.uint32(0), node.way)
            else:
                theirs[here] = goes_right(x, node.threshold, node.way)


@njit(cache=True, nogil=True)
def _explain(
    features: Any, nodes: Any, value: Any, roots: Any, begin: Any, end: Any, bits: Any, ours: Any, theirs: Any, out: Any
) -> None:
    """Depth-first over the leaves that some coalition reaches, with an explicit stack.

    `side` says whose way a column goes on this path (0 open, 1 the applicant's, 2 the reference's). A fork pushes a
    frame; when both its arms are done, what came up from the applicant's arm is the column's gain and what came up from
    the reference's arm its loss.
    """
    none, one = np.uint32(0), np.uintp(1)
    side = np.zeros(out.shape[1], dtype=np.uint8)
    frames = ours.shape[0] + 1
    fork_column = np.empty(frames, dtype=np.int32)
    fork_other = np.empty(frames, dtype=np.uint32)
    gain = np.zeros(frames)
    loss = np.zeros(frames)
    n = features.shape[0]
    for first in range(0, n, _ROWS):
        for tree in range(roots.shape[0]):
            for row in range(first, min(first + _ROWS, n)):
                here = np.uintp(roots[tree])
                level = np.uintp(0)
                a = np.uintp(0)
                b = np.uintp(0)
                gain[0] = 0.0
                loss[0] = 0.0
                while True:
                    node = nodes[here]
                    while node.column >= 0:
                        x = features[row, np.uintp(node.feature)]
                        if node.way & np.uint32(CATEGORY):
                            place = find_word(x, begin[here], end[here])
                            mine = is_outside(x, bits[place] if place >= 0 else none, node.way)
                        else:
                            mine = goes_right(x, node.threshold, node.way)
                        other = node.theirs != 0
                        column = np.uintp(node.column)
                        state = side[column]
                        if (state == 0) & (mine != other):
                            fork_column[level] = column
                            fork_other[level] = node.left + np.uint32(other)
                            level += one
                            gain[level] = 0.0
                            loss[level] = 0.0
                            side[column] = 1
                            a += one
                        here = np.uintp(node.left) + np.uintp(((state == 2) & other) | ((state != 2) & mine))
                        node = nodes[here]
                    gain[level] += value[here] * ours[a, b]
                    loss[level] += value[here] * theirs[a, b]
                    while level > np.uintp(0):
                        above = level - one
                        column = np.uintp(fork_column[above])
                        gain[above] += gain[level]
                        loss[above] += loss[level]
                        if side[column] == 1:  # the applicant's arm is done: now the reference's
                            out[row, column] += gain[level]
                            gain[level] = 0.0
                            loss[level] = 0.0
                            side[column] = 2
                            a -= one
                            b += one
                            here = np.uintp(fork_other[above])
                            break
                        out[row, column] -= loss[level]
                        side[column] = 0
                        b -= one
                        level = above
                    if level == np.uintp(0):
                        break


def explain_trees(
    trees: LaidTrees, marked: NDArray[np.void], features: NDArray[np.float64], columns: int, depth: int
) -> NDArray[np.float64]:
    """Shapley values (n, columns) of the sum of leaves; rows sum to output(row) - output(reference).

    `features` (n, m) are as the trees see them, `marked` is what `mark_reference` made of the reference, and `depth`
    the most splits on the way to any leaf.
    """
    # A column forks a path once, and a path has no more columns than splits.
    ours, theirs = leaf_weights(min(columns, depth))
    out = np.zeros((features.shape[0], columns), dtype=np.float64)
    _explain(
        np.ascontiguousarray(features), marked, trees.value, trees.roots, trees.begin, trees.end, trees.bits, ours,
        theirs, out,
    )  # fmt: skip
    return out
