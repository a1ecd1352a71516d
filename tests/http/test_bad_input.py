"""What is wrong with a request is answered as docs/reference/http.md says, and harms nobody (R8, R13, R28).

The service runs on SQLite and on PostgreSQL; each test also shows that nothing was recorded, or nothing lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from roadworthy.door import Problem
from roadworthy.testing import make_package
from tests.api.house import INPUTS, POLICY, Client

DAY = timedelta(days=1)


def count_records(client: Client) -> int:
    heads = client.house.store.ledger.heads()
    return sum(head.seq for head in heads)


@contextmanager
def nothing_recorded(client: Client) -> Iterator[None]:
    before = count_records(client)
    yield
    assert count_records(client) == before


@contextmanager
def later(client: Client, by: timedelta) -> Iterator[None]:
    client.house.late = by
    try:
        yield
    finally:
        client.house.late = timedelta()


def post(client: Client, body: bytes, who: str = "service", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.ask("POST", "/v1/decisions", who, content=body, headers={"content-type": "application/json"} | named)


def test_every_fault_of_an_application_is_named_at_once(client: Client) -> None:
    """Unknown fields, missing ones, wrong types; the client never says what the PD, the score or the answer is."""
    body = {
        "inputs": {"age": "41", "aeg": 41, "region": "N"},
        "pd": 0.01,
        "score": 700,
        "answer": "approve",
        "outcome": 0,
    }
    with nothing_recorded(client):
        answer = client.ask("POST", "/v1/decisions", json=body)
    assert answer.status_code == 422
    assert client.violations(answer) == {
        ("$.inputs.age", "type"),
        ("$.inputs.aeg", "unknown_column"),
        ("$.inputs.amount", "missing"),
        ("$.inputs.months", "missing"),
        ("$.pd", "unknown_column"),
        ("$.score", "unknown_column"),
        ("$.answer", "unknown_column"),
        ("$.outcome", "unknown_column"),
    }


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({"age": 41.5}, ("$.inputs.age", "type")),
        ({"age": None}, ("$.inputs.age", "missing")),
        ({"age": True}, ("$.inputs.age", "type")),
        ({"age": [41]}, ("$.inputs.age", "type")),
        ({"region": 1}, ("$.inputs.region", "type")),
        ({"employed": "yes"}, ("$.inputs.employed", "type")),
    ],
    ids=str,
)
def test_a_wrong_value_is_named_by_its_place_and_rule(
    inputs: dict[str, Any], fault: tuple[str, str], client: Client
) -> None:
    with nothing_recorded(client):
        answer = client.decide(inputs=INPUTS | inputs)
    assert (answer.status_code, client.violations(answer)) == (422, {fault})


@pytest.mark.parametrize("body", [b"null", b"[]", b'"A-1"', b"41", b"{}", b'{"inputs": []}', b'{"inputs": null}'])
def test_what_is_no_application_is_refused(body: bytes, client: Client) -> None:
    with nothing_recorded(client):
        answer = post(client, body)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/contract")


@pytest.mark.parametrize("inputs", [{"age": 101}, {"amount": 900_000.0}, {"region": "X"}], ids=str)
def test_a_value_outside_the_contract_goes_to_a_person(inputs: dict[str, Any], client: Client) -> None:
    answer = client.decide(inputs=INPUTS | inputs)
    assert answer.status_code == 201
    assert (answer.json()["answer"], "outside_contract" in answer.json()["rules"]) == ("refer", True)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b"", {("$", "json")}),
        (b"{", {("$", "json")}),
        (b'{"inputs": {}} {}', {("$", "json")}),
        (b"{'inputs': {}}", {("$", "json")}),
        (b'\xef\xbb\xbf{"inputs": {}}', {("$", "json")}),
        (b'{"inputs": {"region": "\xff"}}', {("$", "json")}),
        (b'{"inputs": {"region": "\\ud800"}}', {("$", "json")}),
        (b'{"inputs": {"age": 41, "age": 14}}', {("$.inputs.age", "duplicate_key")}),
        (b'{"inputs": {"age": 41, "\\u0061ge": 14}}', {("$.inputs.age", "duplicate_key")}),
        (b'{"inputs": {"a:b": 1, "c": "::", "a:b": 2}}', {("$.inputs['a:b']", "duplicate_key")}),
        (b'{"inputs": {}, "inputs": {"age": 41}}', {("$.inputs", "duplicate_key")}),
        (b'{"inputs": {"income": NaN}}', {("$.inputs.income", "not_a_number")}),
        (b'{"inputs": {"income": [1, -Infinity]}}', {("$.inputs.income[1]", "not_a_number")}),
        (b'{"inputs": {"income": 1e400}}', {("$.inputs.income", "too_large")}),
        (b'{"inputs": {"age": 9223372036854775808}}', {("$.inputs.age", "too_large")}),
        (b'{"inputs": {"age": ' + b"9" * 5000 + b"}}", {("$.inputs.age", "too_large")}),
        (b'{"application_id": "A\\u0000"}', {("$.application_id", "not_text")}),
        (b'{"inputs": {"age": NaN, "age": 1, "income": -1e999}}',
         {("$.inputs.age", "not_a_number"), ("$.inputs.age", "duplicate_key"), ("$.inputs.income", "too_large")}),
    ],
    ids=lambda value: repr(value)[:50] if isinstance(value, bytes) else "",  # a set has no order of its own
)  # fmt: skip
def test_what_a_decoder_would_pass_over_is_refused(body: bytes, faults: set[tuple[str, str]], client: Client) -> None:
    with nothing_recorded(client):
        answer = post(client, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/json")
    assert client.violations(answer) == faults


@pytest.mark.parametrize("depth", [33, 500, 100_000])
@pytest.mark.parametrize("inside", ["inputs", "unknown"])
def test_deep_nesting_is_refused_however_deep(depth: int, inside: str, client: Client) -> None:
    with nothing_recorded(client):
        answer = post(client, f'{{"{inside}": {"[" * depth}{"]" * depth}}}'.encode())
    assert answer.status_code == 400
    assert {rule for _, rule in client.violations(answer)} == {"too_deep"}


def test_the_whole_of_64_bits_and_32_levels_are_taken(client: Client) -> None:
    """What is just within the limits is no fault of JSON, and is judged by the contract."""
    answer = post(client, b'{"inputs": {"age": 9223372036854775807, "income": ' + b"[" * 30 + b"]" * 30 + b"}}")
    assert answer.status_code == 422


def test_a_body_of_ten_megabytes_is_refused(client: Client) -> None:
    with nothing_recorded(client):
        answer = post(client, b'{"inputs": {"region": "' + b"N" * 10_000_000 + b'"}}')
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_a_json_body_is_as_bounded_where_files_are_taken_too(client: Client) -> None:
    body = b"[" + b"{}," * 600_000 + b"{}]"
    with nothing_recorded(client):
        answer = client.ask("POST", "/v1/outcomes", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "text/json", "*/*"]
)
def test_another_content_type_is_refused(kind: str, client: Client) -> None:
    with nothing_recorded(client):
        answer = post(client, json.dumps({"inputs": INPUTS}).encode(), content_type=kind)
    assert answer.status_code == 415
    assert answer.json()["available"] == ["application/json"]


def test_a_compressed_body_is_refused(client: Client) -> None:
    """So that nothing small becomes something large in here."""
    with nothing_recorded(client):
        assert post(client, b"\x1f\x8b", content_encoding="gzip").status_code == 415


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x-www-form-urlencoded"]
)
def test_what_curl_says_of_json_is_taken_for_json(kind: str, client: Client) -> None:
    """`curl -d` says that a body is a form unless it is told otherwise."""
    answer = post(client, json.dumps({"inputs": INPUTS}).encode(), content_type=kind)
    assert answer.status_code == 201


def test_a_repeat_under_one_key_is_the_same_decision_byte_for_byte(client: Client) -> None:
    body = json.dumps({"application_id": "once-1", "inputs": INPUTS}).encode()
    first = post(client, body, idempotency_key="once-1")
    with nothing_recorded(client):
        again = post(client, body, idempotency_key="once-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_key_that_was_used_for_another_body_is_refused(client: Client) -> None:
    assert client.decide(headers={"Idempotency-Key": "twice"}).status_code == 201
    with nothing_recorded(client):
        other = client.decide(headers={"Idempotency-Key": "twice"}, inputs=INPUTS | {"age": 42})
        broken = client.decide(headers={"Idempotency-Key": "twice"}, inputs={})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/key-taken")
    assert broken.status_code == 409
    # Somebody else's key of the same name is another key.
    assert (
        client.decide("officer", headers={"Idempotency-Key": "twice"}, inputs=INPUTS | {"age": 42}).status_code == 201
    )


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "a\tb", "schlüssel"], ids=repr)
def test_an_idempotency_key_that_cannot_be_kept_is_refused(key: str, client: Client) -> None:
    with nothing_recorded(client):
        answer = client.decide(headers={"Idempotency-Key": key.encode()})
    assert answer.status_code == 400
    assert client.violations(answer) == {("$.headers.idempotency-key", "text")}


def test_without_a_key_a_decision_is_made_each_time(client: Client) -> None:
    answers = [client.decide(application_id="each-time").json()["decision_id"] for _ in range(2)]
    assert answers[0] != answers[1]


@pytest.mark.parametrize("name", ["route", "release:1", "account:admin", "x" * 256], ids=repr)
def test_an_application_cannot_take_a_name_that_the_store_keeps(name: str, client: Client) -> None:
    with nothing_recorded(client):
        answer = client.decide(application_id=name)
    assert answer.status_code == 422
    assert {path for path, _ in client.violations(answer)} == {"$.application_id"}


def test_a_key_that_lets_nobody_in_says_the_same_whatever_is_wrong_with_it(client: Client) -> None:
    """An expired key, one that never was, one of another scheme: 401 in the same words."""
    told = set()
    with nothing_recorded(client), later(client, 2 * DAY):
        for key in (client.house.keys["brief"], "rwk_" + "A" * 43, "x"):
            answer = client.ask("GET", "/v1/releases", key)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            told.add((answer.json()["type"], answer.json()["detail"]))
    assert len(told) == 1
    assert client.ask("GET", "/v1/releases", "brief").status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer " + "x" * 5000, "Bearer schlüssel"]
)
def test_a_header_that_brings_no_key_lets_nobody_in(header: str, client: Client) -> None:
    answer = client.ask("GET", "/v1/releases", None, headers={"Authorization": header.encode()})
    assert answer.status_code == 401


def send_outcomes(client: Client, *rows: Any) -> Any:
    return client.ask("POST", "/v1/outcomes", json=list(rows)).json()


def test_bad_outcome_rows_are_set_aside_and_the_others_go_on(client: Client) -> None:
    """An outcome for nobody, one before its booking, one that is none: kept, with why; nothing is lost."""
    decided = client.decide(application_id="out-1", applied_at="2026-01-01T09:00:00Z")
    assert decided.status_code == 201
    at, known_at = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"
    rows = [
        {"application_id": "nobody", "event": "booked", "at": at, "known_at": known_at},
        {"application_id": "out-1", "event": "default", "at": "2026-02-01T00:00:00Z", "known_at": known_at},
        {"application_id": "out-1", "event": "booked", "at": at, "known_at": known_at},
        {"application_id": "out-1", "event": "bokked", "at": at, "known_at": known_at},
        "no row",
        {"application_id": "out-1", "event": "payment", "at": at, "known_at": "2026-02-01T00:00:00Z"},
    ]
    taken = send_outcomes(client, *rows)
    assert (taken["recorded"], taken["repeated"]) == (1, 0)
    assert [(one["row"], one["path"], one["rule"]) for one in taken["set_aside"]] == [
        (0, "$.application_id", "no_such_application"),
        (1, "$.at", "before_booking"),
        (3, "$.event", "unknown_event"),
        (4, "$", "type"),
        (5, "$.known_at", "known_too_early"),
    ]
    kept = client.ask("GET", "/v1/outcomes/set-aside?limit=1000", "operator").json()["rows"]
    assert [row for row in rows if row not in [one["row"] for one in kept]] == [rows[2]]
    assert send_outcomes(client, rows[2]) == {"recorded": 0, "repeated": 1, "set_aside": []}


BOOKED = '{{"application_id": "{id}", "event": "booked", "at": "2026-02-01", "known_at": "2026-02-02"}}'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", "application_id,event,at,known_at\r\n{id},booked,2026-02-01,2026-02-02\r\nnobody,booked,x,y\r\n"),
        ("application/x-ndjson", BOOKED + '\n{{"a": NaN}}\n'),
        ("application/json", '{{"outcomes": [' + BOOKED + ", 7]}}"),
    ],
)  # fmt: skip
def test_outcomes_come_as_csv_lines_or_json(kind: str, body: str, client: Client) -> None:
    name = f"out-{kind.rpartition('/')[2]}"
    client.decide(application_id=name, applied_at="2026-01-01T09:00:00Z")
    answer = client.ask("POST", "/v1/outcomes", content=body.format(id=name).encode(), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["recorded"]) == (200, 1)
    assert [one["row"] for one in answer.json()["set_aside"]] == [1]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/v1/performance?as_of=yesterday", ("$.query.as_of", "form")),
        ("/v1/performance?buckets=1", ("$.query.buckets", "form")),
        ("/v1/performance?bucket=10", ("$.query.bucket", "unknown")),
        ("/v1/performance?buckets=5&buckets=6", ("$.query.buckets", "duplicate")),
        ("/v1/releases/who-was-live?at=2026-11-01T09:00:00", ("$.query.at", "form")),
    ],
)
def test_a_query_that_is_none_is_refused_with_its_place(path: str, fault: tuple[str, str], client: Client) -> None:
    answer = client.ask("GET", path, "analyst")
    assert (answer.status_code, client.violations(answer)) == (400, {fault})


def test_a_package_with_one_byte_changed_is_refused(client: Client) -> None:
    data = bytearray(make_package("scorecard").to_bytes())
    data[len(data) // 2] ^= 1
    with nothing_recorded(client):
        answer = client.ask(
            "POST", "/v1/packages", content=bytes(data), headers={"Content-Type": "application/octet-stream"}
        )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unusable")


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n\r\n", b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\na\r\n--x--\r\n']
)
def test_a_form_without_its_file_is_refused(body: bytes, client: Client) -> None:
    answer = client.ask(
        "POST", "/v1/batches", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/form")


def test_a_body_that_is_not_of_its_form_says_every_violation(client: Client) -> None:
    body = {"package": "not a digest", "policy": POLICY, "more": 1, "tables": {"a": 1}}
    with nothing_recorded(client):
        answer = client.ask("POST", "/v1/releases", "analyst", json=body)
    assert answer.status_code == 422
    assert client.violations(answer) == {
        ("$.package", "pattern"),
        ("$.product", "missing"),
        ("$.more", "unknown"),
        ("$.tables.a", "type"),
    }


def test_no_problem_repeats_what_was_sent(client: Client) -> None:
    """Personal data are in no answer that says what is wrong."""
    secret = "Ana-Nunez-1980"  # noqa: S105  # a person
    bodies = [
        f'{{"inputs": {{"age": "{secret}", "region": "N"}}, "applicant_id": 7}}',
        f'{{"inputs": "{secret}", "x": NaN}}',
        f'["{secret}", }}',
    ]
    for body in bodies:
        answer = post(client, body.encode())
        assert answer.status_code in (400, 422)
        assert secret not in answer.text
    for event, facts in client.house.log:
        assert secret not in json.dumps([event, facts])


def test_every_problem_is_of_the_form_that_is_promised(client: Client) -> None:
    for answer in (post(client, b"{"), client.ask("GET", "/nowhere"), client.ask("GET", "/v1/releases", None)):
        problem = msgspec.json.decode(answer.content, type=Problem)
        assert problem.status == answer.status_code
        assert problem.type.startswith("/problems/")
        assert problem.request_id == answer.headers["X-Request-Id"]


FIRST, LAST = "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"
HUGE = "9" * 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *(("GET", f"/v1/releases/who-was-live?at={at}", None) for at in (FIRST, LAST)),
        *(("GET", f"/v1/performance?as_of={day}", None) for day in ("0001-01-01", "9999-12-31")),
        *(("PUT", f"/v1/tables/regions?effective={day}", "a,b") for day in ("0001-01-01", "9999-12-31")),
        *(("POST", "/v1/decisions/search", {"decided_from": at.replace("%2B", "+")}) for at in (FIRST, LAST)),
        *(("POST", "/v1/decisions/x/human-review", {"view": "v", "deadline": at}) for at in (FIRST[:19] + "Z", LAST)),
        *(("POST", "/v1/decisions", {"applied_at": at, "inputs": INPUTS}) for at in (FIRST[:19] + "Z", LAST, 1e308)),
        ("POST", "/v1/outcomes", [{"application_id": "x", "event": "booked", "at": FIRST[:19], "known_at": LAST}]),
        ("POST", "/v1/exports", {"decided_from": "0001-01-01T00:00:00+14:00"}),
        ("GET", f"/v1/releases/{HUGE}", None),
        ("POST", f"/v1/releases/{HUGE}/approve", None),
        ("GET", f"/v1/tables/regions/versions/{HUGE}", None),
        ("POST", f"/v1/tables/regions/versions/{HUGE}/approve", None),
        ("GET", f"/v1/jobs/{HUGE}", None),
        ("GET", "/v1/decisions/%F0%9F%92%A9'%3B%20drop", None),
        ("POST", "/v1/decisions/search", {"after": f"{'9' * 18}:x", "amount_from": 1e308, "amount_to": -1e308}),
        ("GET", "/v1/outcomes/set-aside?after=zzz&limit=1", None),
        ("POST", "/v1/decisions/x/final-answer", {"answer": "counter_offer", "amount": 1e308}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_lies_at_the_far_ends_is_answered(method: str, path: str, body: Any, client: Client) -> None:
    """The first and the last moment, numbers with 200 digits, odd names: never a fault of ours, on either store."""
    for who in ("officer", "analyst", "approver", "operator"):
        how: dict[str, Any] = {"json": body} if not isinstance(body, str) else {"content": body}
        assert client.ask(method, path, who, **how).status_code < 500
