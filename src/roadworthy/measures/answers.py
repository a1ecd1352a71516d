"""What a policy's answers were worth, where every outcome is known: approved, referred and declined apart (R18).

What people would have answered to the referred is not known, so the profit is bounded: at worst they approve exactly
those that lose money, at best exactly those that earn it. Each look costs `review` either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_outcomes
from roadworthy.measures.economics import Priced
from roadworthy.measures.results import (
    COUNT,
    MONEY,
    NOT_STATED,
    SHARE,
    TEXT,
    Floats,
    Table,
    money_text,
    percent_text,
)

__all__ = ["AnswerTable", "answer_table"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class AnswerTable(Table):
    """One row for approve, refer and decline. Counts are weight; money is in `currency`.

    applications, share         weight with that answer, and as a share of all
    bads, bad_rate              of them, how many went bad; NaN where nobody got the answer
    profit_if_approved          profit had all of them been approved, review not counted; None without money
    profit_low, profit_high     bounds of the policy's profit over what people may answer to the referred; None without
    """

    answer: NDArray[Any] = field(metadata=TEXT)
    applications: Floats = field(metadata=COUNT)
    share: Floats = field(metadata=SHARE)
    bads: Floats = field(metadata=COUNT)
    bad_rate: Floats = field(metadata=SHARE)
    profit_if_approved: Floats | None = field(default=None, metadata=MONEY)
    profit_low: float | None
    profit_high: float | None
    currency: str | None
    count: int
    population: str

    @property
    def caption(self) -> str:
        """Size and population."""
        return f"The policy's answers: {self.count:,} applications; {self.population}"

    @property
    def sentence(self) -> str:
        """The answers, and what they were worth, in plain words."""
        approved, referred, declined = (percent_text(share) for share in self.share)
        said = f"The policy, rules included, approves {approved}, refers {referred} and declines {declined}."
        if self.applications[0] > 0:
            said += f" Of the approved, {percent_text(self.bad_rate[0])} went bad."
        if self.applications[2] > 0:
            said += f" Of the declined, {percent_text(self.bad_rate[2])} did; the others were good and turned away."
        if self.profit_low is None or self.profit_high is None or self.currency is None:
            return said
        low, high = (money_text(amount, self.currency) for amount in (self.profit_low, self.profit_high))
        if self.applications[1] == 0:
            return f"{said} Its profit is {low}."
        return f"{said} Its profit lies between {low} and {high}, by what people answer to the referred."


def answer_table(
    bad: ArrayLike,
    answer: ArrayLike,
    *,
    words: Sequence[str] = ("approve", "refer", "decline"),
    priced: Priced | None = None,
    weights: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> AnswerTable:
    """Count outcomes by answer, and bound the profit.

    `bad` (n,) holds 0 and 1; `answer` (n,) holds positions in `words`: 0 approve, 1 refer, 2 decline; `weights` (n,)
    are at least 0; `priced` prices the same n applications. Raises MeasureError.

    >>> from roadworthy.measures import Economics
    >>> economics = Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=10)
    >>> table = answer_table([0, 1, 0, 1, 1], [0, 0, 1, 1, 2], priced=economics.price({}, 5))
    >>> table.profit_if_approved.tolist(), table.profit_low, table.profit_high
    ([-400.0, -400.0, -500.0], -920.0, -320.0)
    >>> print(table.sentence)
    The policy, rules included, approves 40.0%, refers 40.0% and declines 20.0%. Of the approved, 50.0% went bad. Of
    the declined, 100.0% did; the others were good and turned away. Its profit lies between -EUR 920 and
    -EUR 320, by what people answer to the referred.
    """
    outcomes = check_outcomes(bad, np.zeros(np.shape(np.asarray(bad))), weights)
    codes = np.asarray(answer)
    if codes.shape != outcomes.bad.shape or not np.isin(codes, (0, 1, 2)).all():
        raise MeasureError("answer holds, for each application, 0 (approve), 1 (refer) or 2 (decline)")
    if priced is not None and len(priced) != len(codes):
        raise MeasureError(f"priced is of {len(priced):,} applications and bad of {len(codes):,}")
    weight = outcomes.weights if outcomes.weights.size else np.ones(len(codes))
    codes = codes.astype(np.int64)

    def total(amounts: Floats) -> Floats:
        return np.bincount(codes, weights=weight * amounts, minlength=3).astype(np.float64)

    applications = total(np.ones(len(codes)))
    bads = total(outcomes.bad.astype(np.float64))
    profit: Floats | None = None
    low = high = None
    if priced is not None:
        each = priced.profit(outcomes.bad)
        profit = total(each)
        review = total(np.asarray(priced.review))[1]
        low = float(profit[0] + total(np.minimum(each, 0.0))[1] - review)
        high = float(profit[0] + total(np.maximum(each, 0.0))[1] - review)
    with np.errstate(invalid="ignore"):  # a rate of nobody is NaN
        bad_rate = bads / applications
    return AnswerTable(
        answer=np.array(words, dtype=object),
        applications=applications,
        share=applications / applications.sum(),
        bads=bads,
        bad_rate=bad_rate,
        profit_if_approved=profit,
        profit_low=low,
        profit_high=high,
        currency=None if priced is None else priced.economics.currency,
        count=len(codes),
        population=population,
    )
