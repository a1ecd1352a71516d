"""Week by week: what was decided, which weeks are odd by a stated rule, and what changed in them (R10, R14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np

from roadworthy import report
from roadworthy.access import Deed, may
from roadworthy.casework import count_decided, find_latest_moment, tally_grounds
from roadworthy.desk.format import count, percent
from roadworthy.desk.lately import Lately, Worked
from roadworthy.errors import UsageError
from roadworthy.lifecycle import list_releases, list_switches, list_table_versions, list_tables
from roadworthy.measures import OddShares, odd_shares
from roadworthy.records import Span, Store

__all__ = ["MOST", "USUAL", "Asked", "OddShare", "Week", "Weeks", "WeeksLately"]

USUAL, MOST = 26, 104
"""So many weeks are shown where nobody asks for others, and at most."""
_BEFORE = 12
_WEEK = timedelta(weeks=1)
_Z_OF_REASON, _MOST_SHARED, _MOST_READ = 3.0, 4, 1_000
_DOES = {"decline": "declines", "refer": "referrals"}


@dataclass(frozen=True)
class Asked:
    """The weeks from the one that holds `first` to the one that holds `last`; None: so that 26 end at the latest."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class OddShare:
    """An answer given oddly often, or seldom: in words, and where its applications are found.

    `shared`: the reasons that these state far more often than those with the same answer before them; `shared_of`: of
    how many.
    """

    words: str
    where: str
    shared: tuple[str, ...] = ()
    shared_of: str = ""


