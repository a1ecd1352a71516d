"""One portfolio for the whole room, and its applications joined with what came of them."""

from __future__ import annotations

import polars as pl
import pytest

from roadworthy.portfolio import HORIZON_MONTHS, Portfolio, simulate


@pytest.fixture(scope="session")
def portfolio() -> Portfolio:
    return simulate(120_000, seed=7)


@pytest.fixture(scope="session")
def joined(portfolio: Portfolio) -> pl.DataFrame:
    """Each application once, with `month` of application, the truth, and `default` as known at the end: 1, 0, null."""
    outcomes = pl.DataFrame(pl.from_arrow(portfolio.outcomes(portfolio.end, HORIZON_MONTHS))).filter("window_closed")
    return (
        pl.DataFrame(pl.from_arrow(portfolio.applications))
        .unique("application_id", keep="first", maintain_order=True)
        .with_columns(
            month=12 * (pl.col("applied_at").dt.year() - 2016) + pl.col("applied_at").dt.month().cast(int) - 1
        )
        .join(pl.DataFrame(pl.from_arrow(portfolio.truth)), on="application_id", maintain_order="left")
        .join(
            outcomes.select("application_id", default=(pl.col("outcome") == "bad").cast(pl.Int64)),
            on="application_id",
            how="left",
            maintain_order="left",
        )
    )
