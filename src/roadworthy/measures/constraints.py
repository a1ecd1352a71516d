"""What a cut-off has to keep to, which of it binds, and why nothing may be left (R18)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import is_number

__all__ = ["Constraints", "Limits", "Reach", "binding", "refuse_infeasible"]


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """What the chosen cut-off, or pair of them, must keep to. What is None is not asked for.

    approved_at_least  share of all applications approved, those that people approve included
    bad_rate_at_most   share of the approved that goes bad
    referred_at_most   share of all applications referred
    reviews_per_day    people's looks in a day, at most; needs `days`, the days in which the applications came

    >>> print(Constraints(approved_at_least=0.8, bad_rate_at_most=0.05).sentence)
    at least 80% approved, a bad rate of at most 5%
    """

    approved_at_least: float | None = None
    bad_rate_at_most: float | None = None
    referred_at_most: float | None = None
    reviews_per_day: float | None = None
    days: float | None = None

    def __post_init__(self) -> None:
        for name in ("approved_at_least", "bad_rate_at_most", "referred_at_most"):
            share = getattr(self, name)
            if share is not None and not (is_number(share) and 0.0 <= share <= 1.0):
                raise MeasureError(f"{name} is a share, 0 to 1, not {share!r}", where="constraints", mend=f"{name}=0.2")
        if self.reviews_per_day is None:
            return
        if not (is_number(self.reviews_per_day) and self.reviews_per_day >= 0.0):
            raise MeasureError(
                f"reviews_per_day is at least 0, not {self.reviews_per_day!r}",
                where="constraints",
                mend="reviews_per_day=40",
            )
        if not (is_number(self.days) and self.days > 0.0):
            raise MeasureError(
                f"reviews_per_day needs days, above 0, not {self.days!r}",
                where="constraints",
                mend="days=90: the days in which these applications came",
            )

    @property
    def stated(self) -> tuple[str, ...]:
        """The names of what is asked for."""
        return tuple(f.name for f in fields(self) if f.name != "days" and getattr(self, f.name) is not None)

    @property
    def sentence(self) -> str:
        """What is asked for, in words."""
        return ", ".join(_text(name, getattr(self, name)) for name in self.stated) or "nothing"

    def limits(self, total: float) -> Limits:
        """The same in weight of applications, of which there are `total`."""
        most = float("inf") if self.referred_at_most is None else self.referred_at_most * total
        if self.reviews_per_day is not None and self.days is not None:
            most = min(most, self.reviews_per_day * self.days)
        return Limits(
            approved=0.0 if self.approved_at_least is None else self.approved_at_least * total * (1.0 - _ROUNDING),
            bad_rate=1.0 if self.bad_rate_at_most is None else self.bad_rate_at_most * (1.0 + _ROUNDING),
            referred=most * (1.0 + _ROUNDING),
        )

    def without(self, name: str) -> Constraints:
        """The others."""
        changed: dict[str, None] = {name: None}
        return replace(self, **changed)


_ROUNDING = 1e-9
"""Sums of weights such as 0.1 differ by their order; what is at the bound keeps to it."""


@dataclass(frozen=True)
class Limits:
    """Least weight approved, highest bad rate, most weight referred."""

    approved: float
    bad_rate: float
    referred: float


@dataclass(frozen=True)
class Reach:
    """What can be reached under some constraints: the highest profit, and the end of each quantity."""

    profit: float
    approved: float
    bad_rate: float
    referred: float


def binding(constraints: Constraints, reach: Callable[[Constraints], Reach | None], profit: float) -> tuple[str, ...]:
    """The constraints without which more than `profit` could be earned; `reach` looks under changed constraints."""
    found = []
    for name in constraints.stated:
        freed = reach(constraints.without(name))
        if freed is not None and freed.profit > profit + 1e-9 * abs(profit):
            found.append(name)
    return tuple(found)


def refuse_infeasible(
    constraints: Constraints, reach: Callable[[Constraints], Reach | None], total: float
) -> MeasureError:
    """The error that tells what binds: how near each constraint can be come by while the others hold."""
    nearest = []
    for name in constraints.stated:
        freed = reach(constraints.without(name))
        if freed is None:
            continue
        end = {
            "approved_at_least": freed.approved / total,
            "bad_rate_at_most": freed.bad_rate,
            "referred_at_most": freed.referred / total,
            "reviews_per_day": freed.referred / (constraints.days or 1.0),
        }[name]
        nearest.append(f"{name}={end:.4g} at the nearest, the others kept")
    return MeasureError(
        f"nothing keeps to all of: {constraints.sentence}",
        where="constraints",
        available=nearest or ["nothing, even with any one of them left out"],
        mend="ease the one that matters least",
    )


def _text(name: str, bound: float) -> str:
    return {
        "approved_at_least": f"at least {100 * bound:.4g}% approved",
        "bad_rate_at_most": f"a bad rate of at most {100 * bound:.4g}%",
        "referred_at_most": f"at most {100 * bound:.4g}% referred",
        "reviews_per_day": f"at most {bound:.4g} reviews a day",
    }[name]
