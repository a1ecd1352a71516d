"""A load generator: so many connections, each with one request in flight; in a process of its own.

    python load.py PORT CONNECTIONS SECONDS KEY BODIES.json

Prints one JSON line: replies, replies a second, latencies in milliseconds, and what was not a success.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop


class Connection(asyncio.Protocol):
    """Sends the next body as soon as the last one is answered."""

    def __init__(self, requests: list[bytes], offset: int, until: float, done: asyncio.Future[None]) -> None:
        self.requests, self.place, self.until, self.done = requests, offset, until, done
        self.latencies: list[float] = []
        self.failed = 0
        self._read = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.place = (self.place + 1) % len(self.requests)
        self._began = time.perf_counter()
        self.transport.write(self.requests[self.place])

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, blank, rest = self._read.partition(b"\r\n\r\n")
        if not blank:
            return
        lower = head.lower()
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(rest) < length:
            return
        self._read = rest[length:]
        now = time.perf_counter()
        self.latencies.append(now - self._began)
        self.failed += not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))
        if now < self.until:
            self._send()
        else:
            self.transport.close()
            self.done.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed the connection"))


async def load(port: int, connections: int, seconds: float, requests: list[bytes]) -> dict[str, object]:
    """Keep `connections` busy for `seconds`."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    until = began + seconds
    made: list[Connection] = []
    futures = []
    for i in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        _, one = await loop.create_connection(
            lambda i=i, done=done: Connection(requests, i * 97 % len(requests), until, done), "127.0.0.1", port
        )
        made.append(one)
        futures.append(done)
    await asyncio.gather(*futures)
    took = time.perf_counter() - began
    latencies = sorted(latency for one in made for latency in one.latencies)
    n = len(latencies)
    return {
        "replies": n,
        "per_second": n / took,
        "p50_ms": latencies[n // 2] * 1000,
        "p99_ms": latencies[min(n - 1, int(n * 0.99))] * 1000,
        "failed": sum(one.failed for one in made),
    }


def main() -> None:
    port, connections, seconds, key, bodies = sys.argv[1:]
    lines = ["POST /v1/decisions HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    head = "\r\n".join([*lines, f"Authorization: Bearer {key}"])
    requests = [
        f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        for body in (line.encode() for line in Path(bodies).read_text().splitlines())
    ]
    uvloop.install()
    print(json.dumps(asyncio.run(load(int(port), int(connections), float(seconds), requests))))


main()
