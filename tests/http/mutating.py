"""Requests that are nearly right: valid ones by the interface's own schemas, then changed in some places.

All that is random comes from the one `Random` that is handed in, so that the same seed makes the same request, and
hypothesis can bring one of its own and shrink what it finds.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

__all__ = ["NASTY", "NASTY_TEXTS", "Raw", "generate", "mutate_bytes", "mutate_json", "write_json"]


class Raw(str):
    """JSON as it is to be written, be it none."""

    __slots__ = ()


NASTY_TEXTS: Sequence[str] = (
    "", " ", "\0", "A\0B", "\ud800", "\udfff\ud800", "\ufeff", "\u202eevil", "\u2066x\u2069", "\u200b", "\x1b[31m",
    "=1+1", "@SUM(1)", "-1", "+1", "\t=1", "\r=1", "'", "''=1", '"', "\\", "../../etc/passwd", "..", ".", "/", "%00",
    "%2e%2e", "'; DROP TABLE records; --", "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x}", "null", "NaN",
    "Infinity", "true", "0", "1", "2", "01", "1e999", "९", "İ", "ß", "ﬁ", "e\u0301", "💩", "漢" * 100, "x" * 255,
    "x" * 256,
    "x" * 5_000, "route", "release:1", "account:admin", "application:A-1", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-02-30", "2026-11-01", "2026-11-01T09:00:00Z", "2026-11-01T09:00:00",
    "2026-W45-1", "12:00", "P1D", "approve", "refer", "decline", "counter_offer", "N", "own", "EUR", "UTC", "*",
    "a" * 64, "0" * 64, "0199d3a0-0000-7000-8000-000000000000", "9" * 200,
)  # fmt: skip
NASTY: Sequence[Any] = (
    *NASTY_TEXTS,
    None, True, False, 0, 1, -1, 2, 41, 0.5, -0.0, 1e-320, 1e308, -1e308, 2**31, 2**53, 2**63 - 1, -(2**63), 2**63,
    2**64, [], {}, [[]], [None], {"": None}, {"a": {"a": {"a": 1}}}, [1, "1", None],
    Raw("NaN"), Raw("-Infinity"), Raw("1e400"), Raw("-"), Raw("01"), Raw("1" * 400), Raw("0." + "1" * 400), Raw("'x'"),
    Raw('"\\ud800"'), Raw('"\\u0000"'), Raw('{"a":1,"a":2}'), Raw("[" * 40 + "]" * 40), Raw(""), Raw("1,"), Raw("//"),
)  # fmt: skip


def generate(schema: Any, chance: Random, components: dict[str, Any], depth: int = 0) -> Any:
    """A value that keeps to a JSON Schema, nearly always."""
    if not isinstance(schema, dict) or not schema:
        return chance.choice(NASTY_TEXTS[:20]) if depth > 3 else deepcopy(chance.choice((None, 1, "x", [], {})))
    if "$ref" in schema:
        return generate(components[schema["$ref"].rpartition("/")[2]], chance, components, depth + 1)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return generate(chance.choice(schema[several]), chance, components, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    kind = schema.get("type")
    kind = chance.choice(kind) if isinstance(kind, list) else kind
    match kind:
        case "object":
            needed = schema.get("required", ())
            known = schema.get("properties", {})
            return {
                name: generate(known[name], chance, components, depth + 1)
                for name in known
                if name in needed or chance.random() < 0.6
            }
        case "array":
            most = min(schema.get("maxItems", 3), 3)
            return [
                generate(schema.get("items", {}), chance, components, depth + 1) for _ in range(chance.randint(0, most))
            ]
        case "integer":
            low = schema.get("minimum", 0)
            return chance.randint(low, max(low, min(schema.get("maximum", low + 100), low + 10_000)))
        case "number":
            low, high = schema.get("minimum", 0.0), schema.get("maximum", 10_000.0)
            return low + (high - low) * chance.random()
        case "boolean":
            return chance.random() < 0.5
        case "null" | None:
            return None
    return _text(schema, chance)


def _text(schema: dict[str, Any], chance: Random) -> str:
    match schema.get("format"):
        case "date-time":
            return f"20{chance.randint(20, 27)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T09:00:00Z"
        case "date":
            return f"20{chance.randint(20, 27)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    low, high = schema.get("minLength", 1), min(schema.get("maxLength", 12), 40)
    return "".join(chance.choices(string.ascii_letters + string.digits + " -", k=chance.randint(low, max(low, high))))


def mutate_json(value: Any, chance: Random) -> Any:
    """The value, changed in one place: another value, one more, one less, one that is moved."""
    holders = list(_walk(value))
    if not holders or chance.random() < 0.05:
        return deepcopy(chance.choice(NASTY))  # what is changed next is a copy
    holder, key = chance.choice(holders)
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[chance.choice(NASTY_TEXTS)] = deepcopy(holder[key])
        case 1:
            holder.extend(deepcopy(holder[key]) for _ in range(chance.choice((1, 3, 200))))
        case 2:
            other, place = chance.choice(holders)
            holder[key] = deepcopy(other[place])
        case 3:
            holder[key] = [holder[key]]
        case 4:
            holder[key] = str(holder[key])
        case 5 if isinstance(holder[key], str):
            text = holder[key]
            place = chance.randint(0, len(text))
            holder[key] = text[:place] + chance.choice(NASTY_TEXTS[:40]) + text[place:]
        case _:
            holder[key] = deepcopy(chance.choice(NASTY))
    return value


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        for key in list(value):
            yield value, key
            yield from _walk(value[key])
    elif isinstance(value, list):
        for place in range(len(value)):
            yield value, place
            yield from _walk(value[place])


def write_json(value: Any) -> str:
    """JSON, with what is raw as it stands."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{write_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    return json.dumps(value)


def mutate_bytes(content: bytes, chance: Random) -> bytes:
    """Some bytes changed, cut, doubled, or put in."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        place = chance.randint(0, len(changed))
        match chance.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[place : place + chance.choice((1, 4, 1000))]
            case 2:
                changed[place:place] = changed[place : place + 50]
            case _:
                changed[place:place] = chance.choice(_ODD_BYTES)
    return bytes(changed)


_ODD_BYTES = (b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\xaf", b"\r\n", b'"', b"{" * 50, b",")
