"""Releases are switched while applications come in: no request fails, and no record mixes two releases (R14, R28).

The server itself, over HTTP, on both stores: one process on SQLite, two on PostgreSQL. The figures are printed;
`LONG_TESTS=1` switches 1,000 times.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest

from roadworthy.decision import Decisions, Release, decide
from roadworthy.live import render_reply
from roadworthy.policy import Policy
from roadworthy.records import (
    Decision,
    Record,
    RouteEvent,
    Store,
    create_store,
    decode_payload,
    open_store,
    verify_chain,
)
from roadworthy.testing import make_applications, make_package
from tests.api.house import POLICY, House
from tests.faults.clients import make_client, make_inputs
from tests.faults.conftest import LONG, Place
from tests.faults.test_kills import make_server, read_decisions
from tests.serving import Server, running_servers
from tests.stores import MADE

PROMOTIONS = 1_000 if LONG else 100
APPLICATIONS = 200
STRICT = POLICY.replace("0.12", "0.08").replace("0.25", "0.1")
"""Fewer are approved under it, so that an answer of one policy under the other's name is seen."""
_STATED = ("answer", "pd", "score", "rules", "reasons", "pd_at_reference", "adjusted")


@dataclass(frozen=True)
class Two:
    """Two releases with different models and policies; what each says of every application; keys to the house."""

    expected: Mapping[str, Decisions]
    digests: Mapping[str, str]
    service: Mapping[str, str]
    operator: Mapping[str, str]


def found_two(place: Place) -> Two:
    with create_store(place.url, store_id="a-store", at=MADE) as store:
        house = House(store)
        packages = {"1": make_package("scorecard"), "2": make_package("boosted")}
        policies = {"1": POLICY, "2": STRICT}
        for number, package in packages.items():
            assert house.go_live(package=package.to_bytes(), policy=policies[number]) == number
        keys = {role: {"Authorization": f"Bearer {house.hire(role, role)}"} for role in ("service", "operator")}
    frame, _ = make_applications(APPLICATIONS, 11)
    expected = {
        number: decide(frame, Release(package, Policy.parse(policies[number]))) for number, package in packages.items()
    }
    digests = {number: package.digest for number, package in packages.items()}
    return Two(expected, digests, **keys)


