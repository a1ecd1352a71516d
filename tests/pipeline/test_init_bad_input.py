"""Bad input: it works or says the mend, and nothing half-written is left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xlsxwriter

from roadworthy.batch import open_sink
from roadworthy.contract import read_contract
from roadworthy.errors import DataError, PackageError, ProductError, RoadworthyError, UsageError
from roadworthy.pipeline import InitResult, init_product

GOOD_FILE = "age,region,default\n" + "".join(f"{20 + i % 50},{'NS'[i % 2]},{int(i % 5 == 0)}\n" for i in range(200))
ALL_DECLINED = "region,age,default\n" + "".join(f"N,{i},{i % 2}\n" for i in range(50))


def write(folder: Path, content: str | bytes, name: str = "loans.csv") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def init(data: Path, **flags: Any) -> InitResult:
    return init_product(data, out=data.parent / "product", **{"target": "default", **flags})


@pytest.mark.parametrize(
    ("content", "flags", "error", "says"),
    [
        ("", {}, DataError, "is empty"),
        ("age,default\n", {}, DataError, "a header and no rows"),
        (GOOD_FILE + "20,N", {}, DataError, "cut off"),
        (b"PAR1 and half a file", {}, DataError, "its end is missing"),
        (GOOD_FILE, {"target": "defualt"}, DataError, "mend: --target default"),
        (GOOD_FILE, {"id": "regoin"}, DataError, "mend: --id region"),
        (GOOD_FILE, {"drop": ["agge"]}, DataError, "mend: --drop age"),
        (GOOD_FILE, {"weight": "default"}, UsageError, "is the outcome and cannot be given as --weight"),
        (GOOD_FILE, {"drop": ["default"]}, UsageError, "is the outcome and cannot be given as --drop"),
        (GOOD_FILE, {"drop": ["age", "region"]}, DataError, "no column is left to decide by"),
        (GOOD_FILE, {"weight": "region"}, DataError, "are not numbers above zero"),
        (GOOD_FILE, {"bad": ["late"]}, DataError, "'late' never occurs in 'default'"),
        (GOOD_FILE, {"target": "age"}, DataError, "--bad VALUE"),
        (GOOD_FILE, {"outcome_date": "age"}, UsageError, "--booked-date COL"),
        (GOOD_FILE, {"booked_date": "region"}, DataError, "no date that can be read"),
        (GOOD_FILE, {"amount": "region"}, UsageError, "available: age"),
        (GOOD_FILE.replace(",1\n", ",0\n"), {}, DataError, "holds only one value"),
        (ALL_DECLINED, {"answer": "region", "declined": ["N"]}, DataError, "no outcome can be judged"),
        ("name,default\n" + "".join(f"name {i},{i % 2}\n" for i in range(99)), {}, DataError, "for a model to read"),
    ],
)
def test_what_cannot_work_says_the_mend_and_leaves_nothing(
    tmp_path: Path, content: str | bytes, flags: dict[str, Any], error: type[RoadworthyError], says: str
) -> None:
    data = write(tmp_path, content)
    with pytest.raises(error) as caught:
        init(data, **flags)
    assert says in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["loans.csv"]


def test_a_missing_file_answers_and_package_are_named(tmp_path: Path) -> None:
    data = write(tmp_path, GOOD_FILE)
    with pytest.raises(DataError, match=r"did you mean loans\.csv"):
        init(tmp_path / "laons.csv")
    with pytest.raises(ProductError, match="there is no such file"):
        init(data, answers=tmp_path / "answers.yaml")
    with pytest.raises(PackageError, match="there is no such file"):
        init(data, package=tmp_path / "mine.rw")
    assert [path.name for path in tmp_path.iterdir()] == ["loans.csv"]


def test_unknown_target_values_are_indeterminate_and_said(tmp_path: Path) -> None:
    result = init(write(tmp_path, GOOD_FILE.replace("33,", "33,N,N\n33,", 1)))
    assert result.counts["indeterminate"] == 1
    assert "neither bad nor good, so indeterminate: N (1 row)" in result.notes


def test_a_rough_file_works(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, semicolons, decimal commas, thousands, three forms of dates, Unicode."""
    draw = np.random.default_rng(5)
    lines = ["\ufeffÅlder;net income;Datum;birth;signed; región ;default"]
    for i in range(300):
        day, month = 1 + i % 28, 1 + i % 12
        income = f"{draw.integers(1, 9)}.{draw.integers(100, 999)},{draw.integers(10, 99)}"
        dates = f"2024-{month:02d}-{day:02d};{day:02d}.{month:02d}.1980;{month:02d}/{day:02d}/2024"
        lines.append(f"{20 + i % 40};{income};{dates};{'Köln' if i % 3 else 'Łódź'};{int(draw.random() < 0.3)}")
    result = init(write(tmp_path, "\r\n".join(lines) + "\r\n"))
    columns = {column.name: column for column in read_contract(result.directory / "contract.yaml").columns}
    assert {name: column.type for name, column in columns.items()} == {
        "Ålder": "integer",
        "net income": "number",
        "Datum": "date",
        "birth": "date",
        "signed": "date",
        "región": "category",
    }
    assert columns["net income"].decimal == ","
    assert (columns["birth"].format, columns["signed"].format) == ("%d.%m.%Y", "%m/%d/%Y")
    assert not [finding for finding in result.findings if finding.kind == "set_aside"]


def test_cells_of_the_wrong_kind_are_set_aside_and_not_lost(tmp_path: Path) -> None:
    result = init(write(tmp_path, GOOD_FILE.replace("\n25,", "\nunknown,", 1)))
    (found,) = [finding for finding in result.findings if finding.kind == "set_aside"]
    assert found.figures["set_aside"] == 1
    assert result.contract["age"].type == "integer"


def test_old_encodings_are_said(tmp_path: Path) -> None:
    result = init(write(tmp_path, GOOD_FILE.replace(",S,", ",Süd,").encode("cp1252")))
    assert result.contract["region"].allowed == ("N", "Süd")
    assert any("read as cp1252" in note for note in result.notes)


def test_ten_thousand_columns_work(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    columns = {f"column {i}": draw.integers(0, 9, 60) for i in range(10_000)}
    with open_sink(tmp_path / "loans.parquet") as sink:
        sink.write(pa.table({"default": (draw.random(60) < 0.3).astype(int), **columns}))
    result = init(tmp_path / "loans.parquet")
    assert len(result.contract.inputs) == 10_000


def test_a_spreadsheet_works(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "loans.xlsx") as book:
        sheet = book.add_worksheet("Loans")
        for position, line in enumerate(GOOD_FILE.splitlines()):
            sheet.write_row(position, 0, [int(cell) if cell.isdigit() else cell for cell in line.split(",")])
    result = init(tmp_path / "loans.xlsx")
    assert (result.counts["bad"], result.counts["good"]) == (40, 160)
    assert result.contract["age"].type == "integer"


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    data = write(tmp_path, GOOD_FILE)
    with pytest.raises(UsageError, match="cannot be written"):
        init_product(data, target="default", out=data / "product")
