"""One term of the money: a constant, a column or a small expression, measured or assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import is_number
from roadworthy.measures.expression import evaluate, parse_term
from roadworthy.measures.results import Floats

__all__ = ["Basis", "Term", "read_term"]

Basis = Literal["measured", "assumed"]


@dataclass(frozen=True)
class Term:
    """One term of the money: a constant, a column's name or a small expression, and where it comes from.

    `measured` is for what the books show; whatever someone reckons is `assumed`, and stays marked so wherever money is
    shown. `after_months`, 0..600, is when the money moves, on average, counted from booking: 0 where the amount is a
    present value already.

    >>> Term("amount * rate", "measured")
    Term(value='amount * rate', basis='measured', after_months=0.0)
    """

    value: float | str
    basis: Basis = "assumed"
    after_months: float = 0.0

    def __post_init__(self) -> None:
        if self.basis not in get_args(Basis):
            raise MeasureError(f"a term is measured or assumed, not {self.basis!r}", mend='Term(0.55, "assumed")')
        if isinstance(self.value, str):
            parse_term(self.value)
        elif not is_number(self.value):
            raise MeasureError(f"a term is a finite number or a text, not {self.value!r}", mend='Term("amount * 0.12")')
        if not (is_number(self.after_months) and 0.0 <= self.after_months <= 600.0):
            raise MeasureError(
                f"after_months is a number of months, 0 to 600, not {self.after_months!r}", mend="after_months=12"
            )
        object.__setattr__(self, "after_months", float(self.after_months))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the term reads."""
        return parse_term(self.value).columns if isinstance(self.value, str) else ()

    def amounts(self, columns: Mapping[str, ArrayLike], n: int) -> Floats:
        """The term for each of `n` applications."""
        if isinstance(self.value, str):
            return evaluate(parse_term(self.value), columns, n)
        return np.broadcast_to(np.float64(self.value), (n,))


def read_term(name: str, stated: Any) -> Any:
    """The term that a file states as a mapping; whatever else it states, as it is."""
    if not isinstance(stated, Mapping):
        return stated
    if set(stated) - {"value", "basis", "after_months"} or "value" not in stated:
        raise MeasureError(
            f"a term has value and basis, not {', '.join(map(str, stated))}",
            where=name,
            mend=f"{name}: {{value: 0.5, basis: assumed}}",
        )
    return Term(**stated)
