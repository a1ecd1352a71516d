"""How decided applications turned out, from nothing but what was known on one day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection

from roadworthy.errors import Refused, UsageError
from roadworthy.outcomes.judged import BAD, DECLINED, ERASED, GOOD, IMMATURE, NOT_BOOKED, OPEN, Judged
from roadworthy.outcomes.reading import (
    DECISIONS,
    read_decisions,
    read_erased,
    read_first_booking,
    read_last_report,
    read_standing,
)
from roadworthy.outcomes.row import BARE
from roadworthy.product import Product, add_months
from roadworthy.records import moment as moment_of
from roadworthy.records import to_us

__all__ = ["find_first_day", "find_reported_day", "judge_outcomes"]

_TIME = pl.Datetime("us", "UTC")
_AT_ONCE = 50_000
_SILENCE = timedelta(days=45)
"""Whoever reports once a month is never silent for so long."""
_IDS = frozenset(("application_id", "decision_id"))  # of these, no two are equal
_WORDS = tuple(name for name, kind in DECISIONS.items() if kind is pl.String)


def judge_outcomes(
    connection: Connection, product: Product, as_of: datetime | date, *, now: datetime | None = None
) -> Judged:
    """Every application decided by `as_of`, with how it turned out by the product's definition, as known then.

    connection  a reading transaction of the store
    as_of       a moment with its time zone, or a day: its end in the product's time zone
    now         where it is given, a day that is not over ends now, and a later day is refused: that nothing is known of
                it is not the same as nothing having happened

    Events count that were known by then, the corrections known by then applied; of decisions, and of answers of people,
    the last one made by then. An application is, in this order:

    erased       its data were erased since
    bad          booked, and within `horizon_months` of booking there is a default, days past due of at least
                 `outcome.bad_days_past_due`, or a bare bad of 1. Where the window is still open it counts in no rate
    good         booked, and the window ended before `as_of` did without any of these
    immature     booked, and the window is still open: also where the loan was closed early, for whoever counts early
                 goods has to count early bads, and then the vintage shows both too soon
    declined     the last answer is a decline
    open         referred, and nobody has answered
    not_booked   nobody took it up, yet

    Where only a bare bad says that there was a loan, its window begins on the day of the application.
    Refused where the product states no horizon, UsageError for an `as_of` to come or without a time zone.
    """
    horizon = product.outcome.horizon_months or product.purpose.horizon_months
    if horizon is None:
        raise Refused(
            "nobody has said within how many months of booking an outcome counts",
            where="product.yaml",
            mend="state horizon_months under purpose or outcome",
        )
    zone = ZoneInfo(product.time_zone)
    moment = _place(as_of, zone, now)
    as_of_us = to_us(moment)
    decided = read_decisions(connection, as_of_us)
    standing = read_standing(connection, as_of_us)
    limit = product.outcome.bad_days_past_due
    booked = (
        standing.filter(pl.col("event") == "booked").group_by("application_id").agg(booked_us=pl.col("at_us").min())
    )
    bare = standing.filter(pl.col("event") == BARE).select("application_id", bare=pl.lit(value=True)).unique()
    frame = decided.join(booked, on="application_id", how="left").join(bare, on="application_id", how="left")
    frame = frame.with_columns(
        start_us=pl.when(pl.col("bare")).then(pl.coalesce("booked_us", "applied_us")).otherwise(pl.col("booked_us"))
    ).sort("application_id")
    start = _local_days(frame["start_us"], zone)
    ends = add_months(start, horizon)
    bads = standing.filter(
        (pl.col("event") == "default")
        | ((pl.col("event") == "days_past_due") & (pl.col("days") >= limit))
        | ((pl.col("event") == BARE) & (pl.col("bad") == 1))
    )
    bad_on = _first_bad_day(frame["application_id"], start, ends, bads, zone)
    over = ends <= _last_full_day(as_of_us, zone)
    status = _status(frame, start, bad_on, over)
    erased = frame["application_id"].is_in(read_erased(connection)).to_numpy()
    status[erased] = ERASED
    words: dict[str, Any] = {name: _read_words(frame[name]) for name in _WORDS}
    return Judged(
        **words,
        pd=frame["pd"].fill_null(np.nan).to_numpy().copy(),
        score=frame["score"].fill_null(np.nan).to_numpy().copy(),
        decided_at=frame["decided_us"].cast(pl.Datetime("us")).to_numpy().copy(),
        booked_on=start,
        window_ends=ends,
        bad_on=bad_on,
        status=status,
        bad=np.select([(status == BAD) & over, status == GOOD], [1.0, 0.0], np.nan),
        as_of=moment.astimezone(UTC),
        horizon_months=horizon,
        bad_days_past_due=limit,
    )


def find_reported_day(connection: Connection, product: Product, day: date) -> date:
    """The last day up to `day` of which outcomes were reported: after it, silence is no good news.

    `day` itself, unless nothing of any loan became known in the 45 days before its end: then the day of the last report
    before it. A window that closed since would count as good wherever nobody has said otherwise, and the bad rate would
    look better than it is.
    """
    end = product.start_of_day(day + timedelta(days=1))
    last = read_last_report(connection, to_us(end))
    if last is None or moment_of(last) > end - _SILENCE:
        return day
    return min(day, moment_of(last).astimezone(ZoneInfo(product.time_zone)).date())


def find_first_day(connection: Connection, product: Product) -> date | None:
    """The first day as of which any loan counts in rates, by what is known now; None where none is booked."""
    horizon = product.outcome.horizon_months or product.purpose.horizon_months
    booked = read_first_booking(connection)
    if booked is None or horizon is None:
        return None
    first: date = add_months(_local_days(pl.Series([booked]), ZoneInfo(product.time_zone)), horizon).tolist()[0]
    return first


def _read_words(column: pl.Series) -> NDArray[Any]:
    """The texts of a column, None where there is none; equal ones are one object, for they are a million times few."""
    if column.name in _IDS:
        # Part by part, for no other thread gets a turn while texts are made.
        starts = range(0, len(column), _AT_ONCE)
        return np.concatenate([np.empty(0, object), *(column.slice(i, _AT_ONCE).to_numpy() for i in starts)])
    coded = column.to_arrow().dictionary_encode()
    words = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    found: NDArray[Any] = words[coded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)]
    return found


def _place(as_of: datetime | date, zone: ZoneInfo, now: datetime | None) -> datetime:
    """The moment that `as_of` means."""
    try:
        if isinstance(as_of, datetime):
            begins = ends = as_of
        else:
            begins = datetime.combine(as_of, time(), zone).astimezone(UTC)
            ends = datetime.combine(as_of + timedelta(days=1), time(), zone).astimezone(UTC) - timedelta(microseconds=1)
    except OverflowError:
        raise UsageError(f"as_of is {as_of}, at the end of all days", mend="a day that has begun") from None
    if now is None:
        return ends
    if to_us(begins) > to_us(now):
        raise UsageError(f"as_of is {as_of}, of which nobody knows anything yet", mend="a day that has begun")
    return min(ends, now)


def _last_full_day(as_of_us: int, zone: ZoneInfo) -> np.datetime64:
    """The last day that was over: only then can nothing more happen in it."""
    (after,) = _local_days(pl.Series([as_of_us + 1]), zone)
    last: np.datetime64 = after - np.timedelta64(1, "D")
    return last


def _status(
    frame: pl.DataFrame, start: NDArray[np.datetime64], bad_on: NDArray[np.datetime64], over: NDArray[np.bool_]
) -> NDArray[np.int8]:
    last = frame.select(pl.coalesce("final_answer", "answer").alias("last"))["last"].to_numpy()
    booked = ~np.isnat(start)
    status: NDArray[np.int8] = np.select(
        [booked & ~np.isnat(bad_on), booked & over, booked, last == "decline", last == "refer"],
        [BAD, GOOD, IMMATURE, DECLINED, OPEN],
        NOT_BOOKED,
    ).astype(np.int8)
    return status


def _first_bad_day(
    ids: pl.Series, start: NDArray[np.datetime64], ends: NDArray[np.datetime64], bads: pl.DataFrame, zone: ZoneInfo
) -> NDArray[np.datetime64]:
    """The first bad day within each application's window; NaT where there is none."""
    windows = pl.DataFrame({"application_id": ids, "start": start, "ends": ends})
    days = bads.select("application_id", day=pl.Series(_local_days(bads["at_us"], zone)))
    within = days.join(windows, on="application_id").filter(pl.col("day").is_between(pl.col("start"), pl.col("ends")))
    first = within.group_by("application_id").agg(pl.col("day").min())
    return windows.join(first, on="application_id", how="left", maintain_order="left")["day"].to_numpy().copy()


def _local_days(us: pl.Series, zone: ZoneInfo) -> NDArray[np.datetime64]:
    """The day in `zone` of each time (microseconds since 1970), NaT where there is none."""
    days = us.cast(pl.Int64).cast(_TIME).dt.convert_time_zone(zone.key).dt.date()
    return days.to_numpy().astype("datetime64[D]")
