"""Functions of one number that stand between a scorer and a probability, each in its library's own arithmetic.

Links, calibrators (Platt 1999; isotonic: Zadrozny and Elkan 2002, doi:10.1145/775047.775151; temperature: Guo et al.
2017, arXiv:1706.04599) and what boosting starts from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from roadworthy.errors import PackageError
from roadworthy.model.links import LINKS, PLAIN

__all__ = ["CURVES", "Curve"]

Numbers = NDArray[np.float64]

_SMALL = 1e-12  # what scikit-learn adds to a probability before it takes its logarithm


def _complement(x: Numbers, _: Numbers) -> Numbers:
    return 1.0 - x


def _complement_float32(x: Numbers, _: Numbers) -> Numbers:
    return (np.float32(1.0) - x.astype(np.float32)).astype(np.float64)


def _platt(x: Numbers, params: Numbers) -> Numbers:
    return np.asarray(expit(-(params[0] * x + params[1])), dtype=np.float64)


def _isotonic(x: Numbers, params: Numbers) -> Numbers:
    """Between the points (x..., y...) on a straight line, beyond them level, as numpy.interp has it."""
    knots, values = np.split(params, 2)
    level = np.interp(np.clip(x, knots[0], knots[-1]), knots, values)
    return np.where(np.isnan(x), np.nan, level)  # of a single point it is level everywhere


def _isotonic_float32(x: Numbers, params: Numbers) -> Numbers:
    """The same in float32 and in SciPy's order of operations, which it takes where the points are float32."""
    knots, values = np.split(params.astype(np.float32), 2)
    at = np.clip(x.astype(np.float32), knots[0], knots[-1])
    high = np.clip(np.searchsorted(knots, at), 1, len(knots) - 1)
    low = high - 1
    slope = (values[high] - values[low]) / (knots[high] - knots[low])
    return np.asarray(slope * (at - knots[low]) + values[low], dtype=np.float64)


def _softmax_of(logits: NDArray[np.float64], column: int) -> Numbers:
    """One of the two probabilities of (n, 2) logits, the larger one taken off first."""
    shifted = np.exp(logits - logits.max(axis=1)[:, None])
    return np.asarray(shifted[:, column] / shifted.sum(axis=1), dtype=np.float64)


def _softmax(x: Numbers, params: Numbers) -> Numbers:
    """Of (-scale x, scale x)."""
    return _softmax_of(params[0] * np.stack([-x, x], axis=1), int(params[1]))


def _softmax_of_pd(x: Numbers, params: Numbers) -> Numbers:
    """Of scale (log(1 - x), log x)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _softmax_of(params[0] * np.log(np.stack([1.0 - x, x], axis=1) + _SMALL), int(params[1]))


def _logit(x: Numbers, params: Numbers) -> Numbers:
    """Log-odds of a probability kept `params[0]` away from 0 and 1."""
    return np.asarray(logit(np.clip(x, params[0], 1.0 - params[0])), dtype=np.float64)


def _of_link(name: str) -> Callable[[Numbers, Numbers], Numbers]:
    return lambda x, _: LINKS[name](x)


CURVES: dict[str, tuple[Callable[[Numbers, Numbers], Numbers], int | None]] = {
    **{name: (_of_link(name), 0) for name in LINKS},
    "complement": (_complement, 0),
    "complement_float32": (_complement_float32, 0),
    "platt": (_platt, 2),  # a, b: expit(-(a x + b))
    "isotonic": (_isotonic, None),  # x..., y...
    "isotonic_float32": (_isotonic_float32, None),
    "softmax": (_softmax, 2),  # scale, which of the two
    "softmax_of_pd": (_softmax_of_pd, 2),
    "logit": (_logit, 1),
}
"""By the name that a package carries, with how many parameters there are; names are part of the protocol."""

_POINTS = ("isotonic", "isotonic_float32")


@dataclass(frozen=True)
class Curve:
    """`name` of `CURVES` with its parameters.

    >>> Curve("isotonic", np.array([0.0, 1.0, 0.2, 0.6])).value(np.array([-3.0, 0.5, 7.0]))
    array([0.2, 0.4, 0.6])
    """

    kind: ClassVar[str] = "curve"
    name: str
    params: NDArray[np.float64]

    def value(self, x: Numbers) -> Numbers:
        """What becomes of x (n,)."""
        return CURVES[self.name][0](x, self.params)

    def log_odds(self) -> tuple[float, float] | None:
        """(a, b) where the log-odds of the result are a x + b; None where they are no straight line of x."""
        if self.name in LINKS and self.name not in PLAIN:
            return 1.0, 0.0
        if self.name == "platt":
            return -float(self.params[0]), -float(self.params[1])
        if self.name == "softmax":
            return 2.0 * float(self.params[0]) * (1.0 if self.params[1] else -1.0), 0.0
        return None

    def steepest(self) -> float:
        """The steepest slope between two points of an isotonic calibrator; 0 for other curves, which have no steps."""
        if self.name not in _POINTS:
            return 0.0
        knots, values = np.split(self.params, 2)
        return float(np.max(np.diff(values) / np.diff(knots), initial=0.0))

    def check(self, width: int) -> None:
        """Refuse parameters that do not fit the curve, or more than one number to take it of."""
        if self.name not in CURVES:
            raise PackageError(f"a curve {self.name!r} is unknown")
        wanted = CURVES[self.name][1]
        size = len(self.params)
        if width != 1 or (size != wanted if wanted is not None else size < 2 or size % 2):
            raise PackageError(f"the curve {self.name!r} has {size} parameters and {width} numbers to take it of")
        if not np.isfinite(self.params).all():
            raise PackageError(f"the curve {self.name!r} has parameters that are not finite")
        if self.name in _POINTS:
            least = 4 if self.name == "isotonic_float32" else 2
            if size < least or not (np.diff(self.params[: size // 2]) > 0).all():
                raise PackageError(f"the curve {self.name!r} has points that do not rise")
        if self.name in ("softmax", "softmax_of_pd") and self.params[1] not in (0.0, 1.0):
            raise PackageError(f"the curve {self.name!r} has two answers, 0 and 1, not {self.params[1]:g}")
        if self.name == "logit" and not 0.0 <= self.params[0] < 0.5:
            raise PackageError("the curve 'logit' keeps away from 0 and 1 by less than a half")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored in a package, by name."""
        return {"params": self.params}
