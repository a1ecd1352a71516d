"""Whatever is handed to a contract, it is taken, set aside with a rule, or refused in our own words (R5, R28)."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import (
    Batch,
    Column,
    Contract,
    Violation,
    check_bodies,
    check_body,
    check_table,
    contract_yaml,
    infer_contract,
    parse_contract,
    to_arrow,
)
from roadworthy.errors import DataError, RoadworthyError

T = TypeVar("T")

CONTRACT = Contract(
    name="loans",
    columns=(
        Column(name="age", type="integer", range=(18, 100)),
        Column(name="income", type="number", missing=True),
        Column(name="employed", type="boolean", missing=True),
        Column(name="region", type="category", allowed=("N", "S", "1")),
        Column(name="note", type="text", missing=True),
        Column(name="since", type="date", missing=True),
    ),
)
NAMES = [column.name for column in CONTRACT.columns]
ANY_TEXT = st.text(st.characters(), max_size=12)  # half letters and NUL among them
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT | st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
BODIES = (
    st.fixed_dictionaries(
        {},
        optional={
            "inputs": st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON)) | JSON,
            "application_id": JSON,
            "applicant_id": JSON,
            "applied_at": JSON,
            "pd": JSON,
        },
    )
    | JSON
)


@settings(max_examples=300)
@given(bodies=st.lists(BODIES, min_size=1, max_size=3))
def test_any_body_is_a_batch_or_violations_that_can_be_told(bodies: list[Any]) -> None:
    together = check_bodies(CONTRACT, bodies)
    for row, body in enumerate(bodies):
        checked = check_body(CONTRACT, body)
        if isinstance(checked, Batch):
            assert len(checked) == 1
            assert row in together.rows
        else:
            assert checked
            assert together.violations[row] == checked
            told(checked)


def taken_or_refused(do: Callable[[], T], where: str = "") -> T | None:
    """What comes of it; None where it is refused in our own words, and where that is, is told."""
    try:
        return do()
    except RoadworthyError as error:
        refused = error
    assert refused.message
    assert where in (refused.where or "")
    return None


def told(violations: list[Violation]) -> None:
    for violation in violations:
        assert len(msgspec.json.encode(violation.path)) < 400
        assert violation.path.startswith("$")
        assert violation.message


ARRAYS: list[pa.DataType] = [
    pa.null(), pa.bool_(), pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(38, 10),
    pa.decimal256(70, 5), pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.date32(), pa.date64(),
    pa.time64("ns"), pa.timestamp("ns"), pa.timestamp("s", "Asia/Tokyo"), pa.duration("us"),
    pa.month_day_nano_interval(), pa.list_(pa.int64()), pa.struct([("a", pa.string())]),
    pa.map_(pa.string(), pa.int64()), pa.binary(3), pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int8(), pa.int64()), pa.run_end_encoded(pa.int32(), pa.string()),
    pa.list_(pa.list_(pa.binary())), pa.dense_union([pa.field("a", pa.int64()), pa.field("b", pa.string())]),
]  # fmt: skip


@st.composite
def arrays(draw: st.DrawFn, rows: int) -> pa.Array:
    kind = draw(st.sampled_from(ARRAYS))
    cells = draw(st.lists(st.sampled_from(CELLS), min_size=rows, max_size=rows))
    try:
        return pa.array(cells, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, NotImplementedError):
        try:
            return pa.nulls(rows, kind)
        except pa.ArrowException:
            return pa.nulls(rows)


CELLS: list[Any] = [
    None, True, 0, -1, 41, 2**62, 1.5, float("nan"), float("inf"), 1e308, "", "41", "N", "n/a", "\0", "\u202e",
    "x" * 6_000, b"\xff\xfe", dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    dt.time(1), dt.timedelta(days=9), decimal.Decimal("1e30"), [1], {"a": "b"}, [["a"]], "2026-02-30",
    "0001-01-01T00:00:00+14:00",
]  # fmt: skip


@settings(max_examples=300)
@given(data=st.data(), rows=st.integers(0, 4))
def test_any_table_is_taken_row_by_row_or_refused(data: st.DataObject, rows: int) -> None:
    names = data.draw(
        st.lists(
            st.sampled_from([*NAMES, "application_id", "applicant_id", "applied_at", "x"]), max_size=8, unique=True
        )
    )
    table = pa.table([data.draw(arrays(rows)) for _ in names], names=names)
    checked = taken_or_refused(lambda: check_table(CONTRACT, table))
    if checked is None:
        return
    assert sorted({*checked.rows.tolist(), *checked.set_aside.rows.tolist()}) == list(range(table.num_rows))
    told(checked.set_aside.violations())


@settings(max_examples=150)
@given(data=st.data(), rows=st.integers(1, 4))
def test_any_table_gives_a_contract_or_is_refused(data: st.DataObject, rows: int) -> None:
    names = data.draw(st.lists(ANY_TEXT.filter(encodes) | st.sampled_from(NAMES), min_size=1, max_size=4))
    table = pa.table([data.draw(arrays(rows)) for _ in names], names=names)
    taken_or_refused(lambda: check_table(infer_contract(table, name="any"), table))


def encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


THINGS = st.one_of(
    JSON, st.binary(max_size=5), st.dates(), st.tuples(), st.just(object()), st.just(np.zeros((2, 2, 2))),
    st.dictionaries(JSON.filter(lambda key: not isinstance(key, list | dict)), st.lists(JSON, max_size=3), max_size=3),
    st.lists(st.dictionaries(ANY_TEXT, JSON, max_size=2), max_size=3),
    st.dictionaries(
        ANY_TEXT, st.sampled_from([np.array([1, "a"], dtype=object), range(3), {1, 2}, "ab", iter(())]), max_size=2
    ),
)  # fmt: skip


@settings(max_examples=300)
@given(thing=THINGS)
def test_anything_is_a_table_or_is_refused(thing: Any) -> None:
    table = taken_or_refused(lambda: to_arrow(thing))
    assert table is None or isinstance(table, pa.Table)


@pytest.mark.parametrize(
    "columns",
    [{"a": [10**5_000, 1]}, {"a": ["\ud800"]}, {"\ud800": [1]}, {"a": [1, "\udfff"]}, {"a": [10**5_000, "x"]}],
    ids=["digits", "half a letter", "half a letter in a name", "beside a number", "digits beside a text"],
)
def test_what_cannot_be_written_down_is_refused(columns: dict[str, list[Any]]) -> None:
    with pytest.raises(DataError, match="cannot be written down"):
        to_arrow(columns)


def test_a_character_that_no_store_can_keep_sets_its_row_aside_and_the_others_go_on() -> None:
    """A NUL comes in no CSV of ours and in no JSON, but in Parquet, in workbooks and in UTF-16."""
    row = {"age": 41, "region": "N", "note": "a note", "application_id": "A-1", "applicant_id": "C-1"}
    spoilt = [{**row, name: "a\0b"} for name in ("region", "note", "application_id", "applicant_id")]
    checked = check_table(CONTRACT, pa.Table.from_pylist([row, *spoilt]))
    assert checked.rows.tolist() == [0]
    assert [(one.path, one.rule) for one in checked.set_aside.violations()] == [
        ("$.inputs.region", "not_text"), ("$.inputs.note", "not_text"),
        ("$.application_id", "not_text"), ("$.applicant_id", "not_text"),
    ]  # fmt: skip
    for name in ("region", "note"):
        (alone,) = cast(list[Violation], check_body(CONTRACT, {"inputs": {"age": 41, "region": "N"} | {name: "a\0b"}}))
        assert (alone.path, alone.rule) == (f"$.inputs.{name}", "not_text")


def test_moments_beyond_the_years_that_python_knows_are_refused_where_they_would_be_text() -> None:
    beyond = pa.table({"note": pa.array([[2**62]], pa.list_(pa.timestamp("s")))})
    with pytest.raises(DataError, match="cannot be written down"):
        check_table(CONTRACT, beyond)


WRITTEN = contract_yaml(CONTRACT)


@settings(max_examples=150)
@given(data=st.data())
def test_a_contract_spoilt_anywhere_is_read_or_refused_with_its_line(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(WRITTEN)))
    end = place + data.draw(st.integers(0, 30))
    odd = st.sampled_from(
        ["{", "[", "&a ", "*a", "!!python/object:os.system ", "\t", "- ", ": ", "|\n", "\0", "1e999", "~"]
    )
    text = WRITTEN[:place] + data.draw(odd | ANY_TEXT) + WRITTEN[end:]
    taken_or_refused(lambda: parse_contract(text), "contract.yaml")
