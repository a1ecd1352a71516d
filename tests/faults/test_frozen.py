"""A server that freezes while the route changes: nobody elsewhere fails, nothing old is recorded (R13, R28).

Two servers on PostgreSQL, under load. One is stopped as a machine that swaps or a paused container is; meanwhile the
other is asked, and releases are promoted there. `LONG_TESTS=1` freezes 200 times.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import httpx
import pytest

from roadworthy.records import open_store, verify_chain
from tests.faults.clients import make_client, make_inputs
from tests.faults.conftest import LONG, Place
from tests.faults.test_kills import make_server, read_decisions
from tests.faults.test_promotions import Two, check_order, epoch_of, found_two, read_routes, release_of
from tests.serving import Server, running_servers
from tests.stores import Postgres

FREEZES = 200 if LONG else 2
MEANWHILE = 20
"""How many answers the other server gives while one is frozen."""


def test_a_frozen_server_keeps_nobody_waiting_and_records_nothing_of_the_past(
    mortal_postgres: Postgres,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    place = Place(mortal_postgres.make_database(), tmp_path, mortal_postgres)
    two = found_two(place)
    frozen, other = make_server(place), make_server(place)
    with running_servers(frozen, other):
        answers = asyncio.run(freeze_again_and_again(frozen, other, two))
    with open_store(place.url) as store:
        routes = read_routes(store)
        decided = list(read_decisions(store))
        check_order(store)
        assert verify_chain(store).fault is None
    mixed = [record for record in decided if release_of(record) != routes[epoch_of(record)]]
    assert not mixed
    made = Counter(record.subject for record in decided)
    assert (len(made), max(made.values())) == (answers[frozen.url] + answers[other.url], 1)
    assert len(routes) == 3 + FREEZES
    here, there, again = answers[frozen.url], answers[other.url], answers["asked again"]
    words = (
        f"PostgreSQL: a server frozen over {FREEZES} changes of route, {there} answers elsewhere and {here} of its own "
        f"({again} asked again), 0 failed elsewhere, {len(mixed)} records mixed "
        f"(rate below {3 / FREEZES:.1e} a freeze, 95% confidence)"
    )
    record_property("frozen", words)
    with capsys.disabled():
        print(f"\n{words}", end="")  # noqa: T201  # the figures are the point


async def freeze_again_and_again(frozen: Server, other: Server, two: Two) -> Counter[str]:
    """Promote one release and the other in turn at `other`, while `frozen` is; how often each answered."""
    inputs, rows, chance = make_inputs(200, seed=11), count(), random.Random(13)
    answers: Counter[str] = Counter()
    over = False

    async def ask_on(server: Server) -> None:
        async with make_client() as client:
            while not over:
                row = next(rows)
                headers = {**two.service, "Idempotency-Key": f"k{row}"}
                body = {"application_id": f"A-{row}", "inputs": inputs[row % len(inputs)]}
                while True:
                    try:
                        answer = await client.post(f"{server.url}/v1/decisions", json=body, headers=headers)
                    except httpx.ReadError:
                        # A thawed server finds that its connections were idle too long, and closes them first.
                        assert server is frozen
                        answers["asked again"] += 1
                        continue
                    if answer.status_code in (200, 201):
                        break
                    # What was frozen inside a transaction was cut off by the database, and hears that nobody knows.
                    assert server is frozen, answer.text
                    assert answer.status_code == 503, answer.text
                    answers["asked again"] += 1
                answers[server.url] += 1

    async def wait_for(server: Server) -> None:
        wanted = answers[server.url] + MEANWHILE
        while answers[server.url] < wanted:
            await asyncio.sleep(0.002)
            server.check_running()

    async with asyncio.TaskGroup() as clients, make_client() as operator:
        for number in range(6):
            clients.create_task(ask_on((frozen, other)[number % 2]))
        for number in range(FREEZES):
            await wait_for(frozen)
            await asyncio.sleep(chance.uniform(0, 0.02))
            assert frozen.process is not None
            os.killpg(frozen.process.pid, signal.SIGSTOP)
            try:
                wanted = "12"[number % 2]
                url = f"{other.url}/v1/releases/{wanted}/promote"
                answer = await operator.post(url, headers=two.operator)
                assert answer.status_code == 200, answer.text
                assert answer.json()["id"] == wanted
                await wait_for(other)
            finally:
                os.killpg(frozen.process.pid, signal.SIGCONT)
        await wait_for(frozen)
        over = True
    return answers
