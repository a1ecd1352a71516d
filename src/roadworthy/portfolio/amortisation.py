"""Loans repaid by level monthly instalments, and the calendar they run on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Ints", "balance_after", "instalment", "months_after"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def instalment(amount: Floats, rate: Floats, term: Ints) -> Floats:
    """The level monthly payment that repays `amount` at `rate` per year (above 0) in `term` months; shape (n,).

    amount · i / (1 - (1 + i)^-term), with i = rate / 12.

    >>> instalment(np.array([12_000.0]), np.array([0.06]), np.array([60])).round(2)
    array([231.99])
    """
    monthly = rate / 12.0
    return np.asarray(amount * monthly / -np.expm1(-term * np.log1p(monthly)))


def balance_after(amount: Floats, rate: Floats, term: Ints, paid: Ints) -> Floats:
    """What is still owed after `paid` instalments (0 to `term`); shape (n,).

    amount · ((1 + i)^term - (1 + i)^paid) / ((1 + i)^term - 1), with i = rate / 12.

    >>> three = np.ones(3)
    >>> balance_after(12_000 * three, 0.06 * three, np.array([60] * 3), np.array([0, 24, 60])).round(2)
    array([12000.  ,  7625.87,     0.  ])
    """
    growth = np.log1p(rate / 12.0)
    whole = np.expm1(term * growth)
    return np.asarray(amount * (whole - np.expm1(paid * growth)) / whole)


def months_after(day: NDArray[np.datetime64], months: Ints | int) -> NDArray[np.datetime64]:
    """The same day of the month `months` later, or that month's last day where it is shorter.

    >>> months_after(np.array(["2016-01-31", "2016-05-15"], dtype="datetime64[D]"), 1)
    array(['2016-02-29', '2016-06-15'], dtype='datetime64[D]')
    """
    month = day.astype("datetime64[M]")
    later = month + months
    first = later.astype("datetime64[D]")
    last = (later + 1).astype("datetime64[D]") - first - np.timedelta64(1, "D")
    return np.asarray(first + np.minimum(day - month.astype("datetime64[D]"), last))
