"""What the page is made of: the results of the measures, and the words that say whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import UsageError
from roadworthy.measures import (
    AnswerTable,
    BestCutOff,
    Calibration,
    ClassificationReport,
    Confusion,
    CutOffTable,
    GainsTable,
    Measure,
    OddShares,
)
from roadworthy.report.format import count, period

__all__ = ["ColumnShare", "CutOffs", "Finding", "Meaning", "Money", "Population", "Weeks"]

_NOT_STATED = "population not stated"  # what a measure says that was not told
Floats = NDArray[np.float64]
Severity = Literal["stop", "warn", "note"]


@dataclass(frozen=True, kw_only=True)
class Population:
    r"""Whose figures these are: no figure is shown without it (R18).

    `who` is a noun phrase ("held-out applications, booked and matured"); `count` the applications measured, `of` how
    many there were before the choice; `first` and `last` the dates they were applied on; `unknown` those whose outcome
    nobody knows, by why ("declined" -> 5100); `weights` what a weight stands for, where rows are weighted. Hand
    `caption` to the measures as their `population`.

    >>> held_out = Population(who="held-out applications", count=6000, of=30000, unknown={"declined": 5100},
    ...                       first=date(2009, 1, 1), last=date(2010, 12, 31))
    >>> held_out.caption
    'held-out applications, Jan\xa02009 – Dec\xa02010, n\xa0=\xa06,000'
    >>> held_out.outside
    'Not in these figures, because their outcome is unknown: 5,100 declined.'
    """

    who: str
    count: int
    of: int | None = None
    first: date | None = None
    last: date | None = None
    unknown: Mapping[str, int] = field(default_factory=dict)
    weights: str = ""

    @property
    def caption(self) -> str:
        """What stands under every figure."""
        when = [] if self.first is None or self.last is None else [period(self.first, self.last)]
        weighted = [f"weighted by {self.weights}"] if self.weights else []
        return ", ".join([self.who, *when, f"n\u00a0=\u00a0{count(self.count)}", *weighted])

    @property
    def outside(self) -> str:
        """Who is in no figure because nobody knows how they did; empty where there are none."""
        groups = ", ".join(f"{count(number)} {why}" for why, number in self.unknown.items() if number)
        return f"Not in these figures, because their outcome is unknown: {groups}." if groups else ""


@dataclass(frozen=True, kw_only=True)
class CutOffs:
    """The cut-offs one could choose, the one the policy has, and the best one where it was looked for.

    Both must be among the table's, or UsageError is raised. About a hundred make a smooth slider: for instance
    `np.unique([0, *np.quantile(pd, np.linspace(0.01, 0.99, 99)), policy, best.cut_off, 1])`.
    """

    table: CutOffTable
    policy: float
    best: BestCutOff | None = None

    def __post_init__(self) -> None:
        named = {"policy": self.policy} | ({} if self.best is None else {"best": self.best.cut_off})
        for name, cut_off in named.items():
            if cut_off not in self.table.cut_off:
                raise UsageError(
                    f"the table has no row for the {name} cut-off, {cut_off:.6g}",
                    mend=f"cut_off_table(..., cut_offs=[..., {cut_off!r}])",
                )

    @property
    def policy_row(self) -> int:
        """The row of the policy's cut-off."""
        return int(np.flatnonzero(self.table.cut_off == self.policy)[0])

    @property
    def best_row(self) -> int | None:
        """The row of the best cut-off, None where it was not looked for."""
        return None if self.best is None else int(np.flatnonzero(self.table.cut_off == self.best.cut_off)[0])

    @property
    def money(self) -> Money | None:
        """The cut-offs in money, or None where no economics are stated: without them no money is shown."""
        table = self.table
        if table.profit is None or table.profit_low is None or table.profit_high is None:
            return None
        curves = {"revenue": table.revenue, "credit losses": table.losses, "profit": table.profit}
        return Money(
            cut_offs=self,
            currency=table.currency or "",
            profit=table.profit,
            profit_low=table.profit_low,
            profit_high=table.profit_high,
            curves={name: amounts for name, amounts in curves.items() if amounts is not None},
        )


@dataclass(frozen=True, kw_only=True)
class Money:
    """The cut-offs in `currency`: one amount for each row of the table; `curves` are those worth drawing, by name."""

    cut_offs: CutOffs
    currency: str
    profit: Floats
    profit_low: Floats
    profit_high: Floats
    curves: Mapping[str, Floats]


@dataclass(frozen=True, kw_only=True)
class ColumnShare:
    """How much of the model's movement away from the reference applicant one column carries, as a fraction of all."""

    column: str
    share: float
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something a reader must know before using the model: `stop` it, be `warn`ed, or take `note`."""

    severity: Severity
    title: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """Everything on the page.

    `answers` are what the policy answers, rules included; `cut_offs` and `confusion` are by PD alone.
    `gains` and `calibration` hold one result per bucket count asked for (5, 10, 20, 50); the page switches between
    them. `measures` are the single numbers, in the order shown. `made` says how it came about, label to text, in the
    order shown. A result that does not name its population raises UsageError: no such figure is drawn.
    """

    title: str
    product: str
    package: str
    digest: str
    population: Population
    gains: Mapping[int, GainsTable]
    calibration: Mapping[int, Calibration]
    confusion: Confusion
    classification_report: ClassificationReport
    answers: AnswerTable
    cut_offs: CutOffs
    measures: tuple[Measure, ...] = ()
    columns: tuple[ColumnShare, ...] = ()
    findings: tuple[Finding, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False

    def __post_init__(self) -> None:
        for name, population in self._populations():
            if population == _NOT_STATED:
                raise UsageError(
                    f"{name} does not say whose figures it shows",
                    mend="hand the measure population=population.caption",
                )

    @property
    def money(self) -> Money | None:
        """The cut-offs in money, or None where no economics are stated: without them no money is shown."""
        return self.cut_offs.money

    @property
    def earned(self) -> Money | None:
        """The same where revenue is known: realised money has none apart."""
        money = self.money
        return money if money is not None and "revenue" in money.curves else None

    def _populations(self) -> Iterator[tuple[str, str]]:
        for buckets, gains in self.gains.items():
            yield f"gains[{buckets}]", gains.population
        for buckets, calibration in self.calibration.items():
            yield f"calibration[{buckets}]", calibration.population
        yield "confusion", self.confusion.population
        yield "classification_report", self.classification_report.population
        yield "answers", self.answers.population
        yield "cut_offs.table", self.cut_offs.table.population


@dataclass(frozen=True, kw_only=True)
class Weeks:
    """What was answered week by week, beginning on `mondays`; no part of the page, and drawn like its charts."""

    mondays: tuple[date, ...]
    declined: OddShares
    referred: OddShares
    population: str
