"""How past applications turned out: bad, good, indeterminate, declined or immature, by the product's own definition.

Nothing is trained on that cannot be judged. Declined applications have no outcome: they are kept, and never count as
good. An application whose performance window is still open is censored: without a bad outcome so far it is immature,
and even with one it stays out of training (`Labels.bad` is NaN), because its vintage would otherwise show its bads and
hide its goods.
"""

from __future__ import annotations

import datetime as dt
import difflib
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.contract import Column, Contract, check_table
from roadworthy.errors import DataError, UsageError
from roadworthy.product.declaration import Outcome
from roadworthy.product.outcome_words import Words, declined_words, name_values, outcome_words, read_words

__all__ = ["OUTCOMES", "Labels", "add_months", "label_outcomes", "read_days", "settle_outcome", "unknown_column"]

OUTCOMES = ("bad", "good", "indeterminate", "declined", "immature")
"""What an application can have come to; `Labels.codes` points into it."""
BAD, GOOD, INDETERMINATE, DECLINED, IMMATURE = range(5)
DEFAULT_HORIZON_MONTHS = 12
_DAY = "datetime64[D]"
_NEARLY_ALL = 0.999
_FAR_BEYOND_DAYS = 366
_ONE_DATE = Contract(name="a date", columns=(Column(name="day", type="date", missing=True),))


