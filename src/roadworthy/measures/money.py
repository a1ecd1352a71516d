"""The money of applications in one shape, whether priced by terms or realised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import Outcomes, check_cut_off, check_numbers, check_rows
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.results import Floats

__all__ = ["Money", "Terms", "check_money", "looked_at"]


@dataclass(frozen=True)
class Terms:
    """What profit is made of, for each application if approved; `review` is 0 where no person looks."""

    revenue: Floats
    costs: Floats
    review: Floats


@dataclass(frozen=True)
class Money:
    """For each application, given the outcome that came.

    profit  if approved
    losses  credit loss of a bad; the negated value where money is realised
    terms   None where money is realised: value has none
    """

    profit: Floats
    losses: Floats
    terms: Terms | None
    economics: Economics | None
    currency: str


def check_money(
    outcomes: Outcomes,
    *,
    economics: Economics | Priced | None,
    columns: Mapping[str, ArrayLike] | None,
    value: ArrayLike | None,
    currency: str | None,
    refer_from: float | None,
) -> Money | None:
    """The one statement of money among `economics` and `value`, or None where there is neither."""
    if economics is not None and value is not None:
        raise MeasureError("economics and value both state the money", mend="keep one: terms, or realised value")
    if value is not None:
        realised = check_numbers(value, "value")
        check_rows(realised, "value", len(outcomes))
        return Money(profit=realised, losses=-realised, terms=None, economics=None, currency=currency or "EUR")
    if economics is None:
        return None
    priced = economics.price(columns or {}, len(outcomes)) if isinstance(economics, Economics) else economics
    if not isinstance(priced, Priced):
        raise MeasureError(
            f"economics is Economics or Priced, not {type(economics).__name__}",
            mend='Economics(revenue="amount * 0.12", funding="amount * 0.03", ead="amount", lgd=0.55)',
        )
    check_rows(priced.revenue, "economics", len(outcomes))
    if currency is not None and currency != priced.economics.currency:
        raise MeasureError(
            f"currency is {currency!r} and the economics are in {priced.economics.currency!r}",
            mend="state the currency once, in Economics(currency=...)",
        )
    profit = np.where(outcomes.bad, -priced.credit_loss, priced.revenue)
    profit -= priced.costs
    review = np.broadcast_to(0.0, len(outcomes))
    if refer_from is not None:
        review = np.where(looked_at(outcomes, refer_from), priced.review, 0.0)
        profit -= review
    return Money(
        profit=profit,
        losses=priced.credit_loss,
        terms=Terms(revenue=priced.revenue, costs=priced.costs, review=review),
        economics=priced.economics,
        currency=priced.economics.currency,
    )


def looked_at(outcomes: Outcomes, refer_from: float) -> NDArray[np.bool_]:
    """Where a person looks, unless the application is declined: PD >= `refer_from`."""
    return outcomes.pd >= check_cut_off(refer_from, "refer_from")
