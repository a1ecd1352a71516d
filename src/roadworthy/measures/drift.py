"""How far apart two samples of one column are: KS, Jensen-Shannon, Wasserstein and chi-squared, all with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, kolmogorov

from roadworthy.errors import MeasureError
from roadworthy.measures.binned_samples import bin_samples, effective_rows
from roadworthy.measures.checks import check_numbers, check_weights
from roadworthy.measures.results import Floats, Measure

__all__ = [
    "ChiSquare",
    "JensenShannon",
    "KSTwoSamples",
    "Wasserstein",
    "chi_square",
    "jensen_shannon",
    "ks_two_samples",
    "wasserstein",
]


@dataclass(frozen=True, kw_only=True, repr=False)
class KSTwoSamples(Measure):
    """The distance, the value it is at, the chance of one this large without drift, and the rows that are missing."""

    name: ClassVar[str] = "two-sample KS"
    at: float
    p_value: float
    missing_expected: int
    missing_actual: int


@dataclass(frozen=True, kw_only=True, repr=False)
class JensenShannon(Measure):
    """The distance in 0..1, its square the divergence in bits, and the rule that made the bins."""

    name: ClassVar[str] = "Jensen-Shannon"
    divergence: float
    rule: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Wasserstein(Measure):
    """The distance in the column's own unit, over the spread of `expected`, and the rows left out as missing."""

    name: ClassVar[str] = "Wasserstein"
    in_deviations: float
    missing_expected: int
    missing_actual: int


@dataclass(frozen=True, kw_only=True, repr=False)
class ChiSquare(Measure):
    """The statistic, its degrees of freedom, the chance of one this large without drift, and the rule of the bins."""

    name: ClassVar[str] = "chi-squared"
    degrees_of_freedom: int
    p_value: float
    rule: str


def ks_two_samples(
    expected: ArrayLike,
    actual: ArrayLike,
    *,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
) -> KSTwoSamples:
    """The largest distance between the distributions of two samples of numbers.

    `expected` (n,) and `actual` (m,) are numbers; what is missing is left out and counted; weights are at least 0. The
    p-value is exact up to 10,000 rows without weights, else from the limit, with (sum w)^2 / (sum w^2) as sizes; ties
    make it too large, never too small. Raises MeasureError.

    D = max over t of |F(t) - G(t)|. Smirnov, N. (1948), doi:10.1214/aoms/1177730256; Hodges, J. L. (1958), The
    significance probability of the Smirnov two-sample test, Arkiv för Matematik 3, doi:10.1007/BF02589501.

    >>> ks_two_samples([1, 2, 3, 4], [3, 4, 5, 6])
    two-sample KS 0.5 (at=2, p_value=0.771429, missing_expected=0, missing_actual=0)
    """
    before, heavy_before, lost_before = _numbers(expected, expected_weights, "expected")
    after, heavy_after, lost_after = _numbers(actual, actual_weights, "actual")
    values, below_before, below_after = _distributions(before, heavy_before, after, heavy_after)
    distance = np.abs(below_before - below_after)
    widest = int(distance.argmax())
    value = float(distance[widest])
    if value * max(len(before), len(after)) < 1 + 1e-9:  # samples without ties are at least this far apart
        p_value = 1.0
    elif heavy_before is None and heavy_after is None:
        from scipy.stats import ks_2samp  # takes half a second to import, and only drift needs it

        p_value = float(ks_2samp(before, after).pvalue)
    else:
        sizes = effective_rows(heavy_before, len(before)), effective_rows(heavy_after, len(after))
        p_value = float(kolmogorov(value * np.sqrt(sizes[0] * sizes[1] / (sizes[0] + sizes[1]))))
    return KSTwoSamples(
        value=value,
        at=float(values[widest]),
        p_value=p_value,
        missing_expected=lost_before,
        missing_actual=lost_after,
    )


def wasserstein(
    expected: ArrayLike,
    actual: ArrayLike,
    *,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
) -> Wasserstein:
    """How far values have to be moved, on average, to turn one sample into the other: the area between distributions.

    Arguments and errors as for `ks_two_samples`. The value is in the column's unit; `in_deviations` divides it by the
    standard deviation of `expected`, and is NaN where that is 0.

    Vallender, S. S. (1974), Calculation of the Wasserstein distance between probability distributions on the line,
    Theory of Probability and Its Applications 18(4). doi:10.1137/1118101

    >>> wasserstein([0, 1, 3], [5, 6, 8]).value
    5.0
    """
    before, heavy_before, lost_before = _numbers(expected, expected_weights, "expected")
    after, heavy_after, lost_after = _numbers(actual, actual_weights, "actual")
    values, below_before, below_after = _distributions(before, heavy_before, after, heavy_after)
    value = float(np.abs(below_before - below_after)[:-1] @ np.diff(values))
    mean = np.average(before, weights=heavy_before)
    spread = float(np.sqrt(np.average((before - mean) ** 2, weights=heavy_before)))
    return Wasserstein(
        value=value,
        in_deviations=value / spread if spread > 0.0 else float("nan"),
        missing_expected=lost_before,
        missing_actual=lost_after,
    )