@dataclass(frozen=True)
class Labels:
    """Outcomes of n applications.

    `codes` int8 (n,): position in OUTCOMES. `bad` float64 (n,): 1.0 for bad and 0.0 for good where the outcome may be
    trained on and measured against, NaN elsewhere. `notes`: what was found on the way, in plain words.
    """

    codes: NDArray[np.int8]
    bad: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which rows may be trained on and measured against."""
        return ~np.isnan(self.bad)

    @property
    def counts(self) -> dict[str, int]:
        """How many applications came to each outcome."""
        counted = np.bincount(self.codes, minlength=len(OUTCOMES))
        return {name: int(counted[code]) for code, name in enumerate(OUTCOMES)}

    @property
    def names(self) -> NDArray[Any]:
        """The outcome of each application as a word, object (n,)."""
        return np.array(OUTCOMES, dtype=object)[self.codes]


def label_outcomes(table: pa.Table, outcome: Outcome) -> Labels:
    """Label every row of `table` by `outcome`, whose `bad` and `good` are stated (`settle_outcome` states them).

    A row is, in this order: declined, if its answer is one of `declined`; indeterminate, if its target is neither bad
    nor good; and then, with `booked_date`: bad, if the bad outcome came within `horizon_months` of booking (without
    `outcome_date`: if the target says so); immature, if `booked + horizon` lies after `as_of` (an outcome not yet
    stated included); else good. What happened
    after `as_of` has not happened yet. Raises DataError for a column that is not there.

    >>> outcome = Outcome(target="status", bad=("late",), good=("paid",), answer="answer", declined=("no",))
    >>> table = pa.table({"status": ["late", "paid", "open", None], "answer": ["yes", "yes", "yes", "no"]})
    >>> labels = label_outcomes(table, outcome)
    >>> labels.names.tolist(), labels.bad.tolist()
    (['bad', 'good', 'indeterminate', 'declined'], [1.0, 0.0, nan, nan])
    """
    _require(table, outcome)
    words = read_words(table[outcome.target], outcome.target)
    if not outcome.bad or not outcome.good:
        raise DataError(
            f"product.yaml does not say which values of {outcome.target!r} are bad and which are good",
            available=name_values(words.counts),
            mend="fill in bad and good under outcome",
        )
    is_bad, is_good = words.among(outcome.bad), words.among(outcome.good)
    codes = np.full(len(is_bad), INDETERMINATE, dtype=np.int8)
    codes[is_bad], codes[is_good] = BAD, GOOD
    notes: list[str] = []
    open_window = np.zeros(len(codes), dtype=bool)
    if outcome.booked_date is not None:
        open_window = _judge_by_date(codes, table, outcome, notes)
        codes[(words.codes < 0) & (codes == INDETERMINATE) & open_window] = IMMATURE
    if outcome.answer is not None:
        codes[read_words(table[outcome.answer], outcome.answer).among(outcome.declined)] = DECLINED
    notes = _describe_indeterminate(words, (codes != INDETERMINATE) | is_bad | is_good) + notes
    early = int(np.sum((codes == BAD) & open_window))
    if early:
        notes.append(
            f"{_rows(early)} already bad in a window still open: bad, but not trained on (their vintage is not)"
        )
    bad = np.select([(codes == BAD) & ~open_window, codes == GOOD], [1.0, 0.0], np.nan)
    for array in (codes, bad):
        array.flags.writeable = False
    return Labels(codes, bad, tuple(notes))


def settle_outcome(table: pa.Table, outcome: Outcome) -> tuple[Outcome, list[str]]:
    """`outcome` with what was left open decided from the data, and what was decided, in plain words.

    Decides which values are bad, good and declined; with `booked_date`, a horizon of 12 months and an `as_of` on the
    last date in the data. Raises DataError where the data can be read two ways or the last date stands far beyond all
    others, and UsageError for an outcome date without a booked date or declined values without an answer.
    """
    _require(table, outcome)
    if outcome.outcome_date is not None and outcome.booked_date is None:
        raise UsageError("an outcome's date counts from booking", mend="--booked-date COL beside --outcome-date")
    if outcome.declined and outcome.answer is None:
        raise UsageError("which column holds the declined answers?", mend="--answer COL beside --declined")
    notes = []
    bad, good = outcome_words(
        read_words(table[outcome.target], outcome.target), outcome.target, outcome.bad, outcome.good
    )
    if not outcome.bad or not outcome.good:
        notes.append(f"took {' and '.join(bad)} of {outcome.target!r} as bad and {' and '.join(good)} as good")
    declined: list[str] = []
    if outcome.answer is not None:
        declined = declined_words(read_words(table[outcome.answer], outcome.answer), outcome.answer, outcome.declined)
        if not outcome.declined:
            notes.append(f"took {' and '.join(declined)} of {outcome.answer!r} as declined")
    horizon, as_of = outcome.horizon_months, outcome.as_of
    if outcome.booked_date is not None:
        if horizon is None:
            horizon = DEFAULT_HORIZON_MONTHS
            notes.append(f"took {horizon} months from booking as the horizon of the outcome")
        if as_of is None:
            as_of = _last_date(table, outcome)
            notes.append(f"took {as_of}, the last date in the data, as the day on which outcomes were known")
    settled = msgspec.structs.replace(
        outcome, bad=tuple(bad), good=tuple(good), declined=tuple(declined), horizon_months=horizon, as_of=as_of
    )
    return settled, notes


def add_months(days: NDArray[np.datetime64], months: int) -> NDArray[np.datetime64]:
    """Each day moved by whole months; a day that the month does not have becomes its last.

    >>> add_months(np.array(["2024-01-31", "2023-03-15"], dtype="datetime64[D]"), 1)
    array(['2024-02-29', '2023-04-15'], dtype='datetime64[D]')
    """
    first = days.astype("datetime64[M]")
    target = first + np.timedelta64(months, "M")
    last = (target + np.timedelta64(1, "M")).astype(_DAY) - np.timedelta64(1, "D")
    moved: NDArray[np.datetime64] = np.minimum(target.astype(_DAY) + (days - first.astype(_DAY)), last)
    return moved


def _judge_by_date(codes: NDArray[np.int8], table: pa.Table, outcome: Outcome, notes: list[str]) -> NDArray[np.bool_]:
    """Rewrite `codes` by what had happened within the horizon and by `as_of`; returns whose window is still open."""
    assert outcome.booked_date is not None  # noqa: S101 the caller's condition
    if outcome.horizon_months is None or outcome.as_of is None:
        raise DataError(
            "a booked date needs the outcome's horizon and the day on which outcomes were known",
            mend="fill in horizon_months and as_of under outcome in product.yaml",
        )
    judged = (codes == BAD) | (codes == GOOD)
    booked = _days(table, outcome.booked_date, notes)
    unbooked = judged & np.isnat(booked)
    if unbooked.any():
        notes.append(
            f"{_rows(unbooked.sum())} without a {outcome.booked_date}: indeterminate, for nobody knows how old"
        )
        codes[unbooked] = INDETERMINATE
    as_of = np.datetime64(outcome.as_of, "D")
    closes = add_months(booked, outcome.horizon_months)
    open_window = ~np.isnat(booked) & (closes > as_of)
    if outcome.outcome_date is not None:
        happened = _days(table, outcome.outcome_date, notes)
        _judge_bads(codes, booked, happened, np.minimum(closes, as_of), outcome.outcome_date, notes)
    codes[(codes == GOOD) & open_window] = IMMATURE
    return open_window


def _judge_bads(
    codes: NDArray[np.int8],
    booked: NDArray[np.datetime64],
    happened: NDArray[np.datetime64],
    until: NDArray[np.datetime64],
    name: str,
    notes: list[str],
) -> None:
    """A bad stays bad if it happened between booking and `until`, the end of its window or the day it was looked at."""
    bad = codes == BAD
    undated = bad & np.isnat(happened)
    before = bad & (happened < booked)
    for found, what in ((undated, f"bad without a {name}"), (before, f"bad with a {name} before booking")):
        if found.any():
            notes.append(f"{_rows(found.sum())} {what}: indeterminate")
            codes[found] = INDETERMINATE
    late = bad & ~undated & ~before & (happened > until)
    if late.any():
        notes.append(f"{_rows(late.sum())} bad only after the horizon or after the day of looking: not bad within it")
        codes[late] = GOOD


def read_days(table: pa.Table, name: str) -> NDArray[np.datetime64]:
    """The column `name` as days (datetime64[D]), read as a contract reads dates; NaT where there is none.

    Raises DataError where not one value is a date.
    """
    days = _days(table, name, [])
    if np.isnat(days).all():
        raise DataError(
            f"column {name!r} holds no date that can be read",
            available=table[name].unique().slice(0, 5).to_pylist(),
            mend="write dates as 2026-01-31, or name another column",
        )
    return days


def _days(table: pa.Table, name: str, notes: list[str]) -> NDArray[np.datetime64]:
    checked = check_table(_ONE_DATE, pa.table({"day": table[name]}))
    days = np.full(table.num_rows, np.datetime64("NaT"), dtype=_DAY)
    days[checked.rows] = checked.batch.columns["day"].astype(_DAY)
    if unread := table.num_rows - len(checked.rows):
        notes.append(f"{_rows(unread)} whose {name} cannot be read as a date: taken as missing")
    return days


def _last_date(table: pa.Table, outcome: Outcome) -> dt.date:
    """The last date of the booked and the outcome's dates; DataError where it stands alone, as a mistyped year does."""
    names = [name for name in (outcome.booked_date, outcome.outcome_date) if name is not None]
    found = {name: days[~np.isnat(days)] for name, days in ((name, read_days(table, name)) for name in names)}
    latest = max(found, key=lambda name: found[name].max())
    last, counted = found[latest].max(), np.concatenate(list(found.values())).astype(np.int64)
    # Interpolated, so that in a file of few rows only a date that lies far off is refused.
    nearly_all = np.quantile(counted, _NEARLY_ALL)
    if last.astype(np.int64) - nearly_all > _FAR_BEYOND_DAYS:
        raise DataError(
            f"the last date, {last} in {latest!r}, lies far beyond the others (99.9% of them lie by "
            f"{np.datetime64(int(nearly_all), 'D')}): it cannot be taken as the day on which outcomes were known",
            mend="correct it in the file, or state that day: `as_of: 2026-01-31` beside the purpose in the file of "
            "--answers, or under outcome in product.yaml",
        )
    known: dt.date = last.astype(object)
    return known


