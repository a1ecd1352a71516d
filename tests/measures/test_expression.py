"""The tiny language of money terms: what it computes, and that it computes nothing else."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.errors import MeasureError
from roadworthy.measures import evaluate, parse_term

COLUMNS: dict[str, Any] = {
    "amount": np.array([100.0, 200.0]),
    "rate": [0.1, 0.2],
    "Loan amount": [1, 2],
    "größe": [3, 4],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.55", [0.55, 0.55]),
        ("amount", [100, 200]),
        ("amount * rate", [10, 40]),
        (" (amount + 50) / 2 - 1 ", [74, 124]),
        ("amount - 50 - 25", [25, 125]),
        ("amount / 2 / 5", [10, 20]),
        ("2 + 3 * amount", [302, 602]),
        ("-amount + +rate", [-99.9, -199.8]),
        ("--2", [2, 2]),
        ('"Loan amount" * 1e3', [1000, 2000]),
        ("'Loan amount' * 1_000", [1000, 2000]),
        ("größe", [3, 4]),
    ],
)
def test_it_computes(text: str, expected: list[float]) -> None:
    assert evaluate(parse_term(text), COLUMNS, 2).tolist() == pytest.approx(expected)


def test_it_names_the_columns_it_reads_once_each() -> None:
    assert parse_term('b * a + b - "c d"').columns == ("b", "a", "c d")
    assert parse_term("1 + 2").columns == ()


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "amount.real",
        "amount[0]",
        "amount ** 2",
        "amount // 2",
        "amount % 2",
        "amount @ rate",
        "amount if rate else 0",
        "amount > 2",
        "not amount",
        "~2",
        "[1, 2]",
        "(1, 2)",
        "{1: 2}",
        "lambda: 1",
        "f'{amount}'",
        "(x := 1)",
        "True",
        "None",
        "1j",
        "b'x'",
        "1e999",
        "9" * 350,
        "...",
        "amount rate",
        "1 +",
        "",
        "   ",
        "a = 1",
        "import os",
        "yield 1",
        "*amount",
        "class",
        "\x00",
        "amount; rate",
        "1" + " + 1" * 200,
        "(" * 150 + "1" + ")" * 149,
        "-" * 60 + "1",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(MeasureError) as caught:
        parse_term(text)
    assert caught.value.mend


@given(st.text(max_size=60))
def test_any_text_is_a_term_or_a_measure_error(text: str) -> None:
    with contextlib.suppress(MeasureError):
        parse_term(text)


@given(st.lists(st.sampled_from(["amount", "rate", "1", "2.5", "+", "-", "*", "/", "(", ")", " "]), max_size=15))
def test_what_parses_computes_what_python_would(parts: list[str]) -> None:
    text = " ".join(parts)
    try:
        expression = parse_term(text)
    except MeasureError:
        return
    scalars = {name: np.float64(value) for name, value in (("amount", 100), ("rate", 0.1), ("one", 1), ("more", 2.5))}
    with np.errstate(all="ignore"):
        expected = eval(text.strip().replace("1", "one").replace("2.5", "more"), {}, scalars)  # noqa: S307  # made of the parts above
    try:
        found = evaluate(expression, {"amount": [100.0], "rate": [0.1]}, 1)
    except MeasureError:
        assert not np.isfinite(expected)
    else:
        assert found[0] == pytest.approx(float(expected))


def test_an_absent_column_names_what_there_is() -> None:
    with pytest.raises(MeasureError, match="'amuont', which is not there") as caught:
        evaluate(parse_term("amuont * 2"), {"amount": [1.0]}, 1)
    assert caught.value.available == ["amount"]


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ([1.0, np.nan], "missing in 1 of 2 rows"),
        ([1.0, np.inf], "infinite or beyond 1e60 in 1 of 2 rows"),
        ([1.0], "1 entries for 2 applications"),
        (["a", "b"], "not numbers"),
        ([[1.0], [2.0]], "shape"),
    ],
)
def test_a_column_that_cannot_be_used_is_named(column: object, problem: str) -> None:
    with pytest.raises(MeasureError, match=problem) as caught:
        evaluate(parse_term("fee + 1"), {"fee": column}, 2)  # type: ignore[dict-item]  # on purpose
    assert "'fee'" in str(caught.value)


def test_a_division_by_zero_is_said_with_its_row() -> None:
    with pytest.raises(MeasureError, match=r"no number in 1 of 2 rows \(first: 1\)"):
        evaluate(parse_term("1 / fee"), {"fee": [1.0, 0.0]}, 2)
