"""Right and wrong at one cut-off, with a plain warning where accuracy flatters (R17)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.measures.checks import check_cut_off, check_outcomes
from roadworthy.measures.results import COUNT, NOT_STATED, SHARE, TEXT, Floats, Table, percent_text

__all__ = ["ClassificationReport", "Confusion", "classification_report", "confusion"]

_FLATTERY = 0.10
"""Accuracy flatters where it exceeds balanced accuracy by more than this."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Confusion:
    """Weight of applications by what the cut-off says and what came: positive is PD >= cut-off, would be declined.

    tp bads declined, fp goods turned away, tn goods approved, fn bads approved. The rates follow from the four; NaN
    where there is nothing to divide by.
    """

    cut_off: float
    tp: float
    fp: float
    tn: float
    fn: float
    count: int
    population: str

    @property
    def accuracy(self) -> float:
        """Share that is right: (tp + tn) / all."""
        return (self.tp + self.tn) / (self.tp + self.fp + self.tn + self.fn)

    @property
    def precision(self) -> float:
        """Share of declines that were bad: tp / (tp + fp)."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of bads that are declined: tp / (tp + fn)."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of goods that are approved: tn / (tn + fp)."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn)."""
        return _ratio(2.0 * self.tp, 2.0 * self.tp + self.fp + self.fn)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of recall and specificity: what accuracy would be with as many bads as goods."""
        return (self.recall + self.specificity) / 2.0

    @property
    def always_good_accuracy(self) -> float:
        """Accuracy of approving everybody: the share of goods."""
        return (self.fp + self.tn) / (self.tp + self.fp + self.tn + self.fn)

    @property
    def flatters(self) -> bool:
        """Whether accuracy exceeds balanced accuracy by more than 10 points, or there is one class only."""
        balanced = self.balanced_accuracy
        return bool(np.isnan(balanced)) or self.accuracy - balanced > _FLATTERY

    @property
    def sentence(self) -> str:
        """Accuracy in plain words, with the warning where it flatters."""
        said = (
            f"Always saying good would be right {percent_text(self.always_good_accuracy)} of the time; "
            f"the model at a cut-off of {self.cut_off:.4g} is right {percent_text(self.accuracy)}."
        )
        if not self.flatters:
            return said
        if np.isnan(self.balanced_accuracy):
            return f"{said} Accuracy says nothing here: all applications are {'good' if self.fp + self.tn else 'bad'}."
        return (
            f"{said} Accuracy flatters here: the model finds {percent_text(self.recall)} of the bads, and with as many "
            f"bads as goods it would be right {percent_text(self.balanced_accuracy)}."
        )

    def __repr__(self) -> str:
        return "\n".join(
            [
                f"Confusion at cut-off {self.cut_off:.4g}: {self.count:,} applications; {self.population}",
                f"{'':>12}  {'bad':>12}  {'good':>12}",
                f"{'declined':>12}  {self.tp:>12,.6g}  {self.fp:>12,.6g}",
                f"{'approved':>12}  {self.fn:>12,.6g}  {self.tn:>12,.6g}",
                self.sentence,
            ]
        )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ClassificationReport(Table):
    """One row for the goods and one for the bads: precision, recall, f1, and the weight of the class as `count`."""

    outcome: NDArray[Any] = field(metadata=TEXT)
    precision: Floats = field(metadata=SHARE)
    recall: Floats = field(metadata=SHARE)
    f1: Floats = field(metadata=SHARE)
    count: Floats = field(metadata=COUNT)
    cut_off: float
    population: str

    @property
    def caption(self) -> str:
        """Cut-off and population."""
        return f"Classification report at cut-off {self.cut_off:.4g}; {self.population}"


def confusion(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    cut_off: float,
    weights: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> Confusion:
    """Count what is right and wrong where PD >= `cut_off` is declined.

    `bad` (n,) holds 0 and 1; `pd` (n,) lies in 0..1; `cut_off` in 0..1; `weights` (n,) are at least 0. One class only
    is allowed: rates over an empty class are NaN. Raises MeasureError.

    Balanced accuracy: Brodersen et al. (2010), ICPR, doi:10.1109/ICPR.2010.764.

    >>> table = confusion([1, 0, 0, 0, 0, 0, 0, 0, 0, 1], [.9, .1, .1, .1, .1, .1, .1, .1, .1, .2], cut_off=0.5)
    >>> table.tp, table.fp, table.tn, table.fn
    (1.0, 0.0, 8.0, 1.0)
    >>> print(table.sentence)
    Always saying good would be right 80.0% of the time; the model at a cut-off of 0.5 is right 90.0%. Accuracy
    flatters here: the model finds 50.0% of the bads, and with as many bads as goods it would be right 75.0%.
    """
    outcomes = check_outcomes(bad, pd, weights)
    cut_off = check_cut_off(cut_off)
    cell = outcomes.bad + 2 * (outcomes.pd >= cut_off)
    tn, fn, fp, tp = np.bincount(cell, weights=outcomes.weights if outcomes.weights.size else None, minlength=4)
    return Confusion(
        cut_off=cut_off,
        tp=float(tp),
        fp=float(fp),
        tn=float(tn),
        fn=float(fn),
        count=len(outcomes),
        population=population,
    )


def classification_report(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    cut_off: float,
    weights: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> ClassificationReport:
    """Precision, recall and f1 of both classes where PD >= `cut_off` is declined.

    Arguments and errors as for `confusion`.

    >>> classification_report([1, 1, 0, 0, 0], [.9, .2, .6, .1, .1], cut_off=0.5)
    Classification report at cut-off 0.5; population not stated
    outcome  precision  recall      f1  count
       good     0.6667  0.6667  0.6667      3
        bad     0.5000  0.5000  0.5000      2
    """
    table = confusion(bad, pd, cut_off=cut_off, weights=weights, population=population)
    return ClassificationReport(
        outcome=np.array(["good", "bad"], dtype=object),
        precision=np.array([_ratio(table.tn, table.tn + table.fn), table.precision]),
        recall=np.array([table.specificity, table.recall]),
        f1=np.array([_ratio(2.0 * table.tn, 2.0 * table.tn + table.fn + table.fp), table.f1]),
        count=np.array([table.tn + table.fp, table.tp + table.fn]),
        cut_off=table.cut_off,
        population=population,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
