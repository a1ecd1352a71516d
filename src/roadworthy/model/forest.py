"""Tree ensembles of every library as one structure of arrays: what a package stores of them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import PackageError
from roadworthy.kernels import njit
from roadworthy.model.paths import Paths, explain_paths, lay_paths
from roadworthy.model.shapley import explain_trees, mark_reference
from roadworthy.model.walking import LaidTrees, lay_out, walk_trees

__all__ = ["NODE_DTYPES", "Forest"]

NODE_DTYPES: dict[str, type[np.generic]] = {
    "feature": np.int32,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "missing_left": np.uint8,
    "value": np.float64,
    "category_begin": np.int32,
    "category_end": np.int32,
}

DEEPEST = 4_096
"""Splits on the way to a leaf: what explains trees holds a table of this size squared."""


@njit(cache=True, nogil=True)
def _depth(feature: Any, left: Any, right: Any) -> Any:
    """The most splits on the way to any leaf; a node's children lie after it."""
    above = np.zeros(feature.shape[0], dtype=np.int64)
    deepest = 0
    for node in range(feature.shape[0]):
        if feature[node] >= 0:
            above[left[node]] = above[node] + 1
            above[right[node]] = above[node] + 1
        deepest = max(deepest, above[node])
    return deepest


@dataclass(frozen=True)
class Forest:
    """Trees laid end to end; a node's children lie after it, so a walk always ends.

    Per node: `feature` (-1 in a leaf), `threshold` (left where x <= threshold), `left`, `right`, `missing_left`,
    `value` (leaves), `category_begin`/`category_end` (words of `category_bits` whose set bits go left; -1 for numbers).
    `cover`, how many training rows (or how much of their weight) came to each node, is empty where that is not known.
    `roots` (n_trees,). The sum starts from `base`, runs in float32 where `float32_sum` (XGBoost), and is divided by
    `divisor` (averaging forests). `float32_inputs` rounds features first, as scikit-learn's trees and XGBoost do.

    >>> stump = Forest(  # 0.25 where the feature is at most 30 or missing, else 0.75
    ...     roots=np.array([0]), feature=np.array([0, -1, -1]), threshold=np.array([30.0, 0.0, 0.0]),
    ...     left=np.array([1, -1, -1]), right=np.array([2, -1, -1]), missing_left=np.array([1, 0, 0]),
    ...     value=np.array([0.0, 0.25, 0.75]), category_begin=np.full(3, -1), category_end=np.full(3, -1),
    ...     category_bits=np.zeros(0, dtype=np.uint32),
    ... )
    >>> stump.margin(np.array([[30.0], [31.0], [np.nan]]))
    array([0.25, 0.75, 0.25])
    """

    kind: ClassVar[str] = "forest"
    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    missing_left: NDArray[np.uint8]
    value: NDArray[np.float64]
    category_begin: NDArray[np.int32]
    category_end: NDArray[np.int32]
    category_bits: NDArray[np.uint32]
    cover: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    base: float = 0.0
    divisor: float = 1.0
    float32_inputs: bool = False
    float32_sum: bool = False

    @cached_property
    def depth(self) -> int:
        """The most splits on the way to any leaf."""
        return int(_depth(self.feature, self.left, self.right))

    def rounded(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features as the library's trees see them."""
        if not self.float32_inputs:
            return features
        with np.errstate(over="ignore"):  # beyond float32 is infinity in the library too
            return features.astype(np.float32).astype(np.float64)

    @cached_property
    def laid(self) -> LaidTrees:
        """The trees as the kernels walk them."""
        return lay_out(
            self.roots, self.feature, self.threshold, self.left, self.right, self.missing_left, self.value, self.cover,
            self.category_begin, self.category_end, self.category_bits,
        )  # fmt: skip

    @cached_property
    def _marked(self) -> dict[bytes, NDArray[np.void]]:
        """The nodes marked with the way of the reference asked for last: a release has one."""
        return {}

    @cached_property
    def _paths(self) -> dict[bytes, Paths]:
        """The trees as `path_contributions` walks them, by the columns asked for last."""
        return {}

    def margin(self, features: NDArray[np.float64], start: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The ensemble's raw output (n,) for features (n, m); the sum starts from `start` (n,) in place of `base`."""
        total = np.full(features.shape[0], self.base) if start is None else start.copy()
        return self._add(features, total, self.float32_sum)

    def exact(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The raw output (n,) summed in float64, whatever the library's width: what contributions add up to."""
        return self._add(features, np.full(features.shape[0], self.base), False)

    def _add(self, features: NDArray[np.float64], total: NDArray[np.float64], float32_sum: bool) -> NDArray[np.float64]:
        laid = self.laid
        walk_trees(
            self.rounded(features), laid.nodes, laid.value, laid.roots, laid.begin, laid.end, laid.bits, float32_sum,
            total,
        )  # fmt: skip
        return self._divided(total)

    def _divided(self, total: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.divisor == 1.0:
            return total
        with np.errstate(over="ignore"):  # what comes out infinite is no probability, and refers the row
            return total / self.divisor

    def contributions(
        self, features: NDArray[np.float64], reference: NDArray[np.float64], origin: NDArray[np.int32], columns: int
    ) -> NDArray[np.float64]:
        """Exact Shapley values (n, columns) of the raw output against one reference (m,), by contract column.

        Rows sum to margin(row) - margin(reference); `origin` (m,) is the column of each feature, below `columns`.

        >>> stump = Forest(  # 1 where the first feature is above 30
        ...     roots=np.array([0]), feature=np.array([0, -1, -1]), threshold=np.array([30.0, 0.0, 0.0]),
        ...     left=np.array([1, -1, -1]), right=np.array([2, -1, -1]), missing_left=np.array([1, 0, 0]),
        ...     value=np.array([0.0, 0.0, 1.0]), category_begin=np.full(3, -1), category_end=np.full(3, -1),
        ...     category_bits=np.zeros(0, dtype=np.uint32),
        ... )
        >>> stump.contributions(np.array([[40.0, 5.0]]), np.array([20.0, 7.0]), np.array([0, 1], dtype=np.int32), 2)
        array([[1., 0.]])
        """
        seen = self.rounded(reference[None, :])[0]
        asked = seen.tobytes() + origin.tobytes()
        marked = self._marked.get(asked)
        if marked is None:
            marked = mark_reference(self.laid, seen, origin)
            self._marked.clear()
            self._marked[asked] = marked
        out = explain_trees(self.laid, marked, self.rounded(features), columns, self.depth)
        return self._divided(out)

    def path_contributions(
        self, features: NDArray[np.float64], origin: NDArray[np.int32], columns: int
    ) -> tuple[NDArray[np.float64], float]:
        """Path-dependent Shapley values (n, columns) of the raw output, and what it is expected to be.

        Rows sum to margin(row) less the second, the mean output over the training rows as the trees counted them. The
        players are the features, as in `pred_contrib` of the boosting libraries; a column gets the sum of its own.
        PackageError where `cover` is not known.

        >>> stump = Forest(  # 1 where the first feature is above 30, as it was for a quarter of the training rows
        ...     roots=np.array([0]), feature=np.array([0, -1, -1]), threshold=np.array([30.0, 0.0, 0.0]),
        ...     left=np.array([1, -1, -1]), right=np.array([2, -1, -1]), missing_left=np.array([1, 0, 0]),
        ...     value=np.array([0.0, 0.0, 1.0]), category_begin=np.full(3, -1), category_end=np.full(3, -1),
        ...     category_bits=np.zeros(0, dtype=np.uint32), cover=np.array([8.0, 6.0, 2.0]),
        ... )
        >>> stump.path_contributions(np.array([[40.0, 5.0]]), np.array([0, 1], dtype=np.int32), 2)
        (array([[0.75, 0.  ]]), 0.25)
        """
        if not len(self.cover):
            raise PackageError("the trees do not say how many training rows came to each node", mend="seal them again")
        paths = self._paths.get(origin.tobytes())
        if paths is None:
            paths = lay_paths(self.laid, origin)
            self._paths.clear()
            self._paths[origin.tobytes()] = paths
        out = explain_paths(self.laid, paths, self.rounded(features), columns)
        expected = self._divided(np.array([self.base + paths.expected]))
        return self._divided(out), float(expected[0])

    def check(self, features: int) -> None:
        """Refuse arrays that would walk outside themselves or for ever."""
        n = len(self.feature)
        for name in NODE_DTYPES:
            if getattr(self, name).shape != (n,):
                raise PackageError(f"the trees' {name} does not fit the other arrays")
        if self.cover.shape not in ((n,), (0,)) or not ((self.cover > 0) & (self.cover < np.inf)).all():
            raise PackageError("the trees' counts of training rows do not fit the other arrays")
        if n == 0 or not len(self.roots) or self.roots.min() < 0 or self.roots.max() >= n:
            raise PackageError("the trees' roots lie outside the trees")
        inner = self.feature >= 0
        if self.feature.min() < -1 or self.feature.max() >= features:
            raise PackageError("the trees ask for features that the plan does not make")
        here = np.flatnonzero(inner)
        children = np.concatenate([self.left[inner], self.right[inner]])
        if len(children) and (np.any(children <= np.concatenate([here, here])) or children.max() >= n):
            raise PackageError("the trees' children lie outside the trees or before their parents")
        # With two parents a node could be reached along exponentially many ways, and explaining would never end.
        if len(np.unique(np.concatenate([self.roots, children]))) != len(self.roots) + len(children):
            raise PackageError("the trees share nodes")
        if self.depth > DEEPEST:
            raise PackageError(f"the trees are {self.depth:,} splits deep, and {DEEPEST:,} is the most")
        if not (np.isfinite(self.value).all() and np.isfinite(self.base) and 0 < self.divisor < np.inf):
            raise PackageError("the trees hold values that are not finite")
        if np.isnan(self.threshold).any():
            raise PackageError("the trees hold thresholds that are not numbers")
        begin, end = self.category_begin, self.category_end
        if np.any((begin >= 0) & ((end < begin) | (end > len(self.category_bits)))) or begin.min() < -1:
            raise PackageError("the trees' category sets lie outside their words")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored in a package, by name; the four scalars as one array each."""
        return {field.name: np.atleast_1d(np.asarray(getattr(self, field.name))) for field in fields(self)}
