"""Releases and tables by two people, files and long work, all over HTTP (R5, R13, R14)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from roadworthy.batch import job_handlers
from roadworthy.jobs import Runner
from roadworthy.records import create_store, new_id
from roadworthy.testing import make_applications, make_package
from tests.api.house import INPUTS, POLICY, PRODUCT, REGIONS, Client, House
from tests.stores import MADE

TABLE_POLICY = POLICY + "  - {code: over_limit, when: amount > regions.limit, then: refer, reason: Above the limit}\n"


@pytest.fixture(scope="module")
def empty_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A lender with its people, and nothing live yet."""
    url = f"sqlite:///{tmp_path_factory.mktemp('empty') / 'store.db'}"
    with create_store(url, store_id="a-store", at=MADE) as store:
        house = House(store)
        house.hire("cora", "analyst", "approver")
        house.hire_everybody()
        with house.client() as client:
            yield client


def test_two_people_bring_a_release_live_and_take_it_back(empty_client: Client) -> None:
    client = empty_client

    def ask(method: str, path: str, who: str, **how: Any) -> Any:
        return client.ask(method, path, who, **how)

    assert client.decide().status_code == 409
    data = make_package("scorecard").to_bytes()
    pushed = ask("POST", "/v1/packages", "analyst", content=data, headers={"Content-Type": "application/octet-stream"})
    again = ask("POST", "/v1/packages", "service", files={"file": ("credit.rw", data)})
    assert (pushed.status_code, again.status_code) == (201, 201)
    assert again.json() == pushed.json()
    assert ask("GET", pushed.headers["Location"], "approver").json() == pushed.json()

    parts = {"package": pushed.json()["digest"], "policy": POLICY, "product": PRODUCT}
    made = ask("POST", "/v1/releases", "analyst", json=parts)
    assert (made.status_code, made.headers["Location"]) == (201, "/v1/releases/1")
    assert ask("POST", "/v1/releases", "analyst", json=parts).status_code == 409
    assert ask("POST", "/v1/releases", "analyst", json=parts | {"package": "0" * 64}).status_code == 404
    assert ask("POST", "/v1/releases", "analyst", json=parts | {"policy": "bands: 7"}).status_code == 422

    assert ask("POST", "/v1/releases/1/promote", "operator").status_code == 409
    assert ask("POST", "/v1/releases/1/submit", "cora").status_code == 200
    assert ask("POST", "/v1/releases/1/approve", "cora").status_code == 409
    assert ask("POST", "/v1/releases/1/reject", "approver", json={"reason": " "}).status_code == 422
    assert ask("POST", "/v1/releases/1/approve", "approver", json={"note": "looks right"}).json()["state"] == "approved"
    live = ask("POST", "/v1/releases/1/promote", "operator", json={"reason": "first"})
    assert (live.status_code, live.json()["state"]) == (200, "live")
    assert client.decide().status_code == 201

    second = ask("POST", "/v1/releases", "analyst", json=parts | {"policy": POLICY.replace("0.12", "0.10")}).json()[
        "id"
    ]
    for step, who in (("submit", "analyst"), ("approve", "approver"), ("promote", "operator")):
        done = ask("POST", f"/v1/releases/{second}/{step}", who)
        assert done.status_code == 200
    assert "only 1 decisions could be compared, which is little to go by" in done.json()["warnings"]
    assert live.json()["warnings"] == [], "the first to be live is compared with nothing"
    assert client.decide().json()["release"]["id"] == second
    back = ask("POST", "/v1/releases/rollback", "approver", json={"reason": "too strict"}).json()
    assert back["id"] == "1"
    assert any("little to go by" in warning for warning in back["warnings"])
    assert client.decide().json()["release"]["id"] == "1"
    assert ask("GET", "/v1/releases/who-was-live", "validator").json()["release"] == "1"
    then = live.json()["steps"][-1]["at"]
    assert ask("GET", f"/v1/releases/who-was-live?at={then}", "validator").json()["release"] == "1"
    assert ask("GET", "/v1/releases/who-was-live?at=2020-01-01T00:00:00Z", "validator").json()["release"] is None


def test_the_stop_switch_sends_everything_to_people(client: Client) -> None:
    assert (
        client.ask("POST", "/v1/stop", "validator", json={"reason": "odd answers"}).json()["route"]["stopped"] is True
    )
    try:
        assert client.decide().json()["answer"] == "refer"
    finally:
        assert client.ask("POST", "/v1/resume", "operator", json={"reason": "found it"}).status_code == 200
    assert client.decide().json()["answer"] == "approve"


