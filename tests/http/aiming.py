"""Requests for every way in, by the interface's own document and the pages' own forms, nearly right and then spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

from roadworthy.door import RouteRow
from tests.http.mutating import NASTY_TEXTS, generate, mutate_bytes, mutate_json, write_json
from tests.http.volley import Request

__all__ = ["Filled", "Forms", "Programs", "read_forms"]

_ODD_TYPES = (
    "",
    "text/plain",
    "application/xml",
    "multipart/form-data",
    "application/json; charset=utf-16",
    "\xff",
    "*/*",
)
_ODD_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"content-encoding", b"gzip"), (b"content-encoding", b"br"), (b"idempotency-key", b"\xff"),
    (b"idempotency-key", b""), (b"idempotency-key", b"k" * 300), (b"x-request-id", b"a b"),
    (b"accept-language", b";q=,," * 50), (b"range", b"bytes=0-"), (b"accept-language", b"de-" + b"x" * 900),
    (b"content-length", b"-1"), (b"content-length", b"9" * 30), (b"accept", b"\xff"), (b"upgrade", b"h2c"),
    (b"authorization", b"Bearer x"), (b"content-type", b"application/json"), (b"x-forwarded-proto", b"https"),
    (b"cookie", b"roadworthy=\xff; =; ;"), (b"host", b"\xff"), (b"origin", b"http://["), (b"referer", b"http://["),
    (b"transfer-encoding", b"chunked"), (b"if-none-match", b"*"),
)  # fmt: skip


@dataclass
class Programs:
    """What programs may send: each request by somebody of some role, or by nobody.

    document   the interface as it describes itself (OpenAPI)
    keys       by role
    known      values for the steps of paths, by name: what is there
    files      contents by media type
    rare       routes that take long each, asked a fiftieth as often
    """

    rows: Sequence[RouteRow]
    document: Mapping[str, Any]
    keys: Mapping[str, str]
    known: Mapping[str, list[str]]
    files: Mapping[str, list[bytes]]
    rare: frozenset[str] = frozenset()
    _weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._weights = [0.02 if f"{row.method} {row.path}" in self.rare else 1.0 for row in self.rows]
        self._schemas = self.document["components"]["schemas"]

    def aim(self, chance: Random) -> tuple[str, Request]:
        """A request, and the route it is for."""
        row = chance.choices(self.rows, self._weights)[0]
        headers: list[tuple[bytes, bytes]] = []
        # Most often somebody who may: else there is little to get wrong behind the door.
        who = "everybody" if chance.random() < 0.7 else chance.choice([*self.keys, "nobody"])
        if who in self.keys:
            headers.append((b"authorization", f"Bearer {self.keys[who]}".encode()))
        kind, body = self._body(row, chance)
        if kind:
            headers.append((b"content-type", kind.encode("latin-1")))
        if row.told.once != "no" and chance.random() < 0.3:
            headers.append((b"idempotency-key", b"k%d" % chance.randrange(6)))
        if chance.random() < 0.04:
            headers.append(chance.choice(_ODD_HEADERS))
        method = (
            row.method if chance.random() < 0.98 else chance.choice(("GET", "POST", "PUT", "DELETE", "BREW", "HEAD"))
        )
        target = _fill_path(row.path, self.known, chance) + self._query(row, chance)
        return f"{row.method} {row.path}", Request(method, target, headers, body)

    def _query(self, row: RouteRow, chance: Random) -> str:
        operation = self.document["paths"][row.path][row.method.lower()]
        asked = []
        for one in operation.get("parameters", ()):
            if one["in"] == "query" and (one["required"] or chance.random() < 0.6):
                right = chance.random() < 0.7
                value = generate(one["schema"], chance, self._schemas) if right else chance.choice(NASTY_TEXTS)
                asked.append((one["name"], str(value).lower() if isinstance(value, bool) else value))
        while chance.random() < 0.06:
            asked.append((chance.choice(NASTY_TEXTS), chance.choice(NASTY_TEXTS)))
        if asked and chance.random() < 0.05:
            asked.append(chance.choice(asked))
        return "?" + "&".join(f"{_plus(name)}={_plus(value)}" for name, value in asked) if asked else ""

    def _body(self, row: RouteRow, chance: Random) -> tuple[str, bytes]:
        content = self.document["paths"][row.path][row.method.lower()].get("requestBody", {}).get("content", {})
        if not content:
            return ("", b"") if chance.random() < 0.98 else ("application/json", b"{}")
        kind = chance.choice(list(content))
        if kind == "application/json":
            body = self._json(row, content[kind]["schema"], chance)
        elif kind == "multipart/form-data":
            kind, body = _multipart([("file", "f.csv", self._file(chance.choice(list(self.files)), chance))], chance)
        else:
            body = self._file(kind, chance)
        if chance.random() < 0.03:
            kind = chance.choice((*_ODD_TYPES, *content))
        return kind, body

    def _json(self, row: RouteRow, schema: Any, chance: Random) -> bytes:
        value = generate(schema, chance, self._schemas)
        if row.path == "/v1/outcomes" and chance.random() < 0.7:
            value = [_outcome(self.known["id"], chance) for _ in range(chance.randint(1, 4))]
        if row.path == "/v1/decisions" and chance.random() < 0.5:
            value["inputs"] = dict(self.known_inputs)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
            value = mutate_json(value, chance)
        body = write_json(value).encode("utf-8", "surrogatepass")
        return mutate_bytes(body, chance) if chance.random() < 0.08 else body

    @property
    def known_inputs(self) -> Mapping[str, Any]:
        """The inputs of an ordinary application."""
        found: Mapping[str, Any] = json.loads(self.files["application/json"][0])
        return found

    def _file(self, kind: str, chance: Random) -> bytes:
        content = chance.choice(self.files.get(kind, [b"", b"x"]))
        return mutate_bytes(content, chance) if chance.random() < 0.8 else content


def _outcome(ids: Sequence[str], chance: Random) -> dict[str, Any]:
    month = chance.randint(1, 12)
    row: dict[str, Any] = {
        "application_id": chance.choice(ids),
        "event": chance.choice(("booked", "payment", "days_past_due", "default", "recovery", "closed")),
        "at": f"2026-{month:02}-01T00:00:00Z",
        "known_at": f"2026-{month:02}-02T00:00:00Z",
    }
    if chance.random() < 0.5:
        row["amount"] = chance.choice((0, 1.5, 1e9, -3))
    if chance.random() < 0.3:
        row["days"] = chance.choice((0, 30, 91, 100_000))
    return row


@dataclass
class Filled:
    """A form of a page: where it goes, its fields with the values that they may have, and whether it takes a file."""

    action: str
    fields: list[tuple[str, list[str]]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


@dataclass
class Forms:
    """What people may send from pages: every form that was found, and every page.

    people    cookie and token by role
    forms     as `read_forms` found them, with the role of whoever found them
    """

    people: Mapping[str, tuple[str, str]]
    pages: Sequence[RouteRow]
    forms: Sequence[tuple[str, Filled]]
    known: Mapping[str, list[str]]
    files: Sequence[bytes]
    rare: Callable[[str], bool] = lambda _: False

    def aim(self, chance: Random) -> tuple[str, Request]:
        """A request, and the page it is for."""
        if chance.random() < 0.3:
            return self._aim_page(chance)
        who, form = chance.choice(self.forms)
        while self.rare(form.action) and chance.random() < 0.95:
            who, form = chance.choice(self.forms)
        who = who if chance.random() < 0.9 else chance.choice(list(self.people))
        cookie, token = self.people[who]
        fields = [(name, chance.choice(values) if values else "") for name, values in form.fields if name != "token"]
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            fields = _spoil(fields, chance)
        fields.append(("token", token if chance.random() < 0.97 else chance.choice(NASTY_TEXTS)))
        if form.files:
            parts = [(name, None, value.encode("utf-8", "surrogatepass")) for name, value in fields]
            sent = [(name, chance.choice(NASTY_TEXTS), _maybe(self.files, chance)) for name in form.files]
            kind, body = _multipart([*parts, *sent], chance)
        else:
            kind = "application/x-www-form-urlencoded"
            body = "&".join(f"{_plus(name)}={_plus(value)}" for name, value in fields).encode()
            body = mutate_bytes(body, chance) if chance.random() < 0.05 else body
        return f"POST {form.action}", Request("POST", form.action, _browser(cookie, kind, chance), body)

    def _aim_page(self, chance: Random) -> tuple[str, Request]:
        row = chance.choice(self.pages)
        cookie, _ = self.people[chance.choice(list(self.people))]
        query = [(chance.choice(_ASKED), chance.choice(NASTY_TEXTS)) for _ in range(chance.choice((0, 1, 2, 5)))]
        target = _fill_path(row.path, self.known, chance)
        if query:
            target += "?" + "&".join(f"{_plus(name)}={_plus(value)}" for name, value in query)
        return f"{row.method} {row.path}", Request("GET", target, _browser(cookie, "", chance))


_ASKED = (
    "branch", "answer", "status", "decided_from", "decided_to", "amount_from", "amount_to", "after", "at", "as_of",
    "from", "until", "release", "next", "lost", "sort", "page", "name", "read", "x",
)  # fmt: skip


def read_forms(html: str, here: str) -> list[Filled]:
    """The forms of a page that are sent by POST."""
    reader = _FormReader(here)
    reader.feed(html)
    return reader.forms


class _FormReader(HTMLParser):
    def __init__(self, here: str) -> None:
        super().__init__()
        self.forms: list[Filled] = []
        self._here, self._form = here, None
        self._choosing: list[str] | None = None

    _form: Filled | None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        name = told.get("name")
        if tag == "form":
            self._form = (
                Filled(told.get("action") or self._here) if (told.get("method") or "").lower() == "post" else None
            )
            if self._form is not None:
                self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "option" and self._choosing is not None:
            self._choosing.append(told.get("value") or "")
        elif name and tag == "input" and told.get("type") == "file":
            self._form.files.append(name)
        elif name and tag in ("input", "select", "textarea", "button"):
            values = [told["value"] or ""] if "value" in told else []
            self._choosing = values if tag == "select" else None
            self._form.fields.append((name, values))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._choosing = None


def _spoil(fields: list[tuple[str, str]], chance: Random) -> list[tuple[str, str]]:
    if not fields:
        return [(chance.choice(NASTY_TEXTS), chance.choice(NASTY_TEXTS))]
    place = chance.randrange(len(fields))
    name, value = fields[place]
    match chance.randrange(6):
        case 0:
            return fields[:place] + fields[place + 1 :]
        case 1:
            return [*fields, (name, chance.choice(NASTY_TEXTS))]
        case 2:
            return [*fields, (chance.choice(NASTY_TEXTS), value)]
        case _:
            return [*fields[:place], (name, chance.choice(NASTY_TEXTS)), *fields[place + 1 :]]


def _fill_path(path: str, known: Mapping[str, list[str]], chance: Random) -> str:
    steps = []
    for step in path.split("/"):
        if step.startswith("{"):
            there = known.get(step[1:-1], [])
            value = chance.choice(there) if there and chance.random() < 0.8 else chance.choice(NASTY_TEXTS)
            steps.append(quote(value.encode("utf-8", "surrogatepass"), safe=""))
        else:
            steps.append(step)
    return "/".join(steps)


def _plus(value: Any) -> str:
    return quote_plus(str(value).encode("utf-8", "surrogatepass"))


def _maybe(contents: Sequence[bytes], chance: Random) -> bytes:
    content = chance.choice(contents)
    return mutate_bytes(content, chance) if chance.random() < 0.7 else content


def _multipart(parts: Sequence[tuple[str, str | None, bytes]], chance: Random) -> tuple[str, bytes]:
    body = b""
    for name, file, content in parts:
        shown = name.replace('"', "'").encode("utf-8", "surrogatepass")
        named = (
            b'; filename="%s"' % file.replace('"', "'").encode("utf-8", "surrogatepass") if file is not None else b""
        )
        body += b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (shown, named, content)
    body += b"--x--\r\n"
    return "multipart/form-data; boundary=x", mutate_bytes(body, chance) if chance.random() < 0.1 else body


def _browser(cookie: str, kind: str, chance: Random) -> list[tuple[bytes, bytes]]:
    headers = [(b"host", b"localhost"), (b"accept", b"text/html"), (b"cookie", f"roadworthy={cookie}".encode())]
    if kind:
        headers.append((b"content-type", kind.encode()))
    if chance.random() < 0.03:
        headers.append(chance.choice(_ODD_HEADERS))
    return headers
