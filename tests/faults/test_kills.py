"""kill -9 under load: nothing acknowledged is lost, nothing is decided twice, the chain holds (R28).

The server itself, over HTTP, on both stores: one process on SQLite, two on PostgreSQL, where the database is killed
too. Every key is sent by two clients at once, which ask again, of whichever server, until they are answered. The
figures are printed; `LONG_TESTS=1` kills 1,000 of each, `KILLS=N` so many.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest
from msgspec import Raw
from msgspec.json import encode

from roadworthy.live import Decided, Envelope, decide_and_record, render_reply
from roadworthy.records import Once, Record, Store, create_store, new_id, open_store, verify_chain
from tests.api.house import House
from tests.faults.clients import Load, make_client, make_inputs
from tests.faults.conftest import LONG, Place
from tests.serving import Server, running_servers
from tests.stores import MADE, Postgres

KILLS = int(os.environ.get("KILLS", "1000")) if LONG else 5
DATABASE_KILLS = KILLS if LONG else 2
MEANWHILE = 120
"""How many answers a server gives between one kill and the next."""
UPPER_BOUND_95 = 3.0
"""Rule of three: where nothing of n was lost, the loss rate is below 3 / n with 95% confidence."""


@dataclass
class Figures:
    """What came of it."""

    store: str
    restarts: list[float] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    unasked: int = 0
    unanswered: Mapping[str, int] = field(default_factory=dict)

    def say(self) -> str:
        database = ""
        if self.recoveries:
            database = (
                f"; {len(self.recoveries)} of the database, answered again after p50 {median(self.recoveries):.2f} s"
            )
        bound = "" if self.lost else f" (rate below {UPPER_BOUND_95 / self.acknowledged:.1e}, 95% confidence)"
        tries = ", ".join(f"{count} {what}" for what, count in sorted(self.unanswered.items()))
        return (
            f"{self.store}: {len(self.restarts)} kills of a server, answered again after "
            f"p50 {median(self.restarts):.2f} s (max {max(self.restarts):.2f} s){database}; "
            f"{self.acknowledged} acknowledged, {self.lost} lost{bound}, "
            f"{self.twice} decided twice; asked again after {tries}"
        )


def test_kills_under_load_lose_nothing_and_decide_nothing_twice(
    place: Place, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    key = found_house(place)
    servers = [make_server(place) for _ in range(place.replicas)]
    load, figures = Load(servers, key), Figures(place.name)
    with running_servers(*servers):
        asyncio.run(kill_again_and_again(place, servers, load, figures))
        asyncio.run(ask_again(load))
        assert [server.stop() for server in servers] == [0] * len(servers)
    with open_store(place.url) as store:
        count_losses(store, load.acknowledged, figures)
        assert verify_chain(store).fault is None
    figures.unanswered = load.failures
    for name, value in vars(figures).items():
        record_property(name, str(value))  # plain text passes from a worker to the terminal
    with capsys.disabled():
        print(f"\n{figures.say()}")  # noqa: T201  # the figures are the point
    assert (figures.lost, figures.twice, figures.unasked) == (0, 0, 0)
    assert len(figures.restarts) == KILLS
    assert sum(load.failures.values()) > 0  # else nothing was under way when the kills came


def test_what_is_lost_or_decided_twice_is_counted(tmp_path: Path) -> None:
    """The yardstick of the test above, held to a store that is short of one reply and has another twice."""
    with create_store(f"sqlite:///{tmp_path / 'store.db'}", store_id="a-store", at=MADE) as store:
        house = House(store)
        house.go_live()
        [inputs] = make_inputs(1, seed=11)

        def decide(name: str, key: str | None) -> bytes:
            once = None if key is None else Once("service", key, b"digest")
            envelope = Envelope(
                record_id=new_id(MADE),
                actor="service",
                inputs=Raw(encode(inputs)),
                application_id=name,
                once=once,
            )
            [made] = decide_and_record(house.current, [envelope], now=MADE)
            assert isinstance(made, Decided)
            return made.reply

        acknowledged = {"a": decide("a", "a"), "b": decide("b", "b"), "c": b"never recorded"}
        acknowledged["b"] = acknowledged["b"].replace(b'"trial":false', b'"trial":true')
        decide("a", None)
        decide("d", None)
        figures = Figures("SQLite")
        count_losses(store, acknowledged, figures)
    assert (figures.acknowledged, figures.lost, figures.twice, figures.unasked) == (3, 2, 1, 1)


async def kill_again_and_again(place: Place, servers: list[Server], load: Load, figures: Figures) -> None:
    """Each server by itself, whatever the others do; then the database under all of them."""
    async with asyncio.TaskGroup() as working:
        working.create_task(load.run())
        async with asyncio.TaskGroup() as killers:
            for number, server in enumerate(servers):
                killers.create_task(kill_server(server, len(range(number, KILLS, len(servers))), load, figures))
        if place.postgres is not None:
            for _ in range(DATABASE_KILLS):
                await kill_database(place.postgres, servers, load, figures)
        for server in servers:
            await load.wait_for(server, MEANWHILE)
        load.stop()


async def kill_server(server: Server, kills: int, load: Load, figures: Figures) -> None:
    chance = random.Random(server.port)
    for _ in range(kills):
        await load.wait_for(server, MEANWHILE)
        await asyncio.sleep(chance.uniform(0, 0.1))
        server.kill()
        killed = time.monotonic()
        server.start()
        await load.wait_since(server, killed)
        figures.restarts.append(time.monotonic() - killed)


async def kill_database(postgres: Postgres, servers: list[Server], load: Load, figures: Figures) -> None:
    for server in servers:
        await load.wait_for(server, MEANWHILE)
    postgres.kill()
    killed = time.monotonic()
    await asyncio.sleep(0.2)  # asked meanwhile, with nothing to write to
    postgres.start()
    for server in servers:
        await load.wait_since(server, killed)
    figures.recoveries.append(time.monotonic() - killed)


async def ask_again(load: Load) -> None:
    """After all of it, the oldest and the newest keys still get the same bytes."""
    names = list(load.acknowledged)
    async with make_client() as client:
        for name in {*names[:10], *names[-10:]}:
            again = await load.ask(client, 0, name)
            assert (again.status_code, again.content) == (200, load.acknowledged[name])


def count_losses(store: Store, acknowledged: Mapping[str, bytes], figures: Figures) -> None:
    """Hold what was acknowledged, by key, against what the store has."""
    found = [store.ledger.find_once("service", name) for name in acknowledged]
    kept = [
        record is not None and render_reply(record) == reply
        for record, reply in zip(found, acknowledged.values(), strict=True)
    ]
    made = Counter(record.subject for record in read_decisions(store))
    figures.acknowledged = len(kept)
    figures.lost = len(kept) - sum(kept)
    figures.twice = sum(made.values()) - len(made)
    figures.unasked = len(set(made) - set(acknowledged))


def read_decisions(store: Store) -> Iterator[Record]:
    """Every decision in the store."""
    page = store.ledger.read()
    while page.records:
        yield from (record for record in page.records if record.kind == "decision")
        page = store.ledger.read(page.cursor)


def found_house(place: Place) -> str:
    """A store with a release live and a program that may ask; the program's key."""
    with create_store(place.url, store_id="a-store", at=MADE) as store:
        house = House(store)
        house.go_live()
        return house.hire("service", "service")


def make_server(place: Place) -> Server:
    return Server(place.folder, {"ROADWORTHY_STORE": place.url})
