"""The same row gets the same violations one by one and in a batch, and every form of the contract agrees (R5, R29)."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import jsonschema_rs
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import (
    Batch,
    Column,
    ColumnType,
    Contract,
    Violation,
    application_struct,
    check_body,
    check_table,
    json_schema,
)

NAMES = ("age", "net income", "région.code", "it's", "class", "column_0", "_x", "e")
WORDS = ("A", "B", " A ", "1", "2", "01", "N/A", "", "none", "other", "x" * 5000)
DATES = ("2024-01-31", "2024-02-30", "2024-01-31T09:30:00+02:00", "31-Jan-2024", "20240131", "31.01.2024", "soon", "")
TYPES: tuple[ColumnType, ...] = ("number", "integer", "boolean", "category", "text", "date")
NO_NUMBERS = ("abc", "1 2", "12 Main St")  # text that is no number in a file either

numbers = st.floats(allow_nan=True) | st.sampled_from([0.0, -1.0, 17.0, 18.0, 100.0, 100.5, math.inf])
any_text = st.text(max_size=4) | st.text(" \t\x1c\x85\xa0\u2028\u3000\u200b\ufeffNnaA-?", max_size=6)
integers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 17, 18, 20240131, 20241301, 2**53, 2**53 - 1])


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    kind = draw(st.sampled_from(TYPES))
    return Column(
        name=name,
        type=kind,
        missing=draw(st.booleans()),
        outside=draw(st.sampled_from(["refer", "set_aside"])),
        range=draw(st.sampled_from([None, (18.0, 100.0), (0.0, None), (None, 100.0)]))
        if kind in ("number", "integer")
        else None,
        allowed=draw(st.sampled_from([("A", "B"), ("1", "2", "A"), ("01", "1.5", "none")]))
        if kind == "category"
        else None,
        format=draw(st.sampled_from(["", "%d.%m.%Y"])) if kind == "date" else "",
    )


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    return Contract(name="credit", columns=tuple(draw(columns(name)) for name in names))


def cells_of_one_kind(column: Column) -> st.SearchStrategy[tuple[pa.DataType, st.SearchStrategy[Any]]]:
    """An Arrow type, and cells of it: often the column's own kind, often another."""
    # Only a whole column can tell the day from the month, so a day-first date is one row's only where it is declared.
    dates = DATES if column.format else [date for date in DATES if not date.startswith("31.")]
    text = {"category": WORDS, "text": WORDS, "date": dates}.get(column.type, NO_NUMBERS)
    return st.sampled_from(
        [
            (pa.float64(), numbers),
            (pa.int64(), integers),
            (pa.int64(), st.integers(0, 2)),
            (pa.bool_(), st.booleans()),
            (pa.string(), st.sampled_from(text)),
            (pa.string(), st.sampled_from(text) if column.type in ("number", "integer", "boolean") else any_text),
            (pa.null(), st.none()),
        ]
    )


@st.composite
def typed_rows(draw: st.DrawFn) -> tuple[Contract, pa.Table]:
    contract = draw(contracts())
    n = draw(st.integers(1, 6))
    arrays = {}
    stray = Column(name="stray", type="number")
    for column in (*contract.columns, stray):
        if draw(st.integers(0, 9)) == 0 or (column is stray and draw(st.integers(0, 3))):
            continue
        type_, cells = draw(cells_of_one_kind(column))
        arrays[column.name] = pa.array(draw(st.lists(st.none() | cells, min_size=n, max_size=n)), type=type_)
    if draw(st.booleans()):
        arrays["application_id"] = pa.array([f"A-{i}" for i in range(n)])
        dates = st.sampled_from([date for date in DATES if not date.startswith("31.")])
        arrays["applied_at"] = pa.array(draw(st.lists(dates, min_size=n, max_size=n)))
    return contract, pa.table(arrays or {contract.columns[0].name: pa.nulls(n)})


def body_of(table: pa.Table, row: int) -> dict[str, Any]:
    cells = {name: table.column(name)[row].as_py() for name in table.column_names}
    envelope = {name: cells.pop(name) for name in ("application_id", "applied_at") if name in cells}
    return {**envelope, "inputs": cells}


def same_values(one: Batch, many: Batch) -> bool:
    pairs = [(one.columns[column.name], many.columns[column.name]) for column in one.contract.columns]
    pairs += [(one.application_id, many.application_id), (one.applied_at, many.applied_at)]
    return all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fM") for a, b in pairs)


@settings(max_examples=150, deadline=None)
@given(typed_rows())
def test_the_same_row_gets_the_same_violations_and_values_alone_and_in_a_table(case: tuple[Contract, pa.Table]) -> None:
    contract, table = case
    checked = check_table(contract, table)
    expected: dict[int, list[Violation]] = {row: [] for row in range(table.num_rows)}
    for row, violation in zip(checked.set_aside.row, checked.set_aside.violations(), strict=True):
        expected[int(row)].append(violation)
    for row in range(table.num_rows):
        alone = check_body(contract, body_of(table, row))
        if isinstance(alone, list):
            assert alone == expected[row]
        else:
            assert not expected[row]
            assert same_values(alone, checked.batch.take(np.flatnonzero(checked.rows == row)))
    assert sorted([*checked.rows, *checked.set_aside.rows]) == list(range(table.num_rows))


