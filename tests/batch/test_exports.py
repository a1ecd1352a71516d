"""What somebody typed runs in no spreadsheet, numbers stay numbers, and our own export reads back as it was (R5)."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from roadworthy.batch import open_sink, open_table
from roadworthy.errors import DataError

RUNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What a formula begins with, or what is passed over before one; the last four as East Asian keyboards type them."""
NUMBER = re.compile(r"[+-]?[0-9.][0-9.,]*([eE][+-]?[0-9]+)?")
SIGNS = st.characters(codec="utf-8", exclude_characters="\0")
TEXTS = st.text(SIGNS, max_size=8) | st.builds(
    str.__add__, st.text("=+-@\t\r\n'\"，,; 0123456789.e_xX＝＋－＠\ufeff", max_size=6), st.text(SIGNS, max_size=4)
)
NUMBERS = st.none() | st.floats(-1e300, 1e300, allow_subnormal=False)
ROWS = st.lists(st.tuples(st.none() | TEXTS, NUMBERS), min_size=1, max_size=20)
Rows = list[tuple[str | None, float | None]]
BOUNDED = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(path: Path, rows: Sequence[tuple[str | None, float | None]]) -> None:
    """The rows, beside a column that is never empty: a line of nothing is none."""
    table = pa.table(
        {
            "text": pa.array([text for text, _ in rows], pa.string()),
            "number": pa.array([number for _, number in rows], pa.float64()),
            "row": pa.array(range(len(rows)), pa.int64()),
        }
    )
    with open_sink(path) as sink:
        sink.write(table)


@BOUNDED
@given(rows=ROWS)
@example(rows=[("=1+1", -1.5), ("'=1", -0.0), ("-5\n", 1e300), ("\ufeff=1", None), ("", 5e-300), ("'", 1.0)])
def test_a_csv_of_ours_runs_nothing_and_reads_back_as_it_was(tmp_path: Path, rows: Rows) -> None:
    path = tmp_path / "out.csv"
    write(path, rows)
    for text, number, _ in list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))[1:]:
        assert not text.startswith(tuple(RUNS)) or NUMBER.fullmatch(text), "it would run"
        assert not number or repr(float(number)) == number or float(number) == float(repr(float(number)))
    read = open_table(path, delimiter=",").read()
    assert read["text"].to_pylist() == [text or None for text, _ in rows], "nothing is missing, in a CSV"
    assert [None if cell is None else float(cell) for cell in read["number"].to_pylist()] == [n for _, n in rows]


@BOUNDED
@given(rows=ROWS)
@example(rows=[("=1+1", -1.5), ("_x0041_", 1.0), ("a\r\nb", 1.0), ("\x01\x1f", 2.0)])
@example(rows=[("_x000d_", None), (" ' ", None), ("http://a", None), ("{=1}", None), ("1e5", None), ("TRUE", None)])
def test_a_workbook_of_ours_runs_nothing_and_reads_back_as_it_was(tmp_path: Path, rows: Rows) -> None:
    path = tmp_path / "out.xlsx"
    rows = [(text and text.translate({0xFFFE: "?", 0xFFFF: "?"}), number) for text, number in rows]  # XML has neither
    write(path, rows)
    with ZipFile(path) as inside:
        sheet = inside.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert not [name for name in inside.namelist() if "external" in name.lower()]
    read = open_table(path).read()
    blank = {text for text, _ in rows if text is not None and not text.strip()}
    assert read["text"].to_pylist() == [None if text in blank else text for text, _ in rows], "blanks are missing"
    for cell, (_, number) in zip(read["number"].cast(pa.float64()).to_pylist(), rows, strict=True):
        assert cell == number if number is None else math.isclose(cell, number, rel_tol=1e-15)  # a cell has 16 digits


@BOUNDED
@given(name=TEXTS.filter(str.strip))
def test_a_column_that_is_called_like_a_formula_is_called_so_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.csv"
    with open_sink(path) as sink:
        sink.write(pa.table({name: ["x"], "other": ["y"]}))
    head = next(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))[0]
    assert not head.startswith(tuple(RUNS)) or NUMBER.fullmatch(head)
    assert open_table(path, delimiter=",").columns[0] == name.strip().removeprefix("\ufeff")


def test_a_text_that_no_cell_holds_is_refused_and_never_dropped(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="32,767") as caught:
        write(tmp_path / "out.xlsx", [("x" * 32_768, 1.0)])
    assert caught.value.mend == "write Parquet or CSV"
    write(tmp_path / "out.xlsx", [("x" * 32_767, 1.0)])
    assert open_table(tmp_path / "out.xlsx").read()["text"].to_pylist() == ["x" * 32_767]
