"""The product in processes of its own: it starts while clients wait, drains when told to stop, and forgets nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx

from roadworthy.records import Store, create_store
from roadworthy.testing import make_release
from roadworthy.testing.going_live import go_live
from tests.app.test_app import INPUTS, make_key, now
from tests.serving import Server, running_servers
from tests.stores import Postgres


def ready(store: Store, folder: Path, **settings: str) -> tuple[Server, dict[str, str]]:
    go_live(store, make_release("scorecard"), at=now())
    key = make_key(store)
    return Server(folder, {"ROADWORTHY_STORE": store.url, **settings}), {"Authorization": f"Bearer {key}"}


def test_it_drains_and_what_it_acknowledged_is_there_after_a_restart(store: Store, tmp_path: Path) -> None:
    """R28: told to stop under load, every request is answered whole or not taken; a restart knows every decision."""
    server, headers = ready(store, tmp_path)
    acknowledged: list[str] = []
    not_taken: list[str] = []
    refused: list[str] = []
    begun = threading.Event()

    def ask(worker: int) -> None:
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            for i in range(10_000):
                name = f"{worker}-{i}"
                try:
                    replied = client.post("/v1/decisions", json={"application_id": name, "inputs": INPUTS})
                except httpx.TransportError:
                    not_taken.append(name)  # there is no connection any more, or it was let go of just then
                    return
                if replied.status_code == 201:
                    acknowledged.append(replied.json()["decision_id"])
                    if len(acknowledged) > 40:
                        begun.set()
                else:
                    refused.append(replied.text)

    with running_servers(server):
        clients = [threading.Thread(target=ask, args=(worker,)) for worker in range(4)]
        for client in clients:
            client.start()
        assert begun.wait(60)
        assert server.stop() == 0, server.said()
        for client in clients:
            client.join(60)
        assert refused == []
        assert len({*acknowledged}) == len(acknowledged) > 40
        server.start()
        server.wait_until_ready()
        for decision in (acknowledged[0], acknowledged[-1]):
            replied = httpx.get(f"{server.url}/v1/decisions/{decision}", headers=headers, timeout=60)
            assert replied.status_code == 200, replied.text
        assert server.stop() == 0
    assert all(found is not None for found in (store.ledger.find(decision) for decision in acknowledged))
    assert len(not_taken) == 4
    assert [name for name in not_taken if store.ledger.history(name)] == [], "decided, and not answered"


def test_several_processes_serve_one_store_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    with create_store(postgres.make_database(), store_id="a-store", at=now()) as store:
        server, headers = ready(store, tmp_path, ROADWORTHY_WORKERS="2")
    with running_servers(server):
        for i in range(20):
            with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
                replied = client.post("/v1/decisions", json={"application_id": f"P-{i}", "inputs": INPUTS})
                assert replied.status_code == 201, replied.text
        assert server.stop() == 0, server.said()
    assert "serves with 2 processes" in server.log.read_text()
