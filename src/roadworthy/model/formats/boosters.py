"""LightGBM's and XGBoost's trees, read through treelite into plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from roadworthy.errors import MissingExtra
from roadworthy.model.formats.feature import CannotCompile
from roadworthy.model.formats.grow import TreeArrays

__all__ = ["load_booster", "read_trees"]

_NUMBER, _CATEGORY = 1, 2
_LESS, _LESS_OR_EQUAL = 2, 3
_COVERS = ("data_count", "sum_hess")  # LightGBM counts rows, XGBoost adds up the Hessian: each explains by its own


def load_booster(booster: Any) -> Any:
    """A LightGBM or XGBoost booster as a treelite model; CannotCompile where treelite does not read it."""
    try:
        import treelite  # loads on use: serving needs none of it
    except ImportError:
        raise MissingExtra.of("treelite", "train") from None
    library = type(booster).__module__.partition(".")[0]
    try:
        return getattr(treelite.frontend, f"from_{library}")(booster)
    except treelite.TreeliteError as error:
        said = str(error).strip().splitlines()[-1]
        raise CannotCompile(f"treelite does not read this {library} model: {said}") from None


def read_trees(model: Any) -> list[TreeArrays]:
    """Every tree of a treelite model; `x < t` becomes `x <= the number before t` in the library's own width."""
    return [_read(model.get_tree_accessor(i)) for i in range(model.num_tree)]


def _read(tree: Any) -> TreeArrays:
    kind = tree.get_field("node_type")
    compare = tree.get_field("cmp")
    threshold = tree.get_field("threshold")
    below = np.nextafter(threshold, np.array(-np.inf, dtype=threshold.dtype))
    limit = np.where(compare == _LESS, below, threshold).astype(np.float64)
    left, right = tree.get_field("cleft").astype(np.int64), tree.get_field("cright").astype(np.int64)
    missing_left = tree.get_field("default_left").astype(np.uint8)
    # What get_field gives is treelite's own memory, and gone with the model: nothing of it is kept uncopied.
    flat, begin, end = (tree.get_field(f"category_list{part}").copy() for part in ("", "_begin", "_end"))
    swap = (kind == _CATEGORY) & (tree.get_field("category_list_right_child") != 0)
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    return TreeArrays(
        feature=np.where(kind == 0, -1, tree.get_field("split_index")),
        threshold=np.where(kind == _NUMBER, limit, 0.0),
        left=left,
        right=right,
        missing_left=np.where(swap, 1 - missing_left, missing_left),
        value=np.where(kind == 0, tree.get_field("leaf_value"), 0.0).astype(np.float64),
        cover=next((cover.astype(np.float64) for name in _COVERS if len(cover := tree.get_field(name))), None),
        categories={int(i): flat[int(begin[i]) : int(end[i])] for i in np.flatnonzero(kind == _CATEGORY)},
    )
