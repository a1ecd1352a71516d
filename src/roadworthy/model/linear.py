"""Linear scorers: margin = intercept + features @ coefficients, and their exact explanation in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import PackageError

__all__ = ["Linear"]


@dataclass(frozen=True)
class Linear:
    """`coefficients` (m,) and `intercept`, in log-odds of bad."""

    kind: ClassVar[str] = "linear"
    coefficients: NDArray[np.float64]
    intercept: float

    def margin(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds (n,) of features (n, m), summed feature by feature: a row alone equals the row in a batch."""
        total = np.zeros(features.shape[0], dtype=np.float64)
        for j, coefficient in enumerate(self.coefficients):
            total += features[:, j] * coefficient
        return total + self.intercept

    def contributions(
        self, features: NDArray[np.float64], reference: NDArray[np.float64], origin: NDArray[np.int32], columns: int
    ) -> NDArray[np.float64]:
        """Shapley values (n, columns) against a reference (m,): coefficient x (value - reference), by column."""
        out = np.zeros((features.shape[0], columns), dtype=np.float64)
        for j, coefficient in enumerate(self.coefficients):
            out[:, origin[j]] += (features[:, j] - reference[j]) * coefficient
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
