"""Every way in, asked nearly rightly: whatever comes, the answer is one that was declared (R28).

Bounded here, with hypothesis bringing what is random, so that what it finds is shrunk; LONG_TESTS=1 sends a million
requests (FUZZ_REQUESTS=N: so many) and prints the figures. A fault is printed as a request that can be sent again.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import resource
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from roadworthy.access import ROLES
from roadworthy.api import list_routes
from roadworthy.app import make_door
from roadworthy.batch import job_handlers
from roadworthy.desk import list_pages
from roadworthy.jobs import Runner, list_jobs
from roadworthy.records import create_store, new_id
from roadworthy.testing import make_applications, make_package
from tests.api.house import INPUTS, POLICY, PRODUCT, REGIONS, House
from tests.desk.conftest import Desk
from tests.http.aiming import Filled, Forms, Programs, read_forms
from tests.http.test_people_and_files import TABLE_POLICY
from tests.http.volley import Request, Volley
from tests.stores import MADE, another_store_url, postgres

__all__ = ["postgres"]

LONG = bool(os.environ.get("LONG_TESTS"))
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000000"))
AT_ONCE = 8
SLOW = frozenset({"POST /v1/batches", "PUT /v1/tables/{name}", "POST /v1/packages", "POST /v1/releases"})
"""Routes that start a process, or load a package, for each request."""
ENDS_A_SESSION = ("/sign-out", "/account/sign-out", "/account/password")
AIMS = Callable[[random.Random], tuple[str, Request]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"] if LONG else ["sqlite"])
def street(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A lender with both its entrances, somebody of each role, and somebody who may do nearly everything."""
    url = another_store_url(request.param, request, tmp_path_factory.mktemp("street"))
    with create_store(url, store_id="a-store", at=MADE) as store:
        house = House(store)
        house.hire("everybody", *(set(ROLES) - {"admin"}))  # accounts are kept by one who does nothing else
        house.hire("zed", "analyst")
        house.hire_everybody()
        house.go_live()
        house.door = make_door(house.services)
        house.door._log = house.log
        with TestClient(app=house.door, raise_server_exceptions=True) as http:
            yield Desk(house, http)


@pytest.fixture(scope="module")
def known(street: Desk) -> dict[str, list[str]]:
    """What is there to be named: applications, decisions, releases, versions, jobs."""
    made = [street.decide(f"fuzz-{i}", **inputs)["decision_id"] for i, inputs in enumerate(ANSWERED)]
    key = {"Authorization": f"Bearer {street.house.keys['everybody']}"}
    parts = {"product": PRODUCT, "tables": {"regions": REGIONS}}
    package = street.http.post("/v1/packages", files={"file": PACKAGE}, headers=key).json()["digest"]
    for policy in (TABLE_POLICY, POLICY):
        street.http.post("/v1/releases", json=parts | {"package": package, "policy": policy}, headers=key)
    csv = {"Content-Type": "text/csv"}
    street.http.put("/v1/tables/regions?effective=2020-01-01", content=TABLE, headers=key | csv)
    jobs = [
        street.http.post("/v1/batches", content=applications(), headers=key | csv).json()["job_id"],
        street.http.post("/v1/exports", headers=key).json()["job_id"],
    ]
    run_jobs(street)
    return {
        "id": [*made, *(f"fuzz-{i}" for i in range(len(made))), "1", "2", "3", *jobs],
        "name": ["regions", "zed", "decisions", "set_aside"],
        "version": ["1", "2"],
        "digest": [package],
    }


ANSWERED: tuple[dict[str, Any], ...] = (
    {},
    {"age": 18},
    {"amount": 60_000.0, "late_payments": 6},
    {"income": 9_000.0},
    {"region": "X"},
)
PACKAGE = make_package("scorecard").to_bytes()
TABLE = b"region,limit\nN,10000\nS,20000\nX,5\n"


def applications() -> bytes:
    table = pl.from_pandas(make_applications(20)[0])
    return table.with_columns(application_id=pl.Series([f"batch-{i}" for i in range(20)])).write_csv().encode()


def contents() -> dict[str, list[bytes]]:
    """Files to be spoilt, by media type."""
    table = pl.read_csv(applications())
    parquet, excel = io.BytesIO(), io.BytesIO()
    table.write_parquet(parquet)
    table.write_excel(excel)
    outcome = {"application_id": "fuzz-0", "event": "booked", "at": "2026-02-01", "known_at": "2026-02-02"}
    rows = b"application_id,event,at,known_at,amount\nfuzz-0,booked,2026-02-01,2026-02-02,5\nfuzz-1,closed,x,,\n"
    return {
        "text/csv": [applications(), TABLE, rows],
        "application/x-ndjson": [json.dumps(outcome).encode() + b"\n{}\n[]\n"],
        "application/vnd.apache.parquet": [parquet.getvalue()],
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": [excel.getvalue()],
        "application/octet-stream": [PACKAGE, parquet.getvalue()],
        "application/json": [json.dumps(INPUTS).encode()],
    }


