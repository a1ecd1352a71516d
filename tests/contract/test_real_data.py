"""Real credit data keeps to the contract guessed from it, row by row and as a table (R4, R5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadworthy.contract import Batch, check_body, check_table, contract_yaml, infer_contract, read_contract

FILES = (
    "german_credit.csv",
    "hmeq.csv",
    "taiwan_default.parquet",
    "give_me_some_credit.parquet",
    "sba_30k_balanced.parquet",
    "lc_2007_2011_40k_nodate.parquet",
    "lc_sample_2007_2018_2k.parquet",
    "vub_credit_scoring.parquet",
)


def read(path: Path) -> pa.Table:
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False).to_arrow()
    return pq.read_table(path).slice(0, 30_000)


@pytest.mark.parametrize("name", FILES)
def test_a_real_table_keeps_to_its_own_contract(shared_data: Path, tmp_path: Path, name: str) -> None:
    table = read(shared_data / name)
    contract = infer_contract(table, name="real")
    path = tmp_path / "contract.yaml"
    path.write_text(contract_yaml(contract), encoding="utf-8")
    assert read_contract(path) == contract
    checked = check_table(contract, table)
    assert checked.set_aside.violations() == []
    if name.endswith(".parquet"):
        same_one_by_one(checked.batch, table)


def same_one_by_one(batch: Batch, table: pa.Table) -> None:
    for row in np.linspace(0, len(batch) - 1, 20).astype(int):
        sent: dict[str, Any] = {column: table.column(column)[int(row)].as_py() for column in table.column_names}
        numeric_text = {
            column.name
            for column in batch.contract.columns
            if column.type in ("number", "integer") and isinstance(sent[column.name], str)
        }
        # Only a table reads numbers in text; a caller sends them as numbers.
        for column in numeric_text:
            sent[column] = float(str(sent[column]).rstrip("%"))
        alone = check_body(batch.contract, {"inputs": sent})
        assert isinstance(alone, Batch)
        for column in batch.columns:
            here, there = alone.columns[column], batch.columns[column][[row]]
            assert np.array_equal(here, there, equal_nan=here.dtype.kind in "fM"), column


def test_the_known_faults_of_a_dirty_table_are_set_aside_and_counted(shared_data: Path) -> None:
    """In this file, 12 rows have their columns shifted, which puts a word where the income stands."""
    table = pq.read_table(shared_data / "pakdd2009.parquet")
    contract = infer_contract(table, name="pakdd")
    checked = check_table(contract, table)
    assert len(checked.set_aside.rows) == 12
    assert {line.path for line in checked.set_aside.violations()} == {"$.inputs.PERSONAL_NET_INCOME"}
    assert contract["PERSONAL_NET_INCOME"].description == "12 values in the data are not of this type."
    assert len(checked.batch) == 39_988
