"""How accurate the predictions were, as the page shows it: measured below, only set out here (R16, R17, R18, R21)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from roadworthy import report
from roadworthy.access import Branches
from roadworthy.desk.format import count, percent
from roadworthy.desk.lately import Lately, Worked
from roadworthy.errors import Refused
from roadworthy.live import Loaded
from roadworthy.measures import Confusion
from roadworthy.outcomes import (
    Judged,
    find_first_day,
    judge_outcomes,
    matured_calibration,
    matured_confusion,
    matured_gains,
    matured_report,
    matured_worth,
    unknown_outcomes,
)
from roadworthy.policy import Policy, find_band_starts
from roadworthy.product import Product
from roadworthy.records import Store
from roadworthy.report import Drawing, Table

__all__ = ["Accuracy", "AccuracyLately", "Asked", "Figure", "Picture"]

_JUDGING_SECONDS = 600.0


@dataclass(frozen=True)
class Asked:
    """What of: as known by the end of a day, in so many buckets; of one release, or of every one (None)."""

    as_of: date
    buckets: int
    release: str | None


@dataclass(frozen=True)
class Picture:
    """A chart: its finding, the population under it, its text alternative, and the image as an address."""

    title: str
    population: str
    alternative: str
    address: str


@dataclass(frozen=True)
class Figure:
    """Charts and the table with all their numbers."""

    pictures: tuple[Picture, ...]
    table: Table


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The page's figures. What cannot be shown yet is None, and `not_yet`, or `no_money`, says why."""

    population: str
    definition: str
    left_out: tuple[str, ...]
    as_of: datetime
    releases: tuple[str, ...]
    gains: Figure | None = None
    calibration: Figure | None = None
    not_approved: float
    declined_from: float
    matrix: Table | None = None
    flatters: bool = False
    sentence: str = ""
    classification: Table | None = None
    money: Figure | None = None
    best: str = ""
    terms: Table | None = None
    assumed: tuple[str, ...] = ()
    not_yet: str = ""
    first_day: date | None = None
    """The first day as of which there is something to see, where as of the day asked for there is nothing."""
    no_money: str = ""


class AccuracyLately:
    """The figures that were asked for lately. Every decision is read once for a day, and each choice drawn once."""

    def __init__(self, keep: timedelta = timedelta(minutes=5)) -> None:
        self._judged: Lately[Judged] = Lately(keep=keep, most=1)  # of a million applications it takes much memory
        self._figures: Lately[Accuracy] = Lately(keep=keep, most=64)

    def look(
        self, store: Store, live: Loaded, asked: Asked, branches: Branches, now: datetime, *, patience: float = 2.0
    ) -> Worked[Accuracy] | None:
        """The figures; None while they are worked out. Errors as `judge_outcomes`."""
        day = (asked.as_of, live.id)

        def judge() -> Judged:
            with store.reading() as connection:
                return judge_outcomes(connection, live.product, asked.as_of, now=now)

        def measure() -> Accuracy:
            worked = self._judged.look(day, judge, now=now, patience=_JUDGING_SECONDS)
            if worked is None:
                raise Refused("the outcomes take longer to judge than anybody waits", mend="ask again")
            return _measure(store, worked.value, live.release.policy, live.product, asked, branches)

        return self._figures.look((day, asked, branches), measure, now=now, patience=patience)


def _measure(
    store: Store, judged: Judged, policy: Policy, product: Product, asked: Asked, branches: Branches
) -> Accuracy:
    if not branches.every:
        seen = np.array([branches.hold(branch) for branch in judged.branch], dtype=bool)
        judged = judged.keep(seen, f" of the branches {', '.join(branches.spell())}")
    releases = tuple(sorted(set(judged.release.tolist()), key=lambda name: (len(name), name)))
    if asked.release is not None:
        judged = judged.of_release(asked.release)
    found: dict[str, Any] = {}
    starts = find_band_starts(policy)
    not_approved = starts.not_approved
    whose = judged.whose
    try:
        calibrated = replace(matured_calibration(judged, asked.buckets), population=whose)
        found["calibration"] = _show("calibration", calibrated, report.calibration_table(calibrated))
        confusion = replace(matured_confusion(judged, not_approved), population=whose)
        found["matrix"] = _set_out(confusion, unknown_outcomes(judged, not_approved))
        found["flatters"], found["sentence"] = confusion.flatters, confusion.sentence
        classified = replace(matured_report(judged, not_approved), population=whose)
        found["classification"] = replace(
            report.classification_table(classified),
            caption=f"Precision, recall and F1 at a PD of {percent(not_approved, 2)}: {whose}",
        )
        gained = replace(matured_gains(judged, asked.buckets), population=whose)
        found["gains"] = _show("gains", gained, report.gains_table(gained))
    except Refused as refused:
        found["not_yet"] = refused.message.partition(":")[0]
        if not judged.matured.any():
            found["first_day"] = _find_first_day(store, judged, product)
    else:
        found |= _price(store, judged, policy)
    return Accuracy(
        population=whose,
        definition=judged.definition,
        left_out=tuple(judged.left_out),
        as_of=judged.as_of,
        releases=releases,
        not_approved=not_approved,
        declined_from=starts.cut_off,
        **found,
    )


def _find_first_day(store: Store, judged: Judged, product: Product) -> date | None:
    """Of these applications where any of them was booked by then, else of all."""
    if (first := judged.first_day) is not None:
        day: date = first.astype(object)
        return day
    with store.reading() as connection:
        return find_first_day(connection, product)


def _price(store: Store, judged: Judged, policy: Policy) -> dict[str, Any]:
    try:
        worth = matured_worth(store, judged, policy)
    except Refused as refused:
        return {"no_money": refused.message}
    if worth is None:
        return {"no_money": "the policy states no economics, and without them no money is shown"}
    cut_offs = report.CutOffs(table=worth.table, policy=worth.in_force, best=worth.best)
    economics = worth.table.economics
    return {
        "money": _show("money", cut_offs.money, report.cut_off_table(cut_offs)),
        "best": report.best_in_words(worth.best),
        "terms": None if economics is None else report.economics_table(economics),
        "assumed": () if economics is None else economics.assumed,
    }


def _show(shows: str, result: Any, table: Table) -> Figure:
    return Figure(tuple(_picture(drawing) for drawing in report.draw_charts(shows, result)), table)


def _picture(drawing: Drawing) -> Picture:
    return Picture(drawing.title, drawing.subtitle, drawing.alternative, report.image_address(drawing))


def _set_out(result: Confusion, unknown: tuple[int, int]) -> Table:
    """The confusion matrix, with those whose outcome nobody knows beside it."""
    at = percent(result.cut_off, 2)
    return Table(
        caption=f"Right and wrong at a PD of {at}, where the live policy stops approving: {result.population}",
        headings=("PD", "went good", "went bad", "of these bad", "outcome unknown"),
        rows=(
            (f"below {at}: the policy approves", count(result.tn), count(result.fn), _rate(result.fn, result.tn),
             f"{count(unknown[0])} unknown"),
            (f"{at} or above: it does not", count(result.fp), count(result.tp), _rate(result.tp, result.fp),
             f"{count(unknown[1])} unknown"),
        ),
        words=frozenset({0}),
    )  # fmt: skip


def _rate(bad: float, good: float) -> str:
    return percent(bad / (bad + good) if bad + good else None)
