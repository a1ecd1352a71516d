"""Does the model put the bads above the goods: KS, AUC and Gini, exact with ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from roadworthy.measures.checks import check_outcomes
from roadworthy.measures.ranking import Ranking, rank
from roadworthy.measures.results import Measure

__all__ = ["AUC", "KS", "Gini", "auc", "gini", "ks"]


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


def ks(bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None) -> KS:
    """The largest distance between the distributions of PD of bads and goods, over every distinct PD.

    `bad` (n,) holds 0 and 1, with both present; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. The value lies
    in 0..1 and does not say which side is the riskier: a model the wrong way round has a KS too. Raises MeasureError.

    KS = max over t of |P(PD >= t | bad) - P(PD >= t | good)|. Smirnov, N. (1948), Table for estimating the goodness of
    fit of empirical distributions, Annals of Mathematical Statistics 19(2). doi:10.1214/aoms/1177730256

    >>> ks([0, 0, 1, 0, 1, 1], [.1, .2, .3, .4, .8, .9])
    KS 0.666667 (at=0.8, tied_rows=0)
    """
    ranking = _rank(bad, pd, weights, "KS")
    return KS(value=ranking.ks, at=ranking.ks_at, tied_rows=ranking.tied_rows)


def auc(bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None) -> AUC:
    """The chance that a bad has a higher PD than a good; equal PDs count half.

    Arguments and errors as for `ks`. The value lies in 0..1; 0.5 is chance.

    Hanley, J. A. and McNeil, B. J. (1982), The meaning and use of the area under a receiver operating characteristic
    (ROC) curve, Radiology 143(1). doi:10.1148/radiology.143.1.7063747

    >>> auc([0, 0, 1, 1], [.1, .4, .4, .8])
    AUC 0.875 (tied_rows=2)
    """
    ranking = _rank(bad, pd, weights, "AUC")
    return AUC(value=_area(ranking), tied_rows=ranking.tied_rows)


def gini(bad: ArrayLike, pd: ArrayLike, *, weights: ArrayLike | None = None) -> Gini:
    """Gini = 2 AUC - 1, also called the accuracy ratio or Somers' D. Arguments and errors as for `ks`.

    The value lies in -1..1; 0 is chance. Engelmann, Hayden and Tasche (2003), Testing rating accuracy, Risk 16.

    >>> gini([0, 0, 1, 1], [.1, .4, .4, .8])
    Gini 0.75 (tied_rows=2)
    """
    ranking = _rank(bad, pd, weights, "Gini")
    return Gini(value=2.0 * _area(ranking) - 1.0, tied_rows=ranking.tied_rows)


def _rank(bad: ArrayLike, pd: ArrayLike, weights: ArrayLike | None, name: str) -> Ranking:
    return rank(check_outcomes(bad, pd, weights, both_classes=name))


def _area(ranking: Ranking) -> float:
    return ranking.pairs_right / (ranking.goods * ranking.bads)
