"""The decision route: a bare ASGI application behind the door, which decides through `live` and nothing else."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from roadworthy.api.json_body import decode_json
from roadworthy.api.micro_batch import MicroBatch
from roadworthy.contract import Batch, check_body
from roadworthy.door import Admitted, Problem, ProblemError, Services, admitted_of
from roadworthy.live import Decided, Envelope, KeyTaken, NotDecided, Reply, decide_and_record
from roadworthy.records import Erased, Once

__all__ = ["make_decision_route"]

_LONGEST_HEADER = 1_000
_KNOWN = frozenset({"application_id", "applicant_id", "applied_at", "inputs"})


def make_decision_route(services: Services) -> ASGIApp:
    """POST /v1/decisions: one application in, its decision out once that is durable."""
    batches = MicroBatch(lambda envelopes: decide_and_record(services.current, envelopes, now=services.clock()))

    async def decide_one(scope: Scope, _receive: Receive, send: Send) -> None:
        admitted = admitted_of(scope)
        envelope = await _wrap(services, admitted)
        match await batches.ask(envelope):
            case NotDecided(violations=violations):
                raise ProblemError(Problem.contract(violations))
            case KeyTaken():
                raise ProblemError(
                    Problem.of(
                        "key-taken", "The key was used for another body", 409, mend="a new key for a new request"
                    )
                )
            case Erased():
                raise ProblemError(Problem.gone())
            case Decided(reply=body, replayed=replayed):
                _count(admitted, body, replayed=replayed)
                await _send(send, body, replayed=replayed)

    return decide_one


async def _wrap(services: Services, admitted: Admitted) -> Envelope:
    body = decode_json(admitted.body)
    if not isinstance(body, dict) or not _KNOWN.issuperset(body):
        # Nothing of it can be decided, so all that is wrong with it is said at once.
        taken = await asyncio.to_thread(services.current.take)
        found = check_body(taken.require().contract, body)
        if not isinstance(found, Batch):
            raise ProblemError(Problem.contract(found))
    key = admitted.once_key
    by = admitted.by
    return Envelope(
        record_id=services.new_id(),
        actor=by.account,
        inputs=msgspec.Raw(msgspec.json.encode(body.get("inputs"))),
        **_ids(body),
        languages=_languages(admitted.headers.get(b"accept-language", b"")),
        once=None if key is None else Once(by.account, key, _digest(services, admitted.body)),
        branches=by.branches,
    )


def _languages(header: bytes) -> tuple[str, ...]:
    """What Accept-Language asks for, the best first (RFC 9110, 12.5.4); what is none is passed over.

    >>> _languages(b"fr-CH;q=0.4, de, en;q=0.8, *;q=0.1")
    ('de', 'en', 'fr-CH')
    """
    found = []
    for part in header[:_LONGEST_HEADER].decode("latin-1").split(","):
        tag, _, rest = part.strip().partition(";")
        weight = rest.strip().removeprefix("q=") or "1"
        if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) and re.fullmatch(r"[01](\.[0-9]{1,3})?", weight):
            found.append((-float(weight), tag))
    return tuple(tag for weight, tag in sorted(found, key=lambda one: one[0]) if weight < 0)


def _ids(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body.get(name) for name in ("application_id", "applicant_id", "applied_at")}


def _digest(services: Services, body: bytes) -> bytes:
    return hmac.digest(services.current.store_id.encode(), body, "sha256")


def _count(admitted: Admitted, body: bytes, *, replayed: bool) -> None:
    if replayed:
        admitted.metrics.count_repeat()
        return
    reply = msgspec.json.decode(body, type=Reply)
    admitted.metrics.count_answer(reply.answer, reply.release.id)


async def _send(send: Send, body: bytes, *, replayed: bool) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if replayed:
        headers.append((b"idempotent-replayed", b"true"))
    await send({"type": "http.response.start", "status": 200 if replayed else 201, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
