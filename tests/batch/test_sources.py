"""Files of applications as they really arrive (R4): each works, or says what is wrong, where, and the mend."""

from __future__ import annotations

import datetime as dt
import hashlib
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadworthy.batch import open_sink, open_table
from roadworthy.batch.sources import DELIMITERS, excel_file
from roadworthy.errors import DataError


def csv(path: Path, content: bytes | str) -> Path:
    file = path / "loans.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    file = path / "loans.xlsx"
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for position, row in enumerate(rows):
                sheet.write_row(position, 0, row)
    return file


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_found_even_where_values_hold_another(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ["name", "income", "note"],
        ["Ana", '"1,5"', '"a;b"'],
        ["Ben", '"2,5"', '"c|d"'],
        ["Eve", '"3,5"', '"e\tf"'],
    ]
    source = open_table(csv(tmp_path, "\n".join(delimiter.join(row) for row in rows) + "\n"))
    assert source.columns == ["name", "income", "note"]
    assert source.read().column("income").to_pylist() == ["1,5", "2,5", "3,5"]


def test_decimal_commas_in_a_semicolon_file_do_not_mislead_the_delimiter(tmp_path: Path) -> None:
    source = open_table(csv(tmp_path, "a;b\n1,5;2,5\n3,5;4,5\n"))
    assert source.read().to_pydict() == {"a": ["1,5", "3,5"], "b": ["2,5", "4,5"]}


def test_a_byte_order_mark_windows_ends_quoted_newlines_and_unicode_names_are_understood(tmp_path: Path) -> None:
    source = open_table(csv(tmp_path, '\ufeffÅlder,"monthly income"\r\n31,"1\r\n2"\r\n45,\r\n'.encode()))
    assert source.columns == ["Ålder", "monthly income"]
    assert source.read().to_pydict() == {"Ålder": ["31", "45"], "monthly income": ["1\r\n2", None]}
    assert source.notes == ()


def test_a_file_of_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert open_table(csv(tmp_path, "age\n31\n45\n")).read().to_pydict() == {"age": ["31", "45"]}


def test_old_encodings_are_read_and_said(tmp_path: Path) -> None:
    source = open_table(csv(tmp_path, "name,x\nJosé,1\nMüller – €,2\n".encode("cp1252")))
    assert source.read().column("name").to_pylist() == ["José", "Müller – €"]
    assert "read as cp1252" in source.notes[0]
    assert "byte 0xe9 on line 2" in source.notes[0]
    source = open_table(csv(tmp_path, "name,x\nJos\xe9\x81,1\n".encode("latin-1")))
    assert source.read().column("name").to_pylist() == ["José\x81"]
    assert "latin-1" in source.notes[0]
    source = open_table(csv(tmp_path, "name,x\nJosé,1\n".encode("utf-16")))
    assert source.read().to_pydict() == {"name": ["José"], "x": ["1"]}


def test_the_first_bad_byte_is_placed_beyond_the_first_block(tmp_path: Path) -> None:
    source = open_table(csv(tmp_path, b"name,x\n" + b"Ana,1\n" * 300_000 + b"Jos\xe9,2\n"))
    assert "line 300002" in source.notes[0]


def test_a_ragged_row_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    file = csv(tmp_path, 'a,b\n1,"x\ny"\n2\n3,4\n')
    with pytest.raises(DataError) as caught:
        open_table(file).read()
    assert str(caught.value).startswith(f"{file}, line 4: 1 value where the header names 2 columns\n")
    with pytest.raises(DataError, match=r"line 3: 3 values where the header names 2 columns\n"):
        open_table(csv(tmp_path, "a,b\n1,2\n3,4,5\n6,7\n")).read()


def test_half_a_csv_says_that_it_was_cut_off(tmp_path: Path) -> None:
    whole = "id,amount,note\n" + "".join(f"{i},{i * 100},ok\n" for i in range(5000))
    with pytest.raises(DataError) as caught:
        open_table(csv(tmp_path, whole[: whole.index("4321,432100") + 8])).read()
    assert "line 4323" in str(caught.value)
    assert "cut off" in str(caught.value.mend)
    assert "may be short" in open_table(csv(tmp_path, whole[: whole.index("432100") + 6])).notes[0]


