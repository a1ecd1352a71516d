"""What an application is worth if it is approved: each term stated, marked measured or assumed (R18).

    profit of a good   revenue - funding - servicing - acquisition
    profit of a bad    - funding - servicing - acquisition - credit loss
    credit loss        EAD x LGD - income already received
    a person's look    costs `review`, on the applications that are referred

An application that is declined earns and loses nothing. What a good one would have brought is shown apart, as forgone
profit; it is never subtracted from profit, where it is missing already.

Every amount is a present value at booking. A term that says after how many months its money moves is discounted to
booking at the stated annual rate; one that does not say is taken as stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import LARGEST, is_number
from roadworthy.measures.horizons import join_horizons
from roadworthy.measures.results import Floats
from roadworthy.measures.term import Term, read_term

__all__ = ["Economics", "Priced"]

Stated = Term | float | str


@dataclass(frozen=True, kw_only=True)
class Economics:
    """How applications are priced: eight terms, a currency, the months they look ahead, and what time costs.

    revenue          interest and fees of a good, over the money horizon
    funding          cost of the money lent
    ead              exposure at default: what is owed when an application goes bad, at least 0
    lgd              share of it that is lost, as a fraction; 0..2, since costs can exceed what was owed
    review           cost of a person's look at one application
    servicing        cost of running the loan
    acquisition      cost of winning the customer
    income_received  interest and fees a bad paid before default

    discount_rate      annual rate, -0.5..10: a term due `after_months` counts as amount / (1 + rate) ** (months / 12).
                       None where none is stated; then no term may say when it is due
    horizon_months     the months of money that the terms count
    pd_horizon_months  the months within which `bad` and PD look for the bad outcome
    lifetime_factor    joins the two where they differ, see `join_horizons`: each bad within the PD's horizon stands
                       for that many within the money's, at every PD alike. Different horizons without it are refused

    A bare number or text counts as an assumed term. Raises MeasureError naming what is wrong.

    >>> economics = Economics(revenue="amount * 0.12", funding="amount * 0.03", ead="amount", lgd=Term(0.5, "measured"))
    >>> economics.assumed
    ('revenue', 'funding', 'ead', 'review', 'servicing', 'acquisition', 'income_received')
    >>> priced = economics.price({"amount": [1000.0, 2000.0]}, 2)
    >>> priced.if_good.tolist(), priced.if_bad.tolist()
    ([90.0, 180.0], [-530.0, -1060.0])
    >>> later = Economics(revenue=Term(121, after_months=24), funding=0, ead=0, lgd=0, discount_rate=0.1)
    >>> later.price({}, 1).revenue.round(9).tolist()
    [100.0]
    """

    revenue: Stated
    funding: Stated
    ead: Stated
    lgd: Stated
    review: Stated = 0.0
    servicing: Stated = 0.0
    acquisition: Stated = 0.0
    income_received: Stated = 0.0
    currency: str = "EUR"
    discount_rate: float | None = None
    horizon_months: int | None = None
    pd_horizon_months: int | None = None
    lifetime_factor: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.currency, str) or not self.currency.strip():
            raise MeasureError(f"currency is a short text, not {self.currency!r}", mend='currency="EUR"')
        for name in _TERMS:
            stated = getattr(self, name)
            try:
                object.__setattr__(self, name, stated if isinstance(stated, Term) else Term(stated))
            except MeasureError as error:
                raise MeasureError(error.message, where=name, available=error.available, mend=error.mend) from None
        join_horizons(self.horizon_months, self.pd_horizon_months, self.lifetime_factor)
        self._check_time()

    def _check_time(self) -> None:
        rate = self.discount_rate
        if rate is not None and not (is_number(rate) and -0.5 <= rate <= 10.0):
            raise MeasureError(
                f"discount_rate is an annual rate, -0.5 to 10, not {rate!r}", mend="6% a year is discount_rate=0.06"
            )
        dated = [name for name, term in self.terms.items() if term.after_months]
        if "lgd" in dated:
            raise MeasureError(
                "is a share, which time does not move", where="lgd", mend="say after_months of ead, where the loss is"
            )
        if dated and rate is None:
            raise MeasureError(
                f"{', '.join(dated)} fall due later, and no discount_rate is stated",
                mend="discount_rate=0.06, or 0 where time is meant to cost nothing",
            )

    @property
    def bads_per_bad(self) -> float:
        """Bads within the money's horizon for each bad within the PD's: 1 where the horizons are equal."""
        return join_horizons(self.horizon_months, self.pd_horizon_months, self.lifetime_factor)

    @property
    def basis_text(self) -> str:
        """What the money rests on, for a caption: what is assumed, over which months, at which discount."""
        said = [f"assumed: {', '.join(self.assumed) or 'nothing'}"]
        if self.horizon_months is not None:
            said.append(f"over {self.horizon_months} months")
        if self.lifetime_factor is not None and self.lifetime_factor != 1.0:
            said.append(f"{self.lifetime_factor:g} bads for each bad within the PD's horizon")
        if self.discount_rate is not None:
            said.append(f"discounted at {self.discount_rate:.2%} a year")
        return "; ".join(said)

    @classmethod
    def from_mapping(cls, stated: Mapping[str, Any]) -> Economics:
        """Economics as a file states them: each term a number, a text, or `{value: ..., basis: measured}`.

        The other fields by their names.

        >>> stated = {"revenue": 100, "funding": 20, "ead": 1000, "lgd": {"value": 0.5, "basis": "measured"}}
        >>> Economics.from_mapping(stated).lgd
        Term(value=0.5, basis='measured', after_months=0.0)
        """
        unknown = sorted(set(stated) - {*_TERMS, *_FRAME})
        absent = [name for name in ("revenue", "funding", "ead", "lgd") if name not in stated]
        if unknown or absent:
            raise MeasureError(
                f"economics does not know {', '.join(unknown)}" if unknown else f"economics lacks {', '.join(absent)}",
                available=[*_TERMS, *_FRAME],
                mend="name each term as listed; one that does not apply is 0",
            )
        return cls(**{name: read_term(name, value) for name, value in stated.items()})

    @property
    def terms(self) -> dict[str, Term]:
        """The eight terms by name."""
        return {name: getattr(self, name) for name in _TERMS}

    @property
    def assumed(self) -> tuple[str, ...]:
        """Names of the terms that nobody measured."""
        return tuple(name for name, term in self.terms.items() if term.basis == "assumed")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the terms read, each once."""
        return tuple(dict.fromkeys(name for term in self.terms.values() for name in term.columns))

    def price(self, columns: Mapping[str, ArrayLike], n: int) -> Priced:
        """Price `n` applications from their columns, each of shape (n,). Raises MeasureError naming term and column."""
        if not isinstance(n, int | np.integer) or n < 1:
            raise MeasureError(f"n is the number of applications, at least 1, not {n!r}", mend="n=len(bad)")
        amounts = {
            name: self._present(term, _once(_amounts(name, term, columns, n))) for name, term in self.terms.items()
        }
        costs = amounts["funding"] + amounts["servicing"] + amounts["acquisition"]
        credit_loss = amounts["ead"] * amounts["lgd"] - amounts["income_received"]
        return Priced(
            revenue=np.broadcast_to(amounts["revenue"], n),
            costs=np.broadcast_to(costs, n),
            credit_loss=np.broadcast_to(credit_loss, n),
            review=np.broadcast_to(amounts["review"], n),
            economics=self,
        )

    def _present(self, term: Term, amounts: Floats) -> Floats:
        if not term.after_months:
            return amounts
        present: Floats = amounts / (1.0 + (self.discount_rate or 0.0)) ** (term.after_months / 12.0)
        return present


