"""The truth: each application's hazard of default, when its loan would default or be prepaid, and its PD.

A loan's monthly hazard of default is

    h(t) = exp(risk) · season(t) · macro(booked + t)

with `risk` the applicant's, fixed at application, `season` the shape over the loan's age t in months, `macro` the
timeline's. Prepayment competes with a hazard of its own. Both are proportional hazards (Cox 1972,
https://doi.org/10.1111/j.2517-6161.1972.tb00899.x) in discrete time, so the PD below is exact, not estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roadworthy.kernels import njit
from roadworthy.portfolio.amortisation import Floats, Ints
from roadworthy.portfolio.applicants import CHANNELS, EMPLOYMENTS, HOUSINGS, PURPOSES, Applicants
from roadworthy.portfolio.places import Places
from roadworthy.portfolio.timeline import LONGEST_TERM, Timeline

__all__ = ["EARLIEST_DEFAULT", "HORIZON_MONTHS", "NEVER", "Fates", "log_hazard", "meet_fates"]

HORIZON_MONTHS = 24
"""The demo's outcome: default within 24 months of booking."""
EARLIEST_DEFAULT = 4
"""A default is 90 days past due: the first instalment, due at 1 month, missed and never made up."""
NEVER = 0
"""The age of an event that does not come."""

_PEAK_AGE = 60.0  # months from booking at which the hazard of default is highest
_PREPAYMENT = 0.007  # monthly hazard of prepayment at par, after the first year

_BY_EMPLOYMENT = {
    "temporary": 0.45,
    "self_employed": 0.25,
    "public_sector": -0.40,
    "retired": -0.15,
    "student": 0.10,
    "seasonal": 0.50,
    "unemployed": 0.90,
    "platform": 0.50,
}
_BY_HOUSING = {"rent": 0.15, "mortgage": -0.30, "owner": -0.25, "with_parents": 0.10, "other": 0.30}
_BY_SAVINGS = np.array([0.45, 0.20, 0.0, -0.30, -0.65])
_BY_PURPOSE = {"debt_consolidation": 0.25, "travel": 0.20, "medical": 0.15, "home_improvement": -0.15, "boat": 0.30}
_BY_CHANNEL = {"online": 0.15, "broker": 0.45, "merchant": 0.05}
_LEVEL = -5.72  # sets the portfolio's bad rate


@dataclass(frozen=True)
class Fates:
    """What becomes of each application if it is booked; ages are whole months from booking, `NEVER` where it is not.

    Of default and prepayment at most one is set. `pd` is the probability of default within `HORIZON_MONTHS`,
    `pd_lifetime` before the loan's term, both given everything the simulation knows but chance.
    """

    default_age: Ints
    prepayment_age: Ints
    pd: Floats
    pd_lifetime: Floats


def _effects(vocabulary: tuple[str, ...], effects: dict[str, float]) -> Floats:
    return np.array([effects.get(name, 0.0) for name in vocabulary])


def log_hazard(people: Applicants, places: Places, timeline: Timeline) -> Floats:
    """Each application's log hazard of default, shape (n,): what the columns mean, plus place and what no column shows.

    While the timeline is `drifted` the same columns mean something else: the bureau score says little, thin
    employment and a high utilisation say more, and the level is higher.
    """
    drifted = timeline.drifted[people.month]
    score = np.where(np.isnan(people.bureau_score), 640.0, people.bureau_score)
    utilisation = np.where(np.isnan(people.utilisation), 0.30, people.utilisation)
    since = np.where(np.isnan(people.months_since_last_delinquency), 99.0, people.months_since_last_delinquency)
    young_firm = (people.employment_type == EMPLOYMENTS.index("self_employed")) & (people.employment_years < 2)
    risk = _LEVEL + np.where(drifted, -0.0010, -0.0095) * (score - 660.0)
    risk += np.where(drifted, 1.8, 1.4) * (utilisation - 0.4) + 3.0 * np.maximum(utilisation - 0.85, 0.0)
    risk += 0.20 * np.minimum(people.delinquencies_24m, 5) + 0.35 * np.exp(-since / 12.0)
    risk += 0.17 * np.minimum(people.inquiries_6m, 6)
    risk += 1.3 * (people.debt_to_income - 0.3) + 1.5 * np.clip(people.debt_to_income - 0.5, 0.0, 0.5)
    risk += -0.40 * np.log(people.income / 2_300.0)
    risk += np.where(drifted, -0.09, -0.045) * (np.minimum(people.employment_years, 12.0) - 4.0)
    risk += np.minimum(0.0009 * (people.age - 47.0) ** 2, 0.5)
    risk += _effects(EMPLOYMENTS, _BY_EMPLOYMENT)[people.employment_type] + 0.45 * young_firm
    risk += _effects(HOUSINGS, _BY_HOUSING)[people.housing] + _BY_SAVINGS[people.savings]
    risk += _effects(PURPOSES, _BY_PURPOSE)[people.purpose] + _effects(CHANNELS, _BY_CHANNEL)[people.channel]
    risk += 0.15 * places.branch_strain[people.branch, people.month]
    risk += np.where(people.merchant >= 0, 0.30 * places.merchant_trouble[people.merchant, people.month], 0.0)
    return np.asarray(risk + 0.20 * people.unseen + np.where(drifted, 0.65, 0.0))


