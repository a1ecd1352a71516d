"""Who applies and for what: complete values, before anything goes missing or wrong on the way to the bank's tables.

Two traits that no column shows, affluence and discipline, tie the columns together. Money is in constant EUR, so that
nothing drifts but what the timeline says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.portfolio.amortisation import Floats, Ints, instalment
from roadworthy.portfolio.places import Places
from roadworthy.portfolio.timeline import Timeline

__all__ = ["CHANNELS", "EMPLOYMENTS", "HOUSINGS", "PURPOSES", "SAVINGS", "TERMS", "Applicants", "draw"]

EMPLOYMENTS = (
    *("permanent", "temporary", "self_employed", "public_sector", "retired", "student", "seasonal", "unemployed"),
    "platform",
)
HOUSINGS = ("rent", "mortgage", "owner", "with_parents", "other")
SAVINGS = ("none", "under_1k", "1k_to_5k", "5k_to_20k", "over_20k")
CHANNELS = ("branch", "online", "merchant", "phone", "broker")
PURPOSES = (
    *("car", "home_improvement", "debt_consolidation", "furniture", "electronics", "travel", "medical", "education"),
    *("boat", "energy_renovation"),
)
TERMS = np.array([24, 36, 48, 60, 72, 84, 96, 120])

_PURPOSE_SHARE = np.array([0.29, 0.21, 0.22, 0.07, 0.05, 0.05, 0.05, 0.056, 0.004, 0.0])
_PURPOSE_AMOUNT = np.array([13_000, 15_000, 11_000, 4_500, 2_500, 4_000, 5_000, 7_500, 21_000, 16_000], dtype=float)
_CHANNEL_SHARE = np.array([0.43, 0.26, 0.24, 0.065, 0.005])
_NEWCOMER_CHANNEL_SHARE = np.array([0.04, 0.66, 0.30, 0.0, 0.0])
_EMPLOYMENT_SHARE = np.array([0.66, 0.125, 0.12, 0.085, 0.0, 0.0, 0.004, 0.006, 0.0])
_RETURNING = 0.06  # of applications come from somebody who has applied before
_TEST_RATE = 0.08  # per year: instalments in debt_to_income do not move with the market's rates


@dataclass(frozen=True)
class Applicants:
    """`n` applications in order of time, one array of shape (n,) per fact.

    `applicant` is the row of the person's first application. Categories are codes into this module's vocabularies,
    -1 where there is none. NaN where the fact does not exist: no credit card (utilisation), no credit history
    (bureau_score), no delinquency on file (months_since_last_delinquency). `unseen` is standard normal: what bears on
    the risk and stands in no column.
    """

    month: Ints
    applied_at: NDArray[np.datetime64]
    applicant: Ints
    newcomer: NDArray[np.bool_]
    branch: Ints
    officer: Ints
    merchant: Ints
    age: Floats
    income: Floats
    employment_years: Floats
    employment_type: Ints
    housing: Ints
    purpose: Ints
    channel: Ints
    amount: Floats
    term_months: Ints
    bureau_score: Floats
    utilisation: Floats
    delinquencies_24m: Floats
    inquiries_6m: Floats
    months_since_last_delinquency: Floats
    existing_loans: Floats
    debt_to_income: Floats
    savings: Ints
    unseen: Floats

    def __len__(self) -> int:
        return len(self.month)


def _pick(rng: np.random.Generator, share: Floats, n: int) -> Ints:
    """`n` codes with the given shares."""
    return np.searchsorted(np.cumsum(share) / share.sum(), rng.random(n), side="right").clip(0, len(share) - 1)


def _apply(rng: np.random.Generator, timeline: Timeline, n: int) -> tuple[Ints, NDArray[np.datetime64]]:
    """Months and times of application in office hours, sorted."""
    month = np.sort(_pick(rng, timeline.volume, n))
    first = (timeline.start + month).astype("datetime64[D]")
    days = ((timeline.start + month + 1).astype("datetime64[D]") - first).astype(np.int64)
    day = first + (rng.random(n) * days).astype(np.int64)
    second = (8 * 3600 + rng.random(n) * 12 * 3600).astype(np.int64)
    return month, np.sort(day.astype("datetime64[us]") + second.astype("timedelta64[s]"))


def _first_application(rng: np.random.Generator, n: int) -> Ints:
    """For each application the row of the same person's first one; its own row for most."""
    earlier = (rng.random(n) * np.arange(n)).astype(np.int64)
    first = np.where(rng.random(n) < _RETURNING, earlier, np.arange(n))
    while True:  # a returning applicant may point at another return: follow to the first
        further = first[first]
        if np.array_equal(further, first):
            return first
        first = further


