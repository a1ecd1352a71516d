r"""Path-dependent Shapley values of a tree ensemble: TreeSHAP, what `pred_contrib` of the boosting libraries gives.

The game: a coalition S of features follows the applicant; at a split on any other feature it goes both ways, by the
shares of the training rows that did (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9, algorithm 2). A leaf of value
v gives the feature j on its path $v\,(o_j-z_j)\int_0^1\prod_{i\ne j}(t\,o_i+(1-t)\,z_i)\,dt$, where $z_i$ is the share
that goes the leaf's way at all splits on i, and $o_i$ is 1 where the applicant does, else 0. With d features on the
path the integrand is of degree d-1, so ceil(d/2) Gauss-Legendre points give it exactly. All leaves below a split share
what lies above it: the products are made once on the way down, and what the leaves come to is added up on the way back
(as Linear TreeSHAP does, Yu et al. 2022, arXiv:2209.08192).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_legendre

from roadworthy.kernels import njit
from roadworthy.model.walking import CATEGORY, NODE, LaidTrees, find_word, goes_right, is_outside

__all__ = ["Paths", "explain_paths", "lay_paths"]

_SPLIT = np.dtype(
    [
        *((name, NODE[name]) for name in ("threshold", "feature", "way")), ("column", "u4"), ("node", "u4"),
        ("before", "i4"), ("above", "i4"), ("again", "u4"),
    ]
)  # fmt: skip
"""One split: `above` is its parent, `before` the split whose own edge from above was the last to ask the same feature,
-1 for none, `again` whether it is the `before` of another, and `node` where it lies among the trees' nodes."""
_POINTS = 4
"""So many points are summed at once: enough for eight features on a path."""
_ROWS = 64
"""So many rows are explained by one tree after the other, while its splits are at hand."""


