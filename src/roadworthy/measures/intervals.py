"""How far a number could be off: Wilson intervals of rates, and the bootstrap of sums without copying a row.

The bootstrap of a sum needs of the data only how many rows fall in each cell, and the mean and spread of their amounts
there: drawing n rows with replacement draws a multinomial number of rows for each cell. Where all amounts of a cell are
equal (money by constants) that is the bootstrap exactly; where they differ, the cell's sum given its number of rows is
drawn from the normal distribution with the bootstrap's own mean and variance.

Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7(1).
doi:10.1214/aos/1176344552
Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22(158).
doi:10.1080/01621459.1927.10502953
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import is_number
from roadworthy.measures.results import Floats, Interval, Ints

__all__ = [
    "REPLICATES",
    "Cells",
    "check_confidence",
    "check_resamples",
    "mean_variance",
    "normal_interval",
    "percentiles",
    "resample",
    "wilson",
]

REPLICATES = 2000
"""Bootstrap replicates: the 2.5% point then rests on 50 of them."""


@dataclass(frozen=True)
class Cells:
    """For each cell: the number of rows, the sum of their amounts, and the sum of the squares."""

    rows: Ints
    sums: Floats
    squares: Floats

    @classmethod
    def of(cls, cell: NDArray[np.intp], amounts: Floats, cells: int) -> Cells:
        """Sum `amounts` by `cell`, which numbers each row's cell from 0 to `cells` - 1."""
        return cls(
            rows=np.bincount(cell, minlength=cells).astype(np.int64),
            sums=np.bincount(cell, weights=amounts, minlength=cells).astype(np.float64),
            squares=np.bincount(cell, weights=amounts * amounts, minlength=cells).astype(np.float64),
        )


def resample(cells: Cells, *, seed: int | tuple[int, ...], replicates: int = REPLICATES) -> Floats:
    """Bootstrap the cells' sums: an array of shape (replicates, cells)."""
    generator = np.random.default_rng(seed)
    held = np.flatnonzero(cells.rows)
    rows, n = cells.rows[held], int(cells.rows.sum())
    drawn = generator.multinomial(n, rows / n, size=replicates)
    mean = cells.sums[held] / rows
    spread = np.sqrt(np.maximum(cells.squares[held] / rows - mean * mean, 0.0))
    # Equal amounts leave a spread of rounding only; it is none.
    uneven = np.flatnonzero(spread > 1e-7 * np.abs(mean))
    sums = np.zeros((replicates, len(cells.rows)))
    sums[:, held] = drawn * mean
    noise = generator.standard_normal((replicates, len(uneven)))
    sums[:, held[uneven]] += np.sqrt(drawn[:, uneven]) * spread[uneven] * noise
    return sums


def percentiles(replicates: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The lower and upper percentile of each column of `replicates`."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(replicates, [tail, 1.0 - tail], axis=0)
    return low, high


def wilson(rate: Floats, size: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The Wilson score interval of rates seen in samples of effective size `size`."""
    z2 = float(ndtri(0.5 + confidence / 2.0)) ** 2
    centre = (rate + z2 / (2.0 * size)) / (1.0 + z2 / size)
    half = np.sqrt(z2 * rate * (1.0 - rate) / size + z2 * z2 / (4.0 * size * size)) / (1.0 + z2 / size)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def normal_interval(
    value: float, variance: float, confidence: float, method: str, *, least: float = 0.0, most: float = np.inf
) -> Interval:
    """The normal interval within `least`..`most`; NaN without variance, where the rows cannot tell."""
    half = float(ndtri(0.5 + confidence / 2.0)) * np.sqrt(variance) if variance > 0.0 else np.nan
    low, high = (float(np.clip(bound, least, most)) for bound in (value - half, value + half))
    return Interval(low=low, high=high, confidence=confidence, method=method)


def mean_variance(amounts: Floats, weights: Floats) -> float:
    """Variance of the (weighted) mean of rows drawn one by one; NaN for a single row."""
    n = len(amounts)
    heavy = weights if weights.size else np.ones(1)
    mean = float((heavy * amounts).sum() / (heavy.sum() if weights.size else n))
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite loss has no variance
        apart = heavy * (amounts - mean) / (heavy.sum() if weights.size else n)
        return float(apart @ apart) * n / (n - 1) if n > 1 else float("nan")


def check_confidence(confidence: object) -> float:
    """`confidence` lies between 0 and 1, both excluded."""
    if not (is_number(confidence) and 0.0 < confidence < 1.0):
        raise MeasureError(f"confidence lies between 0 and 1, not {confidence!r}", mend="confidence=0.95")
    return float(confidence)


def check_resamples(resamples: object) -> int:
    """`resamples` is a whole number from 100 to 100,000."""
    if isinstance(resamples, bool) or not isinstance(resamples, int | np.integer) or not 100 <= resamples <= 100_000:
        raise MeasureError(f"resamples is a whole number from 100 to 100,000, not {resamples!r}", mend="resamples=2000")
    return int(resamples)