def test_half_a_utf_16_file_says_so_and_not_a_traceback(tmp_path: Path) -> None:
    whole = ("name,x\n" + "Ana,1\n" * 5000).encode("utf-16")
    with pytest.raises(DataError):
        open_table(csv(tmp_path, whole[: len(whole) // 2 - 3])).read()


def test_a_quote_that_never_ends_does_not_swallow_the_rest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3: a quoted value that begins here never ends"):
        open_table(csv(tmp_path, 'a,b\n1,2\n3,"four\n5,6\n7,8\n'))
    assert open_table(csv(tmp_path, 'a,b\n1,5" pipe\n')).read().column("b").to_pylist() == ['5" pipe']


def test_blank_lines_are_not_rows(tmp_path: Path) -> None:
    assert open_table(csv(tmp_path, "a,b\n\n1,2\n   \n3,4\n\n")).read().to_pydict() == {
        "a": ["1", "3"],
        "b": ["2", "4"],
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\r\n  \n", "only empty lines"),
        (b"a,b\n", "a header and no rows"),
        (b"a,b", "a header and no rows"),
        (b"1,2\n3,4\n", "no column names"),
        (b"a,b,a\n1,2,3\n", "'a' in columns 1, 3"),
        (b"name,x\nAna,1\nJos\xc3", "ends in the middle of a letter"),
        (b"\x00\x01\x02\x03", "neither CSV, Parquet nor a spreadsheet"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"{\\rtf1 Dear all}", "is a text document"),
        (b"Dear all", "holds one line, 'Dear all', and no table"),
        (b"\x1f\x8b\x08", "gzip"),
        (b'[{"a": 1}]', "JSON"),
        (b"<html><table>", "web page"),
        (b"\x80\x04\x95", "pickle"),
        (b"PAR1 and no more", "its end is missing"),
        (b"PAR1 and so on PAR1", "damaged Parquet"),
        (b"PK\x03\x04 and no more", "cannot be read as a spreadsheet"),
        (b"\xd0\xcf\x11\xe0 and no more", "cannot be read as a spreadsheet"),
    ],
)
def test_what_is_no_table_says_so(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        open_table(csv(tmp_path, content))
    assert str(tmp_path / "loans.csv") in str(caught.value)


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n")
    with pytest.raises(DataError) as caught:
        open_table(tmp_path / "laons.csv")
    assert caught.value.mend == "did you mean loans.csv?"
    with pytest.raises(DataError, match="nor its directory"):
        open_table(tmp_path / "nowhere" / "loans.csv")
    with pytest.raises(DataError, match="is a directory") as caught:
        open_table(tmp_path)
    assert caught.value.available == ["loans.csv"]


def test_unnamed_columns_get_a_name_and_a_note(tmp_path: Path) -> None:
    source = open_table(csv(tmp_path, ",age, income \n0,31,5\n"))
    assert source.columns == ["unnamed_1", "age", "income"]
    assert "column 1 of the header has no name" in source.notes[0]


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    names = [f"column number {i}" for i in range(10_000)]
    line = ",".join(map(str, range(10_000)))
    table = open_table(csv(tmp_path, ",".join(names) + "\n" + f"{line}\n" * 20)).read()
    assert (table.num_rows, table.num_columns) == (20, 10_000)
    assert table.column("column number 9999")[19].as_py() == "9999"


def test_the_content_decides_the_format_and_not_the_name(tmp_path: Path) -> None:
    table = pa.table({"age": [31, 45], "when": pa.array([dt.datetime(2020, 1, 2)] * 2, pa.timestamp("ms"))})  # noqa: DTZ001 files know no zones
    pq.write_table(table, tmp_path / "loans.csv")
    source = open_table(tmp_path / "loans.csv")
    assert (source.format, source.rows) == ("parquet", 2)
    assert source.read().equals(table)


def test_parquet_cut_in_half_or_without_rows_says_so(tmp_path: Path) -> None:
    file = tmp_path / "loans.parquet"
    pq.write_table(pa.table({"x": list(range(10_000))}), file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="its end is missing"):
        open_table(file)
    pq.write_table(pa.table({"x": pa.array([], pa.int64())}), file)
    with pytest.raises(DataError, match="columns and no rows"):
        open_table(file)
    pq.write_table(pa.table([[1], [2]], names=["x", "x"]), file)
    with pytest.raises(DataError, match="two columns of one name"):
        open_table(file)


def test_a_damaged_page_inside_parquet_says_so_and_not_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "loans.parquet"
    pq.write_table(pa.table({"x": [f"value {i}" for i in range(50_000)]}), file, compression="zstd")
    content = bytearray(file.read_bytes())
    content[2000:6000] = bytes(4000)
    file.write_bytes(content)
    with pytest.raises(DataError, match="damaged Parquet"):
        open_table(file).read()


def test_a_spreadsheet_keeps_kinds_and_mixed_columns_become_text(tmp_path: Path) -> None:
    file = workbook(
        tmp_path,
        {
            "Loans": [
                ["id", "rate", "opened", "code", "new"],
                [1, 1.5, dt.date(2020, 1, 2), "A7", True],
                [],
                [3, None, dt.date(2021, 3, 4), 7, False],
            ],
            "Notes": [["x"], [1]],
        },
    )
    source = open_table(file)
    assert source.read().to_pydict() == {
        "id": [1, 3],
        "rate": [1.5, None],
        "opened": [dt.datetime(2020, 1, 2), dt.datetime(2021, 3, 4)],  # noqa: DTZ001 sheets know no zones
        "code": ["A7", "7"],
        "new": [True, False],
    }
    assert source.notes == ("read sheet 'Loans' of Loans, Notes",)
    assert open_table(file, sheet="Notes").read().to_pydict() == {"x": [1]}
    with pytest.raises(DataError, match="no sheet 'Lones'"):
        open_table(file, sheet="Lones")


def test_an_open_document_sheet_is_read(tmp_path: Path) -> None:
    cell = '<table:table-cell office:value-type="{}" {}><text:p>{}</text:p></table:table-cell>'
    names = "".join(cell.format("string", "", name) for name in ("age", "region"))
    values = cell.format("float", 'office:value="31"', "31") + cell.format("string", "", "N")
    content = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="Loans"><table:table-row>{names}</table:table-row>'
        f"<table:table-row>{values}</table:table-row></table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "loans.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest/>')
    assert open_table(tmp_path / "loans.ods").read().to_pydict() == {"age": [31], "region": ["N"]}


def test_an_empty_sheet_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="sheet 'A' is empty"):
        open_table(workbook(tmp_path, {"A": []}))
    with pytest.raises(DataError, match="a header and no rows"):
        open_table(workbook(tmp_path, {"A": [["x", "y"]]}))
    with pytest.raises(DataError, match="one cell on the sheet 'A', 'Report of March', and no table"):
        open_table(workbook(tmp_path, {"A": [["Report of March"]]}))
    with pytest.raises(DataError, match="holds one cell, 'Cover', and no table") as caught:
        open_table(workbook(tmp_path, {"A": [["Cover"]], "B": [["x", "y"], [1, 2]]}))
    assert str(caught.value.mend).endswith("on the first sheet")


def test_batches_have_the_rows_asked_for_and_join_to_the_whole(tmp_path: Path) -> None:
    lines = "".join(f"{i},v{i}\n" for i in range(1000))
    file = csv(tmp_path, "a,b\n" + lines)
    pq.write_table(pa.table({"a": list(range(1000))}), tmp_path / "loans.parquet", row_group_size=130)
    for source in (open_table(file), open_table(tmp_path / "loans.parquet")):
        tables = list(source.batches(rows=300))
        assert [table.num_rows for table in tables] == [300, 300, 300, 100]
        assert pa.concat_tables(tables).equals(source.read())
    with pytest.raises(DataError, match="at least one row"):
        open_table(file).batches(rows=0)


def test_streaming_a_csv_keeps_memory_flat_whatever_its_size(tmp_path: Path) -> None:
    source = open_table(csv(tmp_path, "a,b,c\n" + "123456789,some text,2020-01-01\n" * 3_000_000))
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    held = [(table.num_rows, pa.total_allocated_bytes() - before) for table in source.batches()]
    python = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(rows for rows, _ in held) == 3_000_000
    assert max(arrow for _, arrow in held) < 64 << 20 < source.path.stat().st_size
    assert python < 1 << 20


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("before", [",,\n", "\n", "\n,,\n \n", ",\r\n,,,,\r\n", '"\n",,\n'])
def test_lines_of_nothing_before_the_header_are_no_rows(tmp_path: Path, before: str, mark: str) -> None:
    source = open_table(csv(tmp_path, f"{mark}{before}a,b,c\n1,2,3\n4,5,6\n"))
    assert source.read().to_pydict() == {"a": ["1", "4"], "b": ["2", "5"], "c": ["3", "6"]}


def test_the_digest_is_the_files_own(tmp_path: Path) -> None:
    file = csv(tmp_path, "a,b\n1,2\n")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "loans.parquet")
    for path in (file, tmp_path / "loans.parquet"):
        assert open_table(path).digest == hashlib.sha256(path.read_bytes()).hexdigest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=50
    )
)
def test_what_a_sink_writes_a_source_reads_back(tmp_path: Path, texts: list[str]) -> None:
    table = pa.table({"text": texts, "other": ["x"] * len(texts)})
    with open_sink(tmp_path / "out.csv") as sink:
        sink.write(table)
    assert open_table(tmp_path / "out.csv", delimiter=",").read().equals(table)


def test_real_files_are_read_whole(shared_data: Path) -> None:
    for name, rows, columns in [
        ("german_credit.csv", 1000, 21),
        ("hmeq.csv", 5960, 13),
        ("sba_30k_balanced.parquet", 30_000, 28),
        ("taiwan_default.parquet", 30_000, 25),
    ]:
        table = open_table(shared_data / name).read()
        assert (table.num_rows, table.num_columns) == (rows, columns)


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel_file, "LARGEST_UNPACKED", 1_000_000)
    file = tmp_path / "loans.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 5_000_000)
    with pytest.raises(DataError, match="unpacks to 5,000,000 bytes"):
        open_table(file)
