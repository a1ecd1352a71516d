"""The demo's second half: the sealed model goes live with two people, decides for years, and meets its outcomes.

The demo's clock is the portfolio's: what happened in 2023 is recorded as of 2023. Only a trial store is made this way,
and everything in it says that it is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from secrets import token_bytes
from typing import Any

import msgspec
import polars as pl

from roadworthy.access import (
    CONSOLE,
    EVERY_BRANCH,
    LONGEST_LINK_LIFE,
    Act,
    Actor,
    Branches,
    Deed,
    act_as,
    add_account,
    add_key,
    begin_trial,
    console_actor,
    make_link,
    record_in,
)
from roadworthy.casework import give_final_answer
from roadworthy.lifecycle import approve_release, create_release, promote_release, submit_release
from roadworthy.live import CurrentRoute, Decided, Envelope, decide_and_record
from roadworthy.outcomes import Judged, judge_outcomes, record_outcomes
from roadworthy.pipeline.workspace import Workspace
from roadworthy.portfolio import Portfolio
from roadworthy.records import Once, Store, Wanted, create_store, moment, new_id, search_applications

__all__ = ["PEOPLE", "LiveYears", "live_years"]

PEOPLE: Mapping[str, tuple[str, Branches, float]] = {
    "ada": ("admin", EVERY_BRANCH, 0.0),
    "ana": ("analyst", EVERY_BRANCH, 0.0),
    "ben": ("approver", EVERY_BRANCH, 0.0),
    "olga": ("officer", EVERY_BRANCH, 20_000.0),
    "omar": ("operator", EVERY_BRANCH, 0.0),
    "vera": ("validator", EVERY_BRANCH, 0.0),
    "webshop": ("service", EVERY_BRANCH, 0.0),
}
"""Who works in the demo: role, branches, authority."""
_NINE = time(9, tzinfo=UTC)
_REPORTED_AFTER = timedelta(days=30)
_WAITING = timedelta(days=21)


@dataclass(frozen=True)
class LiveYears:
    """What the years came to. `key` is the web shop's; `links` sign the demo's people in, once each, by name."""

    decided: int
    answers: Mapping[str, int]
    outcomes: int
    judged: Judged
    key: str
    links: Mapping[str, str]


def live_years(workspace: Workspace, store_url: str, portfolio: Portfolio, since: date) -> LiveYears:
    """Make a trial store, put the product's model live on the day `since`, and live to the end of the portfolio."""
    with create_store(store_url, store_id=new_id(_at(since)), at=_at(since)) as store:
        key, links = _let_people_in(store, _at(since))
        current = _go_live(store, workspace, since)
        answers = _decide(current, portfolio, since)
        lent = {name for name, answer in answers.items() if answer == "approve"}
        lent |= _conclude(store, portfolio.end - _WAITING)
        outcomes = _report(store, portfolio, lent)
        with store.reading() as connection:
            judged = judge_outcomes(connection, workspace.product, _at(portfolio.end + timedelta(days=1)))
    said = list(answers.values())
    counts = {answer: said.count(answer) for answer in ("approve", "refer", "decline")}
    return LiveYears(len(said), counts, outcomes, judged, key, links)


def _let_people_in(store: Store, at: datetime) -> tuple[str, dict[str, str]]:
    recorder = record_in(store.ledger, lambda: new_id(at))
    begin_trial(store, now=at, recorder=recorder)

    def let_in(connection: Any) -> tuple[str, dict[str, str]]:
        act = Act(connection, console_actor(connection, trial=True), at, recorder)
        for name, (role, branches, authority) in PEOPLE.items():
            add_account(act, name, roles={role}, branches=branches, authority=authority)
        # What lets them in is made now: the portfolio's clock is years back, and a link lasts three days.
        today = Act(connection, Actor(account=CONSOLE, credential=CONSOLE, roles=act.by.roles), _now(), recorder)
        people = [name for name, (role, _, _) in PEOPLE.items() if role != "service"]
        links = {name: make_link(today, name, random=token_bytes, life=LONGEST_LINK_LIFE) for name in people}
        return add_key(today, "webshop", random=token_bytes).secret, links

    return store.transact(let_in)


