"""How a model does before outcomes are known, as far as its own PDs can tell (confidence-based estimation, CBPE).

If every PD is right, the number of bads among any applications is known but for luck, and with it AUC, confusion matrix
and money. What is estimated is therefore what would be seen if the PDs were right, and nothing here can show that they
are not: where the world changed in a way the model does not see, the estimate stays calm and wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from roadworthy.kernels import njit
from roadworthy.measures.checks import Outcomes, check_cut_off, check_outcomes, frozen
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.intervals import check_confidence
from roadworthy.measures.money import check_priced, refuse_more_bads
from roadworthy.measures.results import NOT_STATED, Floats, money_text, percent_text

__all__ = ["Estimate", "EstimatedPerformance", "estimated_performance"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What to expect, and where what is later seen on these very rows would fall, if the PDs are right."""

    value: float
    low: float
    high: float

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True, kw_only=True, repr=False)
class EstimatedPerformance:
    """Expectations under the PDs themselves. Counts are weight; money is in `currency`.

    bad_rate, auc, brier       of all applications; AUC is NaN where it cannot be told (a single row, or PDs all 0 or 1)
    tp, fp, tn, fn             as in `Confusion`: tp bads declined, fp goods turned away; None without a cut-off
    accuracy, precision, recall, specificity
    profit                     of what is approved, all without a cut-off; None without economics
    """

    assumes: ClassVar[tuple[str, ...]] = (
        "each PD is right: of applications with a PD of 10%, one in ten goes bad, in this population too",
        "no concept drift: what made applicants go bad still does, as the model learned it",
        "outcomes come independently of each other; a recession breaks that, and the intervals are then too narrow",
    )
    bad_rate: Estimate
    auc: Estimate
    brier: Estimate
    tp: Estimate | None
    fp: Estimate | None
    tn: Estimate | None
    fn: Estimate | None
    accuracy: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    specificity: Estimate | None
    profit: Estimate | None
    cut_off: float | None
    count: int
    confidence: float
    currency: str | None
    economics: Economics | None
    population: str

    @property
    def sentence(self) -> str:
        """The estimate in words, with what it rests on."""
        area = f"the AUC is {self.auc.value:.3f} ({self.auc.low:.3f} to {self.auc.high:.3f})"
        if np.isnan(self.auc.value):
            area = "the AUC cannot be told"
        said = f"If the PDs are right, {percent_text(self.bad_rate.value)} go bad and {area}"
        if self.profit is not None and self.currency is not None:
            money, low, high = (
                money_text(each, self.currency) for each in (self.profit.value, self.profit.low, self.profit.high)
            )
            said += f"; the profit is {money} ({low} to {high})"
        return f"{said}. Estimated without outcomes: concept drift would not show ({self.population})."

    def __repr__(self) -> str:
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        rows = [
            f"{name:>12}  {each.value:>14,.6g}  {each.low:>14,.6g}  {each.high:>14,.6g}"
            for name, each in named.items()
            if isinstance(each, Estimate)
        ]
        head = f"Estimated performance of {self.count:,} applications without outcomes, {self.confidence:.0%}"
        return "\n".join([f"{head}; {self.population}", *rows, self.sentence])


def estimated_performance(
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    cut_off: float | None = None,
    economics: Economics | Priced | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
    confidence: float = 0.95,
    population: str = NOT_STATED,
) -> EstimatedPerformance:
    """Estimate bad rate, AUC, Brier score, confusion matrix and profit from calibrated PDs alone.

    `pd` (n,) lies in 0..1 and must be calibrated: check with `calibration_slope` on the last matured applications, and
    move the PDs with its `recalibrate` where they are not. `weights` (n,) are at least 0. PD >= `cut_off` is declined.
    `economics` prices each application, reading `columns`, or is already priced. Raises MeasureError.

    A row is bad with probability p and good with 1 - p, so tp = sum of p over the declined, profit = sum of
    p if_bad + (1 - p) if_good over the approved, a bad counting `lifetime_factor` bads as in `cut_off_table`. AUC = sum
    over pairs i, j of p_i (1 - p_j) [PD_i > PD_j, ties half] / sum over pairs of p_i (1 - p_j): a row is no pair with
    itself. The intervals are normal, from the variance p (1 - p) of each outcome, linearised for ratios, and counts
    stay within what can be counted: what outcomes would have to be to contradict the PDs.

    Confidence-based performance estimation: NannyML's documentation, How it works / Performance estimation; Białek, J.,
    Kuberski, W., Perrakis, N. and Bifet, A. (2024), Estimating model performance under covariate shift without labels,
    arXiv:2401.08348. There each row is also a pair with itself, which differs by about 1 / n.

    >>> found = estimated_performance([.1, .2, .6, .9], cut_off=0.5)
    >>> round(found.tp.value, 3), round(found.fp.value, 3), round(found.bad_rate.value, 3)
    (1.5, 0.5, 0.45)
    >>> print(found.sentence)
    If the PDs are right, 45.0% go bad and the AUC is 0.914 (0.600 to 1.000). Estimated without outcomes: concept drift
    would not show (population not stated).
    """
    given = check_outcomes(np.zeros(np.shape(np.asarray(pd))), pd, weights)
    confidence = check_confidence(confidence)
    priced = None if economics is None else check_priced(economics, columns, len(given))
    odds = _Odds(given, confidence)
    p, q = given.pd, 1.0 - given.pd
    parts: dict[str, Estimate | None] = dict.fromkeys(
        ("tp", "fp", "tn", "fn", "accuracy", "precision", "recall", "specificity")
    )
    everyone: NDArray[np.bool_] = np.ones(len(p), dtype=bool)
    approved = everyone
    if cut_off is not None:
        cut_off = check_cut_off(cut_off)
        approved = p < cut_off
        kept, turned_away = approved.astype(np.float64), (~approved).astype(np.float64)
        parts = {
            "tp": odds.count(turned_away, 0.0),
            "fp": odds.count(0.0, turned_away),
            "tn": odds.count(0.0, kept),
            "fn": odds.count(kept, 0.0),
            "accuracy": odds.ratio(turned_away, kept, 1.0, 1.0),
            "precision": odds.ratio(turned_away, 0.0, turned_away, turned_away),
            "recall": odds.ratio(turned_away, 0.0, 1.0, 0.0),
            "specificity": odds.ratio(0.0, kept, 0.0, 1.0),
        }
    profit = None
    if priced is not None:
        refuse_more_bads(priced, float(given.weighted(p).sum()), given.total)
        profit = odds.sum(*(approved * priced.profit(each) for each in (everyone, ~everyone)))
    return EstimatedPerformance(
        bad_rate=odds.ratio(1.0, 0.0, 1.0, 1.0),
        auc=odds.area(),
        brier=odds.ratio(q * q, p * p, 1.0, 1.0),
        **parts,
        profit=profit,
        cut_off=cut_off,
        count=len(p),
        confidence=confidence,
        currency=None if priced is None else priced.economics.currency,
        economics=None if priced is None else priced.economics,
        population=population,
    )


