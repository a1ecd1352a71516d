"""A policy, a product or a term that is spoilt anywhere is read, or refused with its place: nothing else (R2, R28)."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from roadworthy.errors import MeasureError, PolicyError, RoadworthyError
from roadworthy.measures import evaluate, parse_term
from roadworthy.policy import Policy
from roadworthy.product import parse_product
from tests.api.house import PRODUCT
from tests.http.mutating import mutate_json, write_json
from tests.policy.conftest import CONTRACT
from tests.policy.test_policy_file import SOUND

ODD = st.sampled_from(
    ["{", "[", "]", "&a ", "*a", "<<: *a", "!!python/object/apply:os.system [id]", "!!binary ", "\t", "- ", ": ", "? ",
     "|\n", "\0", "\u202e", "\ud800", "1e999", ".inf", ".nan", "~", "9" * 5_000, "0x" + "f" * 300, "2026-99-99", "'",
     '"', "%YAML 9.9\n", "---\n", "...", "#", "\r", "\x85", "\u2028", "\ufeff"]
)  # fmt: skip


def taken_or_refused(do: Callable[[], Any], where: str) -> None:
    try:
        do()
    except RoadworthyError as error:
        refused = error
    else:
        return
    assert refused.message
    assert where in (refused.where or "")


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> str:
    """The text with something odd in place of a part of it."""
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(ODD | st.text(max_size=6)) + text[place + draw(st.integers(0, 20)) :]
    return text


def plain(text: str) -> Any:
    return json.loads(json.dumps(YAML(typ="safe").load(io.StringIO(text)), default=str))


@settings(max_examples=60)
@given(text=spoilt(SOUND))
def test_a_policy_spoilt_in_its_letters_is_read_or_refused(text: str) -> None:
    taken_or_refused(lambda: Policy.parse(text).compile(CONTRACT), "policy.yaml")


@settings(max_examples=60)
@given(chance=st.randoms(use_true_random=False), times=st.integers(1, 3))
def test_a_policy_spoilt_in_its_parts_is_read_or_refused(chance: random.Random, times: int) -> None:
    value = plain(SOUND)
    for _ in range(times):
        value = mutate_json(value, chance)
    taken_or_refused(lambda: Policy.parse(write_json(value)).compile(CONTRACT), "policy.yaml")


@settings(max_examples=60)
@given(text=spoilt(PRODUCT))
def test_a_product_spoilt_in_its_letters_is_read_or_refused(text: str) -> None:
    taken_or_refused(lambda: parse_product(text), "product.yaml")


@settings(max_examples=60)
@given(chance=st.randoms(use_true_random=False), times=st.integers(1, 3))
def test_a_product_spoilt_in_its_parts_is_read_or_refused(chance: random.Random, times: int) -> None:
    value = plain(PRODUCT)
    for _ in range(times):
        value = mutate_json(value, chance)
    taken_or_refused(lambda: parse_product(write_json(value)), "product.yaml")


@settings(max_examples=200)
@given(text=st.text(max_size=40) | st.text("ab01.e+-*/()' \"_,[]{}\n\0**//", max_size=40))
def test_any_term_is_worked_out_or_refused(text: str) -> None:
    columns = {"a": np.array([1.0, 0.0]), "b": np.array([-1e308, 1e308])}
    with np.errstate(all="ignore"):
        try:
            assert len(evaluate(parse_term(text), columns, 2)) == 2
        except MeasureError as error:
            refused = error
        else:
            return
    assert refused.message


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in pairwise("abcdefghij")
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "values, counting each where it is named"),
        ("name: &a [*a]", "policy.yaml"),
        ("name: &a {b: *a}", "policy.yaml"),
        ("name: " + "[" * 20_000 + "]" * 20_000, "nested too deeply"),
        ("- " * 20_000 + "a", "nested too deeply"),
        ('name: "\\ud800"', "half a letter"),
        ('"\\ud800": 1', "half a letter"),
        ('purpose: {"\\ud800": 1}', "half a letter"),
        ("bands:\n  - {up_to: 2026-99-99}", "cannot be read"),
        ("name: " + "9" * 5_000, "cannot be read"),
        ("name: 0x" + "f" * 5_000, "policy.yaml"),
        ("name: !!python/object/apply:os.system [id]", "policy.yaml"),
        ("name: !!timestamp x", "policy.yaml"),
        ("? [a]\n: b", "policy.yaml"),
        ("? {a: b}\n: b", "policy.yaml"),
        ("<<: [1]", "policy.yaml"),
        ("name: !!binary x\udc00", "policy.yaml"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_made_to_cost_much_is_refused_at_little_cost(text: str, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text)
    assert says in str(caught.value)
