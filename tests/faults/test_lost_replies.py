"""The way to PostgreSQL is cut around a COMMIT: the caller hears that nobody knows, and the same key settles it (R28).

A small proxy stands between the program and the server: it cuts the connection instead of handing a COMMIT on, or
once the server has answered it and before the program hears of that. `LONG_TESTS=1` cuts 1,000 times.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Literal

import pytest

from roadworthy.records import create_store, open_store, verify_chain
from tests.api.house import House
from tests.faults.conftest import LONG
from tests.faults.test_kills import read_decisions
from tests.stores import MADE, Postgres, free_port

CUTS = 1_000 if LONG else 20
_COMMIT = b"COMMIT"


class Proxy:
    """Hands on what comes, but for the one COMMIT that it is told to cut off, before it arrives or after.

    A connection's first COMMIT is that of its settings, and is let be.
    """

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self.cut: Literal["before", "after"] | None = None
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                for work, one, other in ((self._ask, client, server), (self._answer, server, client)):
                    threading.Thread(target=work, args=(one, other), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        seen = 0
        with suppress(OSError):
            while data := client.recv(65536):
                seen += _COMMIT in data
                if self.cut == "before" and _COMMIT in data and seen > 1:
                    self.cut = None
                    break
                server.sendall(data)
        _end(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        seen = 0
        with suppress(OSError):
            while data := server.recv(65536):
                seen += _COMMIT in data
                if self.cut == "after" and _COMMIT in data and seen > 1:  # the tag of a command that is done
                    self.cut = None
                    break
                client.sendall(data)
        _end(client, server)


def _end(*both: socket.socket) -> None:
    for one in both:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@pytest.fixture
def proxy(mortal_postgres: Postgres) -> Iterator[Proxy]:
    made = Proxy(mortal_postgres.port)
    yield made
    made.close()


def test_a_reply_that_was_lost_is_settled_by_the_same_key(
    mortal_postgres: Postgres,
    proxy: Proxy,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    url = mortal_postgres.make_database()
    create_store(url, store_id="a-store", at=MADE).close()
    settled: Counter[tuple[str, int]] = Counter()
    with open_store(url.replace(f":{mortal_postgres.port}/", f":{proxy.port}/")) as store:
        house = House(store)
        house.go_live()
        house.hire("service", "service")
        ways: tuple[Literal["before", "after"], ...] = ("before", "after")
        with house.client() as client:
            for number in range(CUTS):
                named: dict[str, Any] = {"headers": {"Idempotency-Key": f"k{number}"}, "application_id": f"A-{number}"}
                client.decide(headers={"Idempotency-Key": f"warm{number}"}, application_id=f"W-{number}")
                way = ways[number % 2]
                proxy.cut = way
                lost = client.decide(**named)
                assert (lost.status_code, lost.json()["type"]) == (503, "/problems/outcome-unknown")
                assert "same key" in lost.json()["mend"]
                again = client.decide(**named)
                settled[way, again.status_code] += 1
                assert client.decide(**named).content == again.content
    assert settled == {("before", 201): (CUTS + 1) // 2, ("after", 200): CUTS // 2}
    with open_store(url) as store:
        made = Counter(record.subject for record in read_decisions(store))
        assert len(made) == 2 * CUTS
        assert max(made.values()) == 1
        assert verify_chain(store).fault is None
    words = (
        f"PostgreSQL: the connection cut {CUTS} times around a COMMIT, 0 lost, 0 decided twice "
        f"(rate below {3 / CUTS:.1e}, 95% confidence)"
    )
    record_property("cut", words)
    with capsys.disabled():
        print(f"\n{words}", end="")  # noqa: T201  # the figures are the point
