"""What a person should know about the data is said, with its figures and the mend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from roadworthy.batch import open_table
from roadworthy.contract import check_table, infer_contract, profile_columns
from roadworthy.pipeline.findings import (
    find_constants,
    find_duplicates,
    find_identifiers,
    find_imbalance,
    find_later_dates,
    find_set_aside,
    find_unread_text,
)

ROWS = 200
RNG = np.random.default_rng(3)


def test_identifiers_are_told_from_amounts() -> None:
    facts = profile_columns(
        pa.table(
            {
                "row": np.arange(ROWS) + 1001,
                "LoanNr_ChkDgt": RNG.permutation(10**6)[:ROWS].astype(float),
                "customerId": [f"C{i}" for i in RNG.permutation(10**6)[:ROWS]],
                "amount": RNG.permutation(10**6)[:ROWS],
                "rate": RNG.random(ROWS),
                "region": RNG.choice(["N", "S"], ROWS),
                "paid": np.arange(ROWS) * 7,
            }
        )
    )
    found = find_identifiers(facts, ROWS, id_stated=False)
    assert [finding.columns for finding in found] == [("row",), ("LoanNr_ChkDgt",), ("customerId",)]
    assert found[0].sentence == "row looks like an identifier: 200 different values in 200 rows"
    assert found[0].mend.endswith("--id row uses it as the id")
    assert find_identifiers(profile_columns(pa.table({"id": [1, 2, 3]})), 3, id_stated=False) == []


def test_constants_are_named_together() -> None:
    table = pa.table({"a": [1] * 3, "b": pa.nulls(3), "c": ["x"] * 3, "d": [1, None, 1], "e": [1, 2, 1]})
    (found,) = find_constants(profile_columns(table))
    assert found.columns == ("a", "b", "c")
    assert found.mend == "nothing can be learned from it: --drop a,b,c"


def test_text_that_no_model_reads_is_named() -> None:
    city = [f"city {i % 150}" for i in range(ROWS)]
    (found,) = find_unread_text(profile_columns(pa.table({"city": city, "region": ["N", "S"] * 100})), ROWS)
    assert found.columns == ("city",)


def test_repeated_rows_are_counted_with_their_outcome() -> None:
    table = pa.table({"a": [1, 1, 1, 2], "b": ["x", "x", "x", None]})
    (found,) = find_duplicates(table, np.array([0.0, 0.0, 1.0, np.nan]))
    assert found.figures == {"repeated": 1, "rows": 4}
    assert find_duplicates(table.slice(2), np.array([0.0, 0.0])) == []


@pytest.mark.parametrize("name", ["outcome of this row", "outcome", "0", "1"])
def test_repeated_rows_are_found_whatever_a_column_is_called(name: str) -> None:
    (found,) = find_duplicates(pa.table({name: [1, 1, 2]}), np.array([0.0, 0.0, 1.0]))
    assert found.figures == {"repeated": 1, "rows": 3}


@pytest.mark.parametrize(
    ("file", "left_out", "repeated"),
    [("taiwan_default.parquet", ["ID"], 35), ("give_me_some_credit.parquet", ["id"], 609)],
)
def test_repeated_rows_of_real_files_are_as_published(
    shared_data: Path, file: str, left_out: list[str], repeated: int
) -> None:
    table = open_table(shared_data / file).read().drop_columns(left_out)
    (found,) = find_duplicates(table, np.zeros(table.num_rows))
    assert found.figures["repeated"] == repeated


def test_rare_common_and_few_bads_are_said() -> None:
    rare = (np.arange(10_000) < 100).astype(float)
    (found,) = find_imbalance(rare, 0.01, weighted=False)
    assert "1.0% of outcomes are bad: always saying good would be right 99.0%" in found.sentence
    half = (np.arange(1000) < 500).astype(float)
    (found,) = find_imbalance(half, 0.5, weighted=False)
    assert "--weight COL" in found.mend
    assert find_imbalance(half, 0.5, weighted=True) == []
    (found,) = find_imbalance((np.arange(200) < 20).astype(float), 0.1, weighted=False)
    assert "only 20 bad outcomes" in found.sentence


def test_dates_after_the_decision_are_named() -> None:
    decided = np.array(["2024-01-01", "2024-02-01", "2024-03-01", "NaT"], dtype="datetime64[D]")
    dates = {"paid_out": decided + 30, "born": decided - 9000, "never": np.full(4, np.datetime64("NaT", "D"))}
    (found,) = find_later_dates(dates, decided, "applied")
    assert found.columns == ("paid_out",)
    assert found.sentence == "paid_out lies after applied in 100.0% of rows: it was not known then"


def test_rows_that_break_the_contract_are_counted_and_the_first_is_placed() -> None:
    table = pa.table({"age": [str(20 + i) for i in range(99)] + ["old"]})
    checked = check_table(infer_contract(table, name="loans"), table)
    (found,) = find_set_aside(checked.set_aside, 100)
    assert found.sentence.startswith("1 of 100 rows break the contract and are set aside; the first: $.inputs.age")
    assert found.sentence.endswith("(row 100)")