def test_a_table_is_uploaded_by_one_person_and_put_in_force_by_another(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('tables') / 'store.db'}"
    with create_store(url, store_id="a-store", at=MADE) as store:
        house = House(store)
        house.hire_everybody()
        with house.client() as client:
            parts = {"policy": POLICY, "product": PRODUCT, "tables": {"regions": REGIONS}}
            pushed = client.ask("POST", "/v1/packages", files={"file": make_package("scorecard").to_bytes()}).json()
            made = client.ask(
                "POST", "/v1/releases", "analyst", json=parts | {"package": pushed["digest"], "policy": TABLE_POLICY}
            )
            assert made.status_code == 201, made.text
            for step, who in (("submit", "analyst"), ("approve", "approver")):
                assert client.ask("POST", f"/v1/releases/1/{step}", who).status_code == 200
            assert client.ask("POST", "/v1/releases/1/promote", "operator").status_code == 409

            csv = b"region,limit\nN,10000\nS,20000\nX,5\n"
            put = client.ask(
                "PUT", "/v1/tables/regions?effective=2020-01-01", "operator", content=csv,
                headers={"Content-Type": "text/csv"},
            )  # fmt: skip
            assert put.status_code == 201, put.text
            assert (put.json()["rows"], put.json()["aside"]) == (2, 1)
            assert client.ask("GET", put.headers["Location"], "approver").json() == put.json()
            approve = "/v1/tables/regions/versions/1/approve"
            assert client.ask("POST", "/v1/tables/regions/versions/7/approve", "approver").status_code == 404
            assert client.ask("POST", approve, "approver").json()["state"] == "in_force"
            assert client.ask("POST", approve, "approver").status_code == 409
            assert client.ask("POST", "/v1/releases/1/promote", "operator").status_code == 200

            assert client.decide().json()["answer"] == "approve"
            over = client.decide(inputs=INPUTS | {"amount": 10_001.0}).json()
            assert (over["answer"], "over_limit" in over["rules"], over["release"]["tables"]) == (
                "refer", True, {"regions": "1"},
            )  # fmt: skip
            versions = client.ask("GET", "/v1/tables/regions", "officer").json()["versions"]
            assert [(one["version"], one["state"]) for one in versions] == [("1", "in_force")]
            assert client.ask("GET", "/v1/tables/nobodys", "officer").status_code == 404
            undo = client.ask("POST", "/v1/tables/regions/undo", "approver", json={"reason": "wrong month"})
            assert undo.status_code == 409  # the release that is live reads it, and there is none before
            late = client.ask(
                "PUT", "/v1/tables/regions", "operator", content=csv, headers={"Content-Type": "text/csv"}
            )
            assert (late.status_code, client.violations(late)) == (400, {("$.query.effective", "missing")})


@pytest.fixture(scope="module")
def runner(house: House) -> Runner:
    """What works on the jobs that are queued; those of other tests are done."""
    made = Runner(
        house.store,
        job_handlers(house.current, house.clock),
        worker="a-worker",
        clock=house.clock,
        new_id=lambda: new_id(house.clock()),
    )
    while made.run_one():
        pass
    return made


def applications_csv(n: int = 50) -> bytes:
    table = pl.from_pandas(make_applications(n)[0]).with_columns(
        application_id=pl.Series([f"batch-{i}" for i in range(n)])
    )
    broken = table.head(1).with_columns(age=pl.lit("very old"), application_id=pl.lit("=cmd()"))
    return pl.concat([table.cast({"age": pl.String}), broken]).write_csv().encode()


def finish(client: Client, runner: Runner, queued: Any) -> Any:
    assert queued.status_code == 202, queued.text
    who = "analyst"
    assert client.ask("GET", queued.headers["Location"], who).json()["state"] == "queued"
    assert client.ask("GET", f"{queued.headers['Location']}/result", who).status_code == 404
    assert runner.run_one()
    done = client.ask("GET", queued.headers["Location"], who).json()
    assert done["state"] == "done", done
    return done


