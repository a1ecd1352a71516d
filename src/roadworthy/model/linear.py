"""Linear scorers: margin = intercept + features @ coefficients, and their exact explanation in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import PackageError
from roadworthy.kernels import njit

__all__ = ["Linear"]


@njit(cache=True, nogil=True)
def _sum(features: Any, coefficients: Any, intercept: Any, out: Any) -> None:
    for row in range(features.shape[0]):
        total = 0.0
        for j in range(coefficients.shape[0]):
            total += features[row, j] * coefficients[j]
        out[row] = total + intercept


@njit(cache=True, nogil=True)
def _explain(features: Any, reference: Any, coefficients: Any, origin: Any, out: Any) -> None:
    for row in range(features.shape[0]):
        for j in range(coefficients.shape[0]):
            out[row, origin[j]] += (features[row, j] - reference[j]) * coefficients[j]


@dataclass(frozen=True)
class Linear:
    """`coefficients` (m,) and `intercept`, in log-odds.

    >>> scorer = Linear(coefficients=np.array([2.0, -1.0]), intercept=0.5)
    >>> scorer.margin(np.array([[1.0, 3.0]]))
    array([-0.5])
    >>> scorer.contributions(np.array([[1.0, 3.0]]), np.array([0.0, 1.0]), np.array([0, 1], dtype=np.int32), 2)
    array([[ 2., -2.]])
    """

    kind: ClassVar[str] = "linear"
    coefficients: NDArray[np.float64]
    intercept: float

    def margin(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds (n,) of features (n, m), summed feature by feature: a row alone equals the row in a batch."""
        total = np.empty(features.shape[0], dtype=np.float64)
        _sum(features, self.coefficients, self.intercept, total)
        return total

    def exact(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """What contributions add up to: the margin (n,)."""
        return self.margin(features)

    def contributions(
        self, features: NDArray[np.float64], reference: NDArray[np.float64], origin: NDArray[np.int32], columns: int
    ) -> NDArray[np.float64]:
        """Shapley values (n, columns) against a reference (m,): coefficient x (value - reference), by column."""
        out = np.zeros((features.shape[0], columns), dtype=np.float64)
        _explain(features, reference, self.coefficients, origin, out)
        return out

    def check(self, features: int) -> None:
        """Refuse arrays that do not fit `features` features or are not finite."""
        if self.coefficients.shape != (features,) or not np.isfinite(self.coefficients).all():
            raise PackageError("the linear model's coefficients do not fit its plan")
        if not np.isfinite(self.intercept):
            raise PackageError("the linear model's intercept is not a number")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored in a package, by name."""
        return {"coefficients": self.coefficients, "intercept": np.array([self.intercept])}
