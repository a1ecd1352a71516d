"""Trees of every library in one structure: by hand, against a slow walk in plain Python, and refused when unsound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roadworthy.errors import PackageError
from roadworthy.model.forest import Forest
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.walking import MISSING_RIGHT, find_word, goes_right, is_outside

NAN = float("nan")
Grow = Callable[..., Forest]
Rows = Callable[..., NDArray[np.float64]]


def leaf_of(forest: Forest, root: int, row: NDArray[np.float64]) -> float:
    """The walk, as one would say it in words."""
    node = root
    while forest.feature[node] >= 0:
        x = float(row[forest.feature[node]])
        begin, end = forest.category_begin[node], forest.category_end[node]
        if np.isnan(x):
            left = bool(forest.missing_left[node])
        elif begin < 0:
            left = x <= forest.threshold[node]
        else:
            members = {
                32 * word + bit
                for word in range(end - begin)
                for bit in range(32)
                if int(forest.category_bits[begin + word]) >> bit & 1
            }
            left = int(x) in members
        node = forest.left[node] if left else forest.right[node]
    return float(forest.value[node])


def slow_margin(forest: Forest, row: NDArray[np.float64]) -> float:
    with np.errstate(over="ignore"):
        seen = row.astype(np.float32).astype(np.float64) if forest.float32_inputs else row
    if forest.float32_sum:
        narrow = np.float32(forest.base)
        for root in forest.roots:
            narrow = np.float32(narrow + np.float32(leaf_of(forest, root, seen)))
        return float(narrow) / forest.divisor
    total = forest.base
    for root in forest.roots:
        total += leaf_of(forest, root, seen)
    return total / forest.divisor


def by_hand() -> Forest:
    """Income at most 2000 (missing: right) -> 0.3; else grade in {0, 33} (missing: left) -> 0.1, else 0.2."""
    tree = TreeArrays(
        feature=np.array([0, -1, 1, -1, -1]),
        threshold=np.array([2000.0, 0, 0, 0, 0]),
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        missing_left=np.array([0, 0, 1, 0, 0]),
        value=np.array([0.0, 0.3, 0.0, 0.1, 0.2]),
        categories={2: np.array([0, 33])},
    )
    return join_trees([tree], base=1.0)


def leaf(value: float) -> TreeArrays:
    no, zero = np.array([-1]), np.array([0.0])
    return TreeArrays(feature=no, threshold=zero, left=no, right=no, missing_left=zero, value=np.array([value]))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ((1999.0, 5.0), 1.3),
        ((2000.0, 5.0), 1.3),  # the split point itself goes left
        ((np.nextafter(2000.0, np.inf), 5.0), 1.2),
        ((2001.0, 0.0), 1.1),
        ((2001.0, 33.0), 1.1),
        ((2001.0, 32.0), 1.2),
        ((2001.0, 64.0), 1.2),  # beyond the words of the set
        ((2001.0, -1.0), 1.2),
        ((2001.0, 1e300), 1.2),
        ((2001.0, -1e300), 1.2),
        ((NAN, 0.0), 1.1),
        ((NAN, NAN), 1.1),
        ((np.inf, 5.0), 1.2),
        ((-np.inf, 5.0), 1.3),
    ],
)
def test_a_tree_worked_by_hand(row: tuple[float, float], wanted: float) -> None:
    assert by_hand().margin(np.array([row])).tolist() == [pytest.approx(wanted, abs=0)]


def test_a_category_is_found_by_its_bit_and_nothing_outside_the_set_is_read() -> None:
    assert [int(find_word(x, 4, 6)) for x in (0.0, 31.0, 32.0, 63.0, 64.0, -1.0, -0.5, 2.0**31, 1e300, NAN)] == [
        4, 4, 5, 5, -1, -1, 4, -1, -1, -1,
    ]  # fmt: skip
    none, missing_right = np.uint32(0), np.uint32(MISSING_RIGHT)
    assert not is_outside(33.0, np.uint32(0b10), none)
    assert is_outside(33.0, np.uint32(0b01), none)
    assert not is_outside(NAN, none, none)
    assert is_outside(NAN, np.uint32(0b1), missing_right)
    assert goes_right(2.0, 1.0, none)
    assert not goes_right(NAN, 1.0, none)
    assert goes_right(NAN, 1.0, missing_right)


@given(seed=st.integers(0, 10_000), width=st.booleans(), inputs=st.booleans(), divisor=st.sampled_from([1.0, 3.0]))
@settings(max_examples=60)
def test_the_kernel_is_the_slow_walk_to_the_bit(
    seed: int, width: bool, inputs: bool, divisor: float, forest_of: Grow, rows_for: Rows
) -> None:
    forest = forest_of(
        seed, 4, trees=5, categorical=(2,), base=0.1, float32_sum=width, float32_inputs=inputs, divisor=divisor
    )
    forest.check(4)
    rows = rows_for(seed + 1, 12, 4, (2,))
    assert forest.margin(rows).tolist() == [slow_margin(forest, row) for row in rows]


@given(seed=st.integers(0, 10_000), cut=st.integers(0, 12))
@settings(max_examples=30)
def test_a_row_comes_out_the_same_alone_and_however_the_batch_is_split(
    seed: int, cut: int, forest_of: Grow, rows_for: Rows
) -> None:
    forest = forest_of(seed, 3, categorical=(1,))
    rows = rows_for(seed, 12, 3, (1,))
    whole = forest.margin(rows)
    assert np.concatenate([forest.margin(rows[:cut]), forest.margin(rows[cut:])]).tolist() == whole.tolist()
    assert [forest.margin(row[None, :])[0] for row in rows] == whole.tolist()


def test_a_sum_in_float32_is_rounded_after_every_tree() -> None:
    one, tiny = leaf(1.0), leaf(2.0**-24)
    rows = np.zeros((1, 1))
    assert join_trees([one, tiny, tiny], float32_sum=True).margin(rows)[0] == 1.0
    assert join_trees([one, tiny, tiny]).margin(rows)[0] == 1.0 + 2.0**-23


def test_inputs_are_rounded_to_float32_where_the_library_does() -> None:
    stump = TreeArrays(
        feature=np.array([0, -1, -1]),
        threshold=np.array([0.1, 0, 0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        missing_left=np.zeros(3),
        value=np.array([0, 1.0, 2.0]),
    )
    just_above = np.array([[np.nextafter(0.1, 1.0)]])
    assert join_trees([stump]).margin(just_above)[0] == 2.0
    assert join_trees([stump]).margin(np.array([[0.1]]))[0] == 1.0
    # float32(0.1) is above 0.1, so that 0.1 falls right of it ...
    assert join_trees([stump], float32_inputs=True).margin(np.array([[0.1]]))[0] == 2.0
    # ... and beyond float32 there is only infinity.
    assert join_trees([stump], float32_inputs=True).margin(np.array([[-1e300]]))[0] == 1.0


def test_trees_are_renumbered_so_that_children_lie_after_their_parents(forest_of: Grow) -> None:
    backwards = TreeArrays(
        feature=np.array([0, -1, -1, 1, -1]),
        threshold=np.array([0.5, 0, 0, 0.5, 0]),
        left=np.array([3, -1, -1, 1, -1]),
        right=np.array([4, -1, -1, 2, -1]),
        missing_left=np.zeros(5),
        value=np.array([0.0, 10.0, 20.0, 0.0, 30.0]),
    )
    forest = join_trees([backwards, backwards])
    forest.check(2)
    assert forest.roots.tolist() == [0, 5]
    assert forest.depth == 2
    assert forest.margin(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])).tolist() == [20.0, 40.0, 60.0]
    assert forest_of(3, 4, depth=6).depth <= 6


def spoil(name: str, place: int, value: float) -> Callable[[Forest], Forest]:
    def spoilt(forest: Forest) -> Forest:
        array = getattr(forest, name).copy()
        array[place] = value
        return replace(forest, **{name: array})

    return spoilt


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (spoil("feature", 0, 2), "features that the plan does not make"),
        (spoil("feature", 0, -2), "features that the plan does not make"),
        (spoil("left", 0, 0), "before their parents"),  # a walk that never ends
        (spoil("left", 2, 1), "before their parents"),
        (spoil("right", 0, 99), "outside the trees"),
        (spoil("left", 0, -1), "outside the trees"),
        (spoil("left", 2, 4), "share nodes"),  # two ways to one leaf
        (spoil("roots", 0, 5), "roots"),
        (spoil("roots", 0, -1), "roots"),
        (spoil("value", 1, np.inf), "not finite"),
        (spoil("value", 1, NAN), "not finite"),
        (spoil("threshold", 0, NAN), "not numbers"),
        (spoil("category_begin", 2, -2), "words"),
        (spoil("category_end", 2, 3), "words"),
        (spoil("category_end", 2, -1), "words"),
        (lambda forest: replace(forest, base=NAN), "not finite"),
        (lambda forest: replace(forest, divisor=0.0), "not finite"),
        (lambda forest: replace(forest, divisor=np.inf), "not finite"),
        (lambda forest: replace(forest, left=forest.left[:-1]), "left does not fit"),
        (lambda forest: replace(forest, roots=forest.roots[:0]), "roots"),
        (lambda forest: replace(forest, roots=np.array([0, 1], dtype=np.int32)), "share nodes"),
    ],
)
def test_unsound_arrays_are_refused_before_they_are_walked(spoilt: Callable[[Forest], Any], message: str) -> None:
    by_hand().check(2)
    with pytest.raises(PackageError, match=message):
        spoilt(by_hand()).check(2)


def test_a_forest_without_a_node_is_refused() -> None:
    nothing = {name: getattr(by_hand(), name)[:0] for name in (
        "roots", "feature", "threshold", "left", "right", "missing_left", "value", "category_begin", "category_end",
        "category_bits",
    )}  # fmt: skip
    with pytest.raises(PackageError, match="roots"):
        Forest(**nothing).check(2)


def test_trees_deeper_than_any_are_refused_before_a_table_of_their_depth_is_made() -> None:
    inner = 5_000
    node = np.arange(2 * inner + 1)
    is_inner = (node % 2 == 0) & (node < 2 * inner)
    forest = Forest(
        roots=np.array([0], dtype=np.int32),
        feature=np.where(is_inner, 0, -1).astype(np.int32),
        threshold=np.zeros(len(node)),
        left=np.where(is_inner, node + 1, -1).astype(np.int32),
        right=np.where(is_inner, node + 2, -1).astype(np.int32),
        missing_left=np.zeros(len(node), dtype=np.uint8),
        value=np.zeros(len(node)),
        category_begin=np.full(len(node), -1, dtype=np.int32),
        category_end=np.full(len(node), -1, dtype=np.int32),
        category_bits=np.zeros(0, dtype=np.uint32),
    )
    with pytest.raises(PackageError, match="the trees are 5,000 splits deep, and 4,096 is the most"):
        forest.check(1)