@pytest.fixture(scope="module")
def programs(street: Desk, known: dict[str, list[str]]) -> Programs:
    document = street.http.get("/openapi.json").json()
    # Rows as the document has them: it is what programs are written by.
    rows = [row for row in list_routes() if row.path != "/docs"]
    return Programs(rows, document, street.house.keys, known, contents(), SLOW)


@pytest.fixture(scope="module")
def forms(street: Desk, known: dict[str, list[str]]) -> Forms:
    """Every form that somebody of any role finds on any page."""
    people, found, seen = {}, [], set()
    pages = [row for row in list_pages() if row.method == "GET"]
    for role in (*sorted(ROLES), "everybody"):
        person = street.come(role)
        people[role] = (person.cookies["roadworthy"], person.token)
        for row in pages:
            for value in known["id"] if "{id}" in row.path else known["name"]:
                path = row.path.replace("{id}", value).replace("{name}", value).replace("{version}", "1")
                shown = person.get(path)
                assert shown.status_code < 500, path
                if shown.status_code == 200 and "html" in shown.headers["content-type"]:
                    for form in read_forms(shown.text, path):
                        mark = (form.action, *sorted(name for name, _ in form.fields))
                        if mark not in seen and not is_left_alone(form):
                            seen.add(mark)
                            found.append((role, form))
                if "{" not in row.path:
                    break
    files = contents()
    return Forms(
        people,
        pages,
        found,
        known,
        [content for kind in files for content in files[kind]],
        lambda action: "files" in action,
    )


def is_left_alone(form: Filled) -> bool:
    """What would end the sessions that all this is sent with, or takes a second each by design."""
    return form.action in (*ENDS_A_SESSION, "/sign-in") or (
        form.action.startswith("/people/") and not form.action.startswith("/people/zed")
    )


def run_jobs(street: Desk) -> None:
    """Work on what was queued; what fails says so in our own words."""
    house = street.house
    runner = Runner(
        house.store, job_handlers(house.current, house.clock), worker="fuzz", clock=house.clock,
        new_id=lambda: new_id(house.clock()),
    )  # fmt: skip
    while runner.run_one():
        pass
    with house.store.reading() as connection:
        for job in list_jobs(connection, by=house.deed("operator").by, limit=1_000):
            assert job.error is None or " at " not in job.error.splitlines()[0].partition(":")[0], job.error


@pytest.mark.parametrize("what", ["programs", "forms"])
def test_whatever_comes_is_answered_as_declared(what: str, street: Desk, request: pytest.FixtureRequest) -> None:
    aims: Programs | Forms = request.getfixturevalue(what)
    volley = Volley(street.house.door, street.house.log)
    street.house.log.clear()
    with asyncio.Runner() as loop:

        @given(chance=st.randoms())
        @settings(
            max_examples=600 if what == "programs" else 200, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def ask(chance: random.Random) -> None:
            route, sent = aims.aim(chance)
            volley.routes[route] += 1
            loop.run(volley.send(sent))
            assert not volley.faults, volley.faults.pop()

        ask()
    run_jobs(street)
    print("\n" + volley.say(what))  # noqa: T201  # the figures are the point


@pytest.mark.skipif(not LONG, reason="a million requests: LONG_TESTS=1")
@pytest.mark.parametrize(("what", "share"), [("programs", 0.8), ("forms", 0.2)])
def test_a_million_requests(what: str, share: float, street: Desk, request: pytest.FixtureRequest) -> None:
    aims: Programs | Forms = request.getfixturevalue(what)
    volley = Volley(street.house.door, street.house.log)
    seed, count = secrets.randbits(32), int(REQUESTS * share / 2)  # half of them on each store
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def fire(first: int) -> None:
        for number in range(first, count, AT_ONCE):
            route, sent = aims.aim(random.Random(f"{seed}:{number}"))
            volley.routes[route] += 1
            await volley.send(sent)
            if number % 20_000 == 0:
                print(f"\n{volley.say(what)}", flush=True)  # noqa: T201  # the figures are the point

    async def fire_all() -> None:
        await asyncio.gather(*(fire(first) for first in range(AT_ONCE)))

    asyncio.run(fire_all())
    run_jobs(street)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    store = street.house.store.url.partition(":")[0]
    print(f"\n{volley.say(f'{what} on {store}, seed {seed}')}; memory grew by {grown >> 10} MiB")  # noqa: T201
    assert not volley.faults, "\n".join(volley.faults[:20])


def test_the_judge_of_answers_would_find_a_fault(street: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A negative control: a handler that breaks, and one that tells of our inside, are seen."""
    volley = Volley(street.house.door, street.house.log)
    key = [(b"authorization", f"Bearer {street.house.keys['everybody']}".encode())]

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("age 41")

    monkeypatch.setattr(street.house.store, "reading", fail)
    asyncio.run(volley.send(Request("GET", "/v1/jobs", key)))
    assert len(volley.faults) == 1
    assert "unforeseen" in volley.faults[0]
