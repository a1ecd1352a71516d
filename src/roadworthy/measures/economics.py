"""What an application is worth if it is approved: each term stated, marked measured or assumed (R18).

    profit of a good   revenue - funding - servicing - acquisition
    profit of a bad    - funding - servicing - acquisition - credit loss
    credit loss        EAD x LGD - income already received
    a person's look    costs `review`, on the applications that are referred

An application that is declined earns and loses nothing. What a good one would have brought is shown apart, as forgone
profit; it is never subtracted from profit, where it is missing already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import LARGEST, is_number
from roadworthy.measures.expression import evaluate, parse_term
from roadworthy.measures.results import Floats

__all__ = ["Basis", "Economics", "Priced", "Term"]

Basis = Literal["measured", "assumed"]


@dataclass(frozen=True)
class Term:
    """One term of the money: a constant, a column's name or a small expression, and where it comes from.

    `measured` is for what the books show; whatever someone reckons is `assumed`, and stays marked so wherever money is
    shown.

    >>> Term("amount * rate", "measured")
    Term(value='amount * rate', basis='measured')
    """

    value: float | str
    basis: Basis = "assumed"

    def __post_init__(self) -> None:
        if self.basis not in get_args(Basis):
            raise MeasureError(f"a term is measured or assumed, not {self.basis!r}", mend='Term(0.55, "assumed")')
        if isinstance(self.value, str):
            parse_term(self.value)
        elif not is_number(self.value):
            raise MeasureError(f"a term is a finite number or a text, not {self.value!r}", mend='Term("amount * 0.12")')

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the term reads."""
        return parse_term(self.value).columns if isinstance(self.value, str) else ()

    def amounts(self, columns: Mapping[str, ArrayLike], n: int) -> Floats:
        """The term for each of `n` applications."""
        if isinstance(self.value, str):
            return evaluate(parse_term(self.value), columns, n)
        return np.broadcast_to(np.float64(self.value), (n,))


Stated = Term | float | str


@dataclass(frozen=True, kw_only=True)
class Economics:
    """How applications are priced: eight terms and a currency. A bare number or text counts as assumed.

    revenue          interest and fees of a good, over the money horizon
    funding          cost of the money lent
    ead              exposure at default: what is owed when an application goes bad, at least 0
    lgd              share of it that is lost, as a fraction; 0..2, since costs can exceed what was owed
    review           cost of a person's look at one application
    servicing        cost of running the loan
    acquisition      cost of winning the customer
    income_received  interest and fees a bad paid before default

    >>> economics = Economics(revenue="amount * 0.12", funding="amount * 0.03", ead="amount", lgd=Term(0.5, "measured"))
    >>> economics.assumed
    ('revenue', 'funding', 'ead', 'review', 'servicing', 'acquisition', 'income_received')
    >>> priced = economics.price({"amount": [1000.0, 2000.0]}, 2)
    >>> priced.if_good.tolist(), priced.if_bad.tolist()
    ([90.0, 180.0], [-530.0, -1060.0])
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

    def __post_init__(self) -> None:
        if not isinstance(self.currency, str) or not self.currency.strip():
            raise MeasureError(f"currency is a short text, not {self.currency!r}", mend='currency="EUR"')
        for name in _TERMS:
            stated = getattr(self, name)
            try:
                object.__setattr__(self, name, stated if isinstance(stated, Term) else Term(stated))
            except MeasureError as error:
                raise MeasureError(error.message, where=name, available=error.available, mend=error.mend) from None

    @classmethod
    def from_mapping(cls, stated: Mapping[str, Any]) -> Economics:
        """Economics as a file states them: each term a number, a text, or `{value: ..., basis: measured}`.

        >>> stated = {"revenue": 100, "funding": 20, "ead": 1000, "lgd": {"value": 0.5, "basis": "measured"}}
        >>> Economics.from_mapping(stated).lgd
        Term(value=0.5, basis='measured')
        """
        unknown = sorted(set(stated) - {*_TERMS, "currency"})
        absent = [name for name in ("revenue", "funding", "ead", "lgd") if name not in stated]
        if unknown or absent:
            raise MeasureError(
                f"economics does not know {', '.join(unknown)}" if unknown else f"economics lacks {', '.join(absent)}",
                available=[*_TERMS, "currency"],
                mend="name each term as listed; one that does not apply is 0",
            )
        return cls(**{name: _term_from(name, value) for name, value in stated.items()})

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
        amounts = {name: _amounts(name, term, columns, n) for name, term in self.terms.items()}
        costs = amounts["funding"] + amounts["servicing"] + amounts["acquisition"]
        credit_loss = amounts["ead"] * amounts["lgd"] - amounts["income_received"]
        return Priced(
            revenue=amounts["revenue"],
            costs=costs,
            credit_loss=credit_loss,
            review=amounts["review"],
            economics=self,
        )


_TERMS = tuple(f.name for f in fields(Economics) if f.name != "currency")


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

    def __repr__(self) -> str:
        return (
            f"Priced: {len(self):,} applications in {self.economics.currency}, "
            f"assumed: {', '.join(self.economics.assumed) or 'nothing'}"
        )


def _term_from(name: str, stated: Any) -> Any:
    if not isinstance(stated, Mapping):
        return stated
    if set(stated) - {"value", "basis"} or "value" not in stated:
        raise MeasureError(
            f"a term has value and basis, not {', '.join(map(str, stated))}",
            where=name,
            mend=f"{name}: {{value: 0.5, basis: assumed}}",
        )
    return Term(**stated)


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
