"""Who works in the demo's bank, how they come in, and what each may try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

from roadworthy.access import (
    CONSOLE,
    EVERY_BRANCH,
    LONGEST_LINK_LIFE,
    Act,
    Actor,
    Branches,
    add_account,
    add_key,
    begin_trial,
    console_actor,
    make_link,
    record_in,
)
from roadworthy.portfolio import BRANCHES
from roadworthy.records import Store, Wanted, count_applications, new_id

__all__ = ["COUNTER", "OTTOS_BRANCH", "PEOPLE", "SHOP", "DemoPerson", "describe_people", "let_people_in"]

SHOP, COUNTER = "webshop", "counter"
"""The programs that send applications: the web shop those of its own pages and of merchants, the counter the others."""
OTTOS_BRANCH = BRANCHES[0]


@dataclass(frozen=True)
class DemoPerson:
    """One account: its role, the branches it sees, and up to what amount it overrides alone, in EUR."""

    role: str
    branches: Branches = EVERY_BRANCH
    authority: float = 0.0


PEOPLE: Mapping[str, DemoPerson] = {
    "ada": DemoPerson("admin"),
    "ana": DemoPerson("analyst"),
    "ben": DemoPerson("approver"),
    "olga": DemoPerson("officer", authority=20_000.0),
    "omar": DemoPerson("operator"),
    "otto": DemoPerson("officer", Branches.of(OTTOS_BRANCH), 5_000.0),
    "vera": DemoPerson("validator"),
    SHOP: DemoPerson("service"),
    COUNTER: DemoPerson("service"),
}


def let_people_in(store: Store, at: datetime) -> tuple[str, dict[str, str]]:
    """Make the store a trial with everybody's account as of `at`: the web shop's key, and a link for each person."""
    recorder = record_in(store.ledger, lambda: new_id(at))
    begin_trial(store, now=at, recorder=recorder)

    def let_in(connection: Any) -> tuple[str, dict[str, str]]:
        act = Act(connection, console_actor(connection, trial=True), at, recorder)
        for name, person in PEOPLE.items():
            add_account(act, name, roles={person.role}, branches=person.branches, authority=person.authority)
        # What lets them in is made now: the portfolio's clock is years back, and a link lasts three days.
        today = Act(
            connection, Actor(account=CONSOLE, credential=CONSOLE, roles=act.by.roles), datetime.now(UTC), recorder
        )
        people = [name for name, person in PEOPLE.items() if person.role != "service"]
        links = {name: make_link(today, name, random=token_bytes, life=LONGEST_LINK_LIFE) for name in people}
        return add_key(today, SHOP, random=token_bytes).secret, links

    return store.transact(let_in)


def describe_people(store: Store, challenger: str) -> dict[str, str]:
    """What each person is, and may try, by name; `challenger` is the release that waits to be promoted."""
    with store.reading() as connection:

        def waiting(status: str, branch: str | None = None) -> str:
            branches = None if branch is None else (branch,)
            found = count_applications(connection, Wanted(statuses=(status,), branches=branches))
            return f"{found:,} {'waits' if found == 1 else 'wait'}"

        tries = {
            "ada": "accounts, roles and keys",
            "ana": "how accurate the PDs were; upload a month's merchants; ask what if",
            "ben": "next month's merchants and an override wait for approval",
            "olga": f"referrals: {waiting('open')}; reviews: {waiting('review')}; a bad week to find and put right",
            "omar": f"promote release {challenger}, which waits; roll back; stop deciding",
            "otto": f"sees {OTTOS_BRANCH} alone, referrals: {waiting('open', OTTOS_BRANCH)}; overrides alone up to "
            f"{PEOPLE['otto'].authority:,.0f} EUR",
            "vera": "what changed between releases, and why; the past's decisions",
        }
    return {name: f"{PEOPLE[name].role}: {words}" for name, words in tries.items()}
