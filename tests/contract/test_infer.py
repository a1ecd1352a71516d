"""A contract guessed from data: plausible, never the observed extremes, and every guess marked (R4)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Column, ColumnFacts, check_table, infer_contract, profile_columns
from roadworthy.errors import DataError


def guess(cells: Any, **beside: Any) -> Column:
    """The guess for a column `x`, in a table of nothing else but `beside`."""
    return infer_contract(pa.table({"x": cells, **beside}), name="guessed")["x"]


def facts_of(cells: Any, **beside: Any) -> ColumnFacts:
    return profile_columns(pa.table({"x": cells, **beside}))[0]


TYPED = {"beside": [1.5, 2.5]}


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        ([1, 2], "integer"),
        ([1.0, 2.0], "number"),
        ([True, False], "boolean"),
        (["true", "FALSE"], "boolean"),
        (["yes", "no"], "category"),
        (["Y", "N"], "category"),
        (["1", "2"], "integer"),
        (["1.0", "2.0"], "number"),
        (["1,234", "2"], "integer"),
        (["1.234,5", "2"], "number"),
        (["83.70%", "1%"], "number"),
        (["$5", "$6"], "number"),
        (["01", "02"], "category"),
        (["a", "b"], "category"),
        (["none", "a"], "category"),
        (["2024-01-31", "2024-02-01"], "date"),
        (["Jan-2015", "Feb-2016"], "date"),
        (["20240131", "20240201"], "date"),
        ([20240131, 20240201], "date"),
        ([20249999, 20240201], "integer"),
        ([dt.date(2024, 1, 31), None], "date"),
        ([2**60, 2**60 + 1], "category"),
        ([None, None], "text"),
        (["", "NA"], "text"),
        ([["nested"], []], "category"),
    ],
)
def test_the_type_is_what_the_values_spell(cells: list[Any], type_: str) -> None:
    assert guess(cells).type == type_


def test_whole_numbers_kept_as_text_beside_typed_columns_are_codes_where_they_are_few() -> None:
    assert guess(["1", "2"], **TYPED).type == "category"
    assert guess(["1", "2"]).type == "integer"
    many = [str(value) for value in range(11)]
    assert guess(many, beside=[0.5] * 11).type == "integer"


def test_a_declared_category_stays_one() -> None:
    assert guess(pa.array(["1", "2"]).dictionary_encode()).allowed == ("1", "2")
    assert guess(pa.array([2, 1, 2]).dictionary_encode()).allowed == ("2", "1")
    every = pa.array([f"v{position}" for position in range(100)]).dictionary_encode()
    assert guess(every).type == "category"


def test_a_few_faulty_cells_do_not_change_a_type_and_are_counted() -> None:
    numbers = [f"{value}.5" for value in range(99)]
    column = guess([*numbers, "oops"])
    assert column.type == "number"
    assert column.description == "1 value in the data is not of this type."
    assert guess([*numbers[:9], "oops"]).type == "category"
    dates = [f"2024-01-{day:02}" for day in range(1, 29)]
    assert guess([*dates, "2024-02-30"]).type == "date"


def test_codes_among_words_are_a_category() -> None:
    assert guess([*["1", "2", "3"] * 40, "X"]).allowed == ("1", "2", "3", "X")


def test_categories_come_by_falling_frequency_then_by_name() -> None:
    assert guess(["b", "a", "c", "c", None, " "]).allowed == ("c", "a", "b")


def test_text_is_what_nearly_never_repeats_or_is_long() -> None:
    assert guess([f"name {position}" for position in range(21)]).type == "text"
    assert guess([f"name {position}" for position in range(20)]).type == "category"
    assert guess(["x" * 201, "y"]).type == "text"
    assert guess([f"town {position}" for position in range(1001)] * 3).type == "text"


@pytest.mark.parametrize(
    ("cells", "bounds"),
    [
        ([0, 41], (0.0, 500.0)),
        ([3, 100], (0.0, 1000.0)),
        ([0.02, 0.99], (0.0, 10.0)),
        ([-3, 40], (-50.0, 500.0)),
        ([-400, -3], (-5000.0, 0.0)),
        ([0, 0], (0.0, None)),
        ([5.0, None], (0.0, 50.0)),
    ],
)
def test_ranges_are_plausible_bounds_and_not_the_extremes(cells: list[Any], bounds: tuple[float, float]) -> None:
    assert guess(cells).range == bounds


def test_roles_follow_types_unless_they_are_known() -> None:
    table = pa.table(
        {
            "age": [1, 2],
            "born": ["2024-01-31", "2024-02-01"],
            "note": ["x" * 300, "y"],
            "amount": [1.5, 2.5],
            "target": [0, 1],
            "application_id": ["A", "B"],
            "applied_at": ["2026-01-01", "2026-01-02"],
        }
    )
    contract = infer_contract(table, name="credit", roles={"amount": "money"}, drop=["target"])
    assert [(column.name, column.role) for column in contract.columns] == [
        ("age", "input"),
        ("born", "time"),
        ("note", "identity"),
        ("amount", "money"),
    ]
    assert "role" in contract["age"].guessed
    assert "role" not in contract["amount"].guessed


def test_everything_inferred_is_marked() -> None:
    assert guess([1, None]).guessed == ("type", "role", "range", "missing")
    assert guess(["a", "b"]).guessed == ("type", "role", "allowed", "missing")
    assert guess(["1.234,5", "0,5"]).guessed == ("type", "role", "range", "missing", "decimal")
    column = guess(["01/02/2024", "03/04/2024"])
    assert column.guessed == ("type", "role", "missing", "format")
    assert column.format == "%d/%m/%Y"
    assert column.description.startswith("Day and month cannot be told apart")
    assert guess(["01/02/2024", "02/13/2024"]).format == "%m/%d/%Y"
    assert guess(["01/02/2024", "02/13/2024"]).description == ""


def test_missing_is_allowed_only_where_it_was_seen() -> None:
    assert guess([1, None]).missing
    assert guess(["a", "N/A"]).missing
    assert not guess([1, 2]).missing


def test_facts_tell_constants_and_identifiers() -> None:
    assert facts_of([1, 1]).constant
    assert facts_of(["a", "a"]).constant
    assert facts_of([None, None]).constant
    assert not facts_of([1, None]).constant
    assert facts_of(list(range(100))).nearly_unique
    assert facts_of([*range(99), 1]).nearly_unique
    assert not facts_of(list(range(50)) * 2).nearly_unique
    assert not facts_of([1, 2, 3]).nearly_unique
    facts = facts_of([3.0, None, 1.0, 3.0])
    assert (facts.distinct, facts.missing, facts.minimum, facts.maximum) == (2, 0.25, 1.0, 3.0)
    assert facts_of([dt.date(1970, 1, 3), dt.date(1970, 1, 11)]).maximum == 10.0


def test_nothing_to_guess_from_and_unknown_names_are_refused() -> None:
    for table in (pa.table({}), pa.table({"x": pa.array([], type=pa.int64())}), pa.table({"application_id": ["A"]})):
        with pytest.raises(DataError, match="nothing to guess a contract from"):
            infer_contract(table, name="empty")
    with pytest.raises(DataError, match="drop: no column 'y'"):
        infer_contract(pa.table({"x": [1]}), name="c", drop=["y"])
    with pytest.raises(DataError, match="roles: no column 'y'"):
        infer_contract(pa.table({"x": [1]}), name="c", roles={"y": "money"})


WORDS = ("1", "2,5", "3.5", "NA", "none", "true", "2024-01-31", "01/02/2024", "30/02/2024")
cells = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1),
    st.lists(st.floats() | st.none(), min_size=1),
    st.lists(st.booleans() | st.none(), min_size=1),
    st.lists(st.text(max_size=8) | st.sampled_from(WORDS) | st.none(), min_size=1),
    st.lists(st.dates() | st.none(), min_size=1),
)


@settings(max_examples=150, deadline=None)
@given(cells)
def test_a_table_keeps_to_its_own_guess_but_for_what_the_guess_reports(values: list[Any]) -> None:
    """Only cells that the facts count as unreadable are set aside; a missing cell and a category never are."""
    table = pa.table({"x": pa.array(values)})
    contract = infer_contract(table, name="guessed")
    checked = check_table(contract, table)
    facts = profile_columns(table)[0]
    assert len(checked.set_aside) == facts.unreadable
    assert "missing" not in checked.set_aside.rule


def test_wide_tables_are_guessed_column_by_column() -> None:
    rng = np.random.default_rng(0)
    table = pa.table({f"c{position}": rng.random(20) for position in range(2000)})
    assert len(infer_contract(table, name="wide").columns) == 2000