class _Odds:
    """Expectation and spread of sums and ratios over rows that are bad with probability `pd`."""

    def __init__(self, given: Outcomes, confidence: float) -> None:
        self._given = given
        self._z = float(ndtri(0.5 + confidence / 2.0))
        # Scaled by the largest, so that squares of weights stay within float64.
        self._scale = float(given.weights.max()) if given.weights.size else 1.0
        self._heavy = given.weights / self._scale if given.weights.size else np.ones(1)
        self._spread = given.pd * (1.0 - given.pd) * self._heavy**2

    def sum(self, if_bad: Floats, if_good: Floats) -> Estimate:
        return self._estimate(*self._summed(if_bad, if_good))

    def count(self, if_bad: Floats | float, if_good: Floats | float) -> Estimate:
        """A sum of those among some rows that turn out one way: neither below none of them nor above all."""
        most = float((self._heavy * np.maximum(if_bad, if_good)).sum()) * self._scale
        return self._estimate(*self._summed(if_bad, if_good), least=0.0, most=most)

    def _summed(self, if_bad: Floats | float, if_good: Floats | float) -> tuple[float, float]:
        """The sum expected, and its standard deviation."""
        error = float(np.sqrt((self._spread * (if_bad - if_good) ** 2).sum()))
        return self._expected(if_bad, if_good) * self._scale, error * self._scale

    def ratio(
        self, if_bad: Floats | float, if_good: Floats | float, per_bad: Floats | float, per_good: Floats | float
    ) -> Estimate:
        """A sum over a sum, both between 0 and 1 together; NaN over nothing."""
        over = self._expected(per_bad, per_good)
        if not over > 0.0:
            return Estimate(value=float("nan"), low=float("nan"), high=float("nan"))
        value = self._expected(if_bad, if_good) / over
        moved = (if_bad - if_good) - value * (np.asarray(per_bad) - per_good)
        return self._estimate(value, float(np.sqrt((self._spread * moved**2).sum())) / over, least=0.0, most=1.0)

    def area(self) -> Estimate:
        given = self._given
        p = given.pd
        heavy = frozen(np.broadcast_to(self._heavy, p.shape))
        better, worse = _pairs(np.argsort(p), p, heavy)
        q = 1.0 - p
        bads, goods = float((heavy * p).sum()), float((heavy * q).sum())
        pairs = bads * goods - float((heavy * heavy * p * q).sum())  # a row is no pair with itself
        if not pairs > 1e-12 * bads * goods:
            return Estimate(value=float("nan"), low=float("nan"), high=float("nan"))
        # `better` is the weight of goods expected below a row, `worse` of bads expected above it.
        value = float((heavy * p * better).sum()) / pairs
        moved = (better - worse) / pairs - value * ((goods - heavy * q) - (bads - heavy * p)) / pairs
        return self._estimate(value, float(np.sqrt((self._spread * moved**2).sum())), least=0.0, most=1.0)

    def _expected(self, if_bad: Floats | float, if_good: Floats | float) -> float:
        p = self._given.pd
        return float((self._heavy * (p * if_bad + (1.0 - p) * if_good)).sum())

    def _estimate(self, value: float, error: float, *, least: float = -np.inf, most: float = np.inf) -> Estimate:
        low, high = (float(np.clip(value + side * self._z * error, least, most)) for side in (-1.0, 1.0))
        return Estimate(value=value, low=low, high=high)


@njit(cache=True, nogil=True)  # pragma: no cover - compiled, so coverage cannot see it
def _pairs(order: NDArray[np.intp], pd: Floats, heavy: Floats) -> Any:
    """For each row the weight of goods expected below it, and of bads expected above it; ties half, itself none."""
    n = len(order)
    better = np.empty(n)
    worse = np.empty(n)
    all_bads = 0.0
    for row in range(n):
        all_bads += heavy[row] * pd[row]
    goods = 0.0
    bads = 0.0
    start = 0
    while start < n:
        value = pd[order[start]]
        group = 0.0
        end = start
        while end < n and pd[order[end]] == value:
            group += heavy[order[end]]
            end += 1
        for position in range(start, end):
            row = order[position]
            others = 0.5 * (group - heavy[row])
            better[row] = goods + others * (1.0 - value)
            worse[row] = all_bads - bads - group * value + others * value
        goods += group * (1.0 - value)
        bads += group * value
        start = end
    return better, worse
