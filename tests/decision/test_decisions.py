"""What decisions look like to others: nested for Arrow and JSON, flat for CSV and spreadsheets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Batch
from roadworthy.decision import Decisions, Reason, Release, decide, flatten_decisions
from roadworthy.policy import ANSWERS
from roadworthy.testing import make_applications, make_release

REASONS = pa.list_(
    pa.struct(
        [
            ("code", pa.string()),
            ("text", pa.string()),
            ("column", pa.string()),
            ("contribution", pa.float64()),
            ("error", pa.float64()),
            ("close", pa.bool_()),
        ]
    )
)
SCHEMA = pa.schema(
    [
        ("application_id", pa.string()),
        ("answer", pa.string()),
        ("pd", pa.float64()),
        ("score", pa.float64()),
        ("rules", pa.list_(pa.string())),
        ("reasons", REASONS),
        ("pd_at_reference", pa.float64()),
        ("adjusted", pa.bool_()),
    ]
)


def make_decisions(**changes: Any) -> Decisions:
    """Three decisions by hand: approved, referred since the model failed, declined for two reasons."""
    made: dict[str, Any] = {
        "application_id": np.array(["A-1", None, "A-3"], dtype=object),
        "answer": np.array([0, 1, 2], dtype=np.int8),
        "pd": np.array([0.05, np.nan, 0.4]),
        "score": np.array([600.0, np.nan, 520.0]),
        "rules": np.array([[False, False], [True, True], [False, False]]),
        "reason": np.array([[-1, -1], [0, -1], [2, 1]], dtype=np.int32),
        "contribution": np.array([[np.nan, np.nan], [np.nan, np.nan], [0.75, 0.5]]),
        "error": np.array([[np.nan, np.nan], [np.nan, np.nan], [0.125, 0.0]]),
        "close": np.array([[False, False], [False, False], [True, False]]),
        "pd_at_reference": np.array([np.nan, np.nan, 0.1]),
        "adjusted": np.array([False, False, True]),
        "rule_codes": ("cap", "engine_failed"),
        "catalogue": (
            Reason("engine_failed", "Not assessed", None),
            Reason("age", "Age is too low", "age"),
            Reason("amount", "Amount is too high", "amount"),
        ),
        "quantity": "margin",
        "method": "reference",
        "release": "0" * 64,
    }
    return Decisions(**{**made, **changes})


def test_decisions_as_arrow_worked_by_hand() -> None:
    table = make_decisions().to_arrow()
    assert table.schema == SCHEMA
    assert table.to_pylist() == [
        {
            "application_id": "A-1", "answer": "approve", "pd": 0.05, "score": 600.0, "rules": [], "reasons": [],
            "pd_at_reference": None, "adjusted": False,
        },
        {
            "application_id": None, "answer": "refer", "pd": None, "score": None, "rules": ["cap", "engine_failed"],
            "reasons": [
                {
                    "code": "engine_failed", "text": "Not assessed", "column": None, "contribution": None,
                    "error": None, "close": False,
                },
            ],
            "pd_at_reference": None, "adjusted": False,
        },
        {
            "application_id": "A-3", "answer": "decline", "pd": 0.4, "score": 520.0, "rules": [],
            "reasons": [
                {
                    "code": "amount", "text": "Amount is too high", "column": "amount", "contribution": 0.75,
                    "error": 0.125, "close": True,
                },
                {
                    "code": "age", "text": "Age is too low", "column": "age", "contribution": 0.5,
                    "error": None, "close": False,
                },
            ],
            "pd_at_reference": 0.1, "adjusted": True,
        },
    ]  # fmt: skip
    row = make_decisions().row(2)
    assert row["reasons"] == [
        {
            "code": "amount", "text": "Amount is too high", "column": "amount", "contribution": 0.75,
            "error": 0.125, "close": True,
        },
        {"code": "age", "text": "Age is too low", "column": "age", "contribution": 0.5},
    ]  # fmt: skip
    assert {**row, "reasons": None} == {**table.to_pylist()[2], "reasons": None}
    assert make_decisions().answers().tolist() == list(ANSWERS)
    assert len(make_decisions()) == 3


def test_decisions_without_lists_worked_by_hand() -> None:
    flat = make_decisions().to_flat_arrow()
    assert flat.column_names == [
        "application_id", "answer", "pd", "score", "pd_at_reference", "adjusted", "rules",
        "reason_1_code", "reason_1", "reason_2_code", "reason_2",
    ]  # fmt: skip
    assert flat.to_pylist()[1]["rules"] == "cap engine_failed"
    assert [row["reason_2"] for row in flat.to_pylist()] == [None, None, "Age is too low"]
    assert not any(pa.types.is_nested(field.type) for field in flat.schema)


def test_no_decisions_have_the_same_columns_and_types() -> None:
    empty = make_decisions(**{
        field.name: getattr(make_decisions(), field.name)[:0]
        for field in fields(Decisions) if isinstance(getattr(make_decisions(), field.name), np.ndarray)
    })  # fmt: skip
    assert empty.to_arrow().schema == SCHEMA
    assert empty.to_arrow().num_rows == 0
    assert empty.to_flat_arrow().schema == make_decisions().to_flat_arrow().schema
    assert empty.answers().tolist() == []
    release = make_release("scorecard")
    nobody = release.package.batch(make_applications(3)[0]).take(slice(0, 0))
    assert decide(nobody, release).to_arrow().schema == SCHEMA
    assert decide(nobody, release).reason.shape == (0, 4)


def test_every_array_is_read_only() -> None:
    for decisions in (make_decisions(), decide(make_applications(5)[0], make_release("scorecard"))):
        for field in fields(decisions):
            value = getattr(decisions, field.name)
            if isinstance(value, np.ndarray):
                with pytest.raises(ValueError, match="read-only"):
                    value[...] = value


def plain_flat(row: dict[str, Any], most: int) -> dict[str, Any]:
    """The same, as one would write it in Python."""
    flat = {name: value for name, value in row.items() if name not in ("rules", "reasons")}
    flat["rules"] = " ".join(row["rules"])
    for place in range(most):
        reason = row["reasons"][place] if place < len(row["reasons"]) else {"code": None, "text": None}
        flat[f"reason_{place + 1}_code"] = reason["code"]
        flat[f"reason_{place + 1}"] = reason["text"]
    return flat


ONE_REASON = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["a", "b", "c"]),
        "text": st.text(max_size=5),
        "column": st.one_of(st.none(), st.just("a")),
        "contribution": st.one_of(st.none(), st.floats(-1, 1)),
    }
)
ONE_ROW = st.fixed_dictionaries(
    {
        "application_id": st.one_of(st.none(), st.text(max_size=3)),
        "rules": st.lists(st.sampled_from(["cap", "no_b", "engine_failed"]), max_size=3),
        "reasons": st.lists(ONE_REASON, max_size=4),
    }
)


@given(st.lists(ONE_ROW, max_size=8), st.integers(1, 4), st.integers(0, 8), st.integers(0, 8))
@settings(max_examples=100)
def test_flattening_is_that_of_plain_python_on_any_slice(
    rows: list[dict[str, Any]], most: int, begin: int, length: int
) -> None:
    schema = pa.schema([SCHEMA.field("application_id"), SCHEMA.field("rules"), SCHEMA.field("reasons")])
    table = pa.Table.from_pylist(rows, schema=schema).slice(begin, length)
    assert flatten_decisions(table, most).to_pylist() == [plain_flat(row, most) for row in table.to_pylist()]


def test_flattening_reads_tables_of_many_chunks() -> None:
    table = make_decisions().to_arrow()
    both = pa.concat_tables([table, table.slice(1)])
    assert both.column("reasons").num_chunks == 2
    assert flatten_decisions(both, 2).to_pylist() == [plain_flat(row, 2) for row in both.to_pylist()]


@pytest.mark.parametrize("kind", ["scorecard", "boosted", "native"])
def test_the_quantity_of_contributions_is_named(kind: Any) -> None:
    """A native model's contributions are to the PD itself, a compiled one's mostly to its log-odds."""
    release = make_release(kind)
    decisions = decide(make_applications(3, seed=61)[0], release)
    explanation = release.package.explain(make_applications(3, seed=61)[0])
    assert decisions.quantity == explanation.quantity == ("pd" if kind == "native" else "margin")
    assert decisions.release == release.digest


def test_a_native_package_decides_a_row_alone_as_in_a_batch() -> None:
    release = make_release("native")
    batch: Batch = release.package.batch(make_applications(9, seed=62)[0])
    whole = decide(batch, release).to_arrow().to_pylist()
    assert [decide(batch.take(np.array([row])), release).to_arrow().to_pylist()[0] for row in (0, 4, 8)] == whole[::4]


def test_catalogues_are_one_for_a_release(release_of: Callable[..., Release], rows_of: Callable[..., Batch]) -> None:
    release = release_of("ab", {"": 0.1, "a": 0.5, "b": 0.2, "ab": 0.9})
    one, other = (decide(rows_of(release, rows), release) for rows in ([[1, 1]], [[0, 0], [1, 0]]))
    assert one.catalogue is other.catalogue
