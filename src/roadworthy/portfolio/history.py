"""The past applications as one table, the way a bank hands them to a modeller."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pyarrow as pa

from roadworthy.portfolio.money import schedule_money
from roadworthy.portfolio.portfolio import Portfolio

__all__ = ["past_applications"]


def past_applications(portfolio: Portfolio, as_of: date, horizon_months: int) -> pa.Table:
    """Every application made by the end of `as_of`, with what was known of it that day; ready for `roadworthy init`.

    The rows of `Portfolio.applications` (those entered twice are still there twice), and

    `answer`        approve or decline; declined rows stay
    `booked_date`   null if declined, not taken up or not yet booked
    `default`       1 or 0 once the window of `horizon_months` from booking has closed; null before, and where there is
                    no loan. A default known earlier waits for its window too: otherwise the youngest months would
                    consist of bads alone
    `outcome_date`  date of the default, where `default` is 1
    `scheduled_*`   money by the repayment plan over the horizon, see `schedule_money`

    >>> from roadworthy.portfolio import simulate
    >>> past = past_applications(simulate(2_000, seed=1), date(2021, 12, 31), 24)
    >>> [past.column_names[0], *past.column_names[-9:]]  # doctest: +NORMALIZE_WHITESPACE
    ['application_id', 'servicing_per_month', 'answer', 'booked_date', 'outcome_date', 'default',
     'scheduled_interest', 'scheduled_funding', 'scheduled_servicing', 'scheduled_exposure']
    """
    outcomes = pl.DataFrame(pl.from_arrow(portfolio.outcomes(as_of, horizon_months)))
    known = outcomes.select(
        "application_id",
        booked_date="booked_at",
        outcome_date=pl.when("window_closed").then("defaulted_on"),
        default=pl.when("window_closed").then((pl.col("outcome") == "bad").cast(pl.Int64)),
    )
    midnight = datetime.combine(as_of + timedelta(days=1), time(), tzinfo=UTC)
    applications = pl.DataFrame(pl.from_arrow(portfolio.applications)).filter(pl.col("applied_at") < midnight)
    frame = applications.drop("booked_at").join(known, on="application_id", how="left", maintain_order="left")
    amount, rate, term, funding_rate, servicing = (
        frame[name].to_numpy() for name in ("amount", "rate", "term_months", "funding_rate", "servicing_per_month")
    )
    plan = schedule_money(amount, rate, term, funding_rate, servicing, horizon_months)
    frame = frame.with_columns(**{name: pl.Series(values.round(2)) for name, values in plan.items()})
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    # polars has one type of string; give the columns back the type they came with
    held = portfolio.applications.schema
    plain = [
        field.with_type(held.field(field.name).type) if field.name in held.names else field for field in table.schema
    ]
    return table.cast(pa.schema(plain)).replace_schema_metadata(held.metadata)