def _once(amounts: Floats) -> Floats:
    """One entry for all applications where they share it, so that constants take no memory for each."""
    return amounts[:1] if amounts.strides == (0,) else amounts


_TERMS = ("revenue", "funding", "ead", "lgd", "review", "servicing", "acquisition", "income_received")
_FRAME = ("currency", "discount_rate", "horizon_months", "pd_horizon_months", "lifetime_factor")


@dataclass(frozen=True, kw_only=True, eq=False)
class Priced:
    """`n` applications priced, each array of shape (n,), in the economics' currency.

    revenue          interest and fees, if it is good
    costs            funding, servicing and acquisition, for either outcome
    credit_loss      if it is bad
    review           cost of a person's look at it
    if_good, if_bad  profit if approved, for either outcome; computed when asked for
    """

    revenue: Floats
    costs: Floats
    credit_loss: Floats
    review: Floats
    economics: Economics

    def __post_init__(self) -> None:
        for name in ("revenue", "costs", "credit_loss", "review"):
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        return len(self.revenue)

    @property
    def if_good(self) -> Floats:
        """Revenue - costs."""
        return self.revenue - self.costs

    @property
    def if_bad(self) -> Floats:
        """- costs - credit loss."""
        return -self.costs - self.credit_loss

    def profit(self, bad: NDArray[np.bool_], *, bads_per_bad: float = 1.0) -> Floats:
        """What each application brings if approved, its outcome within the PD's horizon being `bad` (n,).

        A bad stands for `bads_per_bad` bads, times the economics' own where the money looks further, and for that many
        fewer goods.
        """
        factor = bads_per_bad * self.economics.bads_per_bad
        if factor == 1.0:
            profit = np.where(bad, -self.credit_loss, self.revenue)
        else:
            profit = np.where(bad, (1.0 - factor) * self.revenue - factor * self.credit_loss, self.revenue)
        profit -= self.costs
        return profit

    def expected(self, pd: Floats) -> Floats:
        """What each application brings on average if approved and its PD, (n,), is right."""
        bads = np.minimum(self.economics.bads_per_bad * pd, 1.0)
        expected: Floats = (1.0 - bads) * self.revenue - bads * self.credit_loss - self.costs
        return expected

    def __repr__(self) -> str:
        return (
            f"Priced: {len(self):,} applications in {self.economics.currency}, "
            f"assumed: {', '.join(self.economics.assumed) or 'nothing'}"
        )


def _amounts(name: str, term: Term, columns: Mapping[str, ArrayLike], n: int) -> Floats:
    try:
        amounts = term.amounts(columns, n)
    except MeasureError as error:
        raise MeasureError(error.message, where=name, available=error.available, mend=error.mend) from None
    low, high = float(amounts.min()), float(amounts.max())
    if max(-low, high) > LARGEST:
        raise MeasureError("goes beyond 1e60", where=name, mend="state it in units of the currency")
    if name == "lgd" and not 0.0 <= low <= high <= 2.0:
        raise MeasureError(
            f"is a fraction in 0..2, and goes from {low:.6g} to {high:.6g}", where=name, mend="55% is 0.55, not 55"
        )
    if name == "ead" and low < 0.0:
        raise MeasureError(
            f"is what is owed, and goes down to {low:.6g}", where=name, mend="state amounts owed as positive"
        )
    return amounts
