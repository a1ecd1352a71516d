"""JSON from outside: read as a strict reader reads it, or refused with every fault (R8)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.api import decode_json
from roadworthy.api.json_body import DEEPEST
from roadworthy.door import ProblemError

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)


def faults(body: bytes) -> set[tuple[str, str]]:
    with pytest.raises(ProblemError) as caught:
        decode_json(body)
    assert caught.value.problem.status == 400
    return {(violation.path, violation.rule) for violation in caught.value.problem.violations}


@given(value=VALUES, spaced=st.booleans(), escaped=st.booleans())
def test_what_is_written_is_read(value: Any, spaced: bool, escaped: bool) -> None:
    body = json.dumps(value, indent=1 if spaced else None, ensure_ascii=escaped).encode()
    assert decode_json(body) == value


@given(
    pairs=st.lists(st.tuples(st.sampled_from(["a", "b", "a:b", ":", "\\", '"', "é"]), VALUES), min_size=1, max_size=6),
    escaped=st.booleans(),
)
def test_a_key_given_twice_is_found_whatever_is_in_texts_and_keys(pairs: list[tuple[str, Any]], escaped: bool) -> None:
    written = ",".join(f"{json.dumps(key, ensure_ascii=escaped)}:{json.dumps(value)}" for key, value in pairs)
    body = f'{{"inputs":{{{written}}}}}'.encode()
    if len({key for key, _ in pairs}) == len(pairs):
        assert decode_json(body) == {"inputs": dict(pairs)}
    else:
        assert {rule for _, rule in faults(body)} == {"duplicate_key"}


@pytest.mark.parametrize("body", [b'["\\u0000"]', b'{"\\u0000": 1}', b'{"a": {"b": "x\\u0000y"}}'])
def test_a_character_that_no_store_can_keep_is_refused(body: bytes) -> None:
    assert {rule for _, rule in faults(body)} == {"not_text"}


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_thirty_two_levels_are_taken_and_one_more_is_not(opening: str) -> None:
    closing = "]" if opening == "[" else "}"

    def nest(depth: int) -> bytes:
        return (opening * (depth - 1) + "[]" + closing * (depth - 1)).encode()

    decode_json(nest(DEEPEST))
    assert {rule for _, rule in faults(nest(DEEPEST + 1))} == {"too_deep"}


def test_many_lists_beside_one_another_are_not_deep() -> None:
    assert decode_json(b"[" + b",".join([b"[[]]"] * 100) + b"]") == [[[]]] * 100


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        ("9223372036854775807", True),
        ("9223372036854775808", False),
        ("-9223372036854775808", True),
        ("-9223372036854775809", False),
        ("0.12345678901234567890123", True),
        ("1e308", True),
        ("1e309", False),
        ("1" + "0" * 400, False),
    ],
)
def test_numbers_are_taken_as_far_as_64_bits_go(number: str, taken: bool) -> None:
    body = f'{{"a": {number}}}'.encode()
    if taken:
        assert decode_json(body) == {"a": json.loads(number)}
    else:
        assert faults(body) == {("$.a", "too_large")}


def test_every_fault_has_its_place() -> None:
    body = b'{"a b": {"c": [1, NaN], "c": 2}, "it\'s": Infinity, "d": [18446744073709551616]}'
    assert faults(body) == {
        ("$['a b'].c[1]", "not_a_number"),
        ("$['a b'].c", "duplicate_key"),
        ("$['it\\'s']", "not_a_number"),
        ("$.d[0]", "too_large"),
    }


@pytest.mark.parametrize(
    "body", [b"", b" ", b"nul", b'{"a": 01}', b'{"a": 1,}', b'"\x01"', b"\x00", b"\xff", "é".encode("latin-1")]
)
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    assert faults(body) == {("$", "json")}