def _season() -> Floats:
    """The hazard's shape over the loan's age 0..LONGEST_TERM: 0 before a default is possible, 1 at its peak."""
    age = np.arange(LONGEST_TERM + 1) / _PEAK_AGE
    shape = (age * np.exp(1.0 - age)) ** 1.5
    shape[:EARLIEST_DEFAULT] = 0.0
    return np.asarray(shape)


def _prepayment() -> Floats:
    """The hazard of prepayment over the loan's age, for a loan priced at the market."""
    age = np.arange(LONGEST_TERM + 1)
    return np.asarray(_PREPAYMENT * np.minimum(age / 12.0, 1.0))


def meet_fates(
    rng: np.random.Generator, risk: Floats, booked_month: Ints, term: Ints, rate: Floats, timeline: Timeline
) -> Fates:
    """What becomes of loans of `term` months at `rate` per year, booked in `booked_month`; all of shape (n,)."""
    n = len(risk)
    # Who pays 5 points more than the bank's cost of money plus the usual margin refinances about twice as readily.
    eager = np.exp(14.0 * (rate - timeline.funding_rate[booked_month] - 0.06))
    return Fates(
        *_walk(
            np.exp(risk),
            eager,
            rng.exponential(1.0, n),
            rng.exponential(1.0, n),
            booked_month,
            term,
            _season(),
            _prepayment(),
            timeline.hazard,
            HORIZON_MONTHS,
        )
    )


@njit(nogil=True, cache=True)
def _walk(
    risk: Floats,
    eager: Floats,
    default_at: Floats,
    prepayment_at: Floats,
    booked_month: Ints,
    term: Ints,
    season: Floats,
    prepayment: Floats,
    macro: Floats,
    horizon: int,
) -> tuple[Ints, Ints, Floats, Floats]:
    """Walks each loan month by month; the event whose cumulative hazard first passes its exponential draw comes.

    Within a month default comes before prepayment, in the draw and in the PD alike.
    """
    n = len(risk)
    default_age = np.zeros(n, dtype=np.int64)
    prepayment_age = np.zeros(n, dtype=np.int64)
    pd = np.zeros(n)
    pd_lifetime = np.zeros(n)
    for i in range(n):
        defaulting = 0.0
        prepaying = 0.0
        survival = 1.0
        chance = 0.0
        settled = False
        for age in range(1, term[i] + 1):
            step = risk[i] * season[age] * macro[booked_month[i] + age]
            defaulting += step
            chance += survival * -np.expm1(-step)
            if age == horizon:
                pd[i] = chance
            if not settled and defaulting > default_at[i]:
                default_age[i] = age
                settled = True
            step_away = eager[i] * prepayment[age]
            prepaying += step_away
            # In its last month a loan ends by its schedule.
            if not settled and prepaying > prepayment_at[i] and age < term[i]:
                prepayment_age[i] = age
                settled = True
            survival *= np.exp(-step - step_away)
        if term[i] < horizon:
            pd[i] = chance
        pd_lifetime[i] = chance
    return default_age, prepayment_age, pd, pd_lifetime
