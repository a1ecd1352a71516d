"""Is the challenger better than the champion on the same applications: better, worse, or not enough evidence yet.

Both are measured on every row, and the difference is judged by its own spread: two models that mostly agree can be told
apart on far fewer applications than their single intervals suggest.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_numbers, check_outcomes, check_rows, check_weights
from roadworthy.measures.delong import contributions, variance
from roadworthy.measures.results import NOT_STATED, Floats
from roadworthy.measures.verdict import Comparison, conclude

__all__ = ["compare_auc", "compare_brier", "compare_profit"]


def compare_auc(
    bad: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    smallest: float | None = None,
    population: str = NOT_STATED,
) -> Comparison:
    """Compare the AUC of two models on the same applications, with DeLong's paired interval.

    `bad` (n,) holds 0 and 1, with both present; `champion` and `challenger` (n,) are PDs in 0..1; `weights` (n,) are at
    least 0. `smallest` is the smallest difference worth finding, for `rows_needed`. Raises MeasureError.

    The variance is that of the difference of placements, goods and bads apart: DeLong, DeLong and Clarke-Pearson
    (1988), doi:10.2307/2531595, in the fast form of Sun and Xu (2014), doi:10.1109/LSP.2014.2337313. rows_needed =
    n (z of confidence + z of power)^2 variance / difference^2, at the same share of bads.

    >>> found = compare_auc([0, 0, 0, 1, 1, 1], [.1, .4, .3, .2, .8, .6], [.1, .2, .3, .5, .8, .6])
    >>> round(found.champion, 4), found.challenger, found.verdict, found.rows_needed
    (0.7778, 1.0, 'not enough evidence yet', 59)
    """
    first = check_outcomes(bad, champion, weights, both_classes="a comparison of AUC").that_weigh()
    second = check_outcomes(bad, _named(challenger, len(np.atleast_1d(bad))), weights).that_weigh()
    one, moved_one = contributions(first)
    two, moved = contributions(second)
    moved -= moved_one
    spread = variance(first, moved)
    return conclude(
        two - one,
        spread,
        math.inf,
        len(first),
        measure="AUC",
        champion=one,
        challenger=two,
        higher_is_better=True,
        confidence=confidence,
        power=power,
        smallest=smallest,
        population=population,
    )


def compare_brier(
    bad: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    smallest: float | None = None,
    population: str = NOT_STATED,
) -> Comparison:
    """Compare the Brier scores of two models on the same applications: a paired interval; lower is better.

    Arguments as for `compare_auc`; one class alone is allowed. Student's t on the differences of squared errors, as by
    Diebold, F. X. and Mariano, R. S. (1995), Comparing predictive accuracy, Journal of Business & Economic Statistics
    13(3), doi:10.1080/07350015.1995.10524599, with the degrees of freedom of `compare_profit`. Raises MeasureError.

    >>> found = compare_brier([0, 1, 0, 1], [.4, .6, .5, .5], [.1, .8, .2, .9])
    >>> round(found.value, 4), found.verdict
    (-0.18, 'better')
    """
    first = check_outcomes(bad, champion, weights)
    second = check_outcomes(bad, _named(challenger, len(first)), weights)
    errors = [(each.pd - each.bad) ** 2 for each in (first, second)]
    one, two = (float(first.weighted(each).sum() / first.total) for each in errors)
    value, spread, freedom, rows = _paired(errors[1] - errors[0], first.weights)
    return conclude(
        value,
        spread,
        freedom,
        rows,
        measure="Brier score",
        champion=one,
        challenger=two,
        higher_is_better=False,
        confidence=confidence,
        power=power,
        smallest=smallest,
        population=population,
    )


def compare_profit(
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    currency: str = "EUR",
    confidence: float = 0.95,
    power: float = 0.8,
    smallest: float | None = None,
    population: str = NOT_STATED,
) -> Comparison:
    """Compare the profit of two releases on the same applications: the difference of their sums, with its interval.

    `champion` and `challenger` (n,) are the money each release's answer made of each application, 0 where declined, in
    `currency`; `weights` (n,) are at least 0. `smallest` is the smallest difference of the sums worth finding. It needs
    outcomes that are known under both releases: an application only one of them would have approved belongs in it only
    if it was in fact approved. Raises MeasureError.

    The sum's variance is n times that of the rows' differences, exact for rows drawn one by one. Money sits in few
    rows, so the interval is Student's t with as many degrees of freedom as rows carry the spread, (sum of d^2)^2 / sum
    of d^4: four swaps that all went well, among a million equal answers, are four observations.

    Student (1908), The probable error of a mean, Biometrika 6(1), doi:10.1093/biomet/6.1.1.

    >>> found = compare_profit([10, -50, 10, 10, -50, 10] * 5, [10, 0, 10, 10, 0, 10] * 5)
    >>> found.value, found.verdict
    (500.0, 'better')
    >>> compare_profit([10, -50, 10, 10], [10, 0, 10, 10]).verdict
    'not enough evidence yet'
    """
    one, two = check_numbers(champion, "champion"), check_numbers(challenger, "challenger")
    check_rows(two, "challenger", len(one))
    heavy = np.empty(0) if weights is None else check_weights(weights, len(one))
    total = float(heavy.sum()) if heavy.size else float(len(one))
    sums = [float((heavy * each).sum() if heavy.size else each.sum()) for each in (one, two)]
    # A sum, not a mean: each row adds its own weighted difference, and the spread of the weights is part of it.
    _, spread, freedom, rows = _paired(two - one, heavy, of_sum=True)
    return conclude(
        sums[1] - sums[0],
        spread * total * total,
        freedom,
        rows,
        measure="profit",
        champion=sums[0],
        challenger=sums[1],
        higher_is_better=True,
        confidence=confidence,
        power=power,
        smallest=smallest,
        population=population,
        currency=currency,
    )


def _named(challenger: ArrayLike, n: int) -> Floats:
    """The challenger's PDs, refused by their own name."""
    probability = check_numbers(challenger, "challenger")
    check_rows(probability, "challenger", n)
    if float(probability.min()) < 0.0 or float(probability.max()) > 1.0:
        raise MeasureError("challenger holds PDs, which lie in 0..1", mend="hand in probabilities, not scores")
    return probability


def _paired(apart: Floats, weights: Floats, *, of_sum: bool = False) -> tuple[float, float, float, int]:
    """Weighted mean of the differences, its variance, the degrees of freedom, and the rows that weigh."""
    if weights.size:
        apart, weights = apart[weights > 0.0], weights[weights > 0.0]
    n = len(apart)
    share = weights / weights.sum() if weights.size else np.full(1, 1.0 / n)
    mean = float((share * apart).sum())
    centred = share * apart - mean / n if of_sum else share * (apart - mean)
    largest = float(np.abs(centred).max())
    # Differences that are all equal, but for rounding, have no spread to judge by.
    if n < 2 or largest <= 1e-12 * float(np.abs(share * apart).max()):
        return mean, 0.0, float("nan"), n
    squares = (centred / largest) ** 2
    total = float(squares.sum())
    return mean, total * largest**2 * n / (n - 1), max(1.0, min(total**2 / float(squares @ squares), n - 1.0)), n
