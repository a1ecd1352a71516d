"""What a comparison comes to: a difference with its interval, an answer, and the sample that would settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import is_number
from roadworthy.measures.intervals import check_confidence
from roadworthy.measures.results import money_text

__all__ = ["Comparison", "Verdict", "conclude"]

Verdict = Literal["better", "worse", "not enough evidence yet"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison:
    """Challenger less champion, in `measure`'s own unit, with a paired interval.

    champion, challenger  the measure of each; None where only the difference is known
    value, low, high      the difference and its interval; NaN where the rows cannot tell
    p_value               chance of a difference this large, either way, if there were none
    verdict               of the challenger; "better" and "worse" only where the interval leaves zero out
    rows_needed           applications like these that would settle a true difference of `smallest` (without it, of the
                          size seen) with probability `power`; None where no number would
    """

    measure: str
    champion: float | None
    challenger: float | None
    value: float
    low: float
    high: float
    p_value: float
    higher_is_better: bool
    rows: int
    rows_needed: int | None
    confidence: float
    power: float
    smallest: float | None
    currency: str | None
    population: str

    def __float__(self) -> float:
        return self.value

    @property
    def verdict(self) -> Verdict:
        """Better, worse, or not enough evidence yet."""
        if self.low > 0.0:
            return "better" if self.higher_is_better else "worse"
        if self.high < 0.0:
            return "worse" if self.higher_is_better else "better"
        return "not enough evidence yet"

    @property
    def sentence(self) -> str:
        """The answer in words."""
        amount, low, high = (self._text(each) for each in (self.value, self.low, self.high))
        said = f"Difference in {self.measure} {amount} ({self.confidence:.0%} interval {low} to {high})"
        if math.isnan(self.low):
            said = f"Difference in {self.measure} {amount} (its interval cannot be known from these rows)"
        if self.verdict != "not enough evidence yet":
            return f"{said}: the challenger is {self.verdict} ({self.population})."
        if self.rows_needed is None:
            return f"{said}: not enough evidence yet, and no number of such rows would settle it ({self.population})."
        size = "this size" if self.smallest is None else f"{self._text(self.smallest)}"
        return (
            f"{said}: not enough evidence yet. About {self.rows_needed:,} applications like these would settle a "
            f"difference of {size}, with a chance of {self.power:.0%}; here are {self.rows:,} ({self.population})."
        )

    def __repr__(self) -> str:
        return f"{self.measure} of challenger less champion: {self.value:.6g}, {self.verdict}\n{self.sentence}"

    def _text(self, amount: float) -> str:
        return f"{amount:.4g}" if self.currency is None or math.isnan(amount) else money_text(amount, self.currency)


def conclude(
    value: float,
    spread: float,
    freedom: float,
    rows: int,
    *,
    measure: str,
    champion: float,
    challenger: float,
    higher_is_better: bool,
    confidence: float,
    power: float,
    smallest: float | None,
    population: str,
    currency: str | None = None,
) -> Comparison:
    """Judge the difference `value`, of variance `spread` over `rows`; `freedom` is infinite for a normal interval."""
    confidence = check_confidence(confidence)
    if not (is_number(power) and 0.0 < power < 1.0):
        raise MeasureError(f"power lies between 0 and 1, not {power!r}", mend="power=0.8")
    if smallest is not None and not (is_number(smallest) and smallest > 0.0):
        raise MeasureError(f"smallest is a difference above 0, not {smallest!r}", mend="smallest=0.01")
    low = high = p_value = math.nan
    needed: int | None = None
    if spread > 0.0:
        error = math.sqrt(spread)
        if math.isinf(freedom):
            reach, p_value = float(ndtri(0.5 + confidence / 2.0)), 2.0 * float(ndtr(-abs(value) / error))
        else:
            reach = float(stdtrit(freedom, 0.5 + confidence / 2.0))
            p_value = 2.0 * float(stdtr(freedom, -abs(value) / error))
        low, high = value - reach * error, value + reach * error
        looked_for = abs(value) if smallest is None else smallest
        rooted = (float(ndtri(0.5 + confidence / 2.0)) + float(ndtri(power))) * error
        if looked_for > 0.0 and rooted / looked_for < 1e6:
            needed = math.ceil(rows * (rooted / looked_for) ** 2)
    return Comparison(
        measure=measure,
        champion=champion,
        challenger=challenger,
        value=value,
        low=low,
        high=high,
        p_value=p_value,
        higher_is_better=higher_is_better,
        rows=rows,
        rows_needed=needed,
        confidence=confidence,
        power=power,
        smallest=smallest,
        currency=currency,
        population=population,
    )
