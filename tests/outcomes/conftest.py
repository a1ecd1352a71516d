"""A lender to try outcomes in: decides as told, at times as told, and sends what it learns later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from roadworthy.access import EVERY_BRANCH, Actor, Deed
from roadworthy.outcomes import Judged, OutcomesTaken, judge_outcomes, record_outcomes
from roadworthy.product import Outcome, Product, Purpose
from roadworthy.records import Decision, FinalAnswer, ReleaseRef, Store, create_store, new_id
from tests.stores import MADE, another_store_url, postgres, store, store_url

__all__ = ["Lender", "lender", "many", "postgres", "store", "store_url"]

RELEASE = ReleaseRef("1", "model", "policy")
BEFORE = datetime(2024, 1, 1, tzinfo=UTC)
LOANS = Product(
    name="loans", outcome=Outcome(target="default"), purpose=Purpose(horizon_months=12), time_zone="Europe/Berlin"
)
FEED = Actor(account="feed", credential="key:1", roles=frozenset({"service", "officer"}), branches=EVERY_BRANCH)


@dataclass
class Lender:
    store: Store
    product: Product = LOANS
    actor: Actor = FEED

    def deed(self, now: datetime = MADE, **actor: Any) -> Deed:
        return Deed(store=self.store, by=replace(self.actor, **actor), now=now, new_id=lambda: new_id(now))

    def decide(self, application_id: str, answer: str = "approve", at: datetime = BEFORE, **more: Any) -> str:
        """A decision as the record holds it; its id."""
        stated: dict[str, Any] = {"pd": 0.1, "score": 600.0, "release": RELEASE, "applied_at": at} | more
        result = self.deed(at).record(Decision(answer=answer, **stated), application_id)
        return str(result.record_id)  # type: ignore[union-attr]  # without a key it is always recorded

    def answer(self, application_id: str, decision_id: str, answer: str, at: datetime = BEFORE) -> None:
        self.deed(at).record(FinalAnswer(decision_id=decision_id, answer=answer), application_id)

    def send(self, *rows: Any, now: datetime = MADE) -> OutcomesTaken:
        return record_outcomes(self.deed(now), rows, time_zone=self.product.time_zone)

    def judge(self, as_of: Any = MADE) -> Judged:
        with self.store.reading() as connection:
            return judge_outcomes(connection, self.product, as_of)

    def statuses(self, as_of: Any = MADE) -> dict[str, str]:
        judged = self.judge(as_of)
        return dict(zip(judged.application_id.tolist(), judged.statuses.tolist(), strict=True))

    def count_events(self, application_id: str) -> int:
        return sum(record.kind == "outcome_event" for record in self.store.ledger.history(application_id))


@pytest.fixture
def lender(store: Store) -> Lender:
    return Lender(store)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    """One lender for all tests and examples of a module, each with applications of its own."""
    url = another_store_url(request.param, request, tmp_path_factory.mktemp("many"))
    with create_store(url, store_id="a-store", at=MADE) as made:
        yield Lender(made)


def event(application_id: str, what: str, at: str, known_at: str | None = None, **more: Any) -> dict[str, Any]:
    return {"application_id": application_id, "event": what, "at": at, "known_at": known_at or at, **more}


def rules_of(taken: OutcomesTaken) -> list[tuple[int, str, str]]:
    return [(aside.row, aside.path, aside.rule) for aside in taken.set_aside]
