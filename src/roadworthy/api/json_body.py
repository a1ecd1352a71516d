"""JSON as it comes from outside: what a decoder would pass over in silence is refused, each with its rule and path.

A decoder takes the last of two equal keys, and whatever depth or size of number it happens to bear. Here a body is
decoded by msgspec at full speed, and one sum then shows that nothing was passed over: every key that was written has
one colon outside of texts, so the body has as many colons as the decoded value has keys and colons in its texts, and no
more. Only where the sum does not come out, or could not be trusted, is the body read again slowly, to name every fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from roadworthy.door import Problem, ProblemError, Violation

__all__ = ["DEEPEST", "decode_json"]

DEEPEST = 32
"""How many objects and lists may lie in one another."""
_LEAST, _MOST = -(2**63), 2**63 - 1
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_PLAIN = re.compile(r"[^\W\d]\w*")
_LONGEST_STEP = 60
"""So much of a key is told in a path."""
_decode = msgspec.json.Decoder().decode


def decode_json(body: bytes) -> Any:
    """The value that `body` writes down in JSON.

    ProblemError, status 400, with every violation by path: `json` (it is no JSON, or no UTF-8), `duplicate_key`,
    `not_a_number` (NaN and the infinities), `too_deep` (more than 32 objects and lists in one another), `too_large` (a
    whole number beyond 64 bits, or a number beyond a double), `not_text` (a NUL, which not every store can keep).

    >>> decode_json(b'{"inputs": {"age": 41}}')
    {'inputs': {'age': 41}}
    >>> try:
    ...     decode_json(b'{"inputs": {"age": 41, "age": 14, "rate": NaN}}')
    ... except ProblemError as error:
    ...     for violation in error.problem.violations:
    ...         print(violation.path, violation.rule)
    $.inputs.age duplicate_key
    $.inputs.rate not_a_number
    """
    try:
        value = _decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _refuse(body, error) from None
    plain = (
        b"\\" not in body  # an escape may write a colon, or anything, another way
        and body.count(b"{") + body.count(b"[") <= DEEPEST
        and _LONG_NUMBER.search(body) is None
    )
    if not plain or body.count(b":") != _count_colons(value):
        faults = list(_find_faults(body))
        if faults:
            raise ProblemError(_problem(faults))
    return value


def _count_colons(value: Any) -> int:
    """One for each key, and the colons in texts and keys. What is asked is never deep: see `plain`."""
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, dict):
        colons = len(value)
        for key, item in value.items():
            colons += key.count(":")
            if isinstance(item, str | dict | list):
                colons += _count_colons(item)
        return colons
    if isinstance(value, list):
        return sum(_count_colons(item) for item in value)
    return 0


def _refuse(body: bytes, error: Exception) -> ProblemError:
    """Why a body cannot be decoded: its faults by path where it is JSON in all but them."""
    try:
        faults = list(_find_faults(body))
    except (ValueError, RecursionError):
        faults = []
    if not faults and isinstance(error, RecursionError):
        faults = [_too_deep("$")]
    return ProblemError(_problem(faults or [Violation("$", "json", f"is no JSON: {_say(body, error)}")]))


def _say(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "it is empty"
    try:
        body.decode()
    except UnicodeDecodeError as fault:
        return f"it is not UTF-8 (byte {fault.start})"
    # What the decoder says names a place and what is wrong there, never what stands there.
    return str(error).removeprefix("JSON is malformed: ")


def _problem(faults: list[Violation]) -> Problem:
    return Problem.of("json", "The body is not JSON that can be taken", 400, violations=tuple(faults))


def _too_deep(path: str) -> Violation:
    return Violation(path, "too_deep", f"lies more than {DEEPEST} objects and lists deep")


def _no_text(path: str) -> Violation:
    return Violation(path, "not_text", "has a character that is no text")


class _Pairs(list[tuple[str, Any]]):
    """An object with every key that was written."""


class _Odd(str):
    """A number that is none, as it was written."""

    __slots__ = ()


def _find_faults(body: bytes) -> Iterator[Violation]:
    """Every fault of a body that is JSON otherwise; ValueError or RecursionError where it is not."""
    tree = json.loads(
        body.decode(), object_pairs_hook=_Pairs, parse_constant=_Odd, parse_int=_whole, parse_float=_double
    )
    waiting: list[tuple[str, Any, int]] = [("$", tree, 1)]
    while waiting:
        path, value, depth = waiting.pop()
        if isinstance(value, _Odd):
            rule, said = (
                ("too_large", "is too large a number") if value[-1].isdigit() else ("not_a_number", "is no number")
            )
            yield Violation(path, rule, said)
        elif isinstance(value, str):
            if "\0" in value:
                yield _no_text(path)
        elif isinstance(value, list):
            if depth > DEEPEST:
                yield _too_deep(path)
                continue
            if isinstance(value, _Pairs):
                seen: set[str] = set()
                for key, _ in value:
                    if "\0" in key:
                        yield _no_text(path)
                    if key in seen:
                        yield Violation(_step(path, key), "duplicate_key", "is given more than once")
                    seen.add(key)
                inside = [(_step(path, key), item, depth + 1) for key, item in value]
            else:
                inside = [(f"{path}[{place}]", item, depth + 1) for place, item in enumerate(value)]
            waiting += reversed(inside)


def _step(path: str, key: str) -> str:
    key = key[:_LONGEST_STEP].encode(errors="replace").decode()  # half a letter is none, and cannot be told
    if _PLAIN.fullmatch(key):
        return f"{path}.{key}"
    return f"{path}['{key.translate({39: chr(92) + chr(39), 92: chr(92) * 2})}']"


def _whole(text: str) -> int | _Odd:
    if len(text) > 20:
        return _Odd(text)
    number = int(text)
    return number if _LEAST <= number <= _MOST else _Odd(text)


def _double(text: str) -> float | _Odd:
    number = float(text)
    return number if abs(number) != float("inf") else _Odd(text)
