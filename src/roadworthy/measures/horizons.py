"""The months that PD and money look ahead: equal, or joined by a factor that somebody declares."""

from __future__ import annotations

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import is_number

__all__ = ["join_horizons"]

_LONGEST = 600


def join_horizons(money_months: int | None, pd_months: int | None, lifetime_factor: float | None = None) -> float:
    """How many bads within the money's horizon one bad within the PD's horizon stands for.

    Both horizons are whole months, 1 to 600, or None where they are not stated. Equal horizons give 1. Different ones
    need `lifetime_factor`, declared by whoever knows the portfolio: at least 1 where the money looks further than the
    PD, above 0 and at most 1 where it looks less far. Raises MeasureError: a 12-month PD under five years of interest
    makes every loan look good.

    >>> join_horizons(24, 24), join_horizons(60, 12, lifetime_factor=2.5)
    (1.0, 2.5)
    >>> join_horizons(60, 12)
    Traceback (most recent call last):
        ...
    roadworthy.errors.MeasureError: money is counted over 60 months and the PD looks 12 months ahead
      mend: state the money over 12 months, or declare lifetime_factor: the bads in 60 months for each bad in 12
    """
    for name, months in (("horizon_months", money_months), ("pd_horizon_months", pd_months)):
        whole = isinstance(months, int) and not isinstance(months, bool)
        if months is not None and not (whole and 1 <= months <= _LONGEST):
            raise MeasureError(
                f"{name} is a whole number of months, 1 to {_LONGEST}, not {months!r}", mend=f"{name}=12"
            )
    if lifetime_factor is not None and not (is_number(lifetime_factor) and 0.0 < lifetime_factor <= 100.0):
        raise MeasureError(
            f"lifetime_factor is a number above 0, at most 100, not {lifetime_factor!r}", mend="lifetime_factor=1.8"
        )
    if money_months is None or pd_months is None:
        return 1.0 if lifetime_factor is None else float(lifetime_factor)
    if lifetime_factor is None:
        if money_months != pd_months:
            raise MeasureError(
                f"money is counted over {money_months} months and the PD looks {pd_months} months ahead",
                mend=f"state the money over {pd_months} months, or declare lifetime_factor: the bads in {money_months} "
                f"months for each bad in {pd_months}",
            )
        return 1.0
    right = {-1: lifetime_factor <= 1.0, 0: lifetime_factor == 1.0, 1: lifetime_factor >= 1.0}
    if not right[(money_months > pd_months) - (money_months < pd_months)]:
        raise MeasureError(
            f"lifetime_factor {lifetime_factor:g} cannot join money over {money_months} months and a PD of {pd_months}",
            mend="it is 1 or more where the money looks further ahead, at most 1 where it looks less far, 1 if equal",
        )
    return float(lifetime_factor)