def _go_live(store: Store, workspace: Workspace, since: date) -> CurrentRoute:
    """Ana makes the release and submits it; Ben approves it and puts it live."""
    current = CurrentRoute(store)
    made = create_release(
        _deed(store, "ana", _at(since)),
        package=workspace.require_package().read_bytes(),
        policy=(workspace.directory / "policy.yaml").read_text("utf-8"),
        product=(workspace.directory / "product.yaml").read_text("utf-8"),
    )
    submit_release(_deed(store, "ana", _at(since, hours=1)), made.id, note="first model")
    approve_release(_deed(store, "ben", _at(since, hours=3)), made.id)
    promote_release(_deed(store, "ben", _at(since, hours=4)), made.id, current=current, reason="first model")
    return current


def _decide(current: CurrentRoute, portfolio: Portfolio, since: date) -> dict[str, str]:
    """Decide each day's applications on that day; the answers by application."""
    contract = current.refresh().require().contract
    known = [column.name for column in contract.columns]
    frame = pl.DataFrame(pl.from_arrow(portfolio.applications)).filter(pl.col("applied_at") > _at(since, hours=8))
    inputs = [name for name in known if name in frame.columns]
    answers: dict[str, str] = {}
    for (day,), group in frame.group_by(pl.col("applied_at").dt.date(), maintain_order=True):
        now = datetime.combine(_as_date(day), time(23, 30), tzinfo=UTC)
        envelopes = [
            Envelope(
                record_id=new_id(now),
                actor="webshop",
                inputs=msgspec.Raw(msgspec.json.encode({name: row[name] for name in inputs if row[name] is not None})),
                application_id=row["application_id"],
                applicant_id=row["applicant_id"],
                applied_at=row["applied_at"],
                once=Once("webshop", row["application_id"], b"demo"),
            )
            for row in group.iter_rows(named=True)
        ]
        for one in decide_and_record(current, envelopes, now=now):
            if isinstance(one, Decided):
                reply = msgspec.json.decode(one.reply)
                answers[reply["application_id"]] = reply["answer"]
    return answers


def _conclude(store: Store, until: date) -> set[str]:
    """Olga gives every referral its final answer three days later; those since `until` wait for her. Whom she lends to.

    She knows the applicants a little better than the model does: she lends to those it was least doubtful about.
    """
    lent = set()
    with store.reading() as connection:
        waiting = search_applications(
            connection, Wanted(answers=("refer",), decided_before=_at(until)), limit=1_000_000
        )
    cautious = sorted(one.pd for one in waiting.applications if one.pd is not None)
    least_doubtful = cautious[int(len(cautious) * 0.6)] if cautious else 0.0
    for one in reversed(waiting.applications):
        answer = "approve" if one.pd is not None and one.pd < least_doubtful else "decline"
        said = _deed(store, "olga", moment(one.decided_us or 0) + timedelta(days=3))
        give_final_answer(said, one.decision_id or "", answer)
        if answer == "approve":
            lent.add(one.application_id)
    return lent


def _report(store: Store, portfolio: Portfolio, lent: set[str]) -> int:
    """What became of those who were lent to, told month by month, as it is known."""
    truth = pl.DataFrame(pl.from_arrow(portfolio.truth)).filter(pl.col("application_id").is_in(list(lent)))
    events: list[dict[str, Any]] = []
    for row in truth.iter_rows(named=True):
        booked = row["booked_on"]
        events.append({"application_id": row["application_id"], "event": "booked", "at": booked, "known_at": booked})
        if row["defaulted_on"] is not None:
            known = row["defaulted_on"] + _REPORTED_AFTER
            amount = row["exposure_at_default"]
            events.append(
                {**events[-1], "event": "default", "at": row["defaulted_on"], "known_at": known, "amount": amount}
            )
    events = [event for event in events if event["known_at"] <= portfolio.end]
    by_month: dict[date, list[dict[str, Any]]] = {}
    for event in events:
        by_month.setdefault(event["known_at"].replace(day=1), []).append(event)
    recorded = 0
    for month, rows in sorted(by_month.items()):
        told = datetime.combine(month + timedelta(days=32), _NINE)
        recorded += record_outcomes(_deed(store, "omar", told), rows).recorded
    return recorded


def _deed(store: Store, name: str, now: datetime) -> Deed:
    with store.reading() as connection:
        return Deed(store, act_as(connection, name, trial=True), now, lambda: new_id(now))


def _at(day: date, hours: int = 0) -> datetime:
    return datetime.combine(day, _NINE) + timedelta(hours=hours)


def _now() -> datetime:
    return datetime.now(UTC)


def _as_date(day: Any) -> date:
    return date.fromisoformat(str(day))
