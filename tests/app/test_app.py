"""The composed program: it decides through its door, does its long work while it lives, and is alone on SQLite."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from roadworthy.access import EVERY_BRANCH, Act, add_account, add_key, console_actor, record_in
from roadworthy.app import App, _alone, build, serve, settle_process
from roadworthy.door import Door
from roadworthy.errors import StoreError, UsageError
from roadworthy.records import Store, create_store, new_id
from roadworthy.settings import Settings
from roadworthy.testing import make_release
from roadworthy.testing.going_live import go_live
from tests.stores import Postgres

INPUTS = {"age": 41, "income": 30000.0, "amount": 4000.0, "months": 24, "region": "N"}


def now() -> datetime:
    return datetime.now(UTC)


def make_key(store: Store) -> str:
    """A key of a program."""

    def work(connection: Connection) -> str:
        recorder = record_in(store.ledger, lambda: new_id(now()))
        act = Act(connection, console_actor(connection, trial=False), now(), recorder)
        add_account(act, "webshop", roles=["service"], branches=EVERY_BRANCH)
        return add_key(act, "webshop", random=lambda count: bytes(range(count))).secret

    return store.transact(work)


@pytest.fixture
def app(store: Store) -> Iterator[App]:
    go_live(store, make_release("scorecard"), at=now())
    app = build(Settings(store=store.url))
    yield app
    app.close()


def test_a_process_that_serves_does_not_look_through_what_it_loaded_again() -> None:
    before = sys.getswitchinterval()
    try:
        settle_process()
        assert gc.get_freeze_count() > 100_000
        assert len(gc.get_objects()) < gc.get_freeze_count() / 10
        assert sys.getswitchinterval() < before
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)


def test_what_it_is_made_of_decides_through_its_door(app: App, store: Store) -> None:
    key = make_key(store)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            body = {"application_id": "A-1", "inputs": INPUTS}
            return await client.post("/v1/decisions", json=body, headers={"Authorization": f"Bearer {key}"})

    replied = asyncio.run(ask())
    assert replied.status_code == 201, replied.text
    record = store.ledger.find(replied.json()["decision_id"])
    assert record is not None
    assert record.actor == "webshop"


def test_its_long_work_lives_as_long_as_it_does(app: App) -> None:
    """Started and stopped by the server's own lifespan, and woken by the door."""
    assert isinstance(app.door, Door)
    assert app.door._services.wake == app.runner.wake
    sent: list[Any] = []

    async def live() -> None:
        told: asyncio.Queue[dict[str, str]] = asyncio.Queue()

        async def send(message: Any) -> None:
            sent.append(message["type"])

        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        life = asyncio.create_task(app.asgi(scope, told.get, send))
        await told.put({"type": "lifespan.startup"})
        while not sent:
            await asyncio.sleep(0.01)
        threads = list(app._threads)
        assert {thread.name for thread in threads if thread.is_alive()} == {"jobs", "forgetting"}
        await told.put({"type": "lifespan.shutdown"})
        await life
        assert not any(thread.is_alive() for thread in threads)

    asyncio.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_there_is_no_program_without_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        build(Settings(store=f"sqlite:///{tmp_path / 'none.db'}"))
    assert list(tmp_path.iterdir()) == []


def test_one_process_serves_a_store_on_sqlite(tmp_path: Path) -> None:
    """R10: a second process is refused with the mend, and the lock goes with whoever held it."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    create_store(url, store_id="a-store", at=now()).close()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        with pytest.raises(UsageError, match="2 processes cannot serve"):
            serve(Settings(store=url, workers=2), listening)
        with (
            _alone(Settings(store=url)),
            pytest.raises(UsageError, match="another process serves this store: process") as refused,
        ):
            serve(Settings(store=url), listening)
        assert "PostgreSQL" in str(refused.value)
        with _alone(Settings(store=url)):
            pass


def test_a_store_on_postgresql_is_served_by_any_number(postgres: Postgres) -> None:
    url = postgres.make_database()
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_alone(Settings(store=url, workers=2)))
