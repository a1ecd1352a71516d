"""How the bank has answered so far: points from a few columns, knock-outs, officers in between, price by grade.

It knows less than the columns say, and does not learn: what it declined was never seen to perform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roadworthy.portfolio.amortisation import Floats, Ints
from roadworthy.portfolio.applicants import CHANNELS, EMPLOYMENTS, HOUSINGS, Applicants
from roadworthy.portfolio.places import Places
from roadworthy.portfolio.timeline import Timeline

__all__ = ["Answers", "answer"]

_CUT_OFF = 0.62  # in the old points; above it the answer is decline
_GREY = 0.40  # half the width of the band around it in which an officer decides
_GRADES = np.array([-1.0, -0.45, -0.05, 0.30])  # in points; grades A to E
_PREMIUM = np.array([0.0, 0.007, 0.015, 0.026, 0.038])
_MARGIN = 0.052
_HIGHEST_RATE = 0.149


@dataclass(frozen=True)
class Answers:
    """The answer to each application, shape (n,), and the price quoted with it, a fraction per year."""

    approved: NDArray[np.bool_]
    rate: Floats


def _points(people: Applicants) -> Floats:
    """Higher is worse; about standard normal. Missing values count as average."""
    score = np.where(np.isnan(people.bureau_score), 645.0, people.bureau_score)
    points = -0.0085 * (score - 660.0) + 0.22 * np.minimum(people.delinquencies_24m, 4)
    points += 0.9 * (people.debt_to_income - 0.3).clip(-0.3, 0.6)
    points += -0.03 * (np.minimum(people.employment_years, 10.0) - 4.0)
    points += 0.15 * (people.housing == HOUSINGS.index("rent")) + 0.10 * (people.channel == CHANNELS.index("online"))
    return np.asarray(points)


def answer(rng: np.random.Generator, people: Applicants, places: Places, timeline: Timeline) -> Answers:
    """The old policy's answers and prices."""
    points = _points(people)
    n = len(points)
    insight = places.officer_sight[people.officer] * 0.4 * people.unseen
    judged = points + insight + 0.15 * rng.normal(0.0, 1.0, n) - 0.3 * places.officer_leniency[people.officer]
    grey = np.abs(points - _CUT_OFF) < _GREY
    approved = np.where(grey, judged, points) < _CUT_OFF
    knocked_out = (
        (people.delinquencies_24m >= 5)
        | (people.debt_to_income > 0.75)
        | (people.employment_type == EMPLOYMENTS.index("unemployed"))
    )
    return Answers(approved=approved & ~knocked_out, rate=_price(points, people.term_months, people.month, timeline))


def _price(points: Floats, term: Ints, month: Ints, timeline: Timeline) -> Floats:
    """Cost of money, margin, a premium by grade and one for long terms; in tenths of a percent, capped."""
    premium = _PREMIUM[np.digitize(points, _GRADES)] + 0.0005 * (term - 24) / 12.0
    rate = timeline.funding_rate[month] + _MARGIN + premium
    return np.asarray(np.minimum(np.round(rate, 3), _HIGHEST_RATE))
