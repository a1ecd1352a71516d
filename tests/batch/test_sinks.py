"""Results are there whole or not at all, and no spreadsheet runs what an applicant typed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roadworthy.batch import open_sink, open_table
from roadworthy.errors import DataError, UsageError
from roadworthy.yaml_file import write_text

TABLE = pa.table({"id": ["a", "b"], "pd": [0.1, -0.25], "n": [1, None]})


def write(path: Path, *steps: pa.Table | type[BaseException]) -> None:
    """Write the tables in turn; an exception among them strikes there."""
    with open_sink(path) as sink:
        for step in steps:
            if isinstance(step, type):
                raise step
            sink.write(step)


def test_csv_neutralises_text_and_leaves_numbers_alone(tmp_path: Path) -> None:
    risky = ["=1+1", "+cmd", "-x", "@SUM(A1)", "\tx", "\rx", "'=1", "-5", "+49,5", "plain", None]
    with open_sink(tmp_path / "out.csv") as sink:
        sink.write(pa.table({"=name": risky, "pd": [-0.5] * len(risky)}))
    lines = (tmp_path / "out.csv").read_bytes().decode().split("\n")
    assert lines[0] == '"\'=name","pd"'
    cells = [line.rsplit(",", 1)[0] for line in lines[1:-1]]
    assert cells == [
        *('"\'=1+1"', '"\'+cmd"', '"\'-x"', '"\'@SUM(A1)"', '"\'\tx"', '"\'\rx"', "\"''=1\""),
        *('"-5"', '"+49,5"', '"plain"', ""),
    ]
    assert all(line.endswith(",-0.5") for line in lines[1:-1])


def test_csv_writes_times_as_iso_in_utc_and_missing_as_nothing(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 11, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    table = pa.table(
        {
            "at": pa.array([moment, None], pa.timestamp("us", "+01:00")),
            "local": pa.array([dt.datetime(2026, 11, 1)] * 2, pa.timestamp("s")),  # noqa: DTZ001 a column without zone
            "day": [dt.date(2026, 11, 1)] * 2,
            "kind": pa.array(["=a", None]).dictionary_encode(),
            "yes": [True, False],
        }
    )
    with open_sink(tmp_path / "out.csv") as sink:
        sink.write(table)
    assert (tmp_path / "out.csv").read_text().splitlines()[1:] == [
        '"2026-11-01T08:00:00.000000Z","2026-11-01T00:00:00","2026-11-01","\'=a",true',
        ',"2026-11-01T00:00:00","2026-11-01",,false',
    ]


def test_parquet_round_trips_in_many_writes(tmp_path: Path) -> None:
    with open_sink(tmp_path / "out.parquet") as sink:
        sink.write(TABLE)
        sink.write(TABLE)
        assert sink.rows == 4
    assert pq.read_table(tmp_path / "out.parquet").equals(pa.concat_tables([TABLE, TABLE]).combine_chunks())


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("interrupt", [RuntimeError, KeyboardInterrupt])
def test_nothing_half_written_is_left_and_the_old_file_stays(
    tmp_path: Path, name: str, interrupt: type[BaseException]
) -> None:
    (tmp_path / name).write_text("the old file")
    with pytest.raises(interrupt):
        write(tmp_path / name, TABLE, interrupt)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "the old file"


def test_a_sink_is_as_readable_as_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("x")
    with open_sink(tmp_path / "out.csv") as sink:
        sink.write(TABLE)
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_text_is_as_readable_as_any_new_file_and_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("x")
    write_text(tmp_path / "policy.yaml", "name: loans\n")
    assert (tmp_path / "policy.yaml").stat().st_mode == (tmp_path / "other").stat().st_mode
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "policy.yaml", "half \ud800")
    assert (tmp_path / "policy.yaml").read_text() == "name: loans\n"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["other", "policy.yaml"]


def test_a_workbook_holds_text_as_text_and_times_in_utc(tmp_path: Path) -> None:
    """What a spreadsheet would run were it edited is marked as text for good (R5)."""
    moment = dt.datetime(2026, 11, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    table = pa.table(
        {
            "name": ["=1+1", "Ana", "Bo"],
            "pd": [0.25, -1.5, float("nan")],
            "yes": [True, False, None],
            "at": pa.array([moment, None, None], pa.timestamp("us", "UTC")),
        }
    )
    path = tmp_path / "out.xlsx"
    write(path, table.slice(0, 2), table.slice(2))
    assert open_table(path).read().to_pydict() == {
        "name": ["=1+1", "Ana", "Bo"],
        "pd": [0.25, -1.5, None],
        "yes": [True, False, None],
        "at": [dt.datetime(2026, 11, 1, 8), None, None],  # noqa: DTZ001 a sheet knows no zones
    }
    with ZipFile(path) as inside:
        assert b'quotePrefix="1"' in inside.read("xl/styles.xml")
        assert b"<f>" not in inside.read("xl/worksheets/sheet1.xml")


def test_wrong_uses_name_the_mend(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv, \.parquet or \.xlsx"):
        open_sink(tmp_path / "out.ods")
    with pytest.raises(UsageError, match="is a directory"), open_sink(tmp_path, format="csv"):
        pass
    with pytest.raises(UsageError, match="mkdir -p"), open_sink(tmp_path / "no" / "out.csv"):
        pass
    with pytest.raises(DataError, match="columns changed"):
        write(tmp_path / "out.csv", TABLE, TABLE.drop_columns(["n"]))
    with pytest.raises(DataError, match="which csv cannot"):
        write(tmp_path / "out.csv", pa.table({"x": [[1, 2]]}))
    with pytest.raises(DataError, match="nothing was written"):
        write(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []
