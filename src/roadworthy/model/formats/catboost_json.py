"""CatBoost's JSON export, read into plain trees: every count and number is checked before anything is made of it.

The layout is that of `save_model(format="json")`: features with their borders, statistics of categories (CTR) with a
hash table each, and trees whose splits name a border by its number among all of them. A split asks whether a number is
above its border, in float32; leaves are doubles and are added up in the order of the trees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.model.formats.feature import CannotCompile
from roadworthy.model.formats.grow import TreeArrays

__all__ = ["CatBoostTrees", "Statistic", "StatisticTable", "read_catboost"]

LARGEST = 2**31
DEEPEST_LEVEL_TREE = 16
MOST_NODES = 50_000_000
NOT_THERE = 2**64 - 1
"""The hash of an empty place in a hash table."""


class _Number(msgspec.Struct, frozen=True):
    feature_index: int
    flat_feature_index: int
    borders: list[float] = []
    nan_value_treatment: str = "AsIs"


class _Category(msgspec.Struct, frozen=True):
    feature_index: int
    flat_feature_index: int
    values: list[int] = []


class _Element(msgspec.Struct, frozen=True):
    combination_element: str
    cat_feature_index: int = -1


class Statistic(msgspec.Struct, frozen=True):
    """How a category becomes a number: (good + prior) / (all + prior's weight), shifted and scaled, in float32."""

    borders: list[float]
    ctr_type: str
    elements: list[_Element]
    identifier: str
    prior_numerator: float
    prior_denomerator: float
    scale: float
    shift: float
    target_border_idx: int = 0


class StatisticTable(msgspec.Struct, frozen=True):
    """Counts by category: `hash_map` is hash, count, count, ... with `hash_stride` numbers for each."""

    hash_map: list[str | int | float]
    hash_stride: int
    counter_denominator: int = 0


class _Features(msgspec.Struct, frozen=True):
    float_features: list[_Number] = []
    categorical_features: list[_Category] = []
    ctrs: list[Statistic] = []
    text_features: list[Any] = []
    embedding_features: list[Any] = []


class _Split(msgspec.Struct, frozen=True):
    split_index: int
    split_type: str
    border: float = 0.0
    value: int = 0


class _LevelTree(msgspec.Struct, frozen=True):
    leaf_values: list[float]
    splits: list[_Split] | None = None
    leaf_weights: list[float] = []


class _Node(msgspec.Struct, frozen=True):
    split: _Split | None = None
    left: _Node | None = None
    right: _Node | None = None
    value: float | list[float] = 0.0
    weight: float = 0.0


class _Export(msgspec.Struct, frozen=True):
    features_info: _Features
    scale_and_bias: tuple[float, float | list[float]] = (1.0, 0.0)
    oblivious_trees: list[_LevelTree] | None = None
    trees: list[_Node] | None = None
    ctr_data: dict[str, StatisticTable] | None = None


@dataclass(frozen=True)
class CatBoostTrees:
    """Trees over `columns`, what they split on, in order: each is a way to make a number of one of the model's inputs.

    A column is (input, what): what is None for the input's own number, an int for whether the category has that number,
    or a statistic of it. `tables` are the statistics' counts by identifier.
    """

    columns: tuple[tuple[int, int | Statistic | None], ...]
    trees: list[TreeArrays]
    tables: dict[str, StatisticTable]


def read_catboost(content: bytes) -> CatBoostTrees:
    """The trees of an export; CannotCompile where they are laid out otherwise or have no compiled form."""
    if len(content) > LARGEST:
        raise CannotCompile(f"its JSON export has {len(content):,} bytes, and {LARGEST:,} is the most")
    try:
        export = msgspec.json.decode(content, type=_Export)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CannotCompile(f"its JSON export is not laid out as known: {error}") from None
    features = export.features_info
    if features.text_features or features.embedding_features:
        raise CannotCompile("CatBoost on free text or embeddings has no compiled form")
    scale, given = export.scale_and_bias
    biases = given if isinstance(given, list) else [given]
    if len(biases) != 1:
        raise CannotCompile(f"CatBoost with {len(biases)} numbers to a leaf (MultiClass) has no compiled form")
    if scale != 1.0 or not np.isfinite(biases[0]):
        raise CannotCompile(f"CatBoost's sum scaled by {scale:g} has no compiled form")
    borders = _Borders(features)
    if export.oblivious_trees is not None:
        trees = [_read_levels(tree, borders) for tree in export.oblivious_trees]
    else:
        trees = [_read_nodes(tree, borders) for tree in export.trees or ()]
    if biases[0]:
        trees.append(_leaf(biases[0]))  # added last, as the library does
    if not trees:
        raise CannotCompile("CatBoost without a tree has no compiled form")
    if sum(len(tree.feature) for tree in trees) > MOST_NODES:
        raise CannotCompile(f"it has more than {MOST_NODES:,} nodes")
    return CatBoostTrees(*borders.keep_used(trees), export.ctr_data or {})


class _Borders:
    """Every border by its number: first those of numbers, then the categories asked for by name, then statistics'."""

    def __init__(self, features: _Features) -> None:
        self.columns: list[tuple[int, int | Statistic | None]] = []
        self._known: list[tuple[int, float, bool]] = []  # column, border, whether missing goes left
        self._used: set[int] = set()
        flat = {category.feature_index: category.flat_feature_index for category in features.categorical_features}
        for number in features.float_features:
            left = number.nan_value_treatment != "AsTrue"
            self._add(number.flat_feature_index, None, number.borders, left)
        for category in features.categorical_features:
            for value in category.values:
                self._add(category.flat_feature_index, value, [0.5], True)
        for statistic in features.ctrs:
            within = [element.cat_feature_index for element in statistic.elements]
            alone = len(within) == 1 and statistic.elements[0].combination_element == "cat_feature_value"
            input_of = flat.get(within[0], -1) if alone else -1
            self._add(input_of, statistic, statistic.borders, True)

    def _add(self, position: int, what: int | Statistic | None, borders: Sequence[float], left: bool) -> None:
        for border in borders:
            if not np.isfinite(border) or float(np.float32(border)) != border:
                raise CannotCompile("its JSON export has a border that is no float32")
            self._known.append((len(self.columns), border, left))
        self.columns.append((position, what))

    def find(self, split: _Split) -> tuple[int, float, bool]:
        """(column, threshold, whether missing goes left) of a split."""
        if not 0 <= split.split_index < len(self._known):
            raise CannotCompile("its JSON export has a split at a border that is not there")
        column, border, left = self._known[split.split_index]
        _, what = self.columns[column]
        kind = "FloatFeature" if what is None else "OneHotFeature" if isinstance(what, int) else "OnlineCtr"
        same = what == split.value if isinstance(what, int) else border == split.border
        if split.split_type != kind or not same:
            raise CannotCompile("its JSON export counts borders in an order that is not known")
        if isinstance(what, Statistic) and self.columns[column][0] < 0:
            raise CannotCompile(
                "CatBoost's statistics of several columns together mix columns; trained with max_ctr_complexity=1 it "
                "compiles"
            )
        self._used.add(column)
        return column, border, left

    def keep_used(
        self, trees: list[TreeArrays]
    ) -> tuple[tuple[tuple[int, int | Statistic | None], ...], list[TreeArrays]]:
        """The columns without the categories and statistics that no tree asks for, and the trees over them."""
        kept = [i for i, (_, what) in enumerate(self.columns) if what is None or i in self._used]
        place = np.full(len(self.columns) + 1, -1, dtype=np.int64)  # the last one is that of a leaf
        place[kept] = np.arange(len(kept))
        return tuple(self.columns[i] for i in kept), [replace(tree, feature=place[tree.feature]) for tree in trees]


def _read_levels(tree: _LevelTree, borders: _Borders) -> TreeArrays:
    """A tree that asks the same at every node of a level: bit k of a leaf's number is the answer to split k."""
    splits = tree.splits or []
    depth = len(splits)
    if depth > DEEPEST_LEVEL_TREE or len(tree.leaf_values) != 2**depth:
        raise CannotCompile(f"a tree of {depth} splits has {len(tree.leaf_values):,} leaf values")
    found = [borders.find(split) for split in splits]
    inner, size = 2**depth - 1, 2 ** (depth + 1) - 1
    node = np.arange(size)
    level = np.floor(np.log2(node + 1)).astype(np.int64)
    column, threshold, left = (
        np.array([*(split[i] for split in found), last], dtype=np.float64)[level] for i, last in enumerate((-1, 0.0, 0))
    )
    path = node[inner:] - inner  # the first answer is the highest bit of a leaf's place, and the lowest of its number
    number = np.zeros(len(path), dtype=np.int64)
    for k in range(depth):
        number |= ((path >> (depth - 1 - k)) & 1) << k
    weights = np.zeros(size)
    if len(tree.leaf_weights) == 2**depth:
        weights[inner:] = np.array(tree.leaf_weights)[number]
        for i in reversed(range(inner)):
            weights[i] = weights[2 * i + 1] + weights[2 * i + 2]
    value = np.zeros(size)
    value[inner:] = np.array(tree.leaf_values)[number]
    is_inner = node < inner
    return TreeArrays(
        feature=column.astype(np.int64),
        threshold=threshold,
        left=np.where(is_inner, 2 * node + 1, -1),
        right=np.where(is_inner, 2 * node + 2, -1),
        missing_left=left.astype(np.uint8),
        value=value,
        cover=weights,
    )


def _read_nodes(tree: _Node, borders: _Borders) -> TreeArrays:
    """A tree that asks something else at every node."""
    rows: list[tuple[int, float, int, int, bool, float, float]] = []
    for node, first_child in _breadth_first(tree):
        if node.split is None:
            if isinstance(node.value, list) or not np.isfinite(node.value):
                raise CannotCompile("its JSON export has a leaf with more than one number")
            rows.append((-1, 0.0, -1, -1, False, node.value, node.weight))
        else:
            column, threshold, left = borders.find(node.split)
            rows.append((column, threshold, first_child, first_child + 1, left, 0.0, 0.0))
    columns: list[NDArray[Any]] = [np.array(values) for values in zip(*rows, strict=True)]
    feature, threshold_, left_, right, missing_left, value, cover = columns
    for i in reversed(range(len(rows))):
        if feature[i] >= 0:
            cover[i] = cover[left_[i]] + cover[right[i]]
    return TreeArrays(feature, threshold_, left_, right, missing_left.astype(np.uint8), value, cover=cover)


def _breadth_first(tree: _Node) -> Iterator[tuple[_Node, int]]:
    """Every node with the place of its first child among all."""
    waiting, at = [tree], 0
    while at < len(waiting):
        node = waiting[at]
        yield node, len(waiting)
        if node.split is not None:
            if node.left is None or node.right is None:
                raise CannotCompile("its JSON export has a split without two ways on")
            waiting += [node.left, node.right]
        at += 1


def _leaf(value: float) -> TreeArrays:
    """A number that is added whatever the row is."""
    none = np.array([-1])
    return TreeArrays(none, np.zeros(1), none, none, np.zeros(1, dtype=np.uint8), np.array([value]), cover=np.ones(1))