def draw(rng: np.random.Generator, timeline: Timeline, places: Places, n: int) -> Applicants:
    """`n` applications over the timeline."""
    month, applied_at = _apply(rng, timeline, n)
    applicant = _first_application(rng, n)
    newcomer = (rng.random(n) < timeline.newcomers[month])[applicant]
    age_then = np.where(newcomer, 18 + 28 * rng.beta(1.5, 3.0, n), 18 + 62 * rng.beta(1.9, 3.1, n))
    age = np.minimum(age_then[applicant] + (month - month[applicant]) / 12.0, 85.0)
    affluence = (rng.normal(0.0, 1.0, n) - 0.25 * newcomer)[applicant]
    discipline = (0.95 * rng.normal(0.0, 1.0, n) - 0.50 * newcomer)[applicant] + 0.2 * affluence + 0.012 * (age - 41)
    branch = _pick(rng, places.branch_share, n)[applicant]
    employment = _employ(rng, age, newcomer)
    worked = np.where(employment == EMPLOYMENTS.index("temporary"), 0.35, 1.0) * (1.0 + 0.22 * (age - 18.0))
    working = ~np.isin(employment, [EMPLOYMENTS.index(name) for name in ("retired", "student", "unemployed")])
    employment_years = np.where(working, np.minimum(rng.exponential(worked), age - 17.0), 0.0)
    income = _earn(rng, age, affluence, employment)
    channel, merchant, purpose = _choose(rng, places, newcomer)
    amount, term = _ask(rng, affluence, purpose)
    existing_loans = np.minimum(rng.poisson(np.exp(-0.35 + 0.15 * np.minimum(age - 30, 15) / 15)), 9).astype(float)
    delinquencies = np.minimum(rng.poisson(np.exp(-1.95 - 0.75 * discipline)), 12).astype(float)
    utilisation = 1.0 / (1.0 + np.exp(0.55 + 0.55 * discipline - 0.95 * rng.normal(0.0, 1.0, n)))
    utilisation = np.where(rng.random(n) < 0.015, utilisation + 0.35, utilisation)  # some are over their limit
    no_card = rng.random(n) < np.where(age < 25, 0.30, 0.10)
    score = 655 + 62 * discipline + 14 * affluence + 0.6 * (age - 41) - 9 * np.minimum(delinquencies, 4)
    score = (score - 25 * (utilisation - 0.4) + 30 * rng.normal(0.0, 1.0, n)).clip(300, 850).round()
    thin = rng.random(n) < np.where((age < 26) & (existing_loans == 0), 0.45, 0.012)
    housing = _house(rng, age, affluence)
    debts = existing_loans * 160.0 * np.exp(0.3 * affluence + 0.4 * rng.normal(0.0, 1.0, n))
    debts += np.where(housing == HOUSINGS.index("mortgage"), rng.uniform(0.10, 0.28, n) * income, 0.0)
    debt_to_income = (debts + instalment(amount, np.full(n, _TEST_RATE), term)) / income
    wealth = 0.7 * affluence + 0.4 * discipline + 0.7 * rng.normal(0.0, 1.0, n)
    return Applicants(
        month=month,
        applied_at=applied_at,
        applicant=applicant,
        newcomer=newcomer,
        branch=branch,
        officer=places.officer_of(branch, rng.random(n)),
        merchant=merchant,
        age=np.floor(age),
        income=income,
        employment_years=employment_years.round(1),
        employment_type=employment,
        housing=housing,
        purpose=purpose,
        channel=channel,
        amount=amount,
        term_months=term,
        bureau_score=np.where(thin, np.nan, score),
        utilisation=np.where(no_card, np.nan, utilisation.round(3)),
        delinquencies_24m=delinquencies,
        inquiries_6m=np.minimum(rng.poisson(np.exp(-0.35 - 0.35 * discipline)), 15).astype(float),
        months_since_last_delinquency=_last_delinquency(rng, delinquencies, discipline, thin),
        existing_loans=existing_loans,
        debt_to_income=debt_to_income.clip(0.01, 2.0).round(3),
        savings=np.digitize(wealth, [-0.9, -0.2, 0.6, 1.5]),
        unseen=rng.normal(0.0, 1.0, n),
    )