@dataclass(frozen=True)
class Week:
    """One week, by its Monday: its counts, what is odd about it, why it cannot be judged, and what changed in it."""

    monday: date
    span: Span
    odd: tuple[OddShare, ...]
    note: str
    changes: tuple[str, ...]

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.monday + timedelta(days=6)

    @property
    def name(self) -> str:
        """As ISO 8601 numbers it: 2026-W45."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02d}"

    @property
    def where(self) -> str:
        """The search of exactly this week."""
        return _search(self.monday)


@dataclass(frozen=True)
class Weeks:
    """Weeks, the latest first, of the branches that somebody sees; `latest` is the Monday of the last decision's.

    `left_out`: those in which nothing was decided are not among them, since a long pause lies between the others.
    """

    weeks: tuple[Week, ...]
    latest: date
    population: str
    rule: OddShares
    drawn: report.Weeks
    left_out: bool = False

    @property
    def sparse(self) -> bool:
        """Whether the chart leaves weeks out that have few decisions."""
        shares = self.drawn.declined
        return bool(np.any(np.isnan(shares.share) & (shares.total > 0)))

    @property
    def odd(self) -> tuple[Week, ...]:
        """Those that are odd."""
        return tuple(week for week in self.weeks if week.odd)


class WeeksLately:
    """What was counted lately, kept for a minute: of a million decisions in few weeks it takes a second."""

    def __init__(self, keep: timedelta = timedelta(minutes=1)) -> None:
        self._counted: Lately[Weeks | None] = Lately(keep=keep, most=64)
        self._drawn: Lately[report.Drawing] = Lately(keep=keep, most=64)

    def look(
        self, deed: Deed, asked: Asked, zone: str, now: datetime, *, patience: float = 2.0
    ) -> Worked[Weeks | None] | None:
        """The weeks, `zone` saying where they begin; None while they are counted.

        Their value is None where nothing was decided. UsageError for a range that makes no sense.
        """
        changes = may(deed.by, "release.read") and may(deed.by, "table.read")
        key = (deed.by.branches, asked, zone, changes)
        return self._counted.look(
            key, lambda: _count(deed, asked, ZoneInfo(zone), changes=changes), now=now, patience=patience
        )

    def draw(self, worked: Worked[Weeks | None], *, patience: float = 0.25) -> report.Drawing | None:
        """The chart of these weeks; None while it is drawn."""
        found = worked.value
        if found is None:
            return None
        drawn = self._drawn.look(
            (found.population, worked.at),
            lambda: next(report.draw_charts("weeks", found.drawn)),
            now=worked.at,
            patience=patience,
        )
        return None if drawn is None else drawn.value


def _count(deed: Deed, asked: Asked, zone: ZoneInfo, *, changes: bool) -> Weeks | None:
    moment = find_latest_moment(deed)
    if moment is None:
        return None
    latest = _monday(moment.astimezone(zone).date())
    first, last = _range(asked, latest)
    spans = _count_spans(deed, first, last, zone)
    quiet = sum(not span.decisions for span in spans[_BEFORE:])
    left_out = False
    if asked == Asked() and quiet > USUAL // 2:  # after a long pause, the weeks before it are looked at too
        more = _count_spans(deed, last - _WEEK * (MOST - 1), last, zone)
        busy = [place for place in range(_BEFORE, len(more)) if more[place].decisions][-USUAL:]
        left_out = len(busy) > USUAL - quiet
        if left_out:
            spans = more[busy[0] - _BEFORE :]
            first = last - _WEEK * (len(more) - 1 - busy[0])
    mondays = [first + _WEEK * place for place in range(-_BEFORE, len(spans) - _BEFORE)]
    totals = [span.decisions for span in spans]
    odd = {
        "decline": odd_shares([span.declined for span in spans], totals, window=_BEFORE),
        "refer": odd_shares([span.referred for span in spans], totals, window=_BEFORE),
    }
    changed = _list_changes(deed.store, zone) if changes else {}
    places = [place for place in range(_BEFORE, len(spans)) if spans[place].decisions or not left_out]
    weeks = [
        Week(
            monday=mondays[place],
            span=spans[place],
            odd=tuple(_tell_odd(deed, odd, place, mondays[place], spans)),
            note=_tell_unjudged(odd["decline"], place, unfinished=deed.now < spans[place].end),
            changes=tuple(changed.get(mondays[place], ())),
        )
        for place in places
    ]
    population = _population(deed, spans[_BEFORE:], first, last)
    drawn = report.Weeks(
        mondays=tuple(mondays[place] for place in places),
        declined=_cut(odd["decline"], places),
        referred=_cut(odd["refer"], places),
        population=population,
    )
    return Weeks(tuple(weeks[::-1]), latest, population, odd["decline"], drawn, left_out)


def _count_spans(deed: Deed, first: date, last: date, zone: ZoneInfo) -> Sequence[Span]:
    """The weeks from that of Monday `first` to that of `last`, and the twelve before them."""
    mondays = [first + _WEEK * place for place in range(-_BEFORE, (last - first) // _WEEK + 2)]
    return count_decided(deed, [_begin(monday, zone) for monday in mondays])


def _range(asked: Asked, latest: date) -> tuple[date, date]:
    """The first and the last Monday."""
    if asked.last is not None:
        last = _monday(asked.last)
    elif asked.first is not None:
        last = max(min(latest, _monday(asked.first) + _WEEK * (USUAL - 1)), _monday(asked.first))
    else:
        last = latest
    first = last - _WEEK * (USUAL - 1) if asked.first is None else _monday(asked.first)
    if first > last:
        raise UsageError(f"{asked.first} is after {asked.last}", where="from, until", mend="the earlier day in from")
    if last - first >= _WEEK * MOST:
        raise UsageError(f"that is more than {MOST} weeks", where="from, until", mend="ask for fewer at once")
    return first, last


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _begin(monday: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(monday, time(), tzinfo=zone).astimezone(UTC)


def _search(monday: date, **more: str) -> str:
    week = {"decided_from": monday.isoformat(), "decided_to": (monday + timedelta(days=6)).isoformat()}
    return f"/search?{urlencode(week | more)}"


def _tell_odd(
    deed: Deed, odd: Mapping[str, OddShares], place: int, monday: date, spans: Sequence[Span]
) -> Iterator[OddShare]:
    for answer, found in odd.items():
        if found.odd[place]:
            much = "far more than chance" if found.z[place] > 0 else "far fewer than by chance"
            yield OddShare(
                f"{_DOES[answer]} {percent(found.share[place])} against {percent(found.share_before[place])} in the "
                f"twelve weeks before, {count(found.total[place])} decisions: {much}",
                _search(monday, answer=answer),
                *_tell_shared(deed, answer, spans[place - _BEFORE : place + 1]),
            )


def _tell_shared(deed: Deed, answer: str, spans: Sequence[Span]) -> tuple[tuple[str, ...], str]:
    """The reasons that the decisions of the last span state far more often than those before, the oddest first."""
    *before, week = spans
    then = tally_grounds(deed, before[0].start, week.start, answer, most=_MOST_READ)
    now = tally_grounds(deed, week.start, week.end, answer, most=_MOST_READ)
    if not then.decisions or not now.decisions:
        return (), ""
    told = []
    for reason, number in now.reasons.items():
        found = odd_shares(
            [then.reasons.get(reason, 0), number], [then.decisions, now.decisions],
            window=1, z_at_least=_Z_OF_REASON, fewest=1, fewest_before=1,
        )  # fmt: skip
        if found.odd[1] and found.z[1] > 0:
            words = f"“{reason}”: {percent(found.share[1])} against {percent(found.share_before[1])} before"
            told.append((float(found.z[1]), words))
    when = "in the twelve before" if then.decisions < _MOST_READ else "just before"
    of = f"of {count(now.decisions)} {_DOES[answer]} of the week and {count(then.decisions)} {when}"
    return tuple(words for _, words in sorted(told, reverse=True)[:_MOST_SHARED]), of


def _tell_unjudged(found: OddShares, place: int, *, unfinished: bool) -> str:
    over = "not over yet; " if unfinished else ""
    if found.judged[place]:
        return over.rstrip("; ")
    if not found.total[place]:
        return f"{over}nothing decided"
    if found.total[place] < found.fewest:
        return f"{over}too few decisions to judge"
    return f"{over}too few in the twelve weeks before to compare with"


def _population(deed: Deed, spans: Sequence[Span], first: date, last: date) -> str:
    branches = deed.by.branches
    whose = "every branch" if branches.every else f"the branches you see: {', '.join(sorted(branches.names)) or 'none'}"
    total = count(sum(span.decisions for span in spans))
    until = last + timedelta(days=6)
    return f"{total} applications by their latest decision, {first} to {until}, of {whose}"


def _cut(odd: OddShares, places: Sequence[int]) -> OddShares:
    """The weeks shown. Of few decisions among many no share is drawn: one declined of one would flatten the others."""
    shown: dict[str, Any] = {name: column[places] for name, column in odd.columns.items()}
    few = shown["total"] < odd.fewest
    if np.count_nonzero(few) <= len(places) // 2:
        shown["share"] = np.where(few, np.nan, shown["share"])
    return replace(odd, **shown)


def _list_changes(store: Store, zone: ZoneInfo) -> dict[date, list[str]]:
    """What went live, came into force or was stopped, by week."""
    found: list[tuple[datetime, str]] = []
    for release in list_releases(store):
        for step in release.steps:
            if step.step in ("promoted", "restored"):
                again = " again" if step.step == "restored" else ""
                found.append((step.at, f"release {release.id} live{again}"))
    for name in list_tables(store):
        for version in list_table_versions(store, name):
            told = f"{name} {version.version}"
            if version.answered_at is not None and version.state != "rejected":
                found.append((version.answered_at, f"table {told} in force"))
            if version.undone_at is not None:
                found.append((version.undone_at, f"table {told} undone"))
    found += [(switch.at, "stopped" if switch.stopped else "resumed") for switch in list_switches(store)]
    changes: dict[date, list[str]] = {}
    for at, words in sorted(found):
        changes.setdefault(_monday(at.astimezone(zone).date()), []).append(words)
    return changes