@dataclass(frozen=True)
class Paths:
    """Trees as this kernel takes them, some of them several times: once for the leaves of every number of points.

    `begin` and `end` say where each one's splits lie; `above`, `before` and `child` count from its first. By split and
    side, (s, 2): `child` is the split below, -1 for a leaf of `value`, and `share` what part of the training rows goes
    that way at this split and at all above it on the same feature. `first` is where each one's points lie in `points`
    and `weights`, `blocks` how many times four they are. `expected` is the sum of the trees' means over the training
    rows.
    """

    splits: NDArray[np.void]
    child: NDArray[np.int32]
    share: NDArray[np.float64]
    value: NDArray[np.float64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    first: NDArray[np.int64]
    blocks: NDArray[np.int64]
    points: NDArray[np.float64]
    weights: NDArray[np.float64]
    expected: float


def lay_paths(trees: LaidTrees, origin: NDArray[np.int32]) -> Paths:
    """The trees with the share of the training rows on every edge; `origin` (m,) is the column of each feature.

    `trees.cover` is there, and above zero at every node.
    """
    size = int(np.sum(trees.nodes["leaf"] == 0))
    splits, tree = np.zeros(size, dtype=_SPLIT), np.zeros(size, dtype=np.int64)
    child, asked = np.full((size, 2), -1, dtype=np.int32), np.zeros((size, 2), dtype=np.int64)
    share, value = np.zeros((size, 2)), np.zeros((size, 2))
    expected = _lay(trees.nodes, trees.value, trees.roots, trees.cover, splits, tree, child, share, value, asked)
    splits["column"] = origin[splits["feature"]]
    blocks = -(-asked // (2 * _POINTS))
    found: dict[str, list[NDArray[Any]]] = {
        "splits": [splits[:0]], "child": [child[:0]], "share": [share[:0]], "value": [value[:0]],
    }  # fmt: skip
    begin, end, first, each = [0], list[int](), list[int](), list[int]()
    points, weights = [np.zeros(0)], [np.zeros(0)]
    for some in np.unique(blocks[child < 0]).tolist():
        leaf = (child < 0) & (blocks == some)
        keep = np.flatnonzero(_lead_to(leaf.any(axis=1), splits))
        place = np.full(size + 1, -1, dtype=np.int64)  # the last for what is nowhere
        own = np.flatnonzero(np.diff(tree[keep], prepend=-1))
        starts = np.repeat(own, np.diff([*own, len(keep)]))
        place[keep] = np.arange(len(keep)) - starts
        kept = splits[keep]
        kept["above"], kept["before"] = place[kept["above"]], place[kept["before"]]
        kept["again"][(kept["before"] + starts)[kept["before"] >= 0]] = 1
        for name, values in (("splits", kept), ("child", place[child[keep]].astype(np.int32)), ("share", share[keep]),
                             ("value", np.where(leaf, value, 0.0)[keep])):  # fmt: skip
            found[name].append(values)
        end += (begin[-1] + np.array([*own[1:], len(keep)])).tolist()
        begin += end[-len(own) :]
        first += [sum(map(len, points))] * len(own)
        each += [some] * len(own)
        at, weight = roots_legendre(_POINTS * some)
        points.append((at + 1.0) / 2.0)
        weights.append(weight / 2.0)
    joined: dict[str, Any] = {name: np.concatenate(values) for name, values in found.items()}
    return Paths(
        **joined, begin=_whole(begin[:-1]), end=_whole(end), first=_whole(first), blocks=_whole(each),
        points=np.concatenate(points), weights=np.concatenate(weights), expected=expected,
    )  # fmt: skip


def _whole(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


@njit(cache=True, nogil=True)
def _lay(
    nodes: Any, leaves: Any, roots: Any, cover: Any, splits: Any, tree_of: Any, child: Any, share: Any, value: Any,
    asked: Any,
) -> Any:  # fmt: skip
    """Fill the arrays of all splits, tree by tree and parents before children; the expected output is returned.

    `asked` is how many features are asked on the way to each leaf.
    """
    expected = 0.0
    made = 0
    size = splits.shape[0] + 1
    edge = np.empty(size, dtype=np.int64)  # the feature that a split's own edge from above is of: its parent's
    edge_share = np.empty(size)  # the share of that edge
    apart = np.empty(size, dtype=np.int64)  # how many features are asked from the root to here
    reached = np.empty(size)  # the part of all training rows
    stack, above, side = np.empty((3, size), dtype=np.int64)
    for tree in range(roots.shape[0]):
        root = np.int64(roots[tree])
        if nodes[root].leaf != 0:
            expected += leaves[root]
            continue
        waiting = 1
        stack[0], above[0], side[0] = root, -1, 0
        while waiting > 0:
            waiting -= 1
            here, parent, way = stack[waiting], above[waiting], side[waiting]
            split, node = made, nodes[here]
            made += 1
            tree_of[split] = tree
            splits[split].threshold = node.threshold
            splits[split].feature = node.feature
            splits[split].way = node.way
            splits[split].node = here
            splits[split].above = parent
            edge[split], edge_share[split], apart[split], reached[split] = -1, 1.0, 0, 1.0
            if parent >= 0:
                child[parent, way] = split
                edge[split] = np.int64(splits[parent].feature)
                edge_share[split] = share[parent, way]
                apart[split] = apart[parent] + (splits[parent].before < 0)
                reached[split] = reached[parent] * (cover[here] / cover[splits[parent].node])
            before = split
            while before >= 0 and edge[before] != np.int64(node.feature):
                before = splits[before].above
            splits[split].before = before
            for way in range(2):
                below = np.int64(node.left) + way
                part = cover[below] / cover[here]
                share[split, way] = part * (edge_share[before] if before >= 0 else 1.0)
                asked[split, way] = apart[split] + (before < 0)
                if nodes[below].leaf != 0:
                    value[split, way] = leaves[below]
                    expected += leaves[below] * (reached[split] * part)
                else:
                    stack[waiting], above[waiting], side[waiting] = below, split, way
                    waiting += 1
    return expected


@njit(cache=True, nogil=True)
def _lead_to(chosen: Any, splits: Any) -> Any:
    """The splits (s,) that are chosen or lie above such."""
    for i in range(splits.shape[0] - 1, -1, -1):
        if chosen[i] and splits[i].above >= 0:
            chosen[splits[i].above] = True
    return chosen


@njit(cache=True, nogil=True)
def _explain(
    features: Any, splits: Any, children: Any, shares: Any, values: Any, starts: Any, ends: Any, first: Any,
    blocks: Any, points: Any, weights: Any, begin: Any, end: Any, bits: Any, most: Any, out: Any,
) -> None:  # fmt: skip
    """For each tree down, with what lies above every split at some points at once, and back up with the leaves' sums.

    By split: `along` says whether the applicant goes right. Of its own edge from above `follows` is the applicant's o,
    `factor` what the sum below it is multiplied with, `above` the product of these down to it, and `owed` what the
    feature gets of the sum below it. Where a feature is asked again, its factor takes the place of the one before,
    of which `inverse` is one over it and `before` what the feature was owed of it.
    """
    none, one, two = np.uint32(0), np.uintp(1), np.uintp(2)
    along = np.empty(most, dtype=np.uint8)
    follows = np.ones(most)
    above, factor, owed = np.ones((most, _POINTS)), np.empty((most, _POINTS)), np.empty((most, _POINTS))
    inverse, before = np.empty((most, _POINTS)), np.empty((most, _POINTS))
    below = np.empty((most, _POINTS))
    added = np.empty((min(_ROWS, features.shape[0]), out.shape[1], _POINTS))
    for start in range(0, features.shape[0], _ROWS):
        rows = min(_ROWS, features.shape[0] - start)
        added[:] = 0.0
        for tree in range(starts.shape[0]):
            base, count = np.uintp(starts[tree]), np.uintp(ends[tree] - starts[tree])
            for k in range(rows):
                row = np.uintp(k)
                for i in range(count):
                    split = splits[base + i]
                    x = features[np.uintp(start) + row, np.uintp(split.feature)]
                    if split.way & np.uint32(CATEGORY):
                        place = find_word(x, begin[split.node], end[split.node])
                        along[i] = is_outside(x, bits[place] if place >= 0 else none, split.way)
                    else:
                        along[i] = goes_right(x, split.threshold, split.way)
                for block in range(blocks[tree]):
                    at = np.uintp(first[tree] + block * _POINTS)
                    for i in range(count):
                        split = splits[base + i]
                        column = np.uintp(split.column)
                        again, earlier = split.before >= 0, np.uintp(max(split.before, 0))
                        for lane in range(_POINTS):
                            below[i, lane] = 0.0
                        for way in range(two):
                            o = 1.0 if (along[i] != 0) == (way == one) else 0.0
                            if again:
                                o *= follows[earlier]
                            share, child = shares[base + i, way], children[base + i, way]
                            gain = o - share
                            if child >= 0:
                                under = np.uintp(child)
                                follows[under] = o
                                asked_again = splits[base + under].again != 0
                                for lane in range(_POINTS):
                                    both = share + points[at + lane] * gain
                                    lean = weights[at + lane] * gain
                                    if asked_again:
                                        inverse[under, lane] = 1.0 / both
                                        before[under, lane] = lean / both
                                    if again:
                                        lean = (lean - before[earlier, lane] * both) * inverse[earlier, lane]
                                        both *= inverse[earlier, lane]
                                    factor[under, lane] = both
                                    owed[under, lane] = lean * above[i, lane]
                                    above[under, lane] = both * above[i, lane]
                            else:
                                value = values[base + i, way]
                                if again:
                                    for lane in range(_POINTS):
                                        both = share + points[at + lane] * gain
                                        lean = weights[at + lane] * gain - before[earlier, lane] * both
                                        leaf = value * inverse[earlier, lane]
                                        below[i, lane] += both * leaf
                                        added[row, column, lane] += lean * above[i, lane] * leaf
                                else:
                                    for lane in range(_POINTS):
                                        below[i, lane] += (share + points[at + lane] * gain) * value
                                        added[row, column, lane] += weights[at + lane] * gain * above[i, lane] * value
                    for back in range(count - one):
                        last = count - one - back
                        parent = np.uintp(splits[base + last].above)
                        column = np.uintp(splits[base + parent].column)
                        for lane in range(_POINTS):
                            below[parent, lane] += factor[last, lane] * below[last, lane]
                            added[row, column, lane] += owed[last, lane] * below[last, lane]
        for k in range(rows):
            for j in range(out.shape[1]):
                total = 0.0
                for lane in range(_POINTS):
                    total += added[k, j, lane]
                out[start + k, j] = total


def explain_paths(trees: LaidTrees, paths: Paths, features: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Shapley values (n, columns) of the sum of leaves; rows sum to output(row) - `paths.expected`.

    `features` (n, m) are as the trees see them; a column's value is the sum of its features'.
    """
    out = np.zeros((features.shape[0], columns), dtype=np.float64)
    most = int((paths.end - paths.begin).max(initial=0))
    _explain(
        np.ascontiguousarray(features), paths.splits, paths.child, paths.share, paths.value, paths.begin, paths.end,
        paths.first, paths.blocks, paths.points, paths.weights, trees.begin, trees.end, trees.bits, most, out,
    )  # fmt: skip
    return out
