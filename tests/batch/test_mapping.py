"""Files with columns of their own names map to one contract (R4)."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from roadworthy.batch import SourceMapping, absent_inputs, map_columns, open_source, read_sources, sources_yaml
from roadworthy.contract import Column, Contract
from roadworthy.errors import DataError, ProductError

CONTRACT = Contract(
    name="loans",
    columns=(
        Column(name="income", type="number"),
        Column(name="region", type="category", allowed=("N",), missing=True),
    ),
)


def mapping(**fields: object) -> SourceMapping:
    return SourceMapping(**{"file": "loans.csv", "format": "csv", **fields})  # type: ignore[arg-type] # mixed fields


def test_columns_take_the_contracts_names_and_others_are_left_behind() -> None:
    table = pa.table(
        {"Branch": ["B"], "Net income": ["1200"], "Reg": ["N"], "No": ["A1"], "applied_at": ["2026-01-31"]}
    )
    mapped = map_columns(
        table, mapping(application_id="No", columns={"income": "Net income", "region": "Reg"}), CONTRACT
    )
    assert mapped.to_pydict() == {
        "application_id": ["A1"],
        "applied_at": ["2026-01-31"],
        "income": ["1200"],
        "region": ["N"],
    }


def test_a_column_that_may_be_missing_may_be_absent_and_no_other() -> None:
    assert map_columns(pa.table({"income": [1]}), mapping(), CONTRACT).column_names == ["income"]
    with pytest.raises(DataError, match="no column 'income'") as caught:
        map_columns(pa.table({"Income": [1], "age": [2]}), mapping(), CONTRACT)
    assert caught.value.available == ["Income", "age"]
    assert "under columns: {income: ...}" in str(caught.value.mend)
    with pytest.raises(DataError, match="no column 'Reg'"):
        map_columns(pa.table({"income": [1]}), mapping(columns={"region": "Reg"}), CONTRACT)
    with pytest.raises(DataError, match="no column 'Nr'") as caught:
        map_columns(pa.table({"income": [1]}), mapping(application_id="Nr"), CONTRACT)
    assert str(caught.value.mend).endswith("under application_id")


def test_a_mapped_name_that_is_no_column_of_the_contract_is_a_fault_with_the_nearest() -> None:
    with pytest.raises(DataError, match="columns names 'incone', which is no column of the contract") as caught:
        map_columns(pa.table({"income": [1], "Net": [2]}), mapping(columns={"incone": "Net"}), CONTRACT)
    assert caught.value.available == ["income", "region"]


def test_inputs_that_a_file_lacks_altogether_are_told(tmp_path: Path) -> None:
    (tmp_path / "loans.csv").write_text("income,Reg\n1,N\n")
    source = open_source(mapping(), tmp_path)
    assert absent_inputs(source, mapping(), CONTRACT) == ("region",)
    assert absent_inputs(source, mapping(columns={"region": "Reg"}), CONTRACT) == ()


def test_sources_survive_the_file(tmp_path: Path) -> None:
    sources = {
        "past_applications": mapping(application_id="No", columns={"income": "Net income: EUR", "región": "1"}),
        "new": mapping(format="excel", sheet="Loans", file="../new.xlsx"),
    }
    (tmp_path / "sources.yaml").write_text(sources_yaml(sources), encoding="utf-8")
    assert read_sources(tmp_path / "sources.yaml") == sources


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("past_applications:\n  file: loans.csv\n  format: cvs\n", "line 3: invalid enum value 'cvs'"),
        ("past_applications:\n  file: a\n  format: csv\nnew:\n  format: csv\n", "line 4: .*`file`"),
        ("past_applications:\n  file: a\n  format: csv\n  id: x\n", "unknown field `id`"),
        ("new loans:\n  file: a\n", "line 1: a source's name is one word, not 'new loans'"),
        ("- file\n", "names no source"),
    ],
)
def test_faults_in_sources_are_named_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "sources.yaml").write_text(text)
    with pytest.raises(ProductError, match=says):
        read_sources(tmp_path / "sources.yaml")


def test_a_source_of_another_format_than_stated_is_the_wrong_file(tmp_path: Path) -> None:
    (tmp_path / "loans.csv").write_text("income\n1\n")
    assert open_source(mapping(), tmp_path).read().to_pydict() == {"income": ["1"]}
    with pytest.raises(DataError, match=r"is csv, and sources.yaml says parquet"):
        open_source(mapping(format="parquet"), tmp_path)