def _employ(rng: np.random.Generator, age: Floats, newcomer: NDArray[np.bool_]) -> Ints:
    n = len(age)
    employment = _pick(rng, _EMPLOYMENT_SHARE, n)
    draw = rng.random(n)
    employment = np.where((age >= 64) & (draw < 0.85), EMPLOYMENTS.index("retired"), employment)
    employment = np.where((age < 25) & (draw < 0.30), EMPLOYMENTS.index("student"), employment)
    return np.where(newcomer & (draw > 0.82), EMPLOYMENTS.index("platform"), employment)


def _earn(rng: np.random.Generator, age: Floats, affluence: Floats, employment: Ints) -> Floats:
    """Net monthly income, EUR, rounded to tens."""
    by_type = np.array([0.0, -0.15, 0.05, 0.06, -0.20, -0.75, -0.25, -0.60, -0.20])[employment]
    curve = 0.012 * (age - 41) - 0.0006 * (age - 41) ** 2
    log_income = 7.80 + 0.40 * affluence + curve + by_type + 0.18 * rng.normal(0.0, 1.0, len(age))
    return np.asarray(np.maximum(np.round(np.exp(log_income), -1), 400.0))


def _house(rng: np.random.Generator, age: Floats, affluence: Floats) -> Ints:
    n = len(age)
    settled = 0.8 * affluence + 0.06 * (age - 38) + rng.normal(0.0, 1.0, n)
    housing = np.digitize(settled, [0.35, 1.50])  # rent, mortgage, owner: in the vocabulary's order
    housing = np.where((age < 27) & (rng.random(n) < 0.45), HOUSINGS.index("with_parents"), housing)
    return np.where(rng.random(n) < 0.004, HOUSINGS.index("other"), housing)


def _choose(rng: np.random.Generator, places: Places, newcomer: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """Channel, merchant (-1 without one) and purpose; a merchant's trade settles what the loan is for."""
    n = len(newcomer)
    channel = np.where(newcomer, _pick(rng, _NEWCOMER_CHANNEL_SHARE, n), _pick(rng, _CHANNEL_SHARE, n))
    regular = _pick(rng, places.merchant_share[: places.regulars], n)
    late = places.regulars + _pick(rng, np.array([0.35, 0.55, 0.10]), n)
    through = channel == CHANNELS.index("merchant")
    merchant = np.where(through, np.where(newcomer & (rng.random(n) < 0.4), late, regular), -1)
    trade = np.array([PURPOSES.index(purpose) for purpose in places.merchant_purpose])
    return channel, merchant, np.where(through, trade[merchant], _pick(rng, _PURPOSE_SHARE, n))


def _ask(rng: np.random.Generator, affluence: Floats, purpose: Ints) -> tuple[Floats, Ints]:
    """Amount, EUR, in hundreds from 1,000 to 60,000, and term in months: larger loans run longer."""
    n = len(affluence)
    log_amount = np.log(_PURPOSE_AMOUNT[purpose]) + 0.22 * affluence + 0.42 * rng.normal(0.0, 1.0, n)
    amount = np.round(np.exp(log_amount), -2).clip(1_000, 60_000)
    wish = 24.0 + 24.0 * np.log(amount / 1_000.0) + 15.0 * rng.normal(0.0, 1.0, n)
    return amount, TERMS[np.digitize(wish, (TERMS[1:] + TERMS[:-1]) / 2)]


def _last_delinquency(
    rng: np.random.Generator, delinquencies: Floats, discipline: Floats, thin: NDArray[np.bool_]
) -> Floats:
    """Months since the last delinquency on file (84 at most); NaN where the file holds none."""
    n = len(delinquencies)
    recent = np.ceil(24 * rng.beta(1.0, 1.0 + 0.4 * delinquencies)).clip(1, 24)
    older = np.where(rng.random(n) < 0.16 * np.exp(-0.5 * discipline), 25 + np.floor(60 * rng.random(n)), np.nan)
    return np.where(thin & (delinquencies == 0), np.nan, np.where(delinquencies > 0, recent, older))
