"""Three-valued logic on arrays, after Kleene: a condition is true, false, or unknown because an input is missing.

    and      true where both are true, false where one is false, else unknown
    or       true where one is true, false where both are false, else unknown
    not      unknown stays unknown

S. C. Kleene, Introduction to Metamathematics (1952), section 64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING
from roadworthy.policy.expression import Comparison

__all__ = ["Mask", "Truth", "compare_arrays", "find_codes", "find_missing", "match_any"]

Mask: TypeAlias = NDArray[np.bool_] | np.bool_


@dataclass(frozen=True, slots=True)
class Truth:
    """Where a condition is known to hold (`yes`) and known not to (`no`); neither means unknown, both never happens."""

    yes: Mask
    no: Mask

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> Truth:
        return Truth(self.no, self.yes)


def compare_arrays(left: Any, sign: Comparison, right: Any) -> Truth:
    """Numbers with numbers or dates with dates; NaN and NaT on either side are unknown.

    Each half is asked for by itself, because every comparison with NaN is false except !=.
    """
    match sign:
        case "==":
            return Truth(left == right, (left < right) | (left > right))
        case "!=":
            return Truth((left < right) | (left > right), left == right)
        case "<":
            return Truth(left < right, left >= right)
        case "<=":
            return Truth(left <= right, left > right)
        case ">":
            return Truth(left > right, left <= right)
        case ">=":
            return Truth(left >= right, left < right)


def find_codes(wanted: list[int], size: int) -> Callable[[NDArray[Any]], Truth]:
    """Whether categories are among codes of a vocabulary of `size`: a missing one is unknown, an unseen equals none."""
    # The two places past the vocabulary are where MISSING (-1) and UNSEEN (-2) point when counted from the end.
    yes = np.zeros(size + 2, dtype=np.bool_)
    yes[wanted] = True
    no = ~yes
    no[MISSING] = False
    return lambda codes: Truth(yes[codes], no[codes])


def match_any(values: Any, wanted: list[Any], missing: Mask) -> Truth:
    """Numbers, dates or texts against wanted values; what is missing is unknown."""
    yes = values == wanted[0]
    for value in wanted[1:]:
        yes = yes | (values == value)
    return Truth(yes, ~(yes | missing))


def find_missing(values: Any) -> Mask:
    """Where a column (categories, dates, numbers or texts) or a computed number has no value."""
    missing: Mask
    match np.asarray(values).dtype.kind:
        case "i":
            missing = values == MISSING
        case "M":
            missing = np.isnat(values)
        case "O":
            missing = np.equal(values, None)  # type: ignore[call-overload]  # compares objects one by one; the stubs lack None
        case _:
            missing = np.isnan(values)
    return missing
