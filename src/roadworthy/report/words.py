"""What the single numbers mean, for readers who do not know their names."""

from __future__ import annotations

from roadworthy.measures import AUC, EMP, KS, BestCutOff, Brier, Difference, Gini, HMeasure, LogLoss, Measure
from roadworthy.report.format import compact_money, decimal, interval, percent

__all__ = ["best_in_words", "explain"]


def explain(measure: Measure) -> str:
    """One line of plain words; empty for a measure this room has no words for.

    >>> from roadworthy.measures import auc
    >>> explain(auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]))
    'of 100 pairs of a bad and a good, the bad has the higher PD in 75; by chance in 50'
    """
    match measure:
        case AUC():
            pairs = f"{100 * measure.value:.0f}"
            return f"of 100 pairs of a bad and a good, the bad has the higher PD in {pairs}; by chance in 50"
        case Gini():
            return "twice the AUC less one: 0 by chance, 1 if perfect"
        case KS():
            return f"widest gap between bads and goods declined, at a PD of {percent(measure.at)}; 0 by chance"
        case Brier():
            return f"mean squared error of the PD; {decimal(measure.at_base_rate)} by saying the average to everyone"
        case LogLoss():
            return "mean surprise at the outcome: 0 if perfect, infinite after one certain mistake"
        case HMeasure():
            return "gain over not ranking at all, errors weighed by cost: 0 by chance, 1 if perfect"
        case EMP():
            return f"expected gain per unit lent over approving all, declining {percent(measure.fraction)}"
        case _:
            return ""


def best_in_words(best: BestCutOff) -> str:
    """What the most profitable cut-off earns, and whether that is more than chance."""
    profit = compact_money(best.profit, best.currency)
    if best.approved == 0.0:
        return "No cut-off earns anything here: declining all is best."
    if best.difference_from_all.value == 0.0:
        said = f"No cut-off beats approving all, with a profit of {profit}."
    else:
        more = _more(best, best.difference_from_all, "approving all")
        said = (
            f"The most profitable cut-off declines from a PD of {percent(best.cut_off)}: it approves "
            f"{percent(best.approval_rate)} and has a profit of {profit}, {more}"
        )
    if best.difference_from_in_force is not None and best.in_force is not None:
        policy = f"the policy's cut-off of {percent(best.in_force)}"
        said += f" That is {_more(best, best.difference_from_in_force, policy)}"
    return said


def _more(best: BestCutOff, difference: Difference, what: str) -> str:
    if difference.value == 0.0:
        return f"no more than {what}."
    low, high = (compact_money(bound, best.currency) for bound in (difference.low, difference.high))
    said = (
        f"{compact_money(difference.value, best.currency)} more than {what} "
        f"({best.confidence:.0%} interval {interval(low, high)})"
    )
    return f"{said}." if difference.certain else f"{said}: not enough evidence yet that it is better."
