"""The life of one application over HTTP: decided, found, explained, replayed, answered, overridden, corrected (R28)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roadworthy.access import Branches
from roadworthy.records import create_store
from tests.api.house import INPUTS, Client, House
from tests.stores import MADE, another_store_url

RISKY = INPUTS | {"amount": 60_000.0, "months": 84, "late_payments": 6, "housing": "rent"}
MIDDLING = INPUTS | {"amount": 18_000.0, "months": 48, "late_payments": 1}


@pytest.fixture(scope="module")
def near_client(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Any:
    """A lender with an officer of one branch, beside those who see every branch."""
    with create_store(
        another_store_url("sqlite", request, tmp_path_factory.mktemp("near")), store_id="a-store", at=MADE
    ) as store:
        house = House(store)
        house.hire("nora", "officer", branches=Branches.of("N"))
        house.hire("olga", "officer")
        house.hire_everybody()
        house.go_live()
        with house.client() as client:
            yield client


def act(client: Client, decision_id: str, what: str, body: Any, who: str = "officer", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.ask("POST", f"/v1/decisions/{decision_id}/{what}", who, json=body, headers=named)


def test_a_decision_can_be_read_with_all_that_followed_it(client: Client) -> None:
    made = client.decide(application_id="read-1", applicant_id="C-1").json()
    told = client.ask("GET", f"/v1/decisions/{made['decision_id']}", "validator").json()
    shared = ("decision_id", "application_id", "answer", "pd", "score", "rules", "reasons", "decided_at", "release")
    assert {name: told[name] for name in shared} == {name: made[name] for name in shared}
    assert (told["applicant_id"], told["inputs"]) == ("C-1", INPUTS)
    assert [item["kind"] for item in told["history"]] == ["decision"]


def test_decisions_are_found_page_by_page_and_no_id_stands_in_a_url(client: Client) -> None:
    for i in range(5):
        client.decide(application_id=f"find-{i}", applicant_id="C-find")
    wanted: dict[str, Any] = {"applicant_id": "C-find", "limit": 2}
    seen = []
    while True:
        page = client.ask("POST", "/v1/decisions/search", "officer", json=wanted).json()
        seen += [found["application_id"] for found in page["applications"]]
        if page["next"] is None:
            break
        wanted["after"] = page["next"]
    assert sorted(seen) == [f"find-{i}" for i in range(5)]
    assert client.ask("POST", "/v1/decisions/search", "officer").status_code == 200
    nobody = client.ask("POST", "/v1/decisions/search", "officer", json={"applicant_id": "C-nobody"})
    assert nobody.json() == {"applications": [], "next": None}


def test_an_application_of_another_branch_is_not_decided_again(near_client: Client) -> None:
    """An application's id is the sender's to choose, and chosen twice it would take another's answer away."""
    other = near_client.decide(application_id="south-1", inputs=INPUTS | {"region": "S"})
    taken = near_client.decide("nora", application_id="south-1")
    assert taken.status_code == 422
    assert near_client.violations(taken) == {("$.application_id", "allowed")}
    assert near_client.decide(application_id="south-1", inputs=INPUTS | {"region": "S"}).status_code == 201
    own = near_client.decide("nora", {"Idempotency-Key": "own"}, application_id="north-1")
    assert near_client.decide("nora", application_id="north-1").status_code == 201
    assert (other.status_code, own.status_code) == (201, 201)
    near_client.decide(application_id="north-1", inputs=INPUTS | {"region": "S"})
    again = near_client.decide("nora", {"Idempotency-Key": "own"}, application_id="north-1")
    assert (again.status_code, again.content) == (200, own.content)


def test_another_branchs_decision_is_not_there_in_the_same_words(near_client: Client) -> None:
    """An officer sees their branches only; whether anything else exists is not told."""
    other = near_client.decide(inputs=INPUTS | {"region": "S"}).json()["decision_id"]
    own = near_client.decide(inputs=INPUTS).json()["decision_id"]
    assert near_client.ask("GET", f"/v1/decisions/{own}", "nora").status_code == 200
    bodies: dict[str, Any] = {
        "explanation": None,
        "final-answer": {"answer": "withdrawn"},
        "override": {"answer": "decline", "reason_code": "other", "words": "because"},
        "override/proposal": {"answer": "decline", "reason_code": "other", "words": "because"},
        "human-review": {"view": "please", "deadline": "2099-01-01T00:00:00Z"},
        "human-review/answer": {"words": "looked at"},
        "correct": {"inputs": {"age": 42}, "evidence": "passport"},
    }
    told = set()
    for name in (other, "01a19656-4a80-7000-8000-000000000000", "none"):
        answers = [near_client.ask("GET", f"/v1/decisions/{name}", "nora")]
        answers += [act(near_client, name, what, body, "nora") for what, body in bodies.items()]
        assert {answer.status_code for answer in answers} == {404}
        told |= {answer.json()["detail"] for answer in answers}
    assert told == {"there is no such record among those you see"}
    found = near_client.ask("POST", "/v1/decisions/search", "nora", json={"branches": ["N", "S"]}).json()
    assert {application["branch"] for application in found["applications"]} == {"N"}


