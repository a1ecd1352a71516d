"""Requests made to do harm: each gets a problem that names what is wrong, small, and nothing grows (R8, R28)."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from roadworthy.door import admission
from roadworthy.settings import Settings
from roadworthy.testing import make_package
from tests.api.house import INPUTS, POLICY, PRODUCT, Client
from tests.http.test_bad_input import nothing_recorded, post
from tests.policy.test_hostile_policies import BOMB

MOST = Settings().max_body_bytes
LARGEST_ANSWER = 64 << 10


@contextmanager
def nothing_grows() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10, "KiB"


def refused(client: Client, answer: Any, *statuses: int) -> dict[str, Any]:
    """The problem, which is told as problems are, and in few words."""
    assert answer.status_code in statuses, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < LARGEST_ANSWER
    problem: dict[str, Any] = answer.json()
    assert problem["title"]
    return problem


def fill(piece: bytes, head: bytes = b"", tail: bytes = b"") -> bytes:
    """As many pieces as a body may hold, between a head and a tail."""
    return head + piece * ((MOST - len(head) - len(tail)) // len(piece)) + tail


def number_keys(form: str, inside: str) -> bytes:
    keys = ",".join(form % i for i in range(MOST // (len(form) + 5)))
    return (inside % keys).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(fill(b"NaN,", b"[", b"1]"), 400, id="a quarter of a million faults"),
        pytest.param(number_keys('"k%d":1', "{%s}"), 422, id="unknown names"),
        pytest.param(number_keys('"k%d":1', '{"inputs":{%s}}'), 422, id="unknown columns"),
        pytest.param(fill(b'"a":1,', b'{"inputs":{', b'"a":1}}'), 400, id="one name again and again"),
        pytest.param(b'{"inputs":{"' + b"k" * (MOST - 50) + b'":1,"a":NaN}}', 400, id="a name of a megabyte"),
        pytest.param(b'{"inputs":{"' + b"k" * (MOST - 50) + b'":1}}', 422, id="an unknown name of a megabyte"),
        pytest.param(
            b'{"' + b"k" * 100_000 + b'":{' + b'"a":NaN,' * 500 + b'"b":1}}', 400, id="faults below a long name"
        ),
        pytest.param(b'{"inputs":{"age":' + b"9" * 100_000 + b"}}", 400, id="a number of 100,000 digits"),
        pytest.param(b'{"inputs":{"income":0.' + b"9" * 100_000 + b"}}", 422, id="a fraction of 100,000 digits"),
        pytest.param(b'{"inputs":{"income":1e' + b"9" * 100_000 + b"}}", 400, id="an exponent of 100,000 digits"),
        pytest.param(fill(b"[", b""), 400, id="a megabyte of brackets"),
        pytest.param(fill(b'{"a":'), 400, id="a megabyte of braces"),
        pytest.param(b'{"\\ud800":1,"\\ud800":2}', 400, id="half a letter as a name, twice"),
        pytest.param(b'{"inputs":{"\\ud800":NaN}}', 400, id="half a letter as a name"),
        pytest.param(b'{"inputs":{"\\u0000":1}}', 400, id="a name of nothing"),
        pytest.param(fill(b" "), 400, id="blanks"),
        pytest.param(fill(b"\x00"), 400, id="zeros"),
        pytest.param(fill(b"\\u0041", b'{"inputs":{"region":"', b'"}}'), 422, id="a megabyte of escapes"),
        pytest.param(b'{"inputs":{"region":"' + b"\xf0\x9f\x92\xa9" * 200_000 + b'"}}', 422, id="a megabyte of text"),
    ],
)
def test_a_body_made_to_cost_much_costs_little(body: bytes, status: int, client: Client) -> None:
    """What is said of a megabyte of faults is a hundred of them, and how many there are."""
    assert len(body) <= MOST
    with nothing_recorded(client), nothing_grows():
        refused(client, post(client, body), status)


def test_a_hundred_violations_are_told_and_all_are_counted(client: Client) -> None:
    problem = refused(client, post(client, b"[" + b"NaN," * 500 + b"1]"), 400)
    assert len(problem["violations"]) == 100
    assert problem["detail"] == "the first 100 of 500 violations are listed"


def test_a_million_names_are_more_than_a_body_holds(client: Client) -> None:
    body = b'{"inputs":{' + b",".join(b'"k%d":1' % i for i in range(1_000_000)) + b"}}"
    with nothing_recorded(client):
        assert refused(client, post(client, body), 413)["detail"] == f"a body here has {MOST} bytes at most"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "gzip, gzip", "x-unknown", "\xff"])
def test_a_bomb_is_not_unpacked(coding: str, client: Client) -> None:
    bomb = gzip.compress(bytes(50_000_000)) if "gzip" in coding else zlib.compress(bytes(50_000_000))
    assert len(bomb) < 100_000
    with nothing_recorded(client), nothing_grows():
        for path in ("/v1/decisions", "/v1/outcomes", "/v1/packages", "/v1/batches"):
            answer = client.ask(
                "POST", path, content=bomb,
                headers={"Content-Type": "application/octet-stream", "Content-Encoding": coding.encode("latin-1")},
            )  # fmt: skip
            refused(client, answer, 415)


@pytest.mark.parametrize("name", ["application_id", "applicant_id"])
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("A\u202e1-A", "type"), ("\u2066A-1", "type"), ("A-1\u200f", "type"), ("A\u200b1", "type"),
        ("\ufeffA-1", "type"),
        ("A\n1", "type"), ("A\x1b[31m", "type"), ("A\x7f", "type"), (" A", "type"), ("A\u2028B", "type"),
        ("x" * 256, "text_too_long"),
    ],
    ids=repr,
)  # fmt: skip
def test_an_id_is_one_that_people_can_read(name: str, text: str, rule: str, client: Client) -> None:
    """Marks that turn the letters round, that cannot be seen, or that a terminal obeys: nobody could tell two apart."""
    with nothing_recorded(client):
        answer = client.decide(**{name: text})
    refused(client, answer, 422)
    assert client.violations(answer) == {(f"$.{name}", rule)}


@pytest.mark.parametrize("header", ["Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key", "Host"])
def test_a_header_that_decides_something_is_given_once(header: str, client: Client) -> None:
    """A proxy may go by the first of two and we by the last: then neither is what was checked."""
    own = {"authorization": f"Bearer {client.house.keys['service']}", "content-type": "application/json"}
    pairs = [*own.items(), *[(header.lower(), own.get(header.lower(), "x"))] * (1 if header.lower() in own else 2)]
    with nothing_recorded(client):
        sent = send_raw(client, pairs, [json.dumps({"inputs": INPUTS}).encode()])
    problem = json.loads(sent[1]["body"])
    assert (sent[0]["status"], problem["type"]) == (400, "/problems/header")
    assert [(one["path"], one["rule"]) for one in problem["violations"]] == [
        (f"$.headers.{header.lower()}", "duplicate")
    ]


def send_raw(client: Client, headers: list[tuple[str, str]], pieces: list[bytes], pause: float = 0.0) -> list[Any]:
    """What is sent back to headers as they stand and a body in pieces, the last one again and again."""
    sent: list[Any] = []
    waiting = iter(pieces)

    async def receive() -> Any:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": next(waiting, pieces[-1]), "more_body": pause > 0}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "method": "POST", "path": "/v1/decisions", "query_string": b"", "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    asyncio.run(client.house.door(scope, receive, send))
    return sent


def test_a_query_of_ten_thousand_parameters_is_told_as_one_of_a_hundred(client: Client) -> None:
    for query in ("a=1&" * 10_000, "&".join(f"a{i}=1" for i in range(7_000)), "limit=" + "9" * 30_000):
        with nothing_grows():
            answer = client.ask("GET", f"/v1/outcomes/set-aside?{query}", "operator")
        refused(client, answer, 400)


def test_a_path_of_sixty_thousand_letters_is_nowhere(client: Client) -> None:
    for path in ("/v1/releases/" + "9" * 60_000, "/v1/decisions/" + "%2e%2e%2f" * 5_000, "/v1" + "/" * 30_000):
        refused(client, client.ask("GET", path, "analyst"), 404, 405)


def test_more_outcomes_than_can_be_held_are_refused_before_they_are_all_read(client: Client) -> None:
    """Lines of nothing weigh little in a body, and much once they are rows."""
    row = b"A-1,booked,2026-01-01,2026-01-02\n"
    bodies = {
        "text/csv": b"application_id,event,at,known_at\n" + row * 200_000,
        "application/x-ndjson": b"0\n" * 2_000_000,
    }
    for kind, body in bodies.items():
        with nothing_recorded(client), nothing_grows():
            answer = client.ask("POST", "/v1/outcomes", content=body, headers={"Content-Type": kind})
        assert refused(client, answer, 413)["mend"] == "send them in several requests"


@pytest.mark.parametrize("part", ["policy", "product", "tables"])
@pytest.mark.parametrize("text", [BOMB, 'name: "\\ud800"', "name: " + "[" * 20_000, "name: 2026-99-99"], ids=repr)
def test_a_release_of_files_made_to_cost_much_is_refused(part: str, text: str, client: Client) -> None:
    package = client.ask("POST", "/v1/packages", files={"file": make_package("scorecard").to_bytes()}).json()["digest"]
    parts: dict[str, Any] = {"package": package, "policy": POLICY, "product": PRODUCT}
    parts[part] = {"regions": text} if part == "tables" else text
    with nothing_recorded(client), nothing_grows():
        refused(client, client.ask("POST", "/v1/releases", "analyst", json=parts), 422)


def test_a_body_in_crumbs_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each crumb comes in time, and the whole never would."""
    monkeypatch.setattr(admission, "_BODY_SECONDS", 0.3)
    headers = [("authorization", f"Bearer {client.house.keys['service']}"), ("content-type", "application/json")]
    with nothing_recorded(client):
        sent = send_raw(client, headers, [b" "], pause=0.05)
    assert (sent[0]["status"], (b"connection", b"close") in sent[0]["headers"]) == (408, True)


def test_a_short_body_may_take_its_time_and_a_long_one_longer() -> None:
    """The bound is on the whole, at 16 KiB a second behind the first half minute."""
    arrived = []

    async def arrive(pieces: int) -> bytes:
        async def receive() -> Any:
            arrived.append(1)
            return {"type": "http.request", "body": b"x" * 1_000, "more_body": len(arrived) % pieces != 0}

        return await admission.read_body(receive, {}, MOST)

    assert len(asyncio.run(arrive(500))) == 500_000
