"""The applications as the bank's system holds them: values missing, a few wrong, a few rows entered twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roadworthy.portfolio.amortisation import Ints
from roadworthy.portfolio.applicants import CHANNELS, EMPLOYMENTS, HOUSINGS, PURPOSES, SAVINGS, Applicants
from roadworthy.portfolio.columns import INPUTS
from roadworthy.portfolio.loans import Loans
from roadworthy.portfolio.places import BRANCHES, MERCHANTS, OFFICERS, REGIONS, Places
from roadworthy.portfolio.timeline import Timeline

__all__ = ["TEXT_IN_NUMBERS", "enter_twice", "spoil_text", "tabulate"]

Mask = NDArray[np.bool_]

_WRONG_AGES = np.array([0, 7, 119, 199])
_TWICE = 0.0005
TEXT_IN_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "income": ("n/a", "unknown", "approx. 2000"),
    "employment_years": ("n/a", "2 years", "since 2009"),
}
"""What people typed into fields of numbers; Parquet cannot hold it, the CSV variant does."""
_TEXT_SHARE = 0.001

_WHOLE = ("age", "term_months", "bureau_score", "delinquencies_24m", "inquiries_6m", "existing_loans")
_WHOLE_OR_NONE = (*_WHOLE, "months_since_last_delinquency")


def _number(prefix: str, rows: Ints) -> pa.Array:
    """Ids: `prefix` and the row's number from 1, nine digits."""
    digits = pc.utf8_lpad(pc.cast(pa.array(rows + 1), pa.string()), 9, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def _words(vocabulary: tuple[str, ...], codes: Ints, missing: Mask | None = None) -> pa.Array:
    """Categories as strings; null where the code is negative or the value is missing."""
    absent = codes < 0 if missing is None else (codes < 0) | missing
    return pc.take(pa.array(vocabulary), pa.array(np.where(absent, 0, codes), mask=absent))


def _lose(rng: np.random.Generator, people: Applicants) -> dict[str, Mask]:
    """Which values never reach the table: some by accident, some for a reason that bears on the risk."""
    n = len(people)
    online = people.channel == CHANNELS.index("online")
    self_employed = people.employment_type == EMPLOYMENTS.index("self_employed")
    unstated = rng.random(n) < np.where(self_employed & online, 0.12, 0.015)
    bureau_down = rng.random(n) < 0.004
    ashamed = rng.random(n) < np.where(people.savings == SAVINGS.index("none"), 0.18, 0.05)
    return {
        "income": unstated,
        "debt_to_income": unstated,
        "employment_years": rng.random(n) < 0.015,
        "housing": rng.random(n) < 0.005,
        "savings": ashamed,
        **dict.fromkeys(
            (
                *("bureau_score", "utilisation", "delinquencies_24m", "inquiries_6m"),
                *("months_since_last_delinquency", "existing_loans"),
            ),
            bureau_down,
        ),
    }


def tabulate(
    rng: np.random.Generator,
    people: Applicants,
    places: Places,
    approved: Mask,
    loans: Loans,
    timeline: Timeline,
) -> pa.Table:
    """One row per application in order of time, with what is missing and what is wrong."""
    n = len(people)
    lost = _lose(rng, people)
    age = np.where(rng.random(n) < 0.001, rng.choice(_WRONG_AGES, n), people.age)
    worked = np.where(rng.random(n) < 0.0003, 99.0, people.employment_years)
    at_a_desk = np.isin(people.channel, [CHANNELS.index("branch"), CHANNELS.index("phone")])
    words = {
        "employment_type": EMPLOYMENTS,
        "housing": HOUSINGS,
        "purpose": PURPOSES,
        "channel": CHANNELS,
        "merchant": MERCHANTS,
        "savings": SAVINGS,
    }
    numbers: dict[str, NDArray[Any]] = {"age": age, "employment_years": worked}
    columns: dict[str, pa.Array] = {
        "application_id": _number("A-", np.arange(n)),
        "applicant_id": _number("C-", people.applicant),
        "applied_at": pa.array(people.applied_at, type=pa.timestamp("us", tz="UTC")),
    }
    for name in INPUTS:
        if name == "region":
            columns[name] = _words(REGIONS, places.branch_region[people.branch])
        elif name in words:
            columns[name] = _words(words[name], getattr(people, name), lost.get(name))
        else:
            values = numbers.get(name, getattr(people, name))
            columns[name] = _figures(name, values, lost.get(name, np.zeros(n, dtype=np.bool_)))
    taken_up = loans.booked & (loans.booked_on <= timeline.end)
    columns |= {
        "branch": _words(BRANCHES, people.branch),
        "officer": _words(OFFICERS, people.officer),
        "rate": pa.array(loans.rate),
        "funding_rate": pa.array(timeline.funding_rate[people.month]),
        "servicing_per_month": pa.array(np.where(at_a_desk, 4.0, 2.5)),
        "answer": _words(("decline", "approve"), approved.astype(np.int64)),
        "booked_at": pa.array(loans.booked_on, mask=~taken_up),
    }
    return pa.table(columns)


def _figures(name: str, values: NDArray[Any], lost: Mask) -> pa.Array:
    absent = lost | np.isnan(values)
    if name in _WHOLE_OR_NONE:
        return pa.array(np.where(absent, 0, values).astype(np.int64), mask=absent)
    return pa.array(values, mask=absent)


def enter_twice(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """The table with about one row in 2,000 repeated, id and all, right after itself."""
    rows = np.arange(len(table))
    return table.take(pa.array(np.sort(np.concatenate([rows, rows[rng.random(len(rows)) < _TWICE]]))))


def spoil_text(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """The table as it comes out in CSV: `TEXT_IN_NUMBERS` in about one row in 1,000 of those columns, now strings."""
    for name, texts in TEXT_IN_NUMBERS.items():
        typed = rng.random(len(table)) < _TEXT_SHARE
        text = pc.take(pa.array(texts), pa.array(rng.integers(0, len(texts), len(table))))
        column = pc.if_else(pa.array(typed), text, pc.cast(table[name], pa.string()))
        table = table.set_column(table.column_names.index(name), name, column)
    return table
