"""Asks a door as a server would, without one between: one request after the other, and what every answer owes."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

__all__ = ["Request", "Volley"]

DECLARED = {"/problems/store", "/problems/outcome-unknown", "/problems/busy", "/problems/not-installed"}
"""What a 5xx may say: the store does not answer, too many wait, a library is not installed. None is our fault."""
LARGEST_REFUSAL = 256 << 10
_OURS = re.compile(rb"Traceback|File \"/|\.py\", line|sqlalchemy|psycopg")


@dataclass(frozen=True)
class Request:
    """One request. `target` is the path as it stands in the request line, with its query."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""

    def say(self) -> str:
        """To be read, and sent again."""
        told = [(name, value) for name, value in self.headers if name not in (b"authorization", b"cookie")]
        return f"{self.method} {self.target[:2000]!r} {told!r} {self.body[:2000]!r}"


@dataclass
class Volley:
    """Requests that were sent to a door, counted by what came back; `faults` are the answers that owe something."""

    door: Any
    log: Any
    statuses: Counter[int] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    async def send(self, request: Request) -> tuple[int, dict[bytes, bytes], bytes]:
        """Send one, note what is wrong with its answer; status, headers and body."""
        sent: list[Any] = []
        given = False

        async def receive() -> Any:
            nonlocal given
            if given:
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        path, _, query = request.target.partition("?")
        raw = path.encode("utf-8", "surrogateescape")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method,
            "scheme": "http", "root_path": "", "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
            "raw_path": raw, "query_string": query.encode("utf-8", "surrogateescape"), "headers": request.headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "extensions": {}, "state": {},
        }  # fmt: skip
        try:
            await self.door(scope, receive, send)
        except Exception as error:  # noqa: BLE001  # whatever comes out of a door is a fault
            self.faults.append(f"{type(error).__name__}: {error} of {request.say()}")
            return 0, {}, b""
        status, headers, body = _read(sent)
        self.statuses[status] += 1
        if fault := self._find_fault(request, status, headers, body, sent):
            self.faults.append(f"{fault}: {status} {body[:300]!r} to {request.say()}")
        return status, headers, body

    def _find_fault(
        self, request: Request, status: int, headers: dict[bytes, bytes], body: bytes, sent: list[Any]
    ) -> str | None:
        unforeseen = [facts for event, facts in self.log if event == "unforeseen"]
        del self.log[:]
        kind = headers.get(b"content-type", b"")
        if unforeseen:
            return f"unforeseen: {unforeseen}"
        if [message["type"] for message in sent].count("http.response.start") != 1 or sent[-1].get("more_body"):
            return "not one answer, whole"
        if status >= 500 and not (kind == b"application/problem+json" and json.loads(body)["type"] in DECLARED):
            return "a 5xx that is not declared"
        if b"x-request-id" not in headers or b"content-security-policy" not in headers:
            return "lacks the headers of every answer"
        if any(b"\r" in value or b"\n" in value for value in headers.values()):
            return "a header on two lines"
        if status >= 400 and len(body) > LARGEST_REFUSAL:
            return f"a refusal of {len(body):,} bytes"
        if status >= 400 and request.target.startswith("/v1/") and kind != b"application/problem+json":
            return "a refusal that is no problem"
        if b"json" in kind:
            try:
                json.loads(body)
            except ValueError:
                return "no JSON"
        if b"text/plain" not in kind and _OURS.search(body) and request.target != "/docs":
            return "tells of our inside"
        return None

    def say(self, what: str) -> str:
        """The figures, and what they support."""
        asked = sum(self.statuses.values())
        fives = sum(count for status, count in self.statuses.items() if status >= 500)
        undeclared = sum("a 5xx" in fault or "unforeseen" in fault for fault in self.faults)
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        bound = f"below {3 / asked:.1e} (95%)" if asked and not self.faults else "seen"
        return (
            f"{what}: {asked:,} requests on {len(self.routes)} routes; {statuses}; "
            f"{fives} 5xx, of them {max(0, fives - undeclared)} declared; {len(self.faults)} faults: {bound}"
        )


def _read(sent: list[Any]) -> tuple[int, dict[bytes, bytes], bytes]:
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    for message in sent:
        if message["type"] == "http.response.start":
            return message["status"], {name.lower(): value for name, value in message["headers"]}, body
    return 0, {}, body
