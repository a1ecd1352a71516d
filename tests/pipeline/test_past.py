"""Past applications are prepared honestly: nothing is learned from that a caller could not send."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from roadworthy.batch import SourceMapping
from roadworthy.contract import Contract
from roadworthy.errors import DataError, ProductError
from roadworthy.pipeline import Workspace, init_product, open_workspace
from roadworthy.pipeline.local_time import localise
from roadworthy.pipeline.past import Past, prepare_past, read_past

ROWS = 200


def applications() -> pa.Table:
    rng = np.random.default_rng(5)
    return pa.table(
        {
            "income": [None, *rng.integers(1000, 5000, ROWS - 1).tolist()],
            "home": rng.choice(["own", "rent"], ROWS),
            "on": [f"{day} 00:30" for day in np.datetime64("2024-01-01") + np.arange(ROWS)],
            "default": rng.integers(0, 2, ROWS),
        }
    )


def make_product(folder: Path, body: str = "return table", time_zone: str = "UTC") -> Workspace:
    pyarrow.csv.write_csv(applications(), folder / "loans.csv")
    (folder / "answers.yaml").write_text(f"purpose:\n  owner: Ana\ntime_zone: {time_zone}\n")
    answers = folder / "answers.yaml"
    init_product(folder / "loans.csv", target="default", out=folder / "loans", date="on", answers=answers)
    stages = folder / "loans" / "stages.py"
    head = "import pyarrow as pa\nimport pyarrow.compute as pc\n\ndef preprocess(table):\n    "
    stages.write_text(head + body + "\n")
    return open_workspace(folder / "loans")


def prepare(workspace: Workspace) -> tuple[Past, list[str]]:
    kept = workspace.directory / "kept.parquet"
    notes = prepare_past(workspace, kept, workspace.directory / "set_aside.csv")
    return read_past(kept, workspace.contract), notes


def test_a_contract_that_changed_since_preprocess_is_said_before_rows_and_outcomes_part(workspace: Workspace) -> None:
    applications, contract = workspace.build / "applications.parquet", workspace.contract
    kept = read_past(applications, contract)
    assert len(kept.batch) == len(kept.bad)
    narrow = {"age": {"range": (40, 45), "outside": "set_aside"}}
    columns = tuple(msgspec.structs.replace(column, **narrow.get(column.name, {})) for column in contract.columns)
    with pytest.raises(DataError, match="the contract changed since preprocess") as caught:
        read_past(applications, Contract(name=contract.name, columns=columns))
    assert "roadworthy run preprocess" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "return table.filter(pc.greater(table['rw:row'], 10))",
        "return pa.Table.from_pandas(table.to_pandas().query('`rw:row` > 10'), preserve_index=False)",
    ],
)
def test_preprocess_may_leave_rows_out_and_rows_set_aside_keep_their_number_in_the_file(
    tmp_path: Path, body: str
) -> None:
    workspace = make_product(tmp_path, body)
    contract = workspace.directory / "contract.yaml"
    text = contract.read_text()
    assert "allowed: [own, rent]" in text or "allowed: [rent, own]" in text
    contract.write_text(
        text.replace("own, rent", "own").replace("rent, own", "own").replace("[own]", "[own]\n    outside: set_aside")
    )
    past, notes = prepare(workspace)
    homes = applications()["home"].to_pylist()
    expected = [row + 1 for row, home in enumerate(homes) if home == "rent" and row >= 10]
    aside = pyarrow.csv.read_csv(workspace.directory / "set_aside.csv")
    assert aside["set_aside_row"].to_pylist() == expected
    assert len(past.batch) == ROWS - 10 - len(expected)
    assert f"preprocess left out 10 of {ROWS} rows" in notes


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return table.set_column(0, 'income', pc.fill_null(table['income'], '0'))", "changes 'income'"),
        ("return table.drop_columns(['income'])", "drops 'income'"),
        ("return pa.concat_tables([table, table])", "doubled rows"),
        (
            "return table.set_column(table.num_columns - 1, 'rw:row', pc.add(table['rw:row'], 1))",
            "doubled rows or made",
        ),
    ],
)
def test_preprocess_may_change_nothing_that_a_caller_sends(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        prepare(make_product(tmp_path, body))


@pytest.mark.parametrize("body", ["return None", "return table.drop_columns(['rw:row'])"])
def test_preprocess_must_return_rows_that_can_be_told(tmp_path: Path, body: str) -> None:
    with pytest.raises(ProductError, match="must return an Arrow table that still has the column 'rw:row'"):
        prepare(make_product(tmp_path, body))


@pytest.mark.parametrize("name", ["rw:bad", "rw:row", "rw:anything"])
def test_a_column_called_as_ours_are_is_refused_by_name(tmp_path: Path, name: str) -> None:
    workspace = make_product(tmp_path)
    table = applications()
    pyarrow.csv.write_csv(table.append_column(name, table["default"]), tmp_path / "loans.csv")
    with pytest.raises(DataError, match=f"a column is called '{name}'"):
        prepare(workspace)
    with pytest.raises(DataError, match=f"a column is called '{name}'"):
        init_product(tmp_path / "loans.csv", target="default", out=tmp_path / "again")


@pytest.mark.parametrize(("time_zone", "first"), [("UTC", "2024-01-01T00:30"), ("Europe/Berlin", "2023-12-31T23:30")])
def test_a_time_without_an_offset_is_taken_in_the_time_zone_of_the_product(
    tmp_path: Path, time_zone: str, first: str
) -> None:
    past, _ = prepare(make_product(tmp_path, time_zone=time_zone))
    assert past.batch.applied_at[0] == np.datetime64(first)
    summer = 30 + 31 + 31 + 31 + 30  # 2 June: two hours ahead in Berlin
    hours = 2 if time_zone != "UTC" else 0
    assert past.batch.applied_at[summer] == np.datetime64("2024-06-02T00:30") - np.timedelta64(hours, "h")


def test_times_of_any_storage_are_placed_alike_and_days_stay_days() -> None:
    mapping = SourceMapping(file="loans.csv", format="csv", applied_at="on")
    naive = pa.array(np.array(["2024-06-01T09:00", "2024-06-01", "NaT"], dtype="datetime64[us]"))
    zoned = naive.cast(pa.timestamp("us", "UTC"))
    for cells in (naive, naive.cast(pa.timestamp("ns"))):
        placed = localise(pa.table({"on": cells}), mapping, "America/New_York")["on"].to_pylist()
        assert [time and (time.day, time.hour) for time in placed] == [(1, 13), (1, 0), None]
    assert localise(pa.table({"on": zoned}), mapping, "America/New_York")["on"].equals(pa.chunked_array([zoned]))
    text = pa.table({"on": ["13/06/2024 09:00", "14/06/2024", None, "2024-06-01T09:00:00+02:00"]})
    placed = localise(text, mapping, "America/New_York")["on"].to_pylist()
    assert placed == ["2024-06-13T13:00:00.000000Z", "14/06/2024", None, "2024-06-01T09:00:00+02:00"]
