"""The trees of ONNX's TreeEnsembleClassifier and TreeEnsembleRegressor, every index of theirs checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.forest import Forest
from roadworthy.model.formats.feature import CannotCompile
from roadworthy.model.formats.grow import TreeArrays, join_trees

__all__ = ["OnnxTrees", "read_trees"]

_LEAF = b"LEAF"
_SWAPPED = (b"BRANCH_GT", b"BRANCH_GTE")
_STRICT = (b"BRANCH_LT", b"BRANCH_GTE")
_KNOWN = (_LEAF, b"BRANCH_LEQ", b"BRANCH_LT", *_SWAPPED)


@dataclass(frozen=True)
class OnnxTrees:
    """`forest` adds up the weights of the class asked for, or, where `single`, those that stand for both classes.

    `positive`: no weight is below 0, which ONNX Runtime takes to mean that the sum is a probability already.
    """

    forest: Forest
    single: bool
    positive: bool


def read_trees(attributes: Mapping[str, Any], features: int, *, double: bool, prefix: str, wanted: int) -> OnnxTrees:
    """The trees over `features` numbers; CannotCompile where they are laid out otherwise.

    `prefix` is class or target; with weights for both classes those of `wanted` count.
    """
    width = np.float64 if double else np.float32

    def numbers(name: str) -> NDArray[Any]:
        return np.asarray(attributes.get(f"{name}_as_tensor", attributes.get(name, ())), dtype=width)

    def integers(name: str) -> NDArray[np.int64]:
        return np.asarray(attributes.get(name, ()), dtype=np.int64)

    modes = list(attributes.get("nodes_modes", ()))
    odd = sorted({mode.decode("utf-8", "replace") for mode in modes if mode not in _KNOWN})
    if odd:
        raise CannotCompile(f"trees that split by {odd[0]} have no compiled form")
    tree, node = integers("nodes_treeids"), integers("nodes_nodeids")
    size = len(modes)
    values, true, false = numbers("nodes_values"), integers("nodes_truenodeids"), integers("nodes_falsenodeids")
    feature = integers("nodes_featureids")
    if not size or {len(each) for each in (tree, node, values, true, false, feature)} != {size}:
        raise CannotCompile("its trees' lists are not of one length")
    place = {(int(t), int(n)): i for i, (t, n) in enumerate(zip(tree, node, strict=True))}
    leaf = np.array([mode == _LEAF for mode in modes])
    if len(place) != size or (feature[~leaf] < 0).any() or (feature[~leaf] >= features).any():
        raise CannotCompile("its trees have two nodes of one number, or ask for columns that are not there")
    given = integers("nodes_missing_value_tracks_true")
    tracks = given != 0 if len(given) == size else np.zeros(size, dtype=np.bool_)
    weight, single = _weights(numbers, integers, prefix, wanted, place, size)
    threshold = np.where(np.isin(modes, _STRICT), np.nextafter(values, width(-np.inf)), values).astype(np.float64)
    if np.isnan(threshold).any():
        raise CannotCompile("its trees have thresholds that are not numbers")
    swapped = np.isin(modes, _SWAPPED)
    first, second = np.where(swapped, false, true), np.where(swapped, true, false)
    whole = _Nodes(feature, threshold, leaf, tracks != swapped, weight, _find(place, tree, first, leaf),
                   _find(place, tree, second, leaf))  # fmt: skip
    trees = [whole.grow(root) for root in _roots(whole, tree)]
    if sum(len(each.feature) for each in trees) != size:
        raise CannotCompile("its trees lead round in a circle")
    base = numbers("base_values")
    if len(base) == 2 and not single:
        base = base[[wanted]]
    if len(base) > 1:
        raise CannotCompile("its trees start from more numbers than there are classes")
    if len(base) and base[0]:
        none = np.array([-1])  # added last, as ONNX Runtime does
        trees.append(TreeArrays(none, np.zeros(1), none, none, np.zeros(1), np.asarray(base, dtype=np.float64)))
    forest = join_trees(trees, float32_inputs=not double, float32_sum=not double)
    return OnnxTrees(forest, single, bool((weight[leaf] >= 0).all()))


def _weights(
    numbers: Any,
    integers: Any,
    prefix: str,
    wanted: int,
    place: dict[tuple[int, int], int],
    size: int,
) -> tuple[NDArray[np.float64], bool]:
    """What each leaf adds for the class asked for, and whether it does so for both classes at once."""
    of_class, weights = integers(f"{prefix}_ids"), numbers(f"{prefix}_weights")
    trees, nodes = integers(f"{prefix}_treeids"), integers(f"{prefix}_nodeids")
    if {len(of_class), len(trees), len(nodes)} != {len(weights)} or not np.isfinite(weights).all():
        raise CannotCompile("its leaves' lists are not of one length, or hold what is no number")
    known = set(of_class.tolist())
    if not known or not known <= {0, 1}:
        raise CannotCompile(f"its leaves are of {len(known)} classes")
    single = len(known) == 1
    wanted = known.pop() if single else wanted
    out = np.zeros(size)
    for t, n, c, weight in zip(trees.tolist(), nodes.tolist(), of_class.tolist(), weights.tolist(), strict=True):
        if (t, n) not in place:
            raise CannotCompile("its leaves are of nodes that are not there")
        if c == wanted:
            out[place[t, n]] += weight
    return out, single


def _find(
    place: dict[tuple[int, int], int], tree: NDArray[np.int64], child: NDArray[np.int64], leaf: NDArray[np.bool_]
) -> NDArray[np.int64]:
    found = [
        -1 if end else place.get((t, c), -2) for t, c, end in zip(tree.tolist(), child.tolist(), leaf, strict=True)
    ]
    if -2 in found:
        raise CannotCompile("its trees lead outside themselves")
    return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class _Nodes:
    """All nodes of all trees, by their place in the lists."""

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    leaf: NDArray[np.bool_]
    missing_left: NDArray[np.bool_]
    weight: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    def grow(self, root: int) -> TreeArrays:
        """The tree under `root`; every node has one parent, so that this ends."""
        order = [root]
        for node in order:
            if not self.leaf[node]:
                order += [int(self.left[node]), int(self.right[node])]
        nodes = np.array(order)
        new = np.full(len(self.leaf), -1, dtype=np.int64)
        new[nodes] = np.arange(len(nodes))
        leaf = self.leaf[nodes]
        return TreeArrays(
            feature=np.where(leaf, -1, self.feature[nodes]),
            threshold=np.where(leaf, 0.0, self.threshold[nodes]),
            left=np.where(leaf, -1, new[self.left[nodes]]),
            right=np.where(leaf, -1, new[self.right[nodes]]),
            missing_left=self.missing_left[nodes].astype(np.uint8),
            value=np.where(leaf, self.weight[nodes], 0.0),
        )


def _roots(nodes: _Nodes, tree: NDArray[np.int64]) -> list[int]:
    """The one node of each tree that no other leads to; CannotCompile where a node has two parents, a tree no root."""
    children = np.concatenate([nodes.left[~nodes.leaf], nodes.right[~nodes.leaf]])
    if len(np.unique(children)) != len(children):
        raise CannotCompile("its trees share nodes")
    roots = np.setdiff1d(np.arange(len(tree)), children)
    if sorted(tree[roots].tolist()) != sorted(set(tree.tolist())):
        raise CannotCompile("its trees have no root, or more than one")
    return [int(root) for root in roots]
