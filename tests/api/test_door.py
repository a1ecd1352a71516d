"""The door itself: what every answer carries, what is measured and logged, what it withstands (R8, R13, R29)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import current_thread
from typing import Any
from unittest.mock import MagicMock

import msgspec
import pytest

from roadworthy.access import KeyRing
from roadworthy.api import list_routes, make_asgi, make_openapi
from roadworthy.door import Door, KeyCheck, Problem, RateLimit, Readiness, make_log, problem_of
from roadworthy.errors import NotAllowed, NotFound, OutcomeUnknown, Refused, StoreError, UsageError
from roadworthy.lifecycle import resume_deciding, stop_deciding
from roadworthy.records import create_store
from roadworthy.settings import Settings
from tests.api.house import INPUTS, PEOPLE, Client, House
from tests.stores import MADE

EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@pytest.fixture(scope="module")
def small_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A house that takes two requests a second and bodies of a kilobyte."""
    url = f"sqlite:///{tmp_path_factory.mktemp('small') / 'store.db'}"
    with create_store(url, store_id="a-store", at=MADE) as store:
        house = House(store, Settings(rate_limit_per_second=2, max_body_bytes=1024))
        house.hire_everybody()
        with house.client() as client:
            yield client


def test_a_key_is_never_looked_up_on_the_event_loop(small_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is slow to answer would hold up everybody, also those who ask for nothing of it."""
    keys = KeyRing(small_client.house.store)
    check = KeyCheck(keys)
    asked: list[Any] = []
    store = MagicMock()

    def read() -> MagicMock:
        asked.append(current_thread())
        return MagicMock()

    store.reading.side_effect = read
    monkeypatch.setattr(keys, "_store", store)
    monkeypatch.setattr("roadworthy.access.keys._read_actor", lambda *_: (PEOPLE["service"], MADE + timedelta(days=1)))

    async def come() -> None:
        for milliseconds in range(0, 5_000, 150):
            headers = {b"authorization": b"Bearer rwk_x"}
            await check.actor(headers, MADE + timedelta(milliseconds=milliseconds))

    asyncio.run(come())
    assert 4 <= len(asked) <= 6
    assert current_thread() not in asked


def test_readiness_writes_each_time_it_looks(small_client: Client) -> None:
    """What is there already and written again changes nothing, and a disk that is full would not be seen."""
    house = small_client.house
    readiness = Readiness(house.services, keep=timedelta())
    log = Path(f"{house.store.url.removeprefix('sqlite:///')}-wal")
    assert readiness.look().writes == "ready"
    before = log.stat().st_mtime_ns
    assert readiness.look().writes == "ready"
    assert log.stat().st_mtime_ns > before


def ask_raw(door: Door, pieces: list[bytes], headers: dict[str, str], *, gone: bool = False) -> tuple[list[Any], int]:
    """Send a body in pieces, as a server would hand it on; what was sent back, and how many pieces were taken."""
    taken = 0
    sent: list[Any] = []

    async def receive() -> Any:
        nonlocal taken
        if gone and taken == len(pieces) - 1:
            return {"type": "http.disconnect"}
        taken += 1
        return {"type": "http.request", "body": pieces[taken - 1], "more_body": taken < len(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "method": "POST", "path": "/v1/decisions", "query_string": b"", "http_version": "1.1",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(door(scope, receive, send))
    return sent, taken


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/v1/releases", "/openapi.json"])
def test_every_answer_carries_what_keeps_browsers_honest(path: str, client: Client) -> None:
    for who in ("analyst", None):
        answer = client.ask("GET", path, who)
        assert {name: answer.headers[name] for name in EVERY_ANSWER} == EVERY_ANSWER
        assert answer.headers["X-Request-Id"]


def test_the_page_of_the_interface_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = client.ask("GET", "/docs", None)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "<script" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    for row in list_routes():
        assert f"{row.method} {row.path}" in answer.text


@pytest.mark.parametrize(("given", "kept"), [("job-7.a_B", True), ("a b", False), ("x" * 65, False), ("ö", False)])
def test_a_request_is_known_by_the_callers_id_where_it_is_one(given: str, kept: bool, client: Client) -> None:
    answer = client.ask("GET", "/healthz", None, headers={"X-Request-Id": given.encode()})
    assert (answer.headers["X-Request-Id"] == given) is kept
    assert answer.headers["X-Request-Id"].isascii()


def test_a_key_that_asks_too_often_waits_and_others_do_not(small_client: Client) -> None:
    answers = [small_client.ask("GET", "/v1/releases", "officer") for _ in range(4)]
    assert [answer.status_code for answer in answers][:2] == [200, 200]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"
    assert small_client.ask("GET", "/v1/releases", "approver").status_code == 200


def test_the_rate_is_kept_over_any_second_and_survives_a_clock_set_back() -> None:
    limit, now = RateLimit(5), datetime(2026, 11, 1, tzinfo=UTC)
    assert sum(limit.takes("key:1", now + timedelta(milliseconds=10 * i)) for i in range(100)) == 9
    assert sum(limit.takes("key:1", now - timedelta(days=1)) for _ in range(10)) <= 5
    assert all(RateLimit(0).takes("key:1", now) for _ in range(100))


def test_a_body_without_a_length_is_cut_off_where_it_is_too_large(small_client: Client) -> None:
    """Nobody waits for the rest of it, or keeps it."""
    key = {"Authorization": f"Bearer {small_client.house.keys['service']}"}
    sent, taken = ask_raw(small_client.house.door, [b"x" * 600] * 50, key)
    assert (sent[0]["status"], taken) == (413, 2)
    assert (b"connection", b"close") in sent[0]["headers"]
    sent, taken = ask_raw(small_client.house.door, [b"x"] * 3, key | {"Content-Length": "1025"})
    assert (sent[0]["status"], taken) == (413, 0)


def test_whoever_may_not_has_no_body_read(small_client: Client) -> None:
    sent, taken = ask_raw(small_client.house.door, [b"x"] * 50, {})
    assert (sent[0]["status"], taken) == (401, 0)
    key = {"Authorization": f"Bearer {small_client.house.keys['admin']}"}
    sent, taken = ask_raw(small_client.house.door, [b"x"] * 50, key)
    assert (sent[0]["status"], taken) == (403, 0)


def test_whoever_hangs_up_is_not_answered(small_client: Client) -> None:
    small_client.house.log.clear()
    key = {"Authorization": f"Bearer {small_client.house.keys['brief']}"}
    sent, _ = ask_raw(small_client.house.door, [b"x"] * 3, key, gone=True)
    assert sent == []
    assert small_client.house.log[-1][1]["status"] == 499


def test_the_log_says_which_route_and_never_what_came(client: Client) -> None:
    client.house.log.clear()
    client.decide(application_id="A-secret", applicant_id="C-secret", headers={"Idempotency-Key": "K-secret"})
    client.ask("GET", "/v1/releases/R-secret?q=Q-secret", "analyst")
    client.ask("GET", "/P-secret")
    lines = json.dumps(list(client.house.log))
    assert "secret" not in lines
    (event, facts), (_, second), (_, third) = client.house.log
    assert (event, facts["method"], facts["route"], facts["status"]) == ("answered", "POST", "/v1/decisions", 201)
    assert facts["credential"].startswith("key:")
    assert (second["route"], second["status"]) == ("/v1/releases/{id}", 404)
    assert (third["route"], third["status"]) == ("none", 404)


def test_the_log_is_lines_of_json_from_the_level_that_is_asked_for() -> None:
    out = BytesIO()
    log = make_log("warning", out)
    log.info("answered", status=200)
    log.error("unforeseen", error="ZeroDivisionError")
    (line,) = out.getvalue().splitlines()
    assert msgspec.json.decode(line).items() >= {"event": "unforeseen", "level": "error"}.items()


def test_what_nobody_foresaw_is_a_500_that_says_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("Ana-secret")

    monkeypatch.setattr("roadworthy.api.routes.releases.list_releases", fail)
    client.house.log.clear()
    answer = client.ask("GET", "/v1/releases", "analyst")
    assert answer.status_code == 500
    assert answer.json().keys() == {"type", "title", "status", "request_id"}
    unforeseen = dict(client.house.log)["unforeseen"]
    assert (unforeseen["error"], unforeseen["request_id"]) == ("ZeroDivisionError", answer.headers["X-Request-Id"])
    assert unforeseen["at"][-1].endswith("fail")
    assert "secret" not in json.dumps(list(client.house.log))


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (UsageError("no such day"), 422, "unusable"),
        (Refused("the gate is shut"), 409, "refused"),
        (NotAllowed("you may not"), 403, "not-allowed"),
        (NotFound.unseen(), 404, "not-found"),
        (StoreError("host db.internal is away"), 503, "store"),
        (OutcomeUnknown("the store broke off"), 503, "outcome-unknown"),
    ],
)
def test_every_error_of_the_house_has_its_answer(error: Exception, status: int, name: str) -> None:
    problem, headers = problem_of(error)
    assert (problem.status, problem.type) == (status, f"/problems/{name}")
    assert ("Retry-After" in headers) is (status == 503)
    assert "db.internal" not in msgspec.json.encode(problem).decode()


def test_the_outcome_that_nobody_knows_is_asked_for_again_with_the_same_key(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object, **__: object) -> None:
        raise OutcomeUnknown("the store broke off: cable cut")

    with monkeypatch.context() as broken:
        broken.setattr(client.house.store.ledger, "append", break_off)
        answer = client.decide(headers={"Idempotency-Key": "cut"})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/outcome-unknown")
    assert answer.json()["mend"] == "retry with the same key"
    assert answer.headers["Retry-After"]
    assert client.decide(headers={"Idempotency-Key": "cut"}).status_code == 201


def test_the_metrics_count_by_route_and_never_by_what_came(client: Client) -> None:
    client.decide(application_id="A-metric")
    client.decide(inputs={})
    client.ask("GET", "/v1/releases/R-metric", "analyst")
    client.ask("BREW", "/v1/P-metric")
    text = client.ask("GET", "/metrics", "operator").text
    assert "metric" not in text.replace("/metrics", "").replace("metrics.read", "")
    assert 'roadworthy_requests_total{method="POST",route="/v1/decisions",status="201"}' in text
    assert 'roadworthy_decisions_total{answer="approve",release="1"}' in text
    assert 'roadworthy_refusals_total{problem="contract"}' in text
    assert 'roadworthy_request_seconds_bucket{le="0.005",method="POST",route="/v1/decisions"}' in text
    assert 'method="any",route="none"' in text
    assert f"roadworthy_route_epoch {float(client.house.store.ledger.live().epoch)}" in text


def test_a_process_is_ready_once_what_is_live_has_decided(client: Client) -> None:
    ready = client.ask("GET", "/readyz", None)
    assert ready.status_code == 200
    told = ready.json()
    assert (told["ready"], told["store"], told["writes"], told["route"]) == (True, "ready", "ready", "ready")
    assert told["release"] == client.house.store.ledger.live().route.champion


def test_a_process_without_a_release_serves_its_pages_and_says_that_it_decides_nothing(
    client: Client, tmp_path: Path
) -> None:
    """Taken out of service it could not be given a release; whoever only sends applications asks for more."""
    asked = client.ask("GET", "/readyz?decisions=true", None)
    assert (asked.status_code, asked.json()["decides"]) == (200, True)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with create_store(url, store_id="a-store", at=MADE) as store, House(store).client() as empty:
        told = empty.ask("GET", "/readyz", None)
        assert (told.status_code, told.json()["ready"], told.json()["decides"]) == (200, True, False)
        assert told.json()["release"] is None
        assert empty.ask("GET", "/readyz?decisions=true", None).status_code == 503


def test_a_process_says_whether_deciding_is_stopped(client: Client) -> None:
    """A stop is no fault: it is ready, and what it answers is that a person decides."""
    assert client.ask("GET", "/readyz", None).json()["stopped"] is False
    stop_deciding(client.house.deed("operator"), "wrong data")
    try:
        # A door of its own, because each looks once a second at most.
        sent = _get(make_asgi(client.house.services, log=client.house.log), "/readyz")
    finally:
        resume_deciding(client.house.deed("operator"), "mended")
    told = msgspec.json.decode(sent[1]["body"])
    assert (sent[0]["status"], told["ready"], told["decides"], told["stopped"]) == (200, True, True, True)


@pytest.mark.parametrize(
    ("broken", "part"), [("ledger.live", "store"), ("transact", "writes")], ids=lambda value: str(value)
)
def test_a_process_that_is_not_ready_says_what_is_not(
    broken: str, part: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("host db.internal is away")

    door = make_asgi(client.house.services, log=client.house.log)
    where, _, name = broken.rpartition(".")
    with monkeypatch.context() as patch:
        patch.setattr(getattr(client.house.store, where) if where else client.house.store, name, fail)
        sent = _get(door, "/readyz")
        assert _get(door, "/healthz")[0]["status"] == 200
    told = msgspec.json.decode(sent[1]["body"])
    assert (sent[0]["status"], told["ready"]) == (503, False)
    assert told[part] != "ready"
    assert told["stopped"] is (None if part == "store" else False)
    assert "db.internal" not in sent[1]["body"].decode()


def _get(door: Door, path: str) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "http_version": "1.1", "scheme": "http", "root_path": "", "server": ("localhost", 80), "client": None,
    }  # fmt: skip
    asyncio.run(door(scope, receive, send))
    return sent


def test_the_interface_describes_the_applications_of_what_is_live(client: Client) -> None:
    document = client.ask("GET", "/openapi.json", None).json()
    assert document["openapi"] == "3.1.0"
    inputs = document["components"]["schemas"]["Application"]["properties"]["inputs"]
    assert set(inputs["properties"]) == set(INPUTS)
    assert {f"{method.upper()} {path}" for path, ways in document["paths"].items() for method in ways} == {
        f"{row.method} {row.path}" for row in list_routes()
    }
    nothing_live = make_openapi(list_routes(), version="1")
    assert "properties" not in nothing_live["components"]["schemas"]["Application"]["properties"]["inputs"]


def test_problems_are_told_in_the_interface_as_they_are(client: Client) -> None:
    document = client.ask("GET", "/openapi.json", None).json()
    told = document["components"]["schemas"]["Problem"]["properties"]
    assert set(told) == set(Problem.__struct_fields__)
