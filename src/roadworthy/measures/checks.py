"""The border: whatever people hand in becomes checked NumPy arrays once, or a MeasureError that names the mend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.results import Floats

__all__ = [
    "LARGEST",
    "Outcomes",
    "check_buckets",
    "check_cut_off",
    "check_numbers",
    "check_outcomes",
    "check_rows",
    "check_weights",
    "frozen",
    "is_number",
]


LARGEST = 1e60
"""Beyond this sums and squares of money and weights leave float64; weights have to be above its inverse."""


@dataclass(frozen=True)
class Outcomes:
    """`n` applications: `bad` as booleans, `pd` in 0..1, `weights` with one entry each, or none where all weigh 1.

    All arrays are contiguous and read-only, whatever was handed in, so that each kernel is compiled once.
    """

    bad: NDArray[np.bool_]
    pd: Floats
    weights: Floats

    def __len__(self) -> int:
        return len(self.pd)

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return float(self.weights.sum()) if self.weights.size else float(len(self))

    @property
    def bads(self) -> float:
        """The weight of the bads."""
        return float(self.weights[self.bad].sum()) if self.weights.size else float(np.count_nonzero(self.bad))

    @property
    def goods(self) -> float:
        """The weight of the goods."""
        return float(self.weights[~self.bad].sum()) if self.weights.size else len(self) - self.bads

    def that_weigh(self) -> Outcomes:
        """Without the rows of weight 0, which take no part in a ranking."""
        if not self.weights.size or self.weights.all():
            return self
        heavy = self.weights > 0.0
        return Outcomes(frozen(self.bad[heavy]), frozen(self.pd[heavy]), frozen(self.weights[heavy]))

    def weighted(self, amounts: Floats) -> Floats:
        """`amounts` times the weights."""
        return amounts * self.weights if self.weights.size else amounts


def check_outcomes(
    bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None = None, *, both_classes: str | None = None
) -> Outcomes:
    """Check and convert the three arrays every measure takes.

    `both_classes` names the measure that is undefined where all applications are good, or all are bad.
    """
    outcome = _check_bad(bad)
    probability = check_numbers(pd, "pd")
    check_rows(probability, "pd", len(outcome))
    low, high = float(probability.min()), float(probability.max())
    if low < 0.0 or high > 1.0:
        raise MeasureError(
            f"pd lies in 0..1, and this one goes from {low:.6g} to {high:.6g}",
            mend="hand in probabilities: predict_proba(X)[:, 1], not a score or a margin",
        )
    heavy = frozen(np.empty(0)) if weights is None else check_weights(weights, len(outcome))
    outcomes = Outcomes(bad=outcome, pd=probability, weights=heavy)
    if both_classes is not None:
        missing = "bad" if outcomes.bads == 0.0 else "good" if outcomes.goods == 0.0 else None
        if missing is not None:
            raise MeasureError(
                f"{both_classes} needs goods and bads, and bad holds no {missing} application with weight",
                mend="take more applications, or check how bad was made from the outcome",
            )
    return outcomes


def check_numbers(values: ArrayLike, name: str, *, missing_allowed: bool = False) -> Floats:
    """`values` as a read-only float64 array (n,) within +-1e60, and without NaN unless allowed."""
    array = np.ma.filled(values.astype(float), np.nan) if isinstance(values, np.ma.MaskedArray) else _as_array(values)
    if array.ndim != 1:
        raise MeasureError(
            f"{name} is one array of numbers, and this one has shape {array.shape}",
            mend=f"{name} = probabilities[:, 1], the column of the bads" if array.ndim == 2 else f"a list: [{name}]",
        )
    if not array.size:
        raise MeasureError(f"{name} is empty", mend="a measure needs at least one application")
    numbers = _as_float64(array, name)
    low, high = float(np.fmin.reduce(numbers)), float(np.fmax.reduce(numbers))  # which pass over NaN
    if low < -LARGEST or high > LARGEST:
        raise _rows_error(f"{name} is infinite or beyond 1e60", np.abs(numbers) > LARGEST, "leave these rows out")
    if not missing_allowed and np.isnan(numbers).any():
        raise _rows_error(f"{name} is missing", np.isnan(numbers), "leave these rows out, or find why they have none")
    return frozen(numbers)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous, read-only view of `array`; a copy only where it is not contiguous."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def check_rows(array: NDArray[Any], name: str, n: int) -> None:
    """`array` has one entry for each of `n` applications."""
    if len(array) != n:
        raise MeasureError(
            f"{name} has {len(array):,} entries for {n:,} applications",
            mend="one entry per application, in the same order everywhere",
        )


def check_buckets(buckets: object) -> int:
    """`buckets` is a whole number of at least 1."""
    if isinstance(buckets, bool) or not isinstance(buckets, int | np.integer) or not 1 <= buckets <= 10_000:
        raise MeasureError(f"buckets is a whole number from 1 to 10,000, not {buckets!r}", mend="buckets=10")
    return int(buckets)


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is one finite number; True and False are none."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and bool(np.isfinite(value))
    )


def check_cut_off(cut_off: object, name: str = "cut_off") -> float:
    """`cut_off` is a PD; a little above 1 is allowed, where it declines nobody."""
    if not is_number(cut_off):
        raise MeasureError(f"{name} is one PD, not {cut_off!r}", mend=f"{name}=0.2")
    if not 0.0 <= cut_off <= np.nextafter(1.0, 2.0):
        raise MeasureError(
            f"{name} is a PD in 0..1, not {cut_off!r}", mend=f"{name}=0.2 declines every PD of 20% and more"
        )
    return float(cut_off)


def _as_array(values: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError):  # lists of unequal length
        return np.empty((0, 0))


def _as_float64(array: NDArray[Any], name: str) -> Floats:
    if array.dtype.kind in "biuf":
        return array.astype(np.float64, copy=False)
    if array.dtype.kind == "O" and not any(isinstance(value, str | bytes) for value in array):
        try:
            return _missing_as_nan(array).astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            pass
    raise MeasureError(
        f"{name} holds {_some(array.tolist())}, which are not numbers",
        mend=f"turn {name} into numbers before measuring",
    )


def _missing_as_nan(array: NDArray[Any]) -> NDArray[Any]:
    """Nullable columns come as objects, with None or a library's own sign for what is missing."""
    return np.array([np.nan if value is None or type(value).__name__ == "NAType" else value for value in array])