def test_a_file_is_scored_in_the_background_and_bad_rows_are_set_aside(client: Client, runner: Runner) -> None:
    body = applications_csv()
    queued = client.ask(
        "POST", "/v1/batches", "analyst", files={"file": ("../loans.csv", body)}, headers={"Idempotency-Key": "batch-1"}
    )
    again = client.ask(
        "POST", "/v1/batches", "analyst", files={"file": ("loans.csv", body)}, headers={"Idempotency-Key": "batch-1"}
    )
    assert again.json()["job_id"] == queued.json()["job_id"]
    done = finish(client, runner, queued)
    assert (done["result"]["read"], done["result"]["decided"], done["result"]["set_aside"]) == (51, 50, 1)
    assert done["files"] == ["decisions", "set_aside"]
    result = client.ask("GET", f"/v1/jobs/{done['job_id']}/result", "analyst")
    assert result.headers["Content-Disposition"] == 'attachment; filename="decisions.csv"'
    assert len(pl.read_csv(result.content)) == 50
    aside = client.ask("GET", f"/v1/jobs/{done['job_id']}/result?file=set_aside", "analyst").text
    assert "very old" in aside
    assert "'=cmd()" in aside  # no formula runs in whoever opens it
    assert client.ask("GET", f"/v1/jobs/{done['job_id']}", "officer").status_code == 404
    assert client.ask("GET", f"/v1/jobs/{done['job_id']}", "operator").status_code == 200


def test_what_looks_wrong_about_a_file_is_in_the_answer_and_the_wrong_one_is_refused(
    client: Client, runner: Runner
) -> None:
    """R10: the same words as on the page of files, for the program that sends them."""
    path, kind = "/v1/batches", {"Content-Type": "text/csv"}
    table = pl.from_pandas(make_applications(30, seed=8)[0])
    right = client.ask("POST", path, "analyst", content=table.write_csv(), headers=kind).json()
    assert right["warnings"] == []
    cents = table.with_columns(pl.col("amount") * 1_000).write_csv()
    told = client.ask("POST", path, "analyst", content=cents, headers=kind)
    assert told.status_code == 202
    assert told.json()["warnings"][-1].startswith("amount: the median is")
    same = client.ask("POST", path, "analyst", content=table.write_csv(), headers=kind).json()["warnings"]
    assert same[0].startswith("this is the same file as upload, uploaded on ")
    other = client.ask("POST", path, "analyst", content=b"colour,shape\nred,round\n", headers=kind)
    assert other.status_code == 422
    assert other.json()["detail"].startswith("upload: lacks age,")
    while runner.run_one():
        pass


def test_a_file_can_be_decided_on_the_record_by_whoever_may_decide(client: Client, runner: Runner) -> None:
    body = applications_csv(7)
    path, kind = "/v1/batches?record=true", {"Content-Type": "text/csv"}
    assert client.ask("POST", path, "analyst", content=body, headers=kind).status_code == 403
    queued = client.ask("POST", path, "officer", content=body, headers=kind)
    assert queued.status_code == 202
    assert runner.run_one()
    done = client.ask("GET", queued.headers["Location"], "officer").json()
    assert (done["state"], done["result"]["decided"], done["result"]["recorded"]) == ("done", 7, True)
    found = client.ask("POST", "/v1/decisions/search", "officer", json={"application_ids": ["batch-0", "batch-6"]})
    assert len(found.json()["applications"]) == 2


def test_decisions_are_exported_with_formulas_made_harmless(client: Client, runner: Runner) -> None:
    client.decide(application_id="=1+1")
    queued = client.ask("POST", "/v1/exports", "analyst", json={"answer": "approve"})
    done = finish(client, runner, queued)
    assert client.ask("GET", f"/v1/jobs/{done['job_id']}", "operator").status_code == 200
    assert client.ask("GET", f"/v1/jobs/{done['job_id']}/result", "operator").status_code == 404
    text = client.ask("GET", f"/v1/jobs/{done['job_id']}/result", "analyst").content
    table = pl.read_csv(text)
    assert len(table) == done["result"]["rows"]
    assert set(table["answer"]) == {"approve"}
    assert "'=1+1" in table["application_id"]


def test_a_job_that_waits_can_be_cancelled(client: Client, runner: Runner) -> None:
    queued = client.ask("POST", "/v1/exports", "validator")
    path = queued.headers["Location"]
    assert client.ask("POST", f"{path}/cancel", "analyst").status_code == 404
    assert client.ask("POST", f"{path}/cancel", "validator").json()["state"] == "cancelled"
    assert not runner.run_one()
    assert path.endswith(client.ask("GET", "/v1/jobs", "validator").json()["jobs"][0]["job_id"])


def test_requests_at_once_are_each_answered(client: Client) -> None:
    """Handlers run in threads: none waits for another's store."""
    answers: list[int] = []

    def ask(i: int) -> None:
        path = ("/v1/releases", "/v1/jobs", "/v1/performance", "/readyz")[i % 4]
        answers.append(client.ask("GET", path, "analyst").status_code)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 16
