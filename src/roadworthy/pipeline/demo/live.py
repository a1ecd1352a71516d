"""The demo's second half: the sealed model goes live with two people, decides for years, and meets its outcomes.

The demo's clock is the portfolio's: what happened in 2023 is recorded as of 2023. Only a trial store is made this way,
and everything in it says that it is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
import polars as pl

from roadworthy.contract import contract_yaml
from roadworthy.erasure import create_kept_store
from roadworthy.lifecycle import approve_release, create_release, promote_release, submit_release
from roadworthy.live import Decided, Envelope, decide_and_record
from roadworthy.pipeline.demo.bank import Bank, at_nine
from roadworthy.pipeline.demo.officers import Officers, read_reply
from roadworthy.pipeline.demo.outcomes import Lending
from roadworthy.pipeline.demo.people import COUNTER, SHOP
from roadworthy.pipeline.demo.tables import MERCHANTS, plan_merchants
from roadworthy.pipeline.demo.week import BadWeek
from roadworthy.pipeline.workspace import Workspace
from roadworthy.portfolio import HORIZON_MONTHS, Portfolio, past_applications
from roadworthy.records import Once, new_id
from roadworthy.settings import Settings

__all__ = ["add_challenger", "live_years", "open_bank"]

_SHOPS = ("online", "merchant")


@contextmanager
def open_bank(settings: Settings, since: date) -> Iterator[Bank]:
    """A new store that opens on the day `since`."""
    with create_kept_store(settings, store_id=new_id(at_nine(since)), now=at_nine(since)) as store:
        yield Bank(store)


def live_years(bank: Bank, workspace: Workspace, portfolio: Portfolio, since: date, week: BadWeek) -> Officers:
    """Put the product's model live on the day `since`, and live to the end of the portfolio."""
    _go_live(bank, workspace, portfolio, since)
    lending = Lending(bank, portfolio)
    lending.plan(since)
    officers = Officers(bank, workspace.policy, lending, since, portfolio.end)
    week.plan(bank, officers)
    bank.plan(at_nine(portfolio.end, hours=7), officers.leave_waiting)
    for day, rows in _days(portfolio, since):
        now = datetime.combine(day, time(23, 30), tzinfo=UTC)
        bank.live_until(now)
        _decide(bank, rows, now, officers, week)
    bank.live_until(at_nine(portfolio.end, days=2))
    return officers


def add_challenger(bank: Bank, workspace: Workspace, end: date, note: str) -> str:
    """Ana makes a second release and submits it, Ben approves it; that it goes live is left to do. Its number."""
    made = create_release(bank.deed("ana", at_nine(end, days=2, hours=1)), **_parts(workspace), note=note)
    submit_release(
        bank.deed("ana", at_nine(end, days=2, hours=2)),
        made.id,
        note="Compare it with release 1 on the latest decisions.",
    )
    approve_release(
        bank.deed("ben", at_nine(end, days=2, hours=5)),
        made.id,
        note="Compared with what came. Operations may promote it.",
    )
    return made.id


def _go_live(bank: Bank, workspace: Workspace, portfolio: Portfolio, since: date) -> None:
    """Ana makes the release and submits it; Ben approves it, and puts it live with the month's table."""
    made = create_release(bank.deed("ana", at_nine(since)), **_parts(workspace), note="the first model")
    plan_merchants(bank, portfolio, since)
    bank.live_until(at_nine(since, hours=2))
    submit_release(bank.deed("ana", at_nine(since, hours=2)), made.id, note="first model")
    approve_release(bank.deed("ben", at_nine(since, hours=3)), made.id)
    promote_release(bank.deed("ben", at_nine(since, hours=4)), made.id, current=bank.current, reason="first model")


def _parts(workspace: Workspace) -> dict[str, Any]:
    return {
        "package": workspace.require_package().read_bytes(),
        "policy": (workspace.directory / "policy.yaml").read_text("utf-8"),
        "product": (workspace.directory / "product.yaml").read_text("utf-8"),
        "tables": {MERCHANTS.name: contract_yaml(MERCHANTS)},
    }


def _days(portfolio: Portfolio, since: date) -> Iterator[tuple[date, list[dict[str, Any]]]]:
    """Each day's applications after the release went live, with the money that their repayment plan comes to."""
    priced = pl.DataFrame(pl.from_arrow(past_applications(portfolio, portfolio.end, HORIZON_MONTHS)))
    live = priced.filter(pl.col("applied_at") > at_nine(since, hours=8))
    for (day,), group in live.group_by(pl.col("applied_at").dt.date(), maintain_order=True):
        yield date.fromisoformat(str(day)), list(group.iter_rows(named=True))


def _decide(bank: Bank, rows: list[dict[str, Any]], now: datetime, officers: Officers, week: BadWeek) -> None:
    """Decide a day's applications at its end. A row that was entered twice is decided once."""
    sent = [column.name for column in bank.current.take().require().contract.columns]
    day = now.date()
    envelopes = [
        Envelope(
            record_id=new_id(now),
            actor=SHOP if row["channel"] in _SHOPS else COUNTER,
            inputs=_inputs(week.spoil(row, day), sent),
            application_id=row["application_id"],
            applicant_id=row["applicant_id"],
            applied_at=row["applied_at"],
            once=Once(SHOP if row["channel"] in _SHOPS else COUNTER, row["application_id"], b"demo"),
        )
        for row in rows
    ]
    for row, one in zip(rows, decide_and_record(bank.current, envelopes, now=now), strict=True):
        if isinstance(one, Decided) and not one.replayed:
            reply = read_reply(one)
            officers.answers[reply.answer] += 1
            week.take(reply, row, day)
            officers.take(reply, row, now)


def _inputs(row: dict[str, Any], sent: list[str]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode({name: row[name] for name in sent if row.get(name) is not None}))
