"""Odd shares: which periods differ from those before them by more than chance, and by enough to matter."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_numbers, check_rows, is_number
from roadworthy.measures.results import COUNT, NOT_STATED, RATIO, SHARE, TEXT, Floats, Table

__all__ = ["OddShares", "odd_shares"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class OddShares(Table):
    """One row for each period: its share, that of the `window` periods before it, and z, the distance of the two.

    z is NaN where there is nothing to compare, `judged` is False there and where the numbers are too small; `odd` is
    what is judged, at least `z_at_least` away, and at least `points_at_least` (a fraction) too.
    """

    count: Floats = field(metadata=COUNT)
    total: Floats = field(metadata=COUNT)
    share: Floats = field(metadata=SHARE)
    total_before: Floats = field(metadata=COUNT)
    share_before: Floats = field(metadata=SHARE)
    z: Floats = field(metadata=RATIO)
    judged: NDArray[np.bool_] = field(metadata=TEXT)
    odd: NDArray[np.bool_] = field(metadata=TEXT)
    window: int
    z_at_least: float
    points_at_least: float
    fewest: int
    fewest_before: int
    population: str

    @property
    def caption(self) -> str:
        """The rule, and population."""
        return (
            f"Odd: |z| of {self.z_at_least:g} or more and a difference of {100 * self.points_at_least:g} points or "
            f"more from the {self.window} periods before; at least {self.fewest} here and {self.fewest_before} before; "
            f"{self.population}"
        )


def odd_shares(
    count: ArrayLike,
    total: ArrayLike,
    *,
    window: int = 12,
    z_at_least: float = 4.0,
    points_at_least: float = 0.05,
    fewest: int = 50,
    fewest_before: int = 200,
    population: str = NOT_STATED,
) -> OddShares:
    """Compare each period's share, `count` of `total`, with that of the `window` periods before it together.

    `count` and `total` (n,) are counts in the order of time, 0 <= count <= total. The first period has none before it,
    and up to the window's end the others have fewer. The test is the two-proportion z with the pooled share
    p = (k1 + k2) / (n1 + n2):

        z = (k1/n1 - k2/n2) / sqrt(p (1 - p) (1/n1 + 1/n2))

    With 4 a share that has not moved is called odd about once in 16,000 periods; the least difference in points keeps
    large periods from being odd by what nobody would act on. A period counts as it was in the comparison of those that
    follow, odd or not. Raises MeasureError.

    Fleiss, J. L., Levin, B. and Paik, M. C. (2003). Statistical Methods for Rates and Proportions, 3rd ed., chapter 3.
    doi:10.1002/0471445428

    >>> odd_shares([10, 10, 40], [100, 100, 100], fewest_before=100).odd.tolist()
    [False, False, True]
    """
    counts, totals = check_numbers(count, "count"), check_numbers(total, "total")
    check_rows(counts, "count", len(totals))
    if np.any((counts < 0.0) | (counts > totals)):
        raise MeasureError("a count lies between 0 and its total", mend="count and total of the same periods")
    if isinstance(window, bool) or not isinstance(window, int | np.integer) or window < 1:
        raise MeasureError(f"window is a whole number of at least 1, not {window!r}", mend="window=12")
    for name, limit in (("z_at_least", z_at_least), ("points_at_least", points_at_least)):
        if not is_number(limit) or limit < 0.0:
            raise MeasureError(f"{name} is a number of at least 0, not {limit!r}", mend=f"{name} left out")
    before, total_before = _sum_before(counts, window), _sum_before(totals, window)
    share, share_before = _divide(counts, totals), _divide(before, total_before)
    pooled = _divide(counts + before, totals + total_before)
    spread = np.sqrt(pooled * (1.0 - pooled) * (_divide(np.ones_like(totals), totals) + _divide(1.0, total_before)))
    # Where all of both have the answer, or none has, there is no spread and no difference either.
    z = np.where(spread == 0.0, 0.0, _divide(share - share_before, spread))
    judged = (totals >= max(fewest, 1)) & (total_before >= max(fewest_before, 1))
    # A difference of exactly the least counts, whatever its last bit.
    far = np.abs(share - share_before) >= points_at_least - 1e-12
    return OddShares(
        count=counts,
        total=totals,
        share=share,
        total_before=total_before,
        share_before=share_before,
        z=z,
        judged=judged,
        odd=judged & far & (np.abs(z) >= z_at_least),
        window=int(window),
        z_at_least=float(z_at_least),
        points_at_least=float(points_at_least),
        fewest=int(fewest),
        fewest_before=int(fewest_before),
        population=population,
    )


def _sum_before(values: Floats, window: int) -> Floats:
    """For each place the sum of the `window` values before it."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    found: Floats = sums[place] - sums[np.maximum(place - window, 0)]
    return found


def _divide(above: Floats | float, below: Floats) -> Floats:
    """The quotient; NaN where the divisor is 0."""
    found: Floats = np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0.0)
    return found