def jensen_shannon(
    expected: ArrayLike,
    actual: ArrayLike,
    *,
    buckets: int | ArrayLike = 10,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
) -> JensenShannon:
    """The root of the mean divergence, in bits, of both samples from their average: 0 is the same, 1 nothing in common.

    Arguments, bins (what is missing is one) and errors as for `psi`; empty bins need no stand-in. Some tools compute in
    nats: theirs is this value times sqrt(ln 2).

    Lin, J. (1991), Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37(1),
    doi:10.1109/18.61115; its root is a distance: Endres, D. M. and Schindelin, J. E. (2003), A new metric for
    probability distributions, IEEE Transactions on Information Theory 49(7), doi:10.1109/TIT.2003.813506.

    >>> jensen_shannon(["a", "b", "c", "d"], ["a", "b", "c", "e"]).value
    0.5
    """
    binned = bin_samples(
        expected, actual, buckets=buckets, expected_weights=expected_weights, actual_weights=actual_weights
    )
    middle = (binned.expected + binned.actual) / 2.0
    divergence = sum(_bits(side, middle) for side in (binned.expected, binned.actual)) / 2.0
    divergence = min(max(divergence, 0.0), 1.0)
    return JensenShannon(value=float(np.sqrt(divergence)), divergence=divergence, rule=binned.rule)


def chi_square(
    expected: ArrayLike,
    actual: ArrayLike,
    *,
    buckets: int | ArrayLike = 10,
    expected_weights: ArrayLike | None = None,
    actual_weights: ArrayLike | None = None,
) -> ChiSquare:
    """Pearson's test that two samples have one distribution over categories, or over bins of numbers.

    Arguments, bins (what is missing is one) and errors as for `psi`. Both are samples, so both have chance in them: the
    test is that of a table with two rows, not of `actual` against shares taken for certain. With weights the sizes are
    (sum w)^2 / (sum w^2), a first-order correction. With one bin the p-value is 1.

    Pearson, K. (1900), doi:10.1080/14786440009463897; for weights Rao, J. N. K. and Scott, A. J. (1981), The analysis
    of categorical data from complex sample surveys, JASA 76(374), doi:10.1080/01621459.1981.10477633.

    >>> found = chi_square(["a"] * 30 + ["b"] * 20, ["a"] * 20 + ["b"] * 30)
    >>> round(found.value, 4), found.degrees_of_freedom, round(found.p_value, 4)
    (4.0, 1, 0.0455)
    """
    binned = bin_samples(
        expected, actual, buckets=buckets, expected_weights=expected_weights, actual_weights=actual_weights
    )
    n, m = binned.expected_rows, binned.actual_rows
    pooled = (n * binned.expected + m * binned.actual) / (n + m)
    value = float(((binned.expected - binned.actual) ** 2 / pooled).sum() * n * m / (n + m))
    freedom = len(pooled) - 1
    return ChiSquare(
        value=value,
        degrees_of_freedom=freedom,
        p_value=float(chdtrc(freedom, value)) if freedom else 1.0,
        rule=binned.rule,
    )


def _numbers(values: ArrayLike, weights: ArrayLike | None, name: str) -> tuple[Floats, Floats | None, int]:
    numbers = check_numbers(values, name, missing_allowed=True)
    heavy = None if weights is None else check_weights(weights, len(numbers), f"{name}_weights")
    known = ~np.isnan(numbers)
    lost = len(numbers) - int(np.count_nonzero(known))
    taken = known if heavy is None else known & (heavy > 0.0)
    if not taken.any():
        raise MeasureError(f"{name} holds only missing values", mend="hand in some numbers")
    if taken.all():
        return numbers, heavy, lost
    return numbers[taken], None if heavy is None else heavy[taken], lost


def _distributions(
    before: Floats, heavy_before: Floats | None, after: Floats, heavy_after: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Every value of either sample, and the share of each sample up to it."""
    values = np.unique(np.concatenate([before, after]))
    shares = []
    for sample, heavy in ((before, heavy_before), (after, heavy_after)):
        up_to = np.cumsum(np.bincount(np.searchsorted(values, sample), weights=heavy, minlength=len(values)))
        shares.append(up_to / up_to[-1])
    return values, shares[0], shares[1]


def _bits(side: Floats, middle: Floats) -> float:
    held = side > 0.0
    return float((side[held] * np.log2(side[held] / middle[held])).sum())
