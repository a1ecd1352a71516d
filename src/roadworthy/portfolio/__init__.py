"""A simulated portfolio to live on: labelled synthetic, with every truth known and held apart.

Ten years of applications, the bank's past answers, and dated events from which outcomes exist only `as_of` a date. What
it is calibrated to, and how that was measured, stands in docs/explanation/portfolio.md.
"""

from roadworthy.portfolio.columns import INPUTS, describe
from roadworthy.portfolio.history import past_applications
from roadworthy.portfolio.money import realised_money, schedule_money
from roadworthy.portfolio.places import BRANCHES, MERCHANT_PURPOSE
from roadworthy.portfolio.portfolio import Portfolio
from roadworthy.portfolio.risk import HORIZON_MONTHS
from roadworthy.portfolio.simulation import simulate
from roadworthy.portfolio.timeline import PERIODS, Period

__all__ = [
    "BRANCHES",
    "HORIZON_MONTHS",
    "INPUTS",
    "MERCHANT_PURPOSE",
    "PERIODS",
    "Period",
    "Portfolio",
    "describe",
    "past_applications",
    "realised_money",
    "schedule_money",
    "simulate",
]