@settings(max_examples=100, deadline=None)
@given(typed_rows(), st.integers(0, 6))
def test_a_table_split_anywhere_gives_the_same_rows_and_violations(case: tuple[Contract, pa.Table], at: int) -> None:
    contract, table = case
    whole = check_table(contract, table)
    parts = [check_table(contract, table.slice(0, at)), check_table(contract, table.slice(at))]
    shifts = [0, min(at, table.num_rows)]
    rows = [part.rows + shift for part, shift in zip(parts, shifts, strict=True)]
    assert np.concatenate(rows).tolist() == whole.rows.tolist()
    lines = [line for part in parts for line in part.set_aside.violations()]
    assert lines == whole.set_aside.violations()


json_values = (
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | integers
    | st.sampled_from([10**20, -(10**25), 0, 1, 1.0, 3.0, 0.5])
    | st.sampled_from([*WORDS, *DATES, *NO_NUMBERS, "12", "true"])
    | st.just([1])
    | st.just({"a": 1})
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[Contract, dict[str, Any]]:
    contract = draw(contracts())
    inputs = {column.name: draw(json_values) for column in contract.columns if draw(st.integers(0, 9))}
    body: dict[str, Any] = {"inputs": inputs}
    if draw(st.integers(0, 9)) == 0:
        inputs["stray"] = 1
    if draw(st.booleans()):
        body["application_id"] = draw(json_values)
        body["applied_at"] = draw(json_values)
    return contract, body


def violations_of(contract: Contract, body: Any) -> list[Violation]:
    checked = check_body(contract, body)
    return checked if isinstance(checked, list) else []


def nulled(contract: Contract, body: dict[str, Any]) -> bool:
    inputs = body["inputs"]
    return any(inputs.get(column.name) is None and not column.missing for column in contract.columns)


@settings(max_examples=150, deadline=None)
@given(bodies())
def test_the_struct_decodes_exactly_what_has_no_type_violation(case: tuple[Contract, dict[str, Any]]) -> None:
    contract, body = case
    rules = {violation.rule for violation in violations_of(contract, body)}
    try:
        msgspec.json.decode(msgspec.json.encode(body), type=application_struct(contract))
        decoded = True
    except msgspec.ValidationError:
        decoded = False
    assert decoded == (not rules & {"type", "unknown_column"} and not nulled(contract, body))


@settings(max_examples=150, deadline=None)
@given(bodies())
def test_what_the_json_schema_refuses_breaks_a_rule_and_the_rules_it_can_say_it_says(
    case: tuple[Contract, dict[str, Any]],
) -> None:
    contract, body = case
    valid = jsonschema_rs.validator_for(json_schema(contract)).is_valid(body)
    rules = {violation.rule for violation in violations_of(contract, body)}
    if rules & {"type", "unknown_column", "range", "allowed", "text_too_long"} or nulled(contract, body):
        assert not valid
    forgiven = any(isinstance(value, str) and value in (" A ", "N/A", "none", "") for value in body["inputs"].values())
    if not valid and not forgiven:
        assert rules


@settings(max_examples=100, deadline=None)
@given(contracts())
def test_the_json_schema_is_a_valid_schema_of_its_draft(contract: Contract) -> None:
    jsonschema_rs.meta.validate(json_schema(contract))


def test_a_python_date_is_taken_where_a_date_is_due() -> None:
    contract = Contract(name="credit", columns=(Column(name="born", type="date"),))
    batch = check_body(
        contract, {"inputs": {"born": dt.date(1990, 5, 17)}, "applied_at": dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC)}
    )
    assert isinstance(batch, Batch)
    assert batch.columns["born"].tolist() == [dt.datetime(1990, 5, 17)]  # noqa: DTZ001  a batch's times are UTC without saying so
    assert batch.applied_at.tolist() == [dt.datetime(2026, 1, 1, 9)]  # noqa: DTZ001  the same


def test_a_number_too_large_for_a_float_is_not_finite() -> None:
    contract = Contract(name="credit", columns=(Column(name="amount", type="number"),))
    for value in (10**400, math.inf, -(10**400)):
        assert [violation.rule for violation in violations_of(contract, {"inputs": {"amount": value}})] == [
            "not_finite"
        ]
    for text in (b'{"inputs": {"amount": 1e400}}', b'{"inputs": {"amount": %s}}' % (b"1" * 400)):
        with pytest.raises(msgspec.ValidationError, match=r"\$\.inputs\.amount"):
            msgspec.json.decode(text, type=application_struct(contract))


def test_what_cannot_be_written_down_is_a_type_violation() -> None:
    """Half a surrogate pair, and a number of more digits than Python prints, are refused by msgspec as well."""
    for type_ in ("text", "category", "date"):
        allowed = ("1",) if type_ == "category" else None
        contract = Contract(name="c", columns=(Column(name="x", type=type_, allowed=allowed),))
        for value in ("\ud800", 10**5000):
            assert [violation.rule for violation in violations_of(contract, {"inputs": {"x": value}})] == ["type"]


def test_pandas_words_for_nothing_are_missing() -> None:
    contract = Contract(name="c", columns=(Column(name="x", type="date"),))
    for value in (pd.NA, pd.NaT, np.float32("nan"), None):
        assert [violation.rule for violation in violations_of(contract, {"inputs": {"x": value}})] == ["missing"]


def test_a_body_that_is_no_object_and_one_without_inputs_say_so() -> None:
    contract = Contract(name="credit", columns=(Column(name="age", type="integer"),))
    assert violations_of(contract, [1]) == [Violation("$", "type", "is not an object")]
    assert violations_of(contract, {"inputs": [1]}) == [Violation("$.inputs", "type", "is not an object")]
    assert [(v.path, v.rule) for v in violations_of(contract, {"age": 3, "applied_at": "soon"})] == [
        ("$.applied_at", "date"),
        ("$.inputs", "missing"),
        ("$.age", "unknown_column"),
    ]
