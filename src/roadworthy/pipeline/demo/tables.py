"""The demo's monthly table: what the bank lends through each merchant, by a file that ana uploads and ben approves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

import polars as pl

from roadworthy.contract import Column, Contract
from roadworthy.lifecycle import approve_table, upload_table
from roadworthy.pipeline.demo.bank import Bank, at_nine
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
_SHARES = ("arrears_share", "complaint_rate")
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
    """The merchants' parameters of a month, one row each that is open by then.

    Of the month after the portfolio's end nobody knows them: they move as they did the month before.
    """
    rows = _published(portfolio, month)
    if month > portfolio.end:
        latest = portfolio.end.replace(day=1)
        before = _published(portfolio, (latest - timedelta(days=1)).replace(day=1))
        rows = _published(portfolio, latest).join(before, on="merchant", suffix="_before", maintain_order="left")
        moved = (pl.col(name) ** 2 / pl.col(f"{name}_before") for name in _SHARES)
        rows = rows.select(
            "merchant", *(values.round(5).alias(name) for name, values in zip(_SHARES, moved, strict=True))
        )
    sells = pl.col("merchant").replace_strict(dict(MERCHANT_PURPOSE))
    health = (_USUAL_ARREARS / pl.col("arrears_share")).sqrt().clip(_LEAST, _MOST)
    amount = (sells.replace_strict(dict(_USUAL)) * health / 100).round() * 100
    return rows.select("merchant", sells.alias("sells"), amount.alias("max_amount"), *_SHARES)


def _published(portfolio: Portfolio, month: date) -> pl.DataFrame:
    merchants = pl.DataFrame(pl.from_arrow(portfolio.merchants))
    return merchants.filter(pl.col("effective").cast(pl.Date) == month).select("merchant", *_SHARES)


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
    """Have this month's table in force on `since`, one for each month to come, and leave the last, which is wrong."""
    month = since.replace(day=1)
    _plan_month(bank, portfolio, month, at_nine(since, hours=1))
    while (month := _next(month)) <= portfolio.end:
        _plan_month(bank, portfolio, month, max(at_nine(month, days=-5), at_nine(since, hours=7)))

    def leave_waiting(at: datetime) -> None:
        data = spoil_merchants(merchants_in(portfolio, month)).encode()
        upload_table(bank.deed("ana", at), MERCHANTS.name, data, _file_name(month), month)

    bank.plan(at_nine(portfolio.end, days=-2), leave_waiting)


def _plan_month(bank: Bank, portfolio: Portfolio, month: date, at: datetime) -> None:
    """Have ana upload a month's file, and ben approve it forty minutes later."""

    def upload(now: datetime) -> None:
        data = merchants_in(portfolio, month).write_csv().encode()
        version = upload_table(bank.deed("ana", now), MERCHANTS.name, data, _file_name(month), month).version

        def approve(then: datetime) -> None:
            approve_table(bank.deed("ben", then), MERCHANTS.name, version, note="compared with the month before")

        bank.plan(now + timedelta(minutes=40), approve)

    bank.plan(at, upload)


def _file_name(month: date) -> str:
    return f"merchants_{month:%Y-%m}.csv"


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
