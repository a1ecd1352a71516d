"""While the disk is full the service is read-only, says so, and goes on by itself once there is room (R10, R28)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from roadworthy.errors import Unwritable
from roadworthy.records import Recorded, Store, create_store, open_store, verify_chain
from roadworthy.testing.entries import Entries
from tests.api.house import INPUTS, House
from tests.faults.conftest import Place
from tests.faults.disk import make_shim
from tests.faults.test_kills import found_house
from tests.serving import PATIENCE, Server, running_servers
from tests.stores import MADE, Postgres

TAKES_NONE = """
CREATE FUNCTION take_none() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER take_none BEFORE INSERT ON records EXECUTE FUNCTION take_none()
"""


def test_a_full_disk_is_told_read_from_and_outlived(tmp_path: Path) -> None:
    """The server itself, on a disk on which no file grows for a while."""
    store = tmp_path / "store"
    store.mkdir()
    place = Place(f"sqlite:///{store / 'store.db'}", store, None)
    key, full = found_house(place), tmp_path / "full"
    broken = {"LD_PRELOAD": str(make_shim(tmp_path)), "DISK_FOLDER": str(store.resolve()), "DISK_FULL": str(full)}
    server = Server(store, {"ROADWORTHY_STORE": place.url, **broken})
    with running_servers(server), httpx.Client(base_url=server.url, timeout=PATIENCE, trust_env=False) as client:

        def decide(name: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": name}
            return client.post("/v1/decisions", json={"application_id": name, "inputs": INPUTS}, headers=headers)

        first = decide("first")
        assert first.status_code == 201
        full.touch()
        refused = {f"refused-{number}": decide(f"refused-{number}") for number in range(5)}
        for answer in refused.values():
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/store-full")
            assert "nothing was recorded" in answer.json()["detail"]
            assert "make room" in answer.json()["mend"]
            assert int(answer.headers["Retry-After"]) > 0
        again = decide("first")
        assert (again.status_code, again.content) == (200, first.content)
        found = client.get(f"/v1/decisions/{first.json()['decision_id']}", headers={"Authorization": f"Bearer {key}"})
        assert found.status_code == 200, found.text
        assert client.get("/sign-in").status_code == 200
        assert client.get("/healthz").status_code == 200
        assert wait_for_ready(client, 503)["writes"] == "takes no writes"
        assert wait_for_ready(client, 503)["store"] == "ready"
        full.unlink()
        assert {decide(name).status_code for name in refused} == {201}
        assert wait_for_ready(client, 200)["writes"] == "ready"
    with open_store(place.url) as kept:
        subjects = [record.subject for record in kept.ledger.read().records if record.kind == "decision"]
        assert subjects == ["first", *refused]
        assert verify_chain(kept).fault is None


def wait_for_ready(client: httpx.Client, status: int) -> dict[str, str]:
    """What it says once it has looked again: it does so once a second at most."""
    ends = time.monotonic() + PATIENCE
    while (ready := client.get("/readyz")).status_code != status:
        assert time.monotonic() < ends
        time.sleep(0.1)
    said: dict[str, str] = ready.json()
    return said


@pytest.fixture
def on_postgres(mortal_postgres: Postgres) -> Iterator[Store]:
    with create_store(mortal_postgres.make_database(), store_id="a-store", at=MADE) as made:
        yield made


def test_a_full_disk_of_the_server_is_told_and_outlived(on_postgres: Store) -> None:
    """PostgreSQL's own error 53100, at an insert."""
    house = House(on_postgres)
    house.go_live()
    house.hire("service", "service")
    with house.client() as client:
        first = client.decide(headers={"Idempotency-Key": "first"})
        on_postgres.transact(lambda connection: connection.execute(text(TAKES_NONE)))
        refused = client.decide(headers={"Idempotency-Key": "second"})
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/store-full")
        assert client.decide(headers={"Idempotency-Key": "first"}).content == first.content
        on_postgres.transact(lambda connection: connection.execute(text("DROP TRIGGER take_none ON records")))
        assert client.decide(headers={"Idempotency-Key": "second"}).status_code == 201
    assert verify_chain(on_postgres).fault is None


def test_a_file_that_may_only_be_read_is_told_and_not_taken_for_broken(tmp_path: Path) -> None:
    with create_store(f"sqlite:///{tmp_path / 'store.db'}", store_id="a-store", at=MADE) as store:
        entries = Entries()
        store.ledger.append([entries.decision(key="first")])
        writer = store.connections.writer.pool
        for words, kind in (("ON", Unwritable), ("OFF", Recorded)):
            writer.connect().driver_connection.execute(f"PRAGMA query_only = {words}")  # type: ignore[union-attr]  # open
            second = entries.decision(key="second")
            if kind is Unwritable:
                with pytest.raises(Unwritable, match="readonly"):
                    store.ledger.append([second])
                assert len(store.ledger.read().records) == 2
            else:
                assert isinstance(store.ledger.append([second]).results[0], kind)
        assert verify_chain(store).fault is None