def _some(values: Iterable[Any]) -> str:
    return ", ".join(repr(value) for value, _ in zip(values, range(3), strict=False))


def _rows_error(problem: str, wrong: NDArray[np.bool_], mend: str) -> MeasureError:
    rows = np.flatnonzero(wrong)
    first = ", ".join(str(row) for row in rows[:3])
    return MeasureError(f"{problem} in {len(rows):,} of {len(wrong):,} rows (first: {first})", mend=mend)


def _check_bad(bad: ArrayLike) -> NDArray[np.bool_]:
    numbers = check_numbers(bad, "bad")
    outcome: NDArray[np.bool_] = numbers == 1.0
    neither = ~(outcome | (numbers == 0.0))
    if neither.any():
        raise MeasureError(
            f"bad is 0 or 1, and holds also {_some(np.unique(numbers[neither])[:3].tolist())}",
            mend="bad = (outcome == 'your bad value'), with indeterminate rows left out",
        )
    return frozen(outcome)


def check_weights(weights: ArrayLike, n: int, name: str = "weights") -> Floats:
    """`weights` as `n` numbers of at least 0 with a sum above 0."""
    heavy = check_numbers(weights, name)
    check_rows(heavy, name, n)
    if (heavy < 0.0).any():
        raise _rows_error(f"{name} is negative", heavy < 0.0, "a weight says how many applications a row stands for")
    if not heavy.any():
        raise MeasureError(f"{name} sum to 0", mend="at least one row needs a weight above 0")
    faint = (heavy > 0.0) & (heavy < 1.0 / LARGEST)
    if faint.any():
        raise _rows_error(f"{name} is below 1e-60, which sums cannot hold,", faint, "multiply all: only ratios matter")
    return heavy
