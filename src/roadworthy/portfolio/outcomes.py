"""Outcomes derived from events, as of a date: nobody knows more than the books said that day."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from roadworthy.errors import UsageError
from roadworthy.portfolio.amortisation import months_after
from roadworthy.portfolio.loans import REPORTING_LAG_DAYS

__all__ = ["derive_outcomes"]


def derive_outcomes(known: pa.Table, as_of: date, horizon_months: int) -> pa.Table:
    """One row per booked application, in the order of booking, from `known`: all events known by `as_of`, no others.

    `bad`       a default within `horizon_months` (1 or more) of booking is known
    `good`      the window has closed without one: the horizon has passed, and so has the time a default takes to
                reach the books (30 days), so a good never turns bad later
    `immature`  neither is known yet; censored, not good

    Columns: application_id, booked_at, outcome, defaulted_on (the default of a bad, else null), window_closed. Bads are
    known before the goods of their month, so a rate taken before the window has closed is too high: count bads
    over rows with `window_closed`. Raises UsageError for another horizon.
    """
    if isinstance(horizon_months, bool) or not isinstance(horizon_months, int) or horizon_months < 1:
        raise UsageError(f"horizon_months is {horizon_months!r}: it is a whole number of months, 1 or more")
    events = pl.DataFrame(pl.from_arrow(known))
    booked = events.filter(event="booked").select("application_id", booked_at="at")
    defaults = events.filter(event="default").group_by("application_id").agg(defaulted_on=pl.col("at").min())
    frame = booked.join(defaults, on="application_id", how="left", maintain_order="left")
    window = months_after(_days(frame["booked_at"]), horizon_months)
    defaulted_on = _days(frame["defaulted_on"])
    bad = defaulted_on <= window  # NaT is never
    closed = window + np.timedelta64(REPORTING_LAG_DAYS, "D") <= np.datetime64(as_of, "D")
    outcome = np.where(bad, "bad", np.where(closed, "good", "immature"))
    return pa.table(
        {
            "application_id": frame["application_id"].to_arrow().cast(pa.string()),
            "booked_at": frame["booked_at"].to_arrow(),
            "outcome": pa.array(outcome),
            "defaulted_on": pa.array(defaulted_on, mask=~bad),
            "window_closed": pa.array(closed),
        }
    ).replace_schema_metadata(known.schema.metadata)


def _days(column: pl.Series) -> NDArray[np.datetime64]:
    return column.to_numpy().astype("datetime64[D]")
