"""`score`: a stream in, decisions out, what fails set aside and mendable (R5, R8, R29)."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from roadworthy.batch import SourceMapping, open_table, score
from roadworthy.decision import Release, decide
from roadworthy.errors import DataError
from roadworthy.testing import make_applications, make_release


@pytest.fixture(scope="module")
def release() -> Release:
    return make_release()


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, table: pa.Table) -> Path:
    pyarrow.csv.write_csv(table, path)
    return path


def applications(n: int, seed: int = 1) -> pa.Table:
    frame, _ = make_applications(n, seed=seed)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return table.add_column(0, "application_id", pa.array([f"A-{i}" for i in range(n)]))


def test_a_file_is_decided_as_its_rows_are(release: Release, tmp_path: Path) -> None:
    table = applications(500)
    pq.write_table(table, tmp_path / "in.parquet")
    scored = score(
        open_table(tmp_path / "in.parquet"), tmp_path / "out.parquet", release, set_aside=tmp_path / "aside.csv"
    )
    assert (scored.read, scored.decided, scored.set_aside) == (500, 500, 0)
    assert not (tmp_path / "aside.csv").exists()
    written = pq.read_table(tmp_path / "out.parquet")
    assert written["row"].to_pylist() == list(range(1, 501))
    assert written.drop_columns(["row"]).to_pylist() == decide(table, release).to_arrow().to_pylist()
    assert sum(scored.answers.values()) == 500


def test_csv_and_parquet_get_the_same_decisions(release: Release, tmp_path: Path) -> None:
    table = applications(300)
    pq.write_table(table, tmp_path / "in.parquet")
    write_csv(tmp_path / "in.csv", table)
    for name in ("in.parquet", "in.csv"):
        score(open_table(tmp_path / name), tmp_path / f"{name}.out.csv", release, set_aside=tmp_path / "aside.csv")
    assert (tmp_path / "in.parquet.out.csv").read_text() == (tmp_path / "in.csv.out.csv").read_text()


def test_a_bad_row_is_set_aside_with_its_rule_and_can_be_mended_and_sent_again(
    release: Release, tmp_path: Path
) -> None:
    table = applications(50)
    rows = [{name: str(value) if value is not None else "" for name, value in row.items()} for row in table.to_pylist()]
    numeric = next(column.name for column in release.package.contract.inputs if column.type == "number")
    right = rows[7][numeric]
    rows[7][numeric] = "a lot"
    with (tmp_path / "in.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=table.column_names)
        writer.writeheader()
        writer.writerows(rows)
    aside = tmp_path / "aside.csv"
    scored = score(open_table(tmp_path / "in.csv"), tmp_path / "out.csv", release, set_aside=aside)
    assert (scored.read, scored.decided, scored.set_aside) == (50, 49, 1)
    (kept,) = read_rows(aside)
    assert kept["set_aside_row"] == "8"
    assert kept["set_aside_because"].startswith(f"type at {numeric}: ")
    assert kept[numeric] == "a lot"

    aside.write_text(aside.read_text().replace("a lot", right))
    mended = score(open_table(aside), tmp_path / "mended.csv", release, set_aside=tmp_path / "aside2.csv")
    assert (mended.decided, mended.set_aside) == (1, 0)
    whole = decide(table, release).to_arrow().to_pylist()[7]
    (again,) = read_rows(tmp_path / "mended.csv")
    assert again["application_id"] == "A-7"
    assert again["answer"] == whole["answer"]
    assert float(again["pd"]) == whole["pd"]


def test_a_file_of_nothing_but_bad_rows_is_all_set_aside(release: Release, tmp_path: Path) -> None:
    table = applications(3)
    numeric = next(column.name for column in release.package.contract.inputs if column.type == "number")
    at = table.column_names.index(numeric)
    write_csv(tmp_path / "in.csv", table.set_column(at, numeric, pa.array(["x", "y", "z"])))
    scored = score(open_table(tmp_path / "in.csv"), tmp_path / "out.csv", release, set_aside=tmp_path / "aside.csv")
    assert (scored.decided, scored.set_aside) == (0, 3)
    assert (tmp_path / "out.csv").read_text().startswith('"row"')


def test_columns_of_other_names_are_mapped_and_a_lacking_one_is_named(release: Release, tmp_path: Path) -> None:
    table = applications(20)
    name = release.package.contract.inputs[0].name
    pq.write_table(table.rename_columns({name: "Other name"}), tmp_path / "in.parquet")
    source = open_table(tmp_path / "in.parquet")
    with pytest.raises(DataError, match="no column"):
        score(source, tmp_path / "out.csv", release, set_aside=tmp_path / "aside.csv")
    assert not (tmp_path / "out.csv").exists()
    mapping = SourceMapping(file="in.parquet", format="parquet", columns={name: "Other name"})
    scored = score(source, tmp_path / "out.csv", release, set_aside=tmp_path / "aside.csv", mapping=mapping)
    assert scored.decided == 20


def test_what_a_row_broke_is_said_of_the_files_own_column(release: Release, tmp_path: Path) -> None:
    table = applications(3)
    at = table.column_names.index("income")
    table = table.set_column(at, "Net income", pa.array(["1000", "much", "3000"]))
    write_csv(tmp_path / "in.csv", table)
    aside = tmp_path / "aside.csv"
    mapping = SourceMapping(file="in.csv", format="csv", columns={"income": "Net income"})
    score(open_table(tmp_path / "in.csv"), tmp_path / "out.csv", release, set_aside=aside, mapping=mapping)
    (kept,) = read_rows(aside)
    assert kept["set_aside_because"] == "type at Net income: is not a number"


def test_an_input_absent_from_the_file_is_allowed_by_name_and_said(release: Release, tmp_path: Path) -> None:
    pq.write_table(applications(20).drop_columns(["income", "housing"]), tmp_path / "in.parquet")
    source, out, aside = open_table(tmp_path / "in.parquet"), tmp_path / "out.csv", tmp_path / "aside.csv"
    with pytest.raises(DataError, match="has no column for the model's inputs: housing"):
        score(source, out, release, set_aside=aside, absent=["income"])
    assert not out.exists()
    scored = score(source, out, release, set_aside=aside, absent=["income", "housing"])
    assert scored.absent == ("income", "housing")
    assert scored.sentence().endswith("; decided without: income, housing (absent from the file)")


def test_an_interrupt_leaves_nothing_half_written(release: Release, tmp_path: Path) -> None:
    pq.write_table(applications(100), tmp_path / "in.parquet")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(
            open_table(tmp_path / "in.parquet"), tmp_path / "out.parquet", release,
            set_aside=tmp_path / "aside.csv", progress=interrupt,
        )  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet"]


def test_memory_does_not_grow_with_the_file(release: Release, tmp_path: Path) -> None:
    """Three times the rows, the same peak: a stream, of which two parts are in memory at a time."""
    table = applications(70_000)
    peaks = []
    for times in (2, 6):
        path = tmp_path / f"in{times}.parquet"
        pq.write_table(pa.concat_tables([table] * times), path, row_group_size=16_384)
        tracemalloc.start()
        score(open_table(path), tmp_path / "out.parquet", release, set_aside=tmp_path / "aside.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_progress_counts_every_row_once(release: Release, tmp_path: Path) -> None:
    pq.write_table(applications(100), tmp_path / "in.parquet")
    told: list[int] = []
    score(
        open_table(tmp_path / "in.parquet"), tmp_path / "out.csv", release,
        set_aside=tmp_path / "aside.csv", progress=told.append,
    )  # fmt: skip
    assert sum(told) == 100


def test_a_formula_in_an_id_is_neutralised(release: Release, tmp_path: Path) -> None:
    table = applications(1).set_column(0, "application_id", pa.array(["=cmd|' /C calc'!A0"]))
    pq.write_table(table, tmp_path / "in.parquet")
    score(open_table(tmp_path / "in.parquet"), tmp_path / "out.csv", release, set_aside=tmp_path / "aside.csv")
    (row,) = read_rows(tmp_path / "out.csv")
    assert row["application_id"] == "'=cmd|' /C calc'!A0"
