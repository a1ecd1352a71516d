"""An office to try access in: a store, a clock that stands still until it is told, a source of known randomness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Literal, TypeVar

import msgspec
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection

from roadworthy.access import (
    CONSOLE,
    NO_BRANCH,
    AccessEvent,
    Act,
    Actor,
    Branches,
    NewKey,
    Passwords,
    SignedIn,
    actor_by_key,
    actor_by_session,
    add_account,
    add_key,
    make_link,
    record_in,
    set_password,
    sign_in,
    sign_in_by_link,
)
from roadworthy.records import Store, create_store, decode_payload, metadata
from tests.stores import *  # noqa: F403  # the stores' fixtures
from tests.stores import MADE, another_store_url

T = TypeVar("T")
_OFFICES = count(1)
PASSWORD = "correct horse battery staple"  # noqa: S105  # nobody's


class CountingHasher(PasswordHasher):
    """argon2id at its cheapest, which counts its checks."""

    def __init__(self, memory_cost: int = 8) -> None:
        super().__init__(time_cost=1, memory_cost=memory_cost, parallelism=1)
        self.checks = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  # the library's name
        self.checks += 1
        return super().verify(hash, password)


@dataclass
class Office:
    store: Store
    now: datetime = MADE
    random: Callable[[int], bytes] = field(default_factory=lambda: Random(1).randbytes)
    hasher: CountingHasher = field(default_factory=CountingHasher)
    number: int = field(default_factory=lambda: next(_OFFICES))

    def __post_init__(self) -> None:
        ids = count(1)
        self.passwords = Passwords(self.hasher)
        self.recorder = record_in(self.store.ledger, lambda: f"{self.number:08d}-0000-7000-8000-{next(ids):012d}")
        self.console = Actor(account=CONSOLE, credential=CONSOLE, roles=frozenset({"admin"}))

    def wait(self, time: timedelta) -> None:
        self.now += time

    def do(self, work: Callable[[Act], T], by: Actor | None = None, reason: str = "") -> T:
        """`work` as an act in one transaction."""
        actor = self.console if by is None else by
        return self.store.transact(lambda connection: work(Act(connection, actor, self.now, self.recorder, reason)))

    def hire(self, name: str, *roles: str, branches: Branches = NO_BRANCH, authority: float = 0.0) -> Actor:
        """A new account, and whoever comes with its first key."""
        self.do(lambda act: add_account(act, name, roles=roles, branches=branches, authority=authority))
        return self.enter(self.give_key(name).secret)

    def give_key(self, name: str, by: Actor | None = None, **terms: Any) -> NewKey:
        return self.do(lambda act: add_key(act, name, random=self.random, **terms), by)

    def enter(self, secret: str) -> Actor:
        with self.store.reading() as connection:
            return actor_by_key(connection, secret, self.now)

    def enter_session(self, secret: str) -> Actor:
        with self.store.reading() as connection:
            return actor_by_session(connection, secret, self.now)

    def set_password(self, actor: Actor, password: str = PASSWORD) -> None:
        hashed = self.passwords.hash(password, self.random)
        self.do(lambda act: set_password(act, hashed), actor)

    def visit(self, name: str) -> Actor:
        """An account's owner, signed in by a link."""
        return self.enter_session(self.visit_session(name))

    def visit_session(self, name: str) -> str:
        link = self.do(lambda act: make_link(act, name, random=self.random))
        return self.follow(link).secret

    def follow(self, link: str, previous: str | None = None) -> SignedIn:
        return sign_in_by_link(
            self.store,
            link,
            now=self.now,
            life=timedelta(hours=8),
            random=self.random,
            recorder=self.recorder,
            previous=previous,
        )

    def sign_in(self, name: str, password: str = PASSWORD, previous: str | None = None) -> SignedIn:
        return sign_in(
            self.store,
            name,
            password,
            passwords=self.passwords,
            now=self.now,
            life=timedelta(hours=8),
            random=self.random,
            previous=previous,
        )

    def read(self, work: Callable[..., T], *arguments: Any, **terms: Any) -> T:
        with self.store.reading() as connection:
            return work(connection, *arguments, **terms)

    def events(self, subject: str) -> list[tuple[str, AccessEvent]]:
        """Who did what to a subject, in order."""
        return [
            (record.actor, decode_payload(record.payload, AccessEvent))
            for record in self.store.ledger.history(subject)
            if record.record_id.startswith(f"{self.number:08d}")
        ]

    def steps(self, subject: str) -> list[str]:
        return [event.step for _, event in self.events(subject)]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store of each kind for many tests: making one takes longer than most of them."""
    url = another_store_url(request.param, request, tmp_path_factory.mktemp("store"))
    with create_store(url, store_id="shared", at=MADE) as store:
        yield store


@pytest.fixture
def office(shared_store: Store) -> Office:
    """An office without accounts. Of the records, which nobody can remove, it shows only its own."""

    def clear(connection: Connection) -> None:
        for name in ("api_keys", "sessions", "sign_in_links", "sign_in_tries", "accounts"):
            connection.execute(metadata.tables[name].delete())

    shared_store.transact(clear)
    return Office(shared_store)


def everything_in(store: Store) -> str:
    """All that the store keeps, as one text."""
    from sqlalchemy import inspect, select, table, text

    with store.reading() as connection:
        tables = inspect(connection).get_table_names()
        rows = [tuple(row) for name in tables for row in connection.execute(select(text("*")).select_from(table(name)))]
    return msgspec.json.encode(rows, enc_hook=repr).decode() + "".join(
        part.decode("utf-8", "replace") for row in rows for part in row if isinstance(part, bytes)
    )


__all__ = ["PASSWORD", "Office", "everything_in"]
