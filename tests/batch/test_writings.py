"""One reading of 1.234 and of 01/02/2026 for the whole file, wherever a row lies in it (R8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadworthy.batch import Source, open_table, score
from roadworthy.batch.mapping import SourceMapping
from roadworthy.batch.writings import settle_writings
from roadworthy.contract import Column, Contract, find_writings
from roadworthy.decision import Release
from roadworthy.errors import DataError
from roadworthy.testing import make_applications, make_release

CONTRACT = Contract(
    name="loans", columns=(Column(name="income", type="number"), Column(name="opened", type="date", missing=True))
)
MAPPING = SourceMapping(file="loans.csv", format="csv")


def split(source: Source, rows: int) -> Source:
    """The source, its parts of `rows` rows."""
    whole = source.batches
    source.batches = lambda _=0: whole(rows)  # type: ignore[method-assign,assignment] # the size is the test's to vary
    return source


def loans(path: Path, incomes: list[str], opened: list[str] | None = None) -> Source:
    dates = opened or [""] * len(incomes)
    rows = [f"{income};{date}" for income, date in zip(incomes, dates, strict=True)]
    (path / "loans.csv").write_text("\n".join(["income;opened", *rows]) + "\n")
    return open_table(path / "loans.csv", delimiter=";")


def test_what_the_last_row_shows_holds_for_the_first(tmp_path: Path) -> None:
    source = split(loans(tmp_path, ["1.234", "2.345", "3,5"], ["01/02/2026", "02/03/2026", "31/01/2026"]), 1)
    assert settle_writings(source, MAPPING, CONTRACT) == {"income": ",", "opened": "%d/%m/%Y"}


def test_parts_that_show_different_things_are_refused_with_both_readings(tmp_path: Path) -> None:
    source = split(loans(tmp_path, ["1.5", "3,5"]), 1)
    with pytest.raises(
        DataError, match=r"'income' is written in two ways.*a decimal comma, another a decimal point"
    ) as no:
        settle_writings(source, MAPPING, CONTRACT)
    assert 'decimal: "," or "."' in str(no.value.mend)
    source = split(loans(tmp_path, ["1", "3"], ["31/01/2026", "01/31/2026"]), 1)
    with pytest.raises(
        DataError, match=r"'opened' is written in two ways.*the day first, another the month first"
    ) as no:
        settle_writings(source, MAPPING, CONTRACT)
    assert 'format: "%d/%m/%Y" or "%m/%d/%Y"' in str(no.value.mend)


def test_two_marks_of_one_order_are_one_writing(tmp_path: Path) -> None:
    source = split(loans(tmp_path, ["1", "3"], ["31/01/2026", "31.01.2026"]), 1)
    assert settle_writings(source, MAPPING, CONTRACT) == {"opened": "%d/%m/%Y"}


def test_what_is_told_or_typed_is_not_read(tmp_path: Path) -> None:
    def unread() -> Iterator[pa.Table]:
        raise AssertionError

    table = pa.table({"income": [1.5], "opened": pa.array([0], pa.date32()), "note": ["text"]})
    pq.write_table(table, tmp_path / "loans.parquet")
    told = Contract(
        name="loans",
        columns=(
            Column(name="income", type="number", decimal=","),
            Column(name="opened", type="date", format="%d/%m/%Y", missing=True),
        ),
    )
    for source, contract in ((open_table(tmp_path / "loans.parquet"), CONTRACT), (loans(tmp_path, ["1,5"]), told)):
        source.batches = lambda _=0: unread()  # type: ignore[method-assign,assignment] # it must not be called
        assert settle_writings(source, MAPPING, contract) == {}


NUMBERS = {",": ["1.234", "12", "3,5", "1.234,50", "0,125"], ".": ["1,234", "12", "3.5", "1,234.50", "0.125"]}
DATES = {True: ["01/02/2026", "31/01/2026", "12/12/2026"], False: ["01/02/2026", "01/31/2026", "12/12/2026"]}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from([",", "."]), st.booleans(), st.integers(1, 12))
def test_a_file_split_anywhere_is_read_as_the_whole(
    tmp_path: Path, data: st.DataObject, decimal: str, day_first: bool, rows: int
) -> None:
    n = data.draw(st.integers(1, 12))
    incomes = data.draw(st.lists(st.sampled_from(NUMBERS[decimal]), min_size=n, max_size=n))
    opened = data.draw(st.lists(st.sampled_from(DATES[day_first]), min_size=n, max_size=n))
    source = loans(tmp_path, incomes, opened)
    whole = find_writings(CONTRACT, source.read())
    assert settle_writings(split(source, rows), MAPPING, CONTRACT) == whole


@pytest.fixture(scope="module")
def release() -> Release:
    return make_release("scorecard")


@pytest.mark.parametrize("rows", [1, 7, 39, 40])
def test_a_file_split_anywhere_is_decided_as_the_whole(release: Release, tmp_path: Path, rows: int) -> None:
    frame, _ = make_applications(40, seed=3)
    written = frame.astype(str).replace({"nan": "", "None": "", "<NA>": ""})
    # Only the last row shows that 12.345 is twelve thousand.
    written["amount"] = [f"{10 + i % 8}.{i:03d}" for i in range(39)] + ["9.500,25"]
    written["income"] = ["30000"] * 40
    written.to_csv(tmp_path / "in.csv", sep=";", index=False)
    for name, source in (
        ("whole", open_table(tmp_path / "in.csv")),
        ("split", split(open_table(tmp_path / "in.csv"), rows)),
    ):
        scored = score(source, tmp_path / f"{name}.csv", release, set_aside=tmp_path / "aside.csv")
        assert (scored.decided, scored.set_aside) == (40, 0)
    assert (tmp_path / "split.csv").read_text() == (tmp_path / "whole.csv").read_text()