def test_switching_under_load_fails_no_request_and_mixes_no_record(
    place: Place, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    two = found_two(place)
    servers = [make_server(place) for _ in range(place.replicas)]
    with running_servers(*servers):
        replies = asyncio.run(switch_under_load(servers, two))
    mixed = [reply for row, reply in replies if not is_of_one_release(reply, row, two)]
    with open_store(place.url) as store:
        routes = read_routes(store)
        decided = list(read_decisions(store))
        assert verify_chain(store).fault is None
        check_order(store)
    assert {render_reply(record) for record in decided} == {msgspec.json.encode(reply) for _, reply in replies}
    mixed_records = [record for record in decided if release_of(record) != routes[epoch_of(record)]]
    shares = Counter(reply["release"]["id"] for _, reply in replies)
    record_property("decided", len(decided))
    record_property("mixed", len(mixed) + len(mixed_records))
    with capsys.disabled():
        print(  # noqa: T201  # the figures are the point
            f"\n{place.name}: {PROMOTIONS} switches under load, {len(replies)} decided "
            f"({shares['1']} by release 1, {shares['2']} by release 2), 0 failed, "
            f"{len(mixed)} replies and {len(mixed_records)} records mixed"
        )
    assert not mixed
    assert not mixed_records
    assert len(routes) == 3 + PROMOTIONS  # epoch 0, and what founding the house took
    assert min(shares.values()) > 0
    assert len(shares) == 2


def test_of_many_promotions_at_once_one_wins_and_the_others_are_told_who_did(place: Place) -> None:
    """32 at once for the same release: one epoch. Then 32 for two releases: as many epochs as were told they won."""
    two = found_two(place)
    servers = [make_server(place) for _ in range(place.replicas)]
    with running_servers(*servers):
        same = asyncio.run(promote_at_once(servers, two, ["1"] * 32))
        mixed = asyncio.run(promote_at_once(servers, two, ["1", "2"] * 16))
    with open_store(place.url) as store:
        routes = read_routes(store)
        assert verify_chain(store).fault is None
    assert Counter(answer.status_code for answer in same) == {200: 1, 409: 31}
    won = sum(answer.status_code == 200 for answer in mixed)
    assert won >= 1
    assert sorted(routes) == list(range(3 + 1 + won))
    for answer in [*same, *mixed]:
        if answer.status_code == 200:
            assert answer.json()["state"] == "live"
        else:
            assert answer.status_code == 409, answer.text
            said = answer.json()["detail"]
            assert "is live already" in said or "operator was quicker" in said


async def switch_under_load(servers: list[Server], two: Two) -> list[tuple[int, dict[str, Any]]]:
    """Promote one release and the other in turn, now and then by going back; the replies given meanwhile."""
    inputs = make_inputs(APPLICATIONS, seed=11)
    rows = count()
    replies: list[tuple[int, dict[str, Any]]] = []
    over = False

    async def ask_on(server: Server) -> None:
        async with make_client() as client:
            while not over:
                row = next(rows) % APPLICATIONS
                answer = await client.post(
                    f"{server.url}/v1/decisions", json={"inputs": inputs[row]}, headers=two.service
                )
                assert answer.status_code == 201, answer.text
                replies.append((row, answer.json()))

    async with asyncio.TaskGroup() as clients, make_client() as operator:
        for number in range(8):
            clients.create_task(ask_on(servers[number % len(servers)]))
        for number in range(PROMOTIONS):
            seen, wanted = len(replies), "1" if number % 2 == 0 else "2"
            act = "rollback" if number % 10 == 9 else f"{wanted}/promote"
            server = servers[number // 2 % len(servers)]
            answer = await operator.post(f"{server.url}/v1/releases/{act}", headers=two.operator)
            assert (answer.status_code, answer.json()["id"]) == (200, wanted), answer.text
            while len(replies) < seen + 3:
                await asyncio.sleep(0.001)
                server.check_running()
        over = True
    return replies


async def promote_at_once(servers: list[Server], two: Two, releases: list[str]) -> list[httpx.Response]:
    ready = asyncio.Barrier(len(releases))

    async def promote(number: int, release: str) -> httpx.Response:
        url = servers[number % len(servers)].url
        async with make_client() as client:
            await client.get(f"{url}/healthz")
            await ready.wait()
            return await client.post(f"{url}/v1/releases/{release}/promote", headers=two.operator)

    return await asyncio.gather(*(promote(number, release) for number, release in enumerate(releases)))


def is_of_one_release(reply: Mapping[str, Any], row: int, two: Two) -> bool:
    """Whether everything in the reply is what the release that it names says of the application."""
    release = reply["release"]
    stated = two.expected[release["id"]].row(row)
    return release["model"] == two.digests[release["id"]] and all(reply[name] == stated[name] for name in _STATED)


def read_routes(store: Store) -> dict[int, str | None]:
    """The champion of every epoch, as the records of the route say."""
    events = [decode_payload(record.payload, RouteEvent) for record in store.ledger.history("route")]
    champions = {event.epoch: event.route["champion"] for event in events}
    assert len(champions) == len(events)  # one change an epoch
    return {0: None} | champions


def check_order(store: Store) -> None:
    """In each slot the epochs only rise: nothing was recorded under one that was over."""
    for slot, records in _by_slot(store).items():
        epochs = [record.epoch for record in records if record.epoch is not None]
        assert epochs == sorted(epochs), f"slot {slot}"


def _by_slot(store: Store) -> dict[int, list[Record]]:
    slots: dict[int, list[Record]] = {}
    for record in _read_all(store):
        slots.setdefault(record.slot, []).append(record)
    return slots


def _read_all(store: Store) -> Iterator[Record]:
    page = store.ledger.read()
    while page.records:
        yield from page.records
        page = store.ledger.read(page.cursor)


def release_of(record: Record) -> str:
    return decode_payload(record.payload, Decision).release.id


def epoch_of(record: Record) -> int:
    assert record.epoch is not None
    return record.epoch
