"""Rows on which something fails, and clocks that jump: everybody else is decided, and order is as it was (R10, R28)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from roadworthy.decision import Decisions, decide
from roadworthy.records import Store, create_store, rebuild_projections, verify_chain
from tests.api.house import INPUTS, House
from tests.faults.conftest import Place
from tests.faults.test_kills import read_decisions
from tests.stores import MADE

HOSTILE: dict[str, Any] = {
    "an id too long": {"application_id": "A" * 256},
    "an id that is a name of ours": {"application_id": "release:1"},
    "an id with a NUL": {"application_id": "A\0"},
    "half a character": {"application_id": "\ud800"},
    "a list as an id": {"application_id": ["A"]},
    "no inputs": {"inputs": None},
    "inputs in inputs": {"inputs": {**INPUTS, "age": {"age": {"age": 41}}}},
    "a huge number": {"inputs": {**INPUTS, "income": 10**400}},
    "text for a number": {"inputs": {**INPUTS, "income": "1e3x"}},
    "a column of nobody's": {"inputs": {**INPUTS, "pd": 0.01}},
    "a day that is none": {"applied_at": "2026-02-30T00:00:00Z"},
    "the far future": {"applied_at": "9999-12-31T23:59:59Z"},
    "a time before time": {"applied_at": "0000-01-01T00:00:00Z"},
}


@pytest.fixture
def house(place: Place) -> Iterator[House]:
    with create_store(place.url, store_id="a-store", at=MADE) as store:
        made = House(store)
        made.go_live()
        made.hire("service", "service")
        yield made


def test_poison_among_others_harms_only_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, so that they are decided in the same batches: what breaks a rule, and what breaks the model."""

    def decide_or_break(batch: Any, *rest: Any) -> Decisions:
        if any(name.startswith("poison") for name in batch.application_id):
            raise ZeroDivisionError("the model fails on a row")
        return decide(batch, *rest)

    monkeypatch.setattr("roadworthy.live.deciding.decide", decide_or_break)
    good: list[dict[str, Any]] = [{"application_id": f"good-{number}", "inputs": INPUTS} for number in range(40)]
    poison = [{"application_id": f"poison-{number}", "inputs": INPUTS} for number in range(3)]
    hostile = [{"inputs": INPUTS} | body for body in HOSTILE.values()]
    answers = asyncio.run(send_at_once(house, [*good, *poison, *hostile]))
    by_kind = {"good": answers[: len(good)], "poison": answers[len(good) : len(good) + len(poison)]}
    assert {answer.status_code for answer in by_kind["good"]} == {201}
    assert {(answer.status_code, answer.json()["type"]) for answer in by_kind["poison"]} == {
        (500, "/problems/unforeseen")
    }
    for what, answer in zip(HOSTILE, answers[len(good) + len(poison) :], strict=True):
        assert answer.status_code in (400, 422), (what, answer.status_code, answer.text)
    assert sorted(record.subject for record in read_decisions(house.store)) == sorted(
        body["application_id"] for body in good
    )
    assert verify_chain(house.store).fault is None


async def send_at_once(house: House, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app=house.door, raise_app_exceptions=False)  # type: ignore[arg-type]  # an ASGI application
    headers = {"Authorization": f"Bearer {house.keys['service']}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
        sent = (client.post("/v1/decisions", content=_encode(body)) for body in bodies)
        return list(await asyncio.gather(*sent))


def _encode(body: dict[str, Any]) -> bytes:
    """As a careless program writes it: half a character is written out."""
    return json.dumps(body).encode()


def test_a_clock_that_jumps_a_day_changes_no_order(house: House) -> None:
    """Forward and back: what came later stands later, in the slot and about its application."""
    names = []
    with house.client() as client:
        for turn, late in enumerate((0, 1, 0, -1, 0, 1, -1)):
            house.late = timedelta(days=late)
            for about in ("always the same", f"A-{turn}"):
                answer = client.decide(application_id=about, headers={"Idempotency-Key": f"{about} {turn}"})
                assert answer.status_code == 201, answer.text
                names.append((about, answer.json()["decision_id"]))
            again = client.decide(application_id=about, headers={"Idempotency-Key": f"{about} {turn}"})
            assert (again.status_code, again.json()["decision_id"]) == (200, names[-1][1])
    store: Store = house.store
    decided = [(record.subject, record.record_id) for record in read_decisions(store)]
    same = [record_id for about, record_id in names if about == "always the same"]
    assert [record.record_id for record in store.ledger.history("always the same")] == same
    assert [record.nth for record in store.ledger.history("always the same")] == list(range(1, len(same) + 1))
    if store.url.startswith("sqlite"):
        assert decided == names  # one slot: its order is the order in which they came
    assert sorted(decided) == sorted(names)
    times = [record.at_us for record in store.ledger.history("always the same")]
    assert times != sorted(times)  # the clock did jump
    before = verify_chain(store)
    assert before.fault is None
    rebuild_projections(store)
    assert store.ledger.live().route.champion == "1"
