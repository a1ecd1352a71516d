"""A lender behind the door: a store with a release live, an account with a key for each role, and a client."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from litestar.testing import TestClient

from roadworthy.access import (
    EVERY_BRANCH,
    KEY_LIFE,
    ROLES,
    Act,
    Actor,
    Branches,
    Deed,
    KeyRing,
    Passwords,
    add_account,
    add_key,
    console_actor,
    record_in,
)
from roadworthy.api import make_asgi
from roadworthy.door import Door, Services
from roadworthy.lifecycle import approve_release, create_release, promote_release, submit_release
from roadworthy.live import CurrentRoute
from roadworthy.records import Store, new_id
from roadworthy.settings import Settings
from roadworthy.testing import make_package

PRODUCT = """
name: made-up loans
purpose:
  decision: whether to lend
  owner: Ana
  used_by: loan officers
  where: in every branch
  bad_outcome: 90 days past due
  horizon_months: 12
  success: fewer defaults at the same approval rate
outcome: {target: default, bad: [1], good: [0]}
data: {branch: region, amount: amount}
"""
POLICY = """
name: made-up loans
bands:
  - {up_to: 0.12, answer: approve}
  - {up_to: 0.25, answer: refer}
  - {answer: decline}
rules:
  - {code: under_age, when: age < 21, then: decline, reason: Applicants must be at least 21}
"""
REGIONS = """
name: regions
columns:
  region: {type: category, role: identity, allowed: [N, S, E, W]}
  limit: {type: number, range: [0, 100000], description: The largest amount}
"""
INPUTS = {
    "age": 41, "income": 30_000.0, "amount": 5_000.0, "months": 24, "late_payments": 0, "housing": "own", "region": "N",
    "employed": True,
}  # fmt: skip
PEOPLE = {role: Actor(account=role, credential=f"key:{role}", roles=frozenset({role})) for role in ROLES}


class Log(list[tuple[str, dict[str, Any]]]):
    """What the door logged."""

    def info(self, event: str, **facts: Any) -> None:
        self.append((event, facts))

    warning = error = info


@dataclass
class House:
    store: Store
    settings: Settings = field(default_factory=lambda: Settings(rate_limit_per_second=0))
    late: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.current = CurrentRoute(self.store)
        self.log = Log()
        self.keys: dict[str, str] = {}
        self.services = Services(
            store=self.store,
            current=self.current,
            keys=KeyRing(self.store),
            settings=self.settings,
            clock=self.clock,
            new_id=lambda: new_id(self.clock()),
            random=secrets.token_bytes,
            passwords=Passwords(),
        )
        self.door: Door = make_asgi(self.services, log=self.log)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.late

    def hire(self, name: str, *roles: str, branches: Branches = EVERY_BRANCH, life: timedelta | None = None) -> str:
        """A new account, and its key."""
        recorder = record_in(self.store.ledger, lambda: new_id(self.clock()))

        def hire(connection: Any) -> str:
            act = Act(connection, console_actor(connection, trial=False), self.clock(), recorder)
            add_account(act, name, roles=roles, branches=branches, authority=1_000_000.0)
            return add_key(act, name, random=secrets.token_bytes, life=KEY_LIFE if life is None else life).secret

        self.keys[name] = self.store.transact(hire)
        return self.keys[name]

    def hire_everybody(self) -> None:
        """Somebody of each role, named like it, and `brief`, whose key lasts a day.

        Whoever keeps accounts comes last, for then the console is nobody.
        """
        self.hire("brief", "service", life=timedelta(days=1))
        for role in sorted(ROLES, key=lambda role: role == "admin"):
            self.hire(role, role)

    def deed(self, role: str) -> Deed:
        return self.services.deed(PEOPLE[role])

    def go_live(self, **files: Any) -> str:
        """A release that was made, approved and promoted; its number."""
        parts = {"package": make_package("scorecard").to_bytes(), "policy": POLICY, "product": PRODUCT} | files
        made = create_release(self.deed("analyst"), **parts)
        submit_release(self.deed("analyst"), made.id)
        approve_release(self.deed("approver"), made.id)
        return promote_release(self.deed("operator"), made.id, current=self.current).id

    @contextmanager
    def client(self) -> Iterator[Client]:
        with TestClient(app=self.door, raise_server_exceptions=True) as http:
            yield Client(self, http)


@dataclass
class Client:
    """Sends requests as somebody."""

    house: House
    http: Any

    def ask(self, method: str, path: str, who: str | None = "service", **how: Any) -> httpx.Response:
        headers = dict(how.pop("headers", {}))
        if who is not None:
            headers.setdefault("Authorization", f"Bearer {self.house.keys.get(who, who)}")
        response: httpx.Response = self.http.request(method, path, headers=headers, **how)
        return response

    def violations(self, answer: httpx.Response) -> set[tuple[str, str]]:
        """The places and rules of a problem."""
        assert answer.headers["content-type"] == "application/problem+json"
        return {(one["path"], one["rule"]) for one in answer.json()["violations"]}

    def decide(self, who: str = "service", headers: Any = None, **body: Any) -> httpx.Response:
        body = {"inputs": INPUTS} | body
        return self.ask("POST", "/v1/decisions", who, json=body, headers=headers or {})
