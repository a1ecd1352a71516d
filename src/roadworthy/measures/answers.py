"""What a policy's answers were worth: approved, referred and declined apart (R18).

What people would have answered to the referred is not known, so the profit is bounded: at worst they approve exactly
those that lose money, at best exactly those that earn it. Each look costs `review` either way. Outcomes that nobody
knows widen the bounds: each counts once as good and once as bad.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.money import check_priced
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
from roadworthy.measures.unknown import bound_profit, check_partly_known

__all__ = ["AnswerTable", "answer_table"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class AnswerTable(Table):
    """One row for approve, refer and decline. Counts are weight; money is in `currency`.

    applications, share         weight with that answer, and as a share of all
    bads, bad_rate              of them, those known to have gone bad; the rate is NaN where nobody got the answer, or
                                an outcome is unknown
    unknown                     of them, those whose outcome nobody knows; None where all are known
    bad_rate_low, bad_rate_high    if all the unknown were good, and if all were bad; None where all are known
    profit_if_approved          profit had all of them been approved, review not counted; NaN where an outcome is
                                unknown, None without money
    profit_low, profit_high     bounds of the policy's profit over what people may answer to the referred, and over the
                                unknown outcomes; None without money
    """

    answer: NDArray[Any] = field(metadata=TEXT)
    applications: Floats = field(metadata=COUNT)
    share: Floats = field(metadata=SHARE)
    bads: Floats = field(metadata=COUNT)
    bad_rate: Floats = field(metadata=SHARE)
    unknown: Floats | None = field(default=None, metadata=COUNT)
    bad_rate_low: Floats | None = field(default=None, metadata=SHARE)
    bad_rate_high: Floats | None = field(default=None, metadata=SHARE)
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
            said += f" Of the approved, {self._went_bad(0)} went bad."
        if self.applications[2] > 0:
            said += f" Of the declined, {self._went_bad(2)} did; the others were good and turned away."
        if self.profit_low is None or self.profit_high is None or self.currency is None:
            return said
        low, high = (money_text(amount, self.currency) for amount in (self.profit_low, self.profit_high))
        if self.profit_low == self.profit_high and self.applications[1] == 0:
            return f"{said} Its profit is {low}."
        by = ["what people answer to the referred"] if self.applications[1] else []
        by += [] if self.unknown is None else ["what became of those whose outcome is unknown"]
        return f"{said} Its profit lies between {low} and {high}, by {' and '.join(by)}."

    def _went_bad(self, row: int) -> str:
        if self.unknown is None or self.bad_rate_low is None or self.bad_rate_high is None or not self.unknown[row]:
            return percent_text(self.bad_rate[row])
        return f"between {percent_text(self.bad_rate_low[row])} and {percent_text(self.bad_rate_high[row])}"


def answer_table(
    bad: ArrayLike,
    answer: ArrayLike,
    *,
    words: Sequence[str] = ("approve", "refer", "decline"),
    economics: Economics | Priced | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
    priced: Priced | None = None,
    weights: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> AnswerTable:
    """Count outcomes by answer, and bound the profit.

    `bad` (n,) holds 0, 1, and NaN or None where nobody knows; `answer` (n,) holds positions in `words`: 0 approve, 1
    refer, 2 decline; `weights` (n,) are at least 0. Money comes from `economics`, with `columns` for what its terms
    read, or from `priced`, which is the same already priced; without either no money is shown. Raises MeasureError.

    >>> from roadworthy.measures import Economics
    >>> economics = Economics(revenue=100, funding=0, ead=1000, lgd=0.5, review=10)
    >>> table = answer_table([0, 1, 0, 1, 1], [0, 0, 1, 1, 2], economics=economics)
    >>> table.profit_if_approved.tolist(), table.profit_low, table.profit_high
    ([-400.0, -400.0, -500.0], -920.0, -320.0)
    >>> print(table.sentence)
    The policy, rules included, approves 40.0%, refers 40.0% and declines 20.0%. Of the approved, 50.0% went bad. Of
    the declined, 100.0% did; the others were good and turned away. Its profit lies between -EUR 920 and
    -EUR 320, by what people answer to the referred.
    """
    partly_known = check_partly_known(bad, np.zeros(np.size(np.asarray(bad))), weights)
    outcomes, known = partly_known.outcomes, partly_known.known
    codes = np.asarray(answer)
    if codes.shape != outcomes.bad.shape or not np.isin(codes, (0, 1, 2)).all():
        raise MeasureError("answer holds, for each application, 0 (approve), 1 (refer) or 2 (decline)")
    if priced is not None and economics is not None:
        raise MeasureError("economics and priced both state the money", mend="keep one: terms, or priced already")
    stated = economics if priced is None else priced
    money = None if stated is None else check_priced(stated, columns, len(codes))
    weight = outcomes.weights if outcomes.weights.size else np.ones(len(codes))
    codes = codes.astype(np.int64)

    def total(amounts: Floats) -> Floats:
        return np.bincount(codes, weights=weight * amounts, minlength=3).astype(np.float64)

    applications = total(np.ones(len(codes)))
    bads = total(outcomes.bad.astype(np.float64))
    unknown = total((~known).astype(np.float64))
    profit: Floats | None = None
    low = high = None
    if money is not None:
        bounds = bound_profit(partly_known, money)
        profit = np.where(unknown > 0.0, np.nan, total(bounds.best))
        review = total(np.asarray(money.review))[1]
        low = float(total(bounds.worst)[0] + total(np.minimum(bounds.worst, 0.0))[1] - review)
        high = float(total(bounds.best)[0] + total(np.maximum(bounds.best, 0.0))[1] - review)
    bounded: dict[str, Floats] = {}
    with np.errstate(invalid="ignore"):  # a rate of nobody is NaN
        bad_rate = np.where(unknown > 0.0, np.nan, bads / applications)
        if not known.all():
            low_rate, high_rate = bads / applications, (bads + unknown) / applications
            bounded = {"unknown": unknown, "bad_rate_low": low_rate, "bad_rate_high": high_rate}
    return AnswerTable(
        answer=np.array(words, dtype=object),
        applications=applications,
        share=applications / applications.sum(),
        bads=bads,
        bad_rate=bad_rate,
        **bounded,
        profit_if_approved=profit,
        profit_low=low,
        profit_high=high,
        currency=None if money is None else money.economics.currency,
        count=len(codes),
        population=population,
    )
