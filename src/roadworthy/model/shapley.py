r"""Exact Shapley values of a tree ensemble against one reference applicant, by contract column.

The game: a coalition S of columns takes its values from the applicant, the others from the reference; v(S) is the
ensemble's output. A leaf is reached by S exactly when S holds all a columns on whose splits only the applicant goes
the leaf's way, and none of the b columns on whose splits only the reference does. Such a leaf of value v gives
$v\,(a-1)!\,b!/(a+b)!$ to each of the first and $-v\,a!\,(b-1)!/(a+b)!$ to each of the second (Shapley 1953; for trees
and single references: Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9, section on interventional values). Columns,
not features, are the players, so a one-hot column is one player and nothing has to be summed afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from roadworthy.model.forest import step_down

if TYPE_CHECKING:
    from roadworthy.model.forest import Forest

__all__ = ["explain_forest", "leaf_weights"]


def leaf_weights(players: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights for columns of the applicant and of the reference, by (a, b), each (players + 1, players + 1).

    The product form keeps every intermediate within 0..1, so that hundreds of players do not overflow.

    >>> ours, theirs = leaf_weights(2)
    >>> float(ours[1, 1]), float(theirs[1, 1]), float(ours[2, 0])
    (0.5, 0.5, 0.5)
    """
    ours = np.zeros((players + 1, players + 1))
    theirs = np.zeros((players + 1, players + 1))
    for a in range(players + 1):
        for b in range(players + 1 - a):
            if a + b == 0:
                continue
            choose = 1.0  # a! b! / (a + b)!
            for i in range(1, b + 1):
                choose *= i / (a + i)
            if a:
                ours[a, b] = choose / a
            if b:
                theirs[a, b] = choose / b
    return ours, theirs


@njit(cache=True, nogil=True)
def _explain(
    features: Any, reference: Any, origin: Any, roots: Any, feature: Any, threshold: Any, left: Any, right: Any,
    missing_left: Any, value: Any, category_begin: Any, category_end: Any, category_bits: Any, ours: Any, theirs: Any,
    depth: Any, out: Any,
) -> None:  # fmt: skip
    """Depth-first over the leaves that some coalition reaches, with an explicit stack.

    `side` says whose way a column goes on this path (0 open, 1 the applicant's, 2 the reference's). A fork pushes a
    frame; when both its arms are done, what came up from the applicant's arm is the column's gain and what came up from
    the reference's arm its loss.
    """
    columns = out.shape[1]
    side = np.zeros(columns, dtype=np.int8)
    fork_column = np.empty(depth + 1, dtype=np.int32)
    fork_other = np.empty(depth + 1, dtype=np.int32)
    gain = np.zeros(depth + 2)
    loss = np.zeros(depth + 2)
    for row in range(features.shape[0]):
        for tree in range(roots.shape[0]):
            node = roots[tree]
            level = 0
            a = 0
            b = 0
            gain[0] = 0.0
            loss[0] = 0.0
            while True:
                while feature[node] >= 0:
                    split = feature[node]
                    column = origin[split]
                    state = side[column]
                    if state == 2:
                        node = step_down(node, reference[split], threshold, left, right, missing_left, category_begin,
                                         category_end, category_bits)  # fmt: skip
                        continue
                    mine = step_down(node, features[row, split], threshold, left, right, missing_left, category_begin,
                                     category_end, category_bits)  # fmt: skip
                    if state == 1:
                        node = mine
                        continue
                    theirs_node = step_down(node, reference[split], threshold, left, right, missing_left,
                                            category_begin, category_end, category_bits)  # fmt: skip
                    if mine == theirs_node:
                        node = mine
                        continue
                    fork_column[level] = column
                    fork_other[level] = theirs_node
                    level += 1
                    gain[level] = 0.0
                    loss[level] = 0.0
                    side[column] = 1
                    a += 1
                    node = mine
                gain[level] += value[node] * ours[a, b]
                loss[level] += value[node] * theirs[a, b]
                descended = False
                while level > 0:
                    column = fork_column[level - 1]
                    if side[column] == 1:
                        out[row, column] += gain[level]
                        gain[level - 1] += gain[level]
                        loss[level - 1] += loss[level]
                        gain[level] = 0.0
                        loss[level] = 0.0
                        side[column] = 2
                        a -= 1
                        b += 1
                        node = fork_other[level - 1]
                        descended = True
                        break
                    out[row, column] -= loss[level]
                    gain[level - 1] += gain[level]
                    loss[level - 1] += loss[level]
                    side[column] = 0
                    b -= 1
                    level -= 1
                if not descended:
                    break


def explain_forest(
    forest: Forest,
    features: NDArray[np.float64],
    reference: NDArray[np.float64],
    origin: NDArray[np.int32],
    columns: int,
) -> NDArray[np.float64]:
    """Shapley values (n, columns) of the forest's raw output; rows sum to output(row) - output(reference)."""
    used = min(columns, len(np.unique(origin)))
    ours, theirs = leaf_weights(used)
    out = np.zeros((features.shape[0], columns), dtype=np.float64)
    _explain(
        np.ascontiguousarray(features), np.ascontiguousarray(reference), origin, forest.roots, forest.feature,
        forest.threshold, forest.left, forest.right, forest.missing_left, forest.value, forest.category_begin,
        forest.category_end, forest.category_bits, ours, theirs, used, out,
    )  # fmt: skip
    return out if forest.divisor == 1.0 else out / forest.divisor
