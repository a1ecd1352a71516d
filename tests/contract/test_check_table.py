"""What enters is checked; what fails is set aside with the rule that failed, never lost (R4, R5)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import (
    MISSING,
    UNSEEN,
    Checked,
    Column,
    ColumnType,
    Contract,
    check_table,
    find_writings,
    outside,
)
from roadworthy.errors import DataError


def one(type_: ColumnType, cells: Any, **fields: Any) -> Checked:
    """Check a table of one column `x`."""
    return check_table(Contract(name="one", columns=(Column(name="x", type=type_, **fields),)), pa.table({"x": cells}))


def rules(checked: Checked) -> list[tuple[int, str]]:
    return [(int(row), str(rule)) for row, rule in zip(checked.set_aside.row, checked.set_aside.rule, strict=True)]


def test_every_violation_of_every_row_is_listed_with_its_path_and_rule() -> None:
    contract = Contract(
        name="credit",
        columns=(
            Column(name="age", type="integer", range=(18, 100), outside="set_aside"),
            Column(name="income", type="number", missing=True),
            Column(name="home.owner", type="category", allowed=("own", "rent"), outside="set_aside"),
            Column(name="born", type="date"),
        ),
    )
    table = pa.table(
        {
            "application_id": ["A-1", "A-2", "A-3", "A-4"],
            "age": ["41", "17", "forty", None],
            "income": ["1200", "inf", "n/a", "lots"],
            "home.owner": ["own", "tent", "rent", ""],
            "born": ["1985-02-28", "1985-02-30", "soon", "1990-01-01"],
        }
    )
    checked = check_table(contract, table)
    assert checked.rows.tolist() == [0]
    assert checked.batch.application_id.tolist() == ["A-1"]
    assert checked.set_aside.rows.tolist() == [1, 2, 3]
    found = [
        (int(row), line.path, line.rule)
        for row, line in zip(checked.set_aside.row, checked.set_aside.violations(), strict=True)
    ]
    assert found == [
        (1, "$.inputs.age", "range"),
        (1, "$.inputs.income", "not_finite"),
        (1, "$.inputs['home.owner']", "allowed"),
        (1, "$.inputs.born", "date"),
        (2, "$.inputs.age", "type"),
        (2, "$.inputs.born", "date"),
        (3, "$.inputs.age", "missing"),
        (3, "$.inputs.income", "type"),
        (3, "$.inputs['home.owner']", "missing"),
    ]


def test_messages_say_what_is_allowed_and_never_what_was_sent() -> None:
    checked = one("category", ["Mallory Smith"], allowed=tuple("abcdefghijklm"), outside="set_aside")
    assert checked.set_aside.message.tolist() == ["is not one of a, b, c, d, e, f, g, h, i, j and 3 more"]
    checked = one("number", [-5.0], range=(0.5, None), outside="set_aside")
    assert checked.set_aside.message.tolist() == ["is not at least 0.5"]


def test_outside_values_that_the_contract_refers_come_through_and_are_reported() -> None:
    columns = (
        Column(name="age", type="integer", range=(18, 100)),
        Column(name="home", type="category", allowed=("own", "rent"), missing=True),
        Column(name="amount", type="number", range=(0, None), outside="set_aside", missing=True),
        Column(name="note", type="text", missing=True),
    )
    table = pa.table(
        {"age": [17, 18, 100, 101], "home": ["tent", None, "rent", "own"], "amount": [0.0, 1.0, None, 2.0]}
    )
    checked = check_table(Contract(name="credit", columns=columns), table)
    assert len(checked.set_aside) == 0
    assert checked.batch.columns["home"].tolist() == [UNSEEN, MISSING, 1, 0]
    assert outside(checked.batch).tolist() == [
        [True, True, False, False],
        [False, False, False, False],
        [False, False, False, False],
        [True, False, False, False],
    ]


def test_an_absent_column_is_missing_in_every_row() -> None:
    contract = Contract(
        name="credit",
        columns=(Column(name="age", type="integer"), Column(name="income", type="number", missing=True)),
    )
    checked = check_table(contract, pa.table({"income": [1.0, 2.0]}))
    assert rules(checked) == [(0, "missing"), (1, "missing")]
    checked = check_table(contract, pa.table({"age": [1, 2]}))
    assert np.isnan(checked.batch.columns["income"]).all()


def test_an_unknown_column_is_a_violation_of_every_row_unless_it_is_to_be_ignored() -> None:
    contract = Contract(name="credit", columns=(Column(name="age", type="integer"),))
    table = pa.table({"age": [1, 2], "aeg": [1, 2]})
    checked = check_table(contract, table)
    assert [(line.path, line.rule) for line in checked.set_aside.violations()] == [
        ("$.inputs.aeg", "unknown_column")
    ] * 2
    assert len(check_table(contract, table, unknown="ignore").batch) == 2


def test_two_columns_of_one_name_are_refused_with_the_name() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["age", "age"])
    with pytest.raises(DataError, match="columns of one name: age"):
        check_table(Contract(name="credit", columns=()), table)


def test_a_byte_order_mark_on_the_first_name_and_around_values_is_no_part_of_them() -> None:
    checked = check_table(
        Contract(name="credit", columns=(Column(name="age", type="integer"),)),
        pa.table({"\ufeffage": ["41", "\ufeff7"]}),
    )
    assert checked.batch.columns["age"].tolist() == [41.0, 7.0]


@pytest.mark.parametrize(
    "name", ["net income", "a.b", "région", "年齢", "it's", "back\\slash", 'quo"te', "", "1st", "new\nline"]
)
def test_any_column_name_works(name: str) -> None:
    contract = Contract(name="credit", columns=(Column(name=name, type="number"),))
    checked = check_table(contract, pa.table({name: ["1", "x"]}))
    assert checked.batch.columns[name].tolist() == [1.0]
    assert rules(checked) == [(1, "type")]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,234.50", "12", "1,234,567"], [1234.5, 12.0, 1234567.0]),
        (["1.234,50", "12", "0,5"], [1234.5, 12.0, 0.5]),
        (["1 234", "1\u00a0234,5", "1\u202f234"], [1234.0, 1234.5, 1234.0]),
        (["1'234.5", "7"], [1234.5, 7.0]),
        (["12,34,567", "1"], [1234567.0, 1.0]),
        (["1,234", "2,500"], [1234.0, 2500.0]),
        (["1.234", "2.500"], [1.234, 2.5]),
        (["83.70%", " 5 % "], [83.7, 5.0]),
        (["€ 1,234.50", "$5", "-$5", "5 £", "−3", "+4"], [1234.5, 5.0, -5.0, 5.0, -3.0, 4.0]),
        (["1e3", ".5", "5.", "-0"], [1000.0, 0.5, 5.0, 0.0]),
    ],
)
def test_numbers_are_read_as_people_write_them(cells: list[str], expected: list[float]) -> None:
    checked = one("number", cells)
    assert checked.batch.columns["x"].tolist() == expected


def test_the_contracts_decimal_sign_settles_what_the_values_leave_open() -> None:
    assert one("number", ["1.234"], decimal=",").batch.columns["x"].tolist() == [1234.0]
    assert one("number", ["1,234"], decimal=",").batch.columns["x"].tolist() == [1.234]
    assert rules(one("number", ["0,5"], decimal=".")) == [(0, "type")]


@pytest.mark.parametrize(
    "cell", ["abc", "1,23,4", "1.2.3", "1,,2", "$", "%", "--5", "12 Main St", "0x10", "1_000", "-nan"]
)
def test_what_is_no_number_is_a_type_violation_and_the_other_rows_go_on(cell: str) -> None:
    checked = one("number", ["1,000.5", cell, "2"])
    assert checked.batch.columns["x"].tolist() == [1000.5, 2.0]
    assert rules(checked) == [(1, "type")]


@pytest.mark.parametrize(
    "word", ["", "  ", "NA", "n/a", "#N/A", "NULL", "None", "nan", "NaN", "-", "?", ".", "empty", "\u00a0"]
)
def test_words_for_nothing_are_missing_in_every_type(word: str) -> None:
    for type_ in ("number", "integer", "boolean", "date", "text"):
        assert rules(one(type_, [word])) == [(0, "missing")]
    assert rules(one("category", [word], allowed=("a",))) == [(0, "missing")]
    assert one("category", [word], allowed=("a", word)).batch.columns["x"].tolist() == [1]


def test_integers_may_be_written_with_zeros_after_the_point_and_nothing_else() -> None:
    checked = one("integer", ["3.0", "3", "1,000", "3.5"])
    assert checked.batch.columns["x"].tolist() == [3.0, 3.0, 1000.0]
    assert rules(checked) == [(3, "type")]
    assert rules(one("integer", [2**53 - 1, 2**53])) == [(1, "type")]


def test_booleans_are_read_from_words_digits_and_numbers() -> None:
    cells = ["true", "FALSE", "Yes", "no", "Y", "n", "1", "0", "maybe"]
    checked = one("boolean", cells)
    assert checked.batch.columns["x"].tolist() == [1.0, 0.0] * 4
    assert rules(checked) == [(8, "type")]
    assert rules(one("boolean", [1.0, 0.0, 2.0])) == [(2, "type")]


@pytest.mark.parametrize(
    "cell",
    [
        "2024-01-31",
        "2024/1/31",
        "20240131",
        "31-Jan-2024",
        "31-JAN-2024",
        "31 jan 2024",
        "2024-01-31T00:00:00",
        "2024-01-31 00:00",
        "2024-01-31T00:00:00Z",
        "2024-01-31T02:30:00.000+02:30",
        "2024-01-30 19:00:00 -0500",
    ],
)
def test_a_date_is_read_in_every_form_that_needs_no_telling(cell: str) -> None:
    for cells in ([cell], [cell, "soon"], [cell, "2024-01-31"]):
        assert one("date", cells).batch.columns["x"][0] == np.datetime64("2024-01-31")


def test_a_column_of_dates_tells_the_day_from_the_month_as_a_whole() -> None:
    assert one("date", ["01/02/2024", "13/02/2024"]).batch.columns["x"].astype("datetime64[D]").astype(
        str
    ).tolist() == [
        "2024-02-01",
        "2024-02-13",
    ]
    assert one("date", ["01/02/2024", "02/13/2024 09:30"]).batch.columns["x"].astype(str).tolist() == [
        "2024-01-02T00:00:00.000000",
        "2024-02-13T09:30:00.000000",
    ]
    assert one("date", ["01.02.2024", "13.02.2024", "2024-03-01"]).batch.columns["x"].astype("datetime64[D]").astype(
        str
    ).tolist() == ["2024-02-01", "2024-02-13", "2024-03-01"]


def test_dates_that_could_be_either_are_set_aside_unless_the_contract_says_how_they_are_written() -> None:
    assert rules(one("date", ["01/02/2024", "03/04/2024"])) == [(0, "date"), (1, "date")]
    checked = one("date", ["01/02/2024"], format="%m/%d/%Y")
    assert checked.batch.columns["x"].tolist() == [dt.datetime(2024, 1, 2)]  # noqa: DTZ001  a batch's times are UTC without saying so


def test_any_format_may_be_declared() -> None:
    checked = one("date", ["28-FEB-97", "1997-02-28", "31-FEB-97"], format="%d-%b-%y")
    assert checked.batch.columns["x"].astype("datetime64[D]").astype(str).tolist() == ["1997-02-28"] * 2
    assert rules(checked) == [(2, "date")]
    checked = one("date", ["31.12.2024 23:59:59.250", "31.12.24 23:59:59.250"], format="%d.%m.%Y %H:%M:%S.%f")
    assert checked.batch.columns["x"].astype(str).tolist() == ["2024-12-31T23:59:59.250000"]
    assert rules(checked) == [(1, "date")]
    assert rules(one("date", ["31 December 24"], format="%d %B %Y")) == [(0, "date")]


@pytest.mark.parametrize(
    "cell",
    ["2024-02-30", "2024-13-01", "24-01-31", "0999-01-01", "2024-01-31T25:00", "2024-01-31T23:59:60", "20240230", "1"],
)
def test_a_date_that_does_not_exist_is_a_date_violation(cell: str) -> None:
    for cells in ([cell, "2024-01-31"], [cell]):
        assert rules(one("date", cells))[0] == (0, "date")


def test_categories_keep_their_text_and_numbers_stand_for_their_codes() -> None:
    allowed = ("1", "2", "01", "1.5")
    assert one("category", ["1", "01", " 2 ", "1.5"], allowed=allowed).batch.columns["x"].tolist() == [0, 2, 1, 3]
    assert one("category", [1, 2, 3], allowed=allowed).batch.columns["x"].tolist() == [0, 1, UNSEEN]
    assert one("category", [1.0, None, 1.5], allowed=allowed, missing=True).batch.columns["x"].tolist() == [
        0,
        MISSING,
        3,
    ]
    assert one(
        "category", pa.array(["1", "2", None, "1"]).dictionary_encode(), allowed=allowed, missing=True
    ).batch.columns["x"].tolist() == [0, 1, MISSING, 0]
    assert rules(one("category", [1, 2], allowed=("a", "b"))) == [(0, "type"), (1, "type")]


def test_stored_dates_and_times_become_utc() -> None:
    stamps = pa.array(
        [dt.datetime(2026, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))), None],
        type=pa.timestamp("ms", "Europe/Berlin"),
    )
    checked = one("date", stamps, missing=True)
    assert checked.batch.columns["x"].astype(str).tolist() == ["2026-07-01T10:00:00.000000", "NaT"]
    assert one("date", pa.array([dt.date(2026, 7, 1)])).batch.columns["x"].astype(str).tolist() == [
        "2026-07-01T00:00:00.000000"
    ]
    assert one("date", [20260701]).batch.columns["x"].astype(str).tolist() == ["2026-07-01T00:00:00.000000"]


def test_text_that_is_too_long_is_set_aside() -> None:
    assert rules(one("text", ["x" * 4096, "x" * 4097])) == [(1, "text_too_long")]
    assert rules(one("category", ["x" * 4097], allowed=("a",), outside="set_aside")) == [(0, "text_too_long")]


def test_cells_of_another_kind_are_type_violations() -> None:
    assert rules(one("number", [True, None])) == [(0, "type"), (1, "missing")]
    assert rules(one("date", [True])) == [(0, "type")]
    assert rules(one("number", pa.array([[1], [2]]))) == [(0, "type"), (1, "type")]


def test_a_file_read_in_parts_is_read_as_its_first_part_showed() -> None:
    contract = Contract(name="credit", columns=(Column(name="income", type="number"), Column(name="born", type="date")))
    first = pa.table(
        {"income": ["1.250,50", "980"], "born": ["31/01/1990", "01/02/1991"], "applied_at": ["31/12/2025"] * 2}
    )
    second = pa.table(
        {"income": ["1.250", "2"], "born": ["01/02/1991", "02/03/1992"], "applied_at": ["01/02/2026"] * 2}
    )
    writings = find_writings(contract, first)
    assert writings == {"income": ",", "born": "%d/%m/%Y", "applied_at": "%d/%m/%Y"}
    checked = check_table(contract, second, writings=writings)
    assert checked.batch.columns["income"].tolist() == [1250.0, 2.0]
    assert checked.batch.columns["born"].astype("datetime64[D]").astype(str).tolist() == ["1991-02-01", "1992-03-02"]
    assert checked.batch.applied_at.astype("datetime64[D]").astype(str).tolist() == ["2026-02-01"] * 2
    assert rules(check_table(contract, second, writings={})) == [(row, "date") for row in (0, 0, 1, 1)]


def test_an_empty_table_gives_an_empty_batch() -> None:
    contract = Contract(name="credit", columns=(Column(name="age", type="integer"),))
    for table in (pa.table({"age": pa.array([], type=pa.int64())}), pa.table({"age": pa.array([], type=pa.string())})):
        checked = check_table(contract, table)
        assert len(checked.batch) == 0
        assert len(checked.set_aside) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1), st.booleans())
def test_numbers_survive_being_written_as_text(numbers: list[float | None], separated: bool) -> None:
    """Plain or with thousands separators, text gives the number that a typed column gives."""
    if separated:
        numbers = [None if number is None else round(min(max(number, -1e15), 1e15), 2) for number in numbers]
        cells = [None if number is None else f"{number:,.2f}" for number in numbers]
    else:
        cells = [None if number is None else repr(number) for number in numbers]
    typed = one("number", pa.array(numbers, type=pa.float64()), missing=True).batch.columns["x"]
    text = one("number", pa.array(cells, type=pa.string()), missing=True).batch.columns["x"]
    np.testing.assert_array_equal(text, typed)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dates(min_value=dt.date(1000, 1, 1)), min_size=1),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d-%b-%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y"]),
)
def test_dates_survive_being_written_as_text(dates: list[dt.date], form: str) -> None:
    cells = [f"{date:{form}}" for date in dates]
    declared = form if form[1] in "dm" and "%b" not in form else ""
    read = one("date", pa.array(cells), format=declared).batch.columns["x"]
    assert read.astype("datetime64[D]").tolist() == dates


def test_ten_thousand_columns_are_checked_without_a_quadratic_step() -> None:
    names = [f"column {position}" for position in range(10_000)]
    contract = Contract(name="wide", columns=tuple(Column(name=name, type="number") for name in names))
    checked = check_table(contract, pa.table({name: [1.0, float("inf")] for name in names}))
    assert checked.rows.tolist() == [0]
    assert len(checked.set_aside) == 10_000
    assert checked.batch.matrix(names).sum() == 10_000
