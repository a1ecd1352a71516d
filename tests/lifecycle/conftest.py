"""A lender to try lifecycle in: people with their own keys, a model, policies, and a table of branches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from roadworthy.access import Actor, Deed
from roadworthy.lifecycle import ReleaseView, approve_release, create_release, submit_release
from roadworthy.live import CurrentRoute
from roadworthy.records import Record, ReleaseEvent, Store, create_store, decode_payload, new_id
from roadworthy.testing import make_package
from tests.stores import MADE, postgres, store, store_url

PRODUCT = """
name: made-up loans
time_zone: Europe/Berlin
purpose:
  decision: whether to lend
  owner: Ana
  used_by: loan officers
  where: in every branch
  bad_outcome: 90 days past due
  horizon_months: 12
  success: fewer defaults at the same approval rate
outcome: {target: default, bad: [1], good: [0]}
"""
UNSTATED = PRODUCT.replace("  owner: Ana\n", "").replace("  success: fewer defaults at the same approval rate\n", "")
REGIONS = """
name: regions
columns:
  region: {type: category, role: identity, allowed: [N, S, E, W]}
  limit: {type: number, range: [0, 100000], description: The largest amount}
  manager: {type: text, missing: true}
"""


def policy(up_to: float = 0.12, *, rule: str = "age < 21") -> str:
    return f"""
name: made-up loans
bands:
  - {{up_to: {up_to}, answer: approve}}
  - {{answer: decline}}
rules:
  - {{code: stopped_by_rule, when: {rule}, then: refer, reason: A person looks at this}}
"""


def person(name: str, *roles: str, key: str | None = None) -> Actor:
    return Actor(account=name, credential=key or f"key:{name}", roles=frozenset(roles))


ANA = person("ana", "analyst")
BEN = person("ben", "approver")
OLGA = person("olga", "operator")
CORA = person("cora", "analyst", "approver")
EVERYBODY = person("console", "analyst", "approver", "operator", key="console")


@dataclass
class Lender:
    store: Store

    def __post_init__(self) -> None:
        self.now = MADE
        self.current = CurrentRoute(self.store)
        self.package = make_package("scorecard").to_bytes()

    def deed(self, by: Actor) -> Deed:
        """The next act of somebody, a minute after the one before."""
        self.now += timedelta(minutes=1)
        now = self.now
        return Deed(store=self.store, by=by, now=now, new_id=lambda: new_id(now))

    def create(self, by: Actor = ANA, **files: Any) -> ReleaseView:
        return create_release(
            self.deed(by), **{"package": self.package, "policy": policy(), "product": PRODUCT, **files}
        )

    def approved(self, **files: Any) -> str:
        """A release that was made, put up and approved."""
        release = self.create(**files)
        submit_release(self.deed(ANA), release.id)
        return approve_release(self.deed(BEN), release.id).id

    def steps(self, subject: str) -> list[tuple[str, str]]:
        return [
            (record.actor, decode_payload(record.payload, ReleaseEvent).step)
            for record in self.store.ledger.history(subject)
        ]

    def last(self, subject: str) -> Record:
        return self.store.ledger.history(subject)[-1]

    @property
    def champion(self) -> str | None:
        return self.store.ledger.live().route.champion


@pytest.fixture
def lender(store: Store) -> Lender:
    return Lender(store)


@pytest.fixture
def trial(store_url: str) -> Iterator[Lender]:
    with create_store(store_url, store_id="a-trial", at=MADE, trial=True) as made:
        yield Lender(made)


__all__ = [
    "ANA", "BEN", "CORA", "EVERYBODY", "OLGA", "PRODUCT", "REGIONS", "UNSTATED", "Lender", "lender", "person", "policy",
    "postgres", "store", "store_url", "trial",
]  # fmt: skip
