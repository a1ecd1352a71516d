"""The money of applications in one shape, whether priced by terms or realised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import Outcomes, check_cut_off, check_numbers, check_rows
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.referrals import Referrals
from roadworthy.measures.results import Floats

__all__ = [
    "Money",
    "check_money",
    "check_priced",
    "looked_at",
    "refuse_more_bads",
    "refuse_stated_bad_rate",
]


@dataclass(frozen=True)
class Money:
    """For each application, given the outcome that came.

    profit  if it is not declined: approved, or referred where a person looks
    value   as realised; None where priced
    priced  by terms; None where the money is realised, which has none
    review  mean cost of looks where the application is referred, 0 elsewhere
    """

    profit: Floats
    value: Floats | None
    priced: Priced | None
    review: Floats
    currency: str

    @property
    def economics(self) -> Economics | None:
        """The terms' statement; None where the money is realised."""
        return None if self.priced is None else self.priced.economics

    @property
    def bads_per_bad(self) -> float:
        """Bads within the money's horizon for each bad; 1 where the money is realised."""
        return 1.0 if self.economics is None else self.economics.bads_per_bad


def check_money(
    outcomes: Outcomes,
    *,
    economics: Economics | Priced | None,
    columns: Mapping[str, ArrayLike] | None,
    value: ArrayLike | None,
    currency: str | None,
    refer_from: float | None,
    referrals: Referrals | None = None,
) -> Money | None:
    """The one statement of money among `economics` and `value`, or None where there is neither."""
    _check_referrals(referrals, refer_from)
    if economics is not None and value is not None:
        raise MeasureError("economics and value both state the money", mend="keep one: terms, or realised value")
    looked = None if refer_from is None else looked_at(outcomes, refer_from)
    none = np.broadcast_to(0.0, len(outcomes))
    if value is not None:
        return _realised(outcomes, check_numbers(value, "value"), currency, looked, referrals)
    if economics is None:
        return None
    priced = check_priced(economics, columns, len(outcomes), currency)
    _check_factor(priced, outcomes, referrals, looked)
    profit, review = priced.profit(outcomes.bad), none
    if looked is not None:
        looks = priced.review if referrals is None else referrals.look(priced.review)
        review = np.where(looked, looks, 0.0)
        if referrals is not None:
            profit = np.where(looked, referrals.earn(priced, outcomes.bad), profit)
        profit -= review
    return Money(profit, None, priced, review, priced.economics.currency)


def _realised(
    outcomes: Outcomes,
    value: Floats,
    currency: str | None,
    looked: NDArray[np.bool_] | None,
    referrals: Referrals | None,
) -> Money:
    check_rows(value, "value", len(outcomes))
    none = np.broadcast_to(0.0, len(outcomes))
    if referrals is None or looked is None:
        return Money(value, value, None, none, currency or "EUR")
    if referrals.bad_rate is not None or referrals.ratio != 1.0:
        raise MeasureError(
            "referrals state a bad rate, and realised value does not say what the other outcome would have brought",
            mend="state the money by economics, or leave bad_rate out of the referrals",
        )
    review = np.where(looked, referrals.look(none), 0.0)
    return Money(np.where(looked, referrals.booked, 1.0) * value - review, value, None, review, currency or "EUR")


def check_priced(
    economics: Economics | Priced, columns: Mapping[str, ArrayLike] | None, n: int, currency: str | None = None
) -> Priced:
    """`economics` priced over `n` applications, in the one currency stated."""
    priced = economics.price(columns or {}, n) if isinstance(economics, Economics) else economics
    if not isinstance(priced, Priced):
        raise MeasureError(
            f"economics is Economics or Priced, not {type(economics).__name__}",
            mend='Economics(revenue="amount * 0.12", funding="amount * 0.03", ead="amount", lgd=0.55)',
        )
    check_rows(priced.revenue, "economics", n)
    if currency is not None and currency != priced.economics.currency:
        raise MeasureError(
            f"currency is {currency!r} and the economics are in {priced.economics.currency!r}",
            mend="state the currency once, in Economics(currency=...)",
        )
    return priced


def _check_referrals(referrals: Referrals | None, refer_from: float | None) -> None:
    """`referrals` is a statement, and goes with the PD from which applications are referred."""
    if referrals is None:
        return
    if not isinstance(referrals, Referrals):
        raise MeasureError(
            f"referrals is Referrals, not {type(referrals).__name__}", mend="Referrals(approved=0.6, minutes=20)"
        )
    if refer_from is None:
        raise MeasureError("referrals are stated, and nobody is referred", mend="refer_from=0.1")


def refuse_stated_bad_rate(referrals: Referrals | None) -> None:
    """No search may lean on a bad rate stated for whatever PD."""
    if referrals is not None and referrals.bad_rate is not None:
        raise MeasureError(
            "referrals state one bad_rate for whatever PD, so the riskiest would seem best referred",
            mend="bad_rate_ratio: their bad rate over that of all referred, such as 0.8",
        )


def looked_at(outcomes: Outcomes, refer_from: float) -> NDArray[np.bool_]:
    """Where a person looks, unless the application is declined: PD >= `refer_from`."""
    return outcomes.pd >= check_cut_off(refer_from, "refer_from")


def _check_factor(
    priced: Priced, outcomes: Outcomes, referrals: Referrals | None, looked: NDArray[np.bool_] | None
) -> None:
    factor = priced.economics.bads_per_bad
    if referrals is not None and referrals.bad_rate is not None and factor * referrals.bad_rate > 1.0:
        raise MeasureError(
            f"lifetime_factor {factor:g} makes more bads of the referred than people approve",
            mend=f"state a bad_rate of at most {1.0 / factor:.3g}, within the PD's horizon",
        )
    if referrals is not None and looked is not None and referrals.ratio > 1.0:
        everyone = outcomes.weighted(looked.astype(np.float64))
        if factor * referrals.ratio * float(everyone[outcomes.bad].sum()) > float(everyone.sum()):
            raise MeasureError(
                f"bad_rate_ratio {referrals.ratio:g} makes more bads than there are applications with a PD from "
                "refer_from on",
                mend="it is the bad rate of what people approve over that of all referred: 0.8",
            )
    refuse_more_bads(priced, outcomes.bads, outcomes.total)


def refuse_more_bads(priced: Priced, bads: float, total: float) -> None:
    """The lifetime factor cannot make more bads, of `bads` within the PD's horizon, than there are applications."""
    factor = priced.economics.bads_per_bad
    if factor > 1.0 and factor * bads > total:
        raise MeasureError(
            f"lifetime_factor {factor:g} makes more bads than there are applications: {bads / total:.1%} are bad in "
            "the PD's horizon",
            mend="state a smaller factor: it cannot hold for these applications",
        )
