"""Clients that ask the same again until they are answered, as ours are told to."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from zlib import crc32

import httpx
import msgspec

from roadworthy.testing import make_applications
from tests.serving import PATIENCE, Server

__all__ = ["Load", "make_client", "make_inputs"]

_PAUSE = 0.02


def make_inputs(n: int, seed: int) -> list[dict[str, Any]]:
    """Made-up applications as JSON brings them."""
    frame, _ = make_applications(n, seed)
    plain: list[dict[str, Any]] = msgspec.json.decode(frame.to_json(orient="records").encode())
    return plain


@dataclass
class Load:
    """Pairs of clients: both of a pair send the same body under the same key at the same time, to one server each.

    Where a server does not answer they go to the next. `acknowledged` holds the reply to each application, `answers`
    how many each server gave, `asked` when the latest was sent that it answered, `failures` what came instead.
    """

    servers: Sequence[Server]
    key: str
    pairs: int = 6
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    asked: dict[str, float] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._inputs = make_inputs(200, seed=11)
        self._places = [server.url for server in self.servers]

    async def run(self) -> None:
        """Until `stop`; what is under way then is brought to its end."""
        async with asyncio.TaskGroup() as pairs:
            for pair in range(self.pairs):
                pairs.create_task(self._run_pair(pair))

    def stop(self) -> None:
        self._stopping = True

    async def wait_for(self, server: Server, more: int) -> None:
        """Until this server has given `more` answers."""
        wanted = self.answers[server.url] + more
        await self._wait_until(lambda: self.answers[server.url] >= wanted, server)

    async def wait_since(self, server: Server, moment: float) -> None:
        """Until this server has answered what was sent after `moment` (an answer may be on its way when one dies)."""
        await self._wait_until(lambda: self.asked.get(server.url, moment) > moment, server)

    async def _wait_until(self, is_so: Callable[[], bool], server: Server) -> None:
        ends = time.monotonic() + PATIENCE
        while not is_so():
            server.check_running()
            assert time.monotonic() < ends, f"it does not answer:\n{server.said()}"
            await asyncio.sleep(0.005)

    async def _run_pair(self, pair: int) -> None:
        turns = count(pair)
        async with make_client() as one, make_client() as other:
            while not self._stopping:
                turn = next(turns)
                name = f"pair-{pair}-{turn}"
                first, second = await asyncio.gather(self.ask(one, turn, name), self.ask(other, turn + 1, name))
                assert first.content == second.content
                # Whoever was told so first may have been cut off; but it was not made twice.
                assert [first.status_code, second.status_code].count(201) <= 1
                self.acknowledged[name] = first.content

    async def ask(self, client: httpx.AsyncClient, turn: int, name: str) -> httpx.Response:
        """Ask until there is an answer: a lost connection and a 503 are none, and any other refusal fails the test."""
        inputs = self._inputs[crc32(name.encode()) % len(self._inputs)]
        body = msgspec.json.encode({"application_id": name, "inputs": inputs})
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": name, "Content-Type": "application/json"}
        ends = time.monotonic() + PATIENCE
        for tried in count(turn):
            place = self._places[tried % len(self._places)]
            sent = time.monotonic()
            try:
                response = await client.post(f"{place}/v1/decisions", content=body, headers=headers)
            except httpx.TransportError as error:
                self.failures[type(error).__name__] += 1
            else:
                if response.status_code in (200, 201):
                    assert (response.status_code == 200) == (response.headers.get("Idempotent-Replayed") == "true")
                    self.answers[place] += 1
                    self.asked[place] = max(sent, self.asked.get(place, sent))
                    return response
                assert response.status_code == 503, response.text
                self.failures[response.json()["type"]] += 1
            assert time.monotonic() < ends, f"no answer to {name}"
            await asyncio.sleep(_PAUSE)
        raise AssertionError


def make_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=PATIENCE, trust_env=False)
