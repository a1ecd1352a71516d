"""Money on the loans: what the repayment plan says beforehand, and what came in by a date."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

from roadworthy.portfolio.amortisation import Floats, Ints, balance_after, instalment
from roadworthy.portfolio.portfolio import Portfolio

__all__ = ["realised_money", "schedule_money"]

_MISSED_MONTHS = 4  # between the last instalment and the default the money is out and earns nothing


def schedule_money(
    amount: Floats, rate: Floats, term: Ints, funding_rate: Floats, servicing_per_month: Floats, horizon_months: int
) -> dict[str, Floats]:
    """What is due within `horizon_months` by the repayment plan, EUR, shape (n,) each; known at application.

    `scheduled_interest`; `scheduled_funding`, the same balances at the funding rate; `scheduled_servicing`;
    `scheduled_exposure`, the balance after half the horizon.

    >>> one = np.array([1.0])
    >>> plan = schedule_money(12_000 * one, 0.06 * one, np.array([60]), 0.02 * one, 3 * one, 24)
    >>> for name, value in plan.items():
    ...     print(name, value[0].round(2))
    scheduled_interest 1193.71
    scheduled_funding 397.9
    scheduled_servicing 72.0
    scheduled_exposure 9878.36
    """
    months = np.minimum(term, horizon_months)
    interest = months * instalment(amount, rate, term) - (amount - balance_after(amount, rate, term, months))
    return {
        "scheduled_interest": interest,
        "scheduled_funding": interest * funding_rate / rate,
        "scheduled_servicing": months * servicing_per_month,
        "scheduled_exposure": balance_after(amount, rate, term, months // 2),
    }


def realised_money(portfolio: Portfolio, as_of: date) -> pa.Table:
    """What each booked loan brought by `as_of`, EUR, one row per loan in the order of booking.

    Columns: application_id; received (instalments and prepayment); interest, the part of it that is not principal;
    funding, the cost of the balances lent, up to the last payment known and for a default to its date; servicing for
    the same months; exposure (0 without a default); recovered; profit = interest - funding - servicing - exposure +
    recovered; finished (the loan is closed: nothing more will come). Payments are known by loan year, so a running
    loan's figures end at its last anniversary; a recovery that is still to come is not counted.
    """
    known = pl.DataFrame(pl.from_arrow(portfolio.known(as_of)))
    sums = known.group_by("application_id").agg(
        paid=pl.col("amount").filter(pl.col("event") == "payment").sum(),
        prepaid=pl.col("amount").filter(pl.col("event") == "prepayment").sum(),
        exposure=pl.col("amount").filter(pl.col("event") == "default").sum(),
        defaulted=(pl.col("event") == "default").any(),
        recovered=pl.col("amount").filter(pl.col("event") == "recovery").sum(),
        finished=(pl.col("event") == "closed").any(),
    )
    terms = pl.DataFrame(pl.from_arrow(portfolio.applications)).unique("application_id", keep="first")
    loans = (
        known.filter(event="booked")
        .select("application_id")
        .join(sums, on="application_id", maintain_order="left")
        .join(terms, on="application_id", maintain_order="left")
    )
    amount, rate, term = (loans[name].to_numpy() for name in ("amount", "rate", "term_months"))
    paid, exposure, recovered = (loans[name].to_numpy() for name in ("paid", "exposure", "recovered"))
    months = np.rint(paid / instalment(amount, rate, term)).astype(np.int64)
    interest = paid - (amount - balance_after(amount, rate, term, months))
    idle = np.where(loans["defaulted"].to_numpy(), _MISSED_MONTHS, 0)
    funding = loans["funding_rate"].to_numpy() * (interest / rate + exposure * idle / 12.0)
    servicing = loans["servicing_per_month"].to_numpy() * (months + idle)
    return pa.table(
        {
            "application_id": loans["application_id"].to_arrow().cast(pa.string()),
            "received": pa.array((paid + loans["prepaid"].to_numpy()).round(2)),
            "interest": pa.array(interest.round(2)),
            "funding": pa.array(funding.round(2)),
            "servicing": pa.array(servicing.round(2)),
            "exposure": pa.array(exposure),
            "recovered": pa.array(recovered),
            "profit": pa.array((interest - funding - servicing - exposure + recovered).round(2)),
            "finished": loans["finished"].to_arrow(),
        }
    ).replace_schema_metadata(portfolio.events.schema.metadata)
