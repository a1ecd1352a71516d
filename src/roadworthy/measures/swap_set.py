"""Where two releases answer differently, and what is known of it (R22).

Swap-ins, which only the challenger approves, were mostly declined when they were decided: nobody knows how they would
have done. Their outcomes are bounded; no verdict is given that the unknown could turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roadworthy.errors import MeasureError
from roadworthy.measures.checks import check_cut_off, check_numbers, check_rows
from roadworthy.measures.comparison import compare_profit
from roadworthy.measures.economics import Economics, Priced
from roadworthy.measures.money import check_priced
from roadworthy.measures.results import COUNT, MONEY, NOT_STATED, SHARE, TEXT, Floats, Table, money_text, percent_text
from roadworthy.measures.unknown import PartlyKnown, bound_profit, check_partly_known
from roadworthy.measures.verdict import Comparison, Verdict

__all__ = ["SwapSet", "swap_set"]

_GROUPS = ("both approve", "only the challenger approves", "only the champion approves", "both decline")


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class SwapSet(Table):
    """One row each for: both approve, only the challenger (swap-ins), only the champion (swap-outs), both decline.

    applications, share    weight, and as a share of all
    amount                 sum of `amounts`; None without
    known, unknown         weight with and without a known outcome
    bads_known, bad_rate_known    of those whose outcome is known
    bads_low, bads_high, bad_rate_low, bad_rate_high    if all the unknown were good; if all were bad
    bads_expected_champion, bads_expected_challenger    with each model's PD for the unknown: expectations, not
                           observations, and the challenger's flatters its swap-ins, which it chose; None without PDs
    profit_worst, profit_best    of the group, were it approved, over the unknown outcomes; None without economics

    worst, best  challenger's profit less champion's, paired over the applications, with the unknown outcomes the worst
                 and the best for the challenger; what either refers costs `review`; None without economics
    """

    group: NDArray[Any] = field(metadata=TEXT)
    applications: Floats = field(metadata=COUNT)
    share: Floats = field(metadata=SHARE)
    amount: Floats | None = field(default=None, metadata=MONEY)
    known: Floats = field(metadata=COUNT)
    unknown: Floats = field(metadata=COUNT)
    bads_known: Floats = field(metadata=COUNT)
    bad_rate_known: Floats = field(metadata=SHARE)
    bads_low: Floats = field(metadata=COUNT)
    bads_high: Floats = field(metadata=COUNT)
    bad_rate_low: Floats = field(metadata=SHARE)
    bad_rate_high: Floats = field(metadata=SHARE)
    bads_expected_champion: Floats | None = field(default=None, metadata=COUNT)
    bads_expected_challenger: Floats | None = field(default=None, metadata=COUNT)
    profit_worst: Floats | None = field(default=None, metadata=MONEY)
    profit_best: Floats | None = field(default=None, metadata=MONEY)
    worst: Comparison | None
    best: Comparison | None
    count: int
    currency: str | None
    economics: Economics | None
    population: str

    @property
    def verdict(self) -> Verdict | None:
        """Of the challenger in profit: "better" only if it is at worst, "worse" only if at best; None without money."""
        if self.worst is None or self.best is None:
            return None
        if self.worst.verdict == "better":
            return "better"
        return "worse" if self.best.verdict == "worse" else "not enough evidence yet"

    @property
    def caption(self) -> str:
        """Size, how much is unknown, where the money comes from, and population."""
        money = "no money: economics not stated"
        if self.economics is not None:
            money = f"money in {self.currency}, {self.economics.basis_text}"
        return f"Swap set: {self.count:,} applications, {self.unknown.sum():,.0f} unknown; {money}; {self.population}"

    @property
    def sentence(self) -> str:
        """What the swaps are, and what they are worth, in plain words."""
        said = (
            f"The challenger swaps in {self.applications[1]:,.0f} applications ({percent_text(self.share[1])}), of "
            f"which the outcome of {self.unknown[1]:,.0f} is unknown, and swaps out {self.applications[2]:,.0f} "
            f"({percent_text(self.share[2])})."
        )
        if self.known[2] > 0:
            said += f" Of the swapped out with a known outcome, {percent_text(self.bad_rate_known[2])} went bad."
        if self.worst is None or self.best is None or self.currency is None:
            return f"{said} ({self.population})"
        low, high = (money_text(each.value, self.currency) for each in (self.worst, self.best))
        ends = [money_text(bound, self.currency) for bound in (self.worst.low, self.best.high) if not np.isnan(bound)]
        chance = f"with chance in the sample, {' to '.join(ends)}" if len(ends) == 2 else "its chance cannot be known"
        between = f"is {low}" if self.worst.value == self.best.value else f"lies between {low} and {high}"
        said += f" Its profit less the champion's {between} ({chance}): "
        said += "not enough evidence yet" if self.verdict == "not enough evidence yet" else f"it is {self.verdict}"
        if self.verdict == "not enough evidence yet" and self.worst.value < 0.0 < self.best.value:
            said += "; more of the same data cannot settle it, approving some of the swap-ins at random can"
        return f"{said} ({self.population})."


def swap_set(
    bad: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    *,
    cut_offs: tuple[float, float] | None = None,
    referred: Literal["approve", "decline"] | None = None,
    amounts: ArrayLike | None = None,
    economics: Economics | Priced | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
    smallest: float | None = None,
    population: str = NOT_STATED,
) -> SwapSet:
    """Compare two releases' answers to the same applications, unknown outcomes bounded.

    `bad` (n,) holds 0, 1, and NaN or None where nobody knows. With `cut_offs` (the champion's, the challenger's),
    `champion` and `challenger` (n,) are PDs, declined from their cut-off on; without, they are answers: 0 approve, 1
    refer, 2 decline, and `referred` says how the referred count, since what people will answer is not known; each look
    costs `review` either way. `amounts` (n,) are summed by group; `weights` (n,) are at least 0. `confidence`, `power`
    and `smallest` as for `compare_profit`. Raises MeasureError.

    >>> economics = Economics(revenue=100, funding=20, ead=1000, lgd=0.5)
    >>> swaps = swap_set([0, 1, None, None, 1], [.1, .1, .6, .7, .2], [.1, .8, .2, .9, .9], cut_offs=(0.5, 0.5),
    ...                  economics=economics)
    >>> swaps.applications.tolist(), swaps.unknown.tolist()
    ([1.0, 1.0, 2.0, 1.0], [0.0, 1.0, 0.0, 1.0])
    >>> swaps.worst.value, swaps.best.value, swaps.verdict
    (520.0, 1120.0, 'not enough evidence yet')
    """
    read, pds = _read_answers(champion, challenger, cut_offs, referred)
    answers = [each.approved for each in read]
    applications = check_partly_known(bad, np.zeros(len(answers[0])) if pds is None else pds[1], weights)
    old, new = answers
    group = np.where(old & new, 0, np.where(new, 1, np.where(old, 2, 3)))
    outcomes, known = applications.outcomes, applications.known

    def total(each: Floats) -> Floats:
        return np.bincount(group, weights=outcomes.weighted(each), minlength=len(_GROUPS)).astype(np.float64)

    everyone, unknown, bads = (
        total(np.ones(len(group))),
        total((~known).astype(float)),
        total(outcomes.bad.astype(float)),
    )
    summed = None
    if amounts is not None:
        sums = check_numbers(amounts, "amounts")
        check_rows(sums, "amounts", len(group))
        summed = total(sums)
    expected: dict[str, Any] = {}
    if pds is not None:
        for name, pd in zip(("champion", "challenger"), pds, strict=True):
            expected[f"bads_expected_{name}"] = bads + total(np.where(known, 0.0, pd))
    priced = None if economics is None else check_priced(economics, columns, len(group))
    money: dict[str, Any] = {"worst": None, "best": None}
    if priced is not None:
        looks = [np.where(each.referred, priced.review, 0.0) for each in read]
        money = _compare(applications, priced, group, looks, weights, confidence, power, smallest, population)
        money["profit_worst"], money["profit_best"] = (total(each) for each in money.pop("bounds"))
    with np.errstate(invalid="ignore"):  # a rate of nobody is NaN
        return SwapSet(
            group=np.array(_GROUPS, dtype=object),
            applications=everyone,
            share=everyone / outcomes.total,
            amount=summed,
            known=everyone - unknown,
            unknown=unknown,
            bads_known=bads,
            bad_rate_known=bads / (everyone - unknown),
            bads_low=bads.copy(),
            bads_high=bads + unknown,
            bad_rate_low=bads / everyone,
            bad_rate_high=(bads + unknown) / everyone,
            **expected,
            **money,
            count=len(group),
            currency=None if priced is None else priced.economics.currency,
            economics=None if priced is None else priced.economics,
            population=population,
        )


def _compare(
    applications: PartlyKnown,
    priced: Priced,
    group: NDArray[np.int64],
    looks: list[Floats],
    weights: ArrayLike | None,
    confidence: float,
    power: float,
    smallest: float | None,
    population: str,
) -> dict[str, Any]:
    """The paired difference at its ends. An application that both approve brings the same to both, known or not.

    `looks` is what the looks at referred applications cost the champion, and the challenger.
    """
    bounds = bound_profit(applications, priced)
    found: dict[str, Any] = {"bounds": (bounds.worst, bounds.best)}
    for name, swapped_in, swapped_out in (
        ("worst", bounds.worst, bounds.best),
        ("best", bounds.best, bounds.worst),
    ):
        both = np.where(group == 0, bounds.worst if name == "worst" else bounds.best, 0.0)
        found[name] = compare_profit(
            both + np.where(group == 2, swapped_out, 0.0) - looks[0],
            both + np.where(group == 1, swapped_in, 0.0) - looks[1],
            weights=weights,
            currency=priced.economics.currency,
            confidence=confidence,
            power=power,
            smallest=smallest,
            population=population,
        )
    return found


@dataclass(frozen=True)
class _Answers:
    """Who is approved by one release, the referred included where they count so, and who is referred."""

    approved: NDArray[np.bool_]
    referred: NDArray[np.bool_]


def _read_answers(
    champion: ArrayLike, challenger: ArrayLike, cut_offs: tuple[float, float] | None, referred: str | None
) -> tuple[tuple[_Answers, _Answers], tuple[Floats, Floats] | None]:
    """What each answers, and the PDs where they were handed in."""
    read = {name: check_numbers(each, name) for name, each in (("champion", champion), ("challenger", challenger))}
    check_rows(read["challenger"], "challenger", len(read["champion"]))
    old, new = read.values()
    if cut_offs is not None:
        if not isinstance(cut_offs, tuple | list) or len(cut_offs) != 2:
            raise MeasureError(f"cut_offs are the champion's and the challenger's, not {cut_offs!r}", mend="(0.2, 0.2)")
        for name, each in read.items():
            if float(each.min()) < 0.0 or float(each.max()) > 1.0:
                raise MeasureError(f"{name} holds PDs, which lie in 0..1", mend="or answers, without cut_offs")
        first, second = (check_cut_off(each, "cut_offs") for each in cut_offs)
        nobody = np.zeros(len(old), dtype=np.bool_)
        return (_Answers(old < first, nobody), _Answers(new < second, nobody)), (old, new)
    for name, each in read.items():
        if not np.isin(each, (0.0, 1.0, 2.0)).all():
            raise MeasureError(
                f"{name} holds answers: 0 (approve), 1 (refer) or 2 (decline)", mend="or PDs, with cut_offs=(0.2, 0.2)"
            )
        if (each == 1.0).any() and referred not in ("approve", "decline"):
            raise MeasureError(
                f"{name} refers applications, and what people will answer is not known",
                mend='look at both: referred="approve" and referred="decline"',
            )
    most = 1.0 if referred == "approve" else 0.0
    return (_Answers(old <= most, old == 1.0), _Answers(new <= most, new == 1.0)), None
