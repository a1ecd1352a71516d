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
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from roadworthy.model.forest import find_word, goes_left

if TYPE_CHECKING:
    from roadworthy.model.forest import Forest

__all__ = ["explain_forest", "leaf_weights"]


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


@njit(cache=True, nogil=True)
def _explain(
    features: Any, reference: Any, origin: Any, roots: Any, feature: Any, threshold: Any, left: Any, right: Any,
    missing_left: Any, value: Any, category_begin: Any, category_end: Any, category_bits: Any, ours: Any, theirs: Any,
    out: Any,
) -> None:  # fmt: skip
    """Depth-first over the leaves that some coalition reaches, with an explicit stack.

    `side` says whose way a column goes on this path (0 open, 1 the applicant's, 2 the reference's). A fork pushes a
    frame; when both its arms are done, what came up from the applicant's arm is the column's gain and what came up from
    the reference's arm its loss.
    """
    none = np.uint32(0)
    side = np.zeros(out.shape[1], dtype=np.int8)
    frames = ours.shape[0] + 1
    fork_column = np.empty(frames, dtype=np.int32)
    fork_other = np.empty(frames, dtype=np.int32)
    gain = np.zeros(frames)
    loss = np.zeros(frames)
    for row in range(features.shape[0]):
        for tree in range(roots.shape[0]):
            node = roots[tree]
            level = 0
            a = 0
            b = 0
            gain[0] = 0.0
            loss[0] = 0.0
            while True:
                split = feature[node]
                while split >= 0:
                    column = origin[split]
                    state = side[column]
                    begin = category_begin[node]
                    end = category_end[node]
                    x = reference[split] if state == 2 else features[row, split]
                    word = find_word(x, begin, end)
                    bits = category_bits[word] if word >= 0 else none
                    way = goes_left(x, threshold[node], missing_left[node], begin, bits)
                    if state == 0:
                        x = reference[split]
                        word = find_word(x, begin, end)
                        bits = category_bits[word] if word >= 0 else none
                        if way != goes_left(x, threshold[node], missing_left[node], begin, bits):
                            fork_column[level] = column
                            fork_other[level] = right[node] if way else left[node]
                            level += 1
                            gain[level] = 0.0
                            loss[level] = 0.0
                            side[column] = 1
                            a += 1
                    node = left[node] if way else right[node]
                    split = feature[node]
                gain[level] += value[node] * ours[a, b]
                loss[level] += value[node] * theirs[a, b]
                while level > 0:
                    column = fork_column[level - 1]
                    gain[level - 1] += gain[level]
                    loss[level - 1] += loss[level]
                    if side[column] == 1:  # the applicant's arm is done: now the reference's
                        out[row, column] += gain[level]
                        gain[level] = 0.0
                        loss[level] = 0.0
                        side[column] = 2
                        a -= 1
                        b += 1
                        node = fork_other[level - 1]
                        break
                    out[row, column] -= loss[level]
                    side[column] = 0
                    b -= 1
                    level -= 1
                if level == 0:
                    break


def explain_forest(
    forest: Forest,
    features: NDArray[np.float64],
    reference: NDArray[np.float64],
    origin: NDArray[np.int32],
    columns: int,
) -> NDArray[np.float64]:
    """Shapley values (n, columns) of the forest's raw output; rows sum to output(row) - output(reference).

    `features` (n, m) and `reference` (m,) are as the trees see them; `origin` (m,) is the column of each feature,
    below `columns`.

    >>> from roadworthy.model.forest import Forest
    >>> stump = Forest(  # 1 where the first feature is above 30
    ...     roots=np.array([0]), feature=np.array([0, -1, -1]), threshold=np.array([30.0, 0.0, 0.0]),
    ...     left=np.array([1, -1, -1]), right=np.array([2, -1, -1]), missing_left=np.array([1, 0, 0]),
    ...     value=np.array([0.0, 0.0, 1.0]), category_begin=np.full(3, -1), category_end=np.full(3, -1),
    ...     category_bits=np.zeros(0, dtype=np.uint32),
    ... )
    >>> explain_forest(stump, np.array([[40.0, 5.0]]), np.array([20.0, 7.0]), np.array([0, 1], dtype=np.int32), 2)
    array([[1., 0.]])
    """
    # A column forks a path once, and a path has no more columns than splits.
    ours, theirs = leaf_weights(min(columns, forest.depth))
    out = np.zeros((features.shape[0], columns), dtype=np.float64)
    _explain(
        np.ascontiguousarray(features), np.ascontiguousarray(reference), origin, forest.roots, forest.feature,
        forest.threshold, forest.left, forest.right, forest.missing_left, forest.value, forest.category_begin,
        forest.category_end, forest.category_bits, ours, theirs, out,
    )  # fmt: skip
    return out if forest.divisor == 1.0 else out / forest.divisor