def _describe_indeterminate(words: Words, known: NDArray[np.bool_]) -> list[str]:
    notes = []
    codes = words.codes[~known]
    if np.any(codes >= 0):
        others = Words(codes, words.words).counts
        listed = {word: count for word, count in others.items() if count}
        shown = ", ".join(name_values(dict(list(listed.items())[:5]))) + (" ..." if len(listed) > 5 else "")
        notes.append(f"neither bad nor good, so indeterminate: {shown}")
    if empty := int(np.sum(codes < 0)):
        notes.append(f"{_rows(empty)} without an outcome: indeterminate")
    return notes


def _require(table: pa.Table, outcome: Outcome) -> None:
    flags = ("--target", "--answer", "--booked-date", "--outcome-date")
    chosen = (outcome.target, outcome.answer, outcome.booked_date, outcome.outcome_date)
    for flag, name in zip(flags, chosen, strict=True):
        if name is not None and name not in table.column_names:
            raise unknown_column(name, table.column_names, flag)


def unknown_column(name: str, columns: list[str], flag: str) -> DataError:
    """The error for a column that is not there: the nearest names first."""
    folded = {column.casefold(): column for column in reversed(columns)}
    near = [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    mend = f"{flag} {near[0]}" if near else f"{flag} with one of them"
    return DataError(f"no column {name!r}", available=near + [c for c in columns if c not in near], mend=mend)


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