def test_an_explanation_adds_up(client: Client) -> None:
    made = client.decide(inputs=RISKY).json()
    told = client.ask("POST", f"/v1/decisions/{made['decision_id']}/explanation", "officer").json()
    assert set(told["contributions"]) == set(INPUTS)
    added = told["reference_output"] + sum(told["contributions"].values())
    assert added == pytest.approx(told["output"], abs=1e-9)
    assert told["pd"] == made["pd"]
    stated = {reason["column"]: reason["contribution"] for reason in made["reasons"]}
    assert stated
    for column, contribution in stated.items():
        assert told["contributions"][column] == pytest.approx(contribution, abs=1e-12)


def test_a_decision_replays_to_the_last_bit(client: Client) -> None:
    made = client.decide(inputs=MIDDLING).json()
    told = client.ask("POST", f"/v1/decisions/{made['decision_id']}/replay", "validator").json()
    assert (told["same"], told["differs"], told["ulps"]) == (True, [], 0)
    assert (told["answer"], told["pd_now"]) == (made["answer"], made["pd"])


def test_a_referral_gets_its_final_answer_once(client: Client) -> None:
    made = client.decide(inputs=INPUTS | {"age": 101}).json()
    assert (made["answer"], made["final_answer"]) == ("refer", None)
    offer = {"answer": "counter_offer", "amount": 4_000.0, "term": 24, "rate": 0.069}
    first = act(client, made["decision_id"], "final-answer", offer, Idempotency_Key="final-1")
    again = act(client, made["decision_id"], "final-answer", offer, Idempotency_Key="final-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"
    other = act(client, made["decision_id"], "final-answer", {"answer": "decline"}, Idempotency_Key="final-1")
    second = act(client, made["decision_id"], "final-answer", {"answer": "decline"})
    assert (other.status_code, second.status_code) == (409, 409)
    told = client.ask("GET", f"/v1/decisions/{made['decision_id']}", "officer").json()
    assert (told["status"], told["final_answer"], told["final_by"]) == ("final", "counter_offer", "officer")


def test_one_key_is_of_one_act_on_one_decision(client: Client) -> None:
    """The same words under the same key about another decision are another act."""
    one, two = (client.decide(inputs=INPUTS | {"age": 101}).json()["decision_id"] for _ in range(2))
    body = {"answer": "withdrawn"}
    assert act(client, one, "final-answer", body, Idempotency_Key="shared").status_code == 201
    assert act(client, two, "final-answer", body, Idempotency_Key="shared").status_code == 409


def test_an_override_within_authority_takes_one_person_and_beyond_it_two(near_client: Client) -> None:
    made = near_client.decide(inputs=RISKY).json()
    assert made["answer"] == "decline"
    body = {"answer": "approve", "reason_code": "security", "words": "a house stands for it"}
    assert act(near_client, made["decision_id"], "final-answer", {"answer": "approve"}).status_code == 409
    assert act(near_client, made["decision_id"], "override", body).status_code == 201
    told = near_client.ask("GET", f"/v1/decisions/{made['decision_id']}", "officer").json()
    assert (told["final_answer"], told["overridden"]) == ("approve", True)

    proposed = near_client.decide(inputs=RISKY).json()["decision_id"]
    waiting = act(near_client, proposed, "override/proposal", body)
    assert waiting.status_code == 201
    name = waiting.json()["proposal_id"]
    listed = near_client.ask("GET", "/v1/overrides", "olga").json()["overrides"]
    assert name in [one["proposal_id"] for one in listed]
    assert near_client.ask("POST", f"/v1/overrides/{name}/confirm", "officer").status_code == 409
    assert near_client.ask("POST", f"/v1/overrides/{name}/confirm", "olga").status_code == 201
    assert near_client.ask("POST", f"/v1/overrides/{name}/reject", "olga").status_code == 409
    assert near_client.ask("POST", "/v1/overrides/none/confirm", "olga").status_code == 404


def test_an_applicant_who_asks_gets_a_person(client: Client) -> None:
    made = client.decide(inputs=RISKY).json()["decision_id"]
    deadline = (client.house.clock() + timedelta(days=14)).isoformat()
    asked = {"view": "my income is higher now", "deadline": deadline}
    assert act(client, made, "human-review", asked, "service", Idempotency_Key="review-1").status_code == 201
    assert act(client, made, "human-review", asked, "service", Idempotency_Key="review-1").status_code == 200
    assert act(client, made, "human-review", asked, "service").status_code == 409
    assert act(client, made, "human-review", {"view": "v", "deadline": "2020-01-01T00:00:00Z"}).status_code == 422
    answered = {"words": "the income was verified", "answer": "approve", "reason_code": "verified_income"}
    assert act(client, made, "human-review/answer", answered).status_code == 201
    told = client.ask("GET", f"/v1/decisions/{made}", "officer").json()
    assert (told["final_answer"], told["review_until"]) == ("approve", None)


def test_a_correction_decides_anew_and_both_stay(client: Client) -> None:
    made = client.decide(application_id="correct-1", inputs=RISKY).json()
    body = {"inputs": {"late_payments": 0, "amount": 5_000.0, "months": 24}, "evidence": "bank statement"}
    first = act(client, made["decision_id"], "correct", body)
    again = act(client, made["decision_id"], "correct", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    new = first.json()
    assert (new["corrects"], new["application_id"]) == (made["decision_id"], "correct-1")
    assert new["answer"] != made["answer"]
    assert act(client, made["decision_id"], "correct", {"inputs": {"age": 50}, "evidence": "x"}).status_code == 409
    wrong = act(client, new["decision_id"], "correct", {"inputs": {"age": "50", "pd": 0.1}, "evidence": "x"})
    assert wrong.status_code == 422
    assert client.violations(wrong) == {("$.inputs.age", "type"), ("$.inputs.pd", "unknown_column")}
    told = client.ask("GET", f"/v1/decisions/{made['decision_id']}", "officer").json()
    assert told["latest"] == new["decision_id"]


def test_outcomes_become_performance_once_they_are_mature(client: Client) -> None:
    """Every row is censored until its window is over; an analyst sees gains, calibration and right and wrong."""
    rows = []
    for i, inputs in enumerate([INPUTS, INPUTS, MIDDLING, MIDDLING | {"amount": 9_000.0}]):
        name = f"mature-{i}"
        assert client.decide(application_id=name, applied_at="2024-01-01T00:00:00Z", inputs=inputs).status_code == 201
        final = client.ask("POST", "/v1/decisions/search", "officer", json={"application_ids": [name]}).json()
        found = final["applications"][0]
        if found["answer"] == "refer":
            assert act(client, found["decision_id"], "final-answer", {"answer": "approve"}).status_code == 201
        rows.append({"application_id": name, "bad": i % 2, "at": "2024-06-01", "known_at": "2024-06-02"}
                    | {"booked_at": "2024-01-02"})  # fmt: skip
    assert client.ask("POST", "/v1/outcomes", json=rows).json()["set_aside"] == []
    told = client.ask("GET", "/v1/performance?buckets=2", "analyst").json()
    assert told["not_yet"] is None
    assert told["counts"]["bad"] == 2
    assert [row["bucket"] for row in told["gains"]] == [1, 2]
    assert told["gains"][-1]["capture"] == 1.0
    assert sum(row["count"] for row in told["calibration"]) == sum(row["count"] for row in told["gains"])
    assert told["confusion"]["cut_off"] == 0.25
    assert "4 booked and matured applications" in told["population"]
    before = client.ask("GET", "/v1/performance?as_of=2024-05-31", "analyst").json()
    assert before["gains"] is None
    assert "no outcome can be judged yet" in before["not_yet"]


def test_a_day_that_is_not_over_is_judged_as_of_now_and_none_to_come_is(client: Client) -> None:
    """The window of a loan that ends today may still bring its bad day."""
    now = datetime.now(UTC)
    today = client.ask("GET", f"/v1/performance?as_of={now.date()}", "analyst").json()
    assert datetime.fromisoformat(today["as_of"]) < datetime.now(UTC)
    tomorrow = client.ask("GET", f"/v1/performance?as_of={now.date() + timedelta(days=1)}", "analyst")
    assert (tomorrow.status_code, tomorrow.json()["type"]) == (422, "/problems/unusable")
