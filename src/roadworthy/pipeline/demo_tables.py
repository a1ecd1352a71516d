"""The demo's monthly table: what the bank lends through each merchant, from a file that ana uploads and ben approves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

import polars as pl

from roadworthy.contract import Column, Contract
from roadworthy.lifecycle import approve_table, upload_table
from roadworthy.pipeline.demo_bank import Bank, at_nine
from roadworthy.portfolio import MERCHANT_PURPOSE, Portfolio

__all__ = ["MERCHANTS", "merchants_in", "plan_merchants", "spoil_merchants"]

_USUAL: Mapping[str, float] = MappingProxyType(
    {
        "car": 25_000.0,
        "home_improvement": 30_000.0,
        "furniture": 9_500.0,
        "electronics": 5_000.0,
        "energy_renovation": 33_000.0,
    }
)
"""Up to how much is usual by what a merchant sells, EUR; more is lent through those whose customers pay."""
_USUAL_ARREARS = 0.02
_LEAST, _MOST = 0.6, 1.4
_IN_PERCENT = 5
"""In how many rows of the spoilt file the arrears are percentages."""

MERCHANTS = Contract(
    name="merchants",
    columns=(
        Column(name="merchant", type="text", role="identity", description="merchant through whom applications come"),
        Column(name="sells", type="category", allowed=tuple(_USUAL), description="what its customers borrow for"),
        Column(
            name="max_amount",
            type="number",
            range=(0.0, 60_000.0),
            description="amount above which a person looks at an application through this merchant, EUR",
        ),
        Column(
            name="arrears_share",
            type="number",
            range=(0.0, 0.25),
            description="share of the loans through this merchant that are in arrears",
        ),
        Column(
            name="complaint_rate",
            type="number",
            range=(0.0, 0.25),
            description="complaints about this merchant for each loan",
        ),
    ),
)
"""tables/merchants.yaml."""


def merchants_in(portfolio: Portfolio, month: date) -> pl.DataFrame:
    """The merchants' parameters of a month, one row each that is open by then."""
    published = pl.DataFrame(pl.from_arrow(portfolio.merchants)).filter(pl.col("effective").cast(pl.Date) == month)
    sells = pl.col("merchant").replace_strict(dict(MERCHANT_PURPOSE))
    health = (_USUAL_ARREARS / pl.col("arrears_share")).sqrt().clip(_LEAST, _MOST)
    amount = (sells.replace_strict(dict(_USUAL)) * health / 100).round() * 100
    return published.select(
        "merchant", sells=sells, max_amount=amount, arrears_share="arrears_share", complaint_rate="complaint_rate"
    )


def spoil_merchants(rows: pl.DataFrame) -> str:
    """The file of a month as it should not be approved, in CSV.

    One merchant's limit has a digit too many, five rows have their arrears in percent, one row's limit is no number,
    and one merchant is not there.
    """
    lines = rows.with_row_index("line").with_columns(
        max_amount=pl.when(pl.col("line") == 0)
        .then((pl.col("max_amount") * 10).cast(pl.String))
        .when(pl.col("line") == 1)
        .then(pl.lit("to be agreed"))
        .otherwise(pl.col("max_amount").cast(pl.String)),
        arrears_share=pl.when(pl.col("line").is_between(3, 2 + _IN_PERCENT))
        .then(pl.col("arrears_share") * 100)
        .otherwise("arrears_share")
        .round(5),
    )
    return lines.filter(pl.col("line") != 2).drop("line").write_csv()


def plan_merchants(bank: Bank, portfolio: Portfolio, since: date) -> None:
    """Put this month's table in force, plan one for each month to come, and leave the last, which is wrong, waiting."""
    month = since.replace(day=1)
    _put_in_force(bank, portfolio, month, at_nine(since, hours=1))
    while (month := _next(month)) <= portfolio.end:
        of = month

        def work(at: datetime, of: date = of) -> None:
            _put_in_force(bank, portfolio, of, at)

        bank.plan(at_nine(month, days=-5), work)
    latest = merchants_in(portfolio, portfolio.end.replace(day=1))

    def leave_waiting(at: datetime) -> None:
        data = spoil_merchants(latest).encode()
        upload_table(bank.deed("ana", at), MERCHANTS.name, data, _file_name(month), month)

    bank.plan(at_nine(portfolio.end, days=-2), leave_waiting)


def _put_in_force(bank: Bank, portfolio: Portfolio, month: date, at: datetime) -> None:
    data = merchants_in(portfolio, month).write_csv().encode()
    made = upload_table(bank.deed("ana", at), MERCHANTS.name, data, _file_name(month), month)
    approve_table(bank.deed("ben", at + timedelta(minutes=40)), MERCHANTS.name, made.version, note="compared, as usual")


def _file_name(month: date) -> str:
    return f"merchants_{month:%Y-%m}.csv"


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
