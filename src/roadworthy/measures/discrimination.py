"""Does the model put the bads above the goods: KS, AUC, Gini and average precision, exact with ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.measures.checks import Outcomes, check_outcomes
from roadworthy.measures.delong import contributions, variance
from roadworthy.measures.gains import gains_table
from roadworthy.measures.intervals import check_confidence, mean_variance, normal_interval, percentiles
from roadworthy.measures.rank_bootstrap import deviations
from roadworthy.measures.ranking import Ranking, rank
from roadworthy.measures.results import Floats, Interval, Measure

__all__ = ["AUC", "KS", "AveragePrecision", "DecileKS", "Gini", "auc", "average_precision", "decile_ks", "gini", "ks"]


@dataclass(frozen=True, kw_only=True, repr=False)
class KS(Measure):
    """The distance, the PD from which declining reaches it, and the rows that share their PD with another."""

    name: ClassVar[str] = "KS"
    at: float
    tied_rows: int


@dataclass(frozen=True, kw_only=True, repr=False)
class AUC(Measure):
    """The area, and the rows that share their PD with another."""

    name: ClassVar[str] = "AUC"
    tied_rows: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Gini(Measure):
    """Twice the area less one, and the rows that share their PD with another."""

    name: ClassVar[str] = "Gini"
    tied_rows: int


@dataclass(frozen=True, kw_only=True, repr=False)
class DecileKS(Measure):
    """The largest of the gains table's distances, the bucket it is at, and how many buckets there are."""

    name: ClassVar[str] = "decile KS"
    bucket: int
    buckets: int


@dataclass(frozen=True, kw_only=True, repr=False)
class AveragePrecision(Measure):
    """The average, beside the base rate that a model without skill has, and the rows that share their PD."""

    name: ClassVar[str] = "average precision"
    base_rate: float
    tied_rows: int


def ks(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    confidence: float | None = None,
    seed: int = 0,
) -> KS:
    """The largest distance between the distributions of PD of bads and goods, over every distinct PD.

    `bad` (n,) holds 0 and 1, with both present; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. The value lies
    in 0..1 and does not say which side is the riskier: a model the wrong way round has a KS too. With a `confidence`,
    the interval is normal, with the spread of the two shares at that PD, and centred lower by what a bootstrap of
    goods and bads apart, fixed by `seed`, says a sample overstates it by. Raises MeasureError.

    KS = max over t of |P(PD >= t | bad) - P(PD >= t | good)|. Smirnov, N. (1948), Table for estimating the goodness of
    fit of empirical distributions, Annals of Mathematical Statistics 19(2). doi:10.1214/aoms/1177730256

    >>> ks([0, 0, 1, 0, 1, 1], [.1, .2, .3, .4, .8, .9])
    KS 0.666667 (at=0.8, tied_rows=0)
    """
    outcomes = check_outcomes(bad, pd, weights, both_classes="KS")
    ranking = rank(outcomes)
    return KS(
        value=ranking.ks,
        interval=_ks_interval(ranking, outcomes, confidence, seed),
        at=ranking.ks_at,
        tied_rows=ranking.tied_rows,
    )


def decile_ks(bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, buckets: int = 10) -> DecileKS:
    """The KS as gains tables print it: looked for at the ends of ten (or `buckets`) buckets only.

    Arguments and errors as for `gains_table`. It is at most the exact `ks`, often well below it, and depends on the
    buckets; it is here to compare with reports that have it.

    >>> decile_ks([1, 1, 0, 1, 0, 0, 0, 0], [.9, .8, .7, .6, .5, .4, .3, .2], buckets=4)
    decile KS 0.8 (bucket=2, buckets=4)
    """
    table = gains_table(bad, pd, weights=weights, buckets=buckets)
    distance = np.abs(table.ks)
    widest = int(distance.argmax())
    return DecileKS(value=float(distance[widest]), bucket=int(table.bucket[widest]), buckets=len(table))


def auc(bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, confidence: float | None = None) -> AUC:
    """The chance that a bad has a higher PD than a good; equal PDs count half.

    `bad` (n,) holds 0 and 1, with both present; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. The value lies
    in 0..1; 0.5 is chance. With a `confidence`, the interval is DeLong's (1988), doi:10.2307/2531595; NaN where one
    class has one row, or the ranking is perfect. Raises MeasureError.

    Hanley, J. A. and McNeil, B. J. (1982), The meaning and use of the area under a receiver operating characteristic
    (ROC) curve, Radiology 143(1). doi:10.1148/radiology.143.1.7063747

    >>> auc([0, 0, 1, 1], [.1, .4, .4, .8])
    AUC 0.875 (tied_rows=2)
    >>> auc([0, 0, 1, 1, 0, 1], [.1, .5, .4, .8, .3, .9], confidence=0.9)
    AUC 0.888889 (90% 0.630425 to 1, tied_rows=0)
    """
    ranking, area, interval = _area(bad, pd, weights, "AUC", confidence)
    return AUC(value=area, interval=interval, tied_rows=ranking.tied_rows)


