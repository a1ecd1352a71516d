"""Applications by group: who belongs to which, how many that is, and when it is too few to say anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.categories import MISSING, encode
from roadworthy.measures.checks import check_rows, is_number
from roadworthy.measures.results import Floats, Ints

__all__ = ["MINIMUM", "Groups", "check_groups", "check_minimum"]

MINIMUM = 100
"""Below this many applications (weights turned into a number of equal ones) a group is called small."""
_MOST = 100
_UNSTATED = frozenset({MISSING, "unknown", "not stated"})
"""Names of those who state no group, in whatever case: no standard to compare others with."""


@dataclass(frozen=True)
class Groups:
    """`code` (n,) numbers each application's group among `names`; who states no group is one, called "missing"."""

    code: NDArray[np.int64]
    names: tuple[str, ...]
    weights: Floats
    kept: NDArray[np.bool_]
    """Which of the rows handed in these are: those of weight 0 take no part."""

    @property
    def count(self) -> Ints:
        """Rows by group."""
        return np.bincount(self.code, minlength=len(self.names)).astype(np.int64)

    def sums(self, amounts: NDArray[Any] | None = None) -> Floats:
        """The weighted sum of `amounts`, or of 1, by group."""
        weighted = self.weights if amounts is None else self.weights * amounts
        return np.bincount(self.code, weights=weighted, minlength=len(self.names)).astype(np.float64)

    def size(self, chosen: NDArray[np.bool_] | None = None) -> Floats:
        """The effective number of those chosen, (sum of weights)^2 / (sum of squares), by group; 0 for nobody."""
        weights = self.weights if chosen is None else self.weights * chosen
        total = np.bincount(self.code, weights=weights, minlength=len(self.names))
        squares = np.bincount(self.code, weights=weights * weights, minlength=len(self.names))
        size: Floats = np.divide(total * total, squares, out=np.zeros(len(total)), where=squares > 0.0)
        return size

    def reference(self, named: object, amounts: Floats, small: NDArray[np.bool_] | None = None) -> int:
        """The group compared with: the one `named`, or the one whose amount is highest.

        Of itself it is none that nobody stated where there is another, nor a `small` one where one is not.
        """
        if named is None:
            stated = np.array([name.casefold() not in _UNSTATED for name in self.names])
            large = np.ones(len(stated), dtype=bool) if small is None else ~small
            among = next((each for each in (stated & large, stated, large) if each.any()), np.ones_like(stated))
            return int(np.argmax(np.where(among, amounts, -np.inf)))
        if str(named) not in self.names:
            raise MeasureError(
                f"reference is one of the groups, {', '.join(self.names)}, not {named!r}", mend="or leave it out"
            )
        return self.names.index(str(named))


def check_groups(group: ArrayLike, weights: Floats, n: int) -> Groups:
    """`group` (n,) as codes; values are read as text, and what is missing or empty is a group of its own."""
    try:
        array = np.asarray(group)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.ndim != 1:
        raise MeasureError(f"group is one array, and this one has shape {array.shape}", mend="group=[...]")
    check_rows(array, "group", n)
    values, code = encode(array)
    found = [*(value or MISSING for value in values), MISSING]  # the last is that of code -1
    if len(found) > _MOST + 1:
        raise MeasureError(
            f"group holds {len(found) - 1:,} values, and a comparison of more than {_MOST} says nothing",
            mend="band the values first: ages into five bands, say",
        )
    kept = weights > 0.0 if weights.size else np.ones(n, dtype=bool)
    code = code[kept]
    # In the order of their names, those who state none last; a value that nobody of weight has is no group.
    seen = sorted({found[each] for each in np.unique(code)}, key=lambda name: (name == MISSING, name))
    renumber = np.array([seen.index(name) if name in seen else -1 for name in found], dtype=np.int64)
    return Groups(renumber[code], tuple(seen), weights[kept] if weights.size else np.ones(n), kept)


def check_minimum(minimum: object) -> float:
    """`minimum` is a number of applications, at least 1."""
    if not is_number(minimum) or minimum < 1:
        raise MeasureError(f"minimum is a number of applications, at least 1, not {minimum!r}", mend="minimum=100")
    return float(minimum)
