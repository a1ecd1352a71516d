"""A branch with its people: officers with authority, an approver, a service, and decisions to work on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from roadworthy.access import CONSOLE, EVERY_BRANCH, Act, Actor, Branches, Deed, add_account, record_in
from roadworthy.records import (
    Decision,
    Once,
    Particulars,
    ReleaseRef,
    Store,
    encode_payload,
    new_id,
    read_application,
)
from tests.stores import postgres, store, store_url

__all__ = ["NOW", "Branch", "branch", "once", "postgres", "store", "store_url"]

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NORTH = Branches.of("north")
_CONSOLE = Actor(account=CONSOLE, credential=CONSOLE, roles=frozenset({"admin"}))


def once(key: str, body: str = "body", caller: str = "ana") -> Once:
    return Once(caller, key, body.encode())


def _hire(
    store: Store, connection: Connection, name: str, *roles: str, branches: Branches = NORTH, authority: float = 0.0
) -> Actor:
    act = Act(connection, _CONSOLE, NOW, record_in(store.ledger, lambda: new_id(NOW)))
    return add_account(act, name, roles=roles, branches=branches, authority=authority).actor(f"key:{name}")


@dataclass
class Branch:
    store: Store

    def __post_init__(self) -> None:
        self._seconds = count(1)
        self.ana, self.ben, self.ida, self.shop, self.south = self.store.transact(
            lambda connection: (
                _hire(self.store, connection, "ana", "officer", authority=10_000.0),
                _hire(self.store, connection, "ben", "officer", authority=50_000.0),
                _hire(self.store, connection, "ida", "approver"),
                _hire(self.store, connection, "shop", "service", branches=EVERY_BRANCH),
                _hire(self.store, connection, "sue", "officer", branches=Branches.of("south"), authority=50_000.0),
            )
        )

    def hire(self, name: str, *roles: str, branches: Branches = NORTH, authority: float = 0.0) -> Actor:
        return self.store.transact(
            lambda connection: _hire(self.store, connection, name, *roles, branches=branches, authority=authority)
        )

    def now(self) -> datetime:
        return NOW + timedelta(seconds=next(self._seconds))

    def deed(self, by: Actor | None = None) -> Deed:
        now = self.now()
        return Deed(store=self.store, by=by or self.ana, now=now, new_id=lambda: new_id(now))

    def decide(self, application_id: str = "A-1", answer: str = "decline", **more: Any) -> str:
        stated: dict[str, Any] = {
            "pd": 0.2, "score": 550.0, "release": ReleaseRef("1", "model", "policy"), "branch": "north",
        }  # fmt: skip
        amount = more.pop("amount", 5_000.0)
        particulars = more.pop("particulars", None) or Particulars(
            applicant_id="C-9", names=("Ana Núñez",), amount=amount, inputs=msgspec.Raw(b'{"age":41}')
        )
        payload = Decision(answer=answer, **(stated | more))
        result = self.deed(self.shop).record(payload, application_id, sealed=encode_payload(particulars))
        return str(result.record_id)  # type: ignore[union-attr]  # without a key it is always recorded

    def kinds(self, application_id: str = "A-1") -> list[str]:
        return [record.kind for record in self.store.ledger.history(application_id)]

    def application(self, application_id: str = "A-1") -> Any:
        with self.store.reading() as connection:
            return read_application(connection, application_id)


@pytest.fixture
def branch(store: Store) -> Branch:
    return Branch(store)