def gini(bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None, confidence: float | None = None) -> Gini:
    """Gini = 2 AUC - 1, also called the accuracy ratio or Somers' D. Arguments and errors as for `auc`.

    The value lies in -1..1; 0 is chance. Engelmann, Hayden and Tasche (2003), Testing rating accuracy, Risk 16.

    >>> gini([0, 0, 1, 1], [.1, .4, .4, .8])
    Gini 0.75 (tied_rows=2)
    """
    ranking, area, interval = _area(bad, pd, weights, "Gini", confidence)
    if interval is not None:
        low, high = 2.0 * interval.low - 1.0, 2.0 * interval.high - 1.0
        interval = Interval(low=low, high=high, confidence=interval.confidence, method=interval.method)
    return Gini(value=2.0 * area - 1.0, interval=interval, tied_rows=ranking.tied_rows)


def average_precision(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    confidence: float | None = None,
    seed: int = 0,
) -> AveragePrecision:
    """The mean, over the bads, of the bad rate among all applications whose PD is at least as high.

    AP = sum over distinct PDs, from the highest down, of (recall gained) x precision. Arguments and errors as for `ks`.
    The value lies in 0..1; `base_rate` is what a model without skill has in a large sample. With a `confidence`, the
    interval is that of a bootstrap of the rows. No straight lines are drawn between points of the curve, which would
    flatter: Davis, J. and Goadrich, M. (2006), The relationship between Precision-Recall and ROC curves, ICML 23.
    doi:10.1145/1143844.1143874

    >>> average_precision([0, 0, 1, 1], [.1, .4, .35, .8])
    average precision 0.833333 (base_rate=0.5, tied_rows=0)
    """
    outcomes = check_outcomes(bad, pd, weights, both_classes="average precision")
    ranking = rank(outcomes)
    return AveragePrecision(
        value=ranking.average_precision,
        interval=_precision_interval(ranking.average_precision, outcomes, confidence, seed),
        base_rate=ranking.bads / (ranking.bads + ranking.goods),
        tied_rows=ranking.tied_rows,
    )


def _area(
    bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None, name: str, confidence: float | None
) -> tuple[Ranking, float, Interval | None]:
    outcomes = check_outcomes(bad, pd, weights, both_classes=name)
    ranking = rank(outcomes)
    area = ranking.pairs_right / (ranking.goods * ranking.bads)
    if confidence is None:
        return ranking, area, None
    outcomes = outcomes.that_weigh()
    spread = variance(outcomes, contributions(outcomes)[1])
    return ranking, area, normal_interval(area, spread, check_confidence(confidence), "DeLong", most=1.0)


def _ks_interval(ranking: Ranking, outcomes: Outcomes, confidence: float | None, seed: int) -> Interval | None:
    if confidence is None:
        return None
    confidence = check_confidence(confidence)
    outcomes = outcomes.that_weigh()
    declined = (outcomes.pd >= ranking.ks_at).astype(np.float64)
    spread = sum(
        mean_variance(declined[side], outcomes.weights[side] if outcomes.weights.size else outcomes.weights)
        for side in (outcomes.bad, ~outcomes.bad)
    )
    # The largest of many distances is larger in a sample than in the population, about as much as in a resample of it.
    bias = float(deviations(_ks_of_cells, outcomes, seed=seed, stratified=True).mean())
    method = "normal at the PD of the largest distance, less the bootstrap's bias, goods and bads apart"
    return normal_interval(ranking.ks - bias, spread, confidence, method, most=1.0)


def _precision_interval(value: float, outcomes: Outcomes, confidence: float | None, seed: int) -> Interval | None:
    if confidence is None:
        return None
    confidence = check_confidence(confidence)
    # Not stratified: the average moves with the share of bads, which is a matter of chance too.
    apart = deviations(_precision_of_cells, outcomes, seed=seed, stratified=False)
    low, high = (float(bound[0]) for bound in percentiles(apart[:, None], confidence))
    bias = float(apart.mean())
    low, high = (value + low - bias, value + high - bias) if low < high else (np.nan, np.nan)
    return Interval(
        low=float(np.clip(low, 0.0, 1.0)),
        high=float(np.clip(high, 0.0, 1.0)),
        confidence=confidence,
        method="bootstrap, percentiles less bias",
    )


def _ks_of_cells(goods: Floats, bads: Floats) -> Floats:
    goods, bads = np.cumsum(goods, axis=-1), np.cumsum(bads, axis=-1)
    distance: Floats = np.abs(bads / bads[..., -1:] - goods / goods[..., -1:]).max(axis=-1)
    return distance


def _precision_of_cells(goods: Floats, bads: Floats) -> Floats:
    declined_bads = np.cumsum(bads, axis=-1)
    declined = declined_bads + np.cumsum(goods, axis=-1)
    precision = np.divide(declined_bads, declined, out=np.zeros_like(declined), where=declined > 0.0)
    mean: Floats = (precision * bads).sum(axis=-1) / declined_bads[..., -1]
    return mean
