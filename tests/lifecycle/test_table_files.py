"""A table's file: what is set aside, what changed, and what is warned about (R5, R14, R16)."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any
from unittest.mock import patch
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.batch.sources.excel_file import LARGEST_UNPACKED
from roadworthy.contract import Batch, Column, Contract, check_table
from roadworthy.decision import Table
from roadworthy.errors import DataError
from roadworthy.lifecycle import Change, Diff, table_file
from roadworthy.lifecycle.table_diff import compare_rows, describe_diff
from roadworthy.lifecycle.table_file import AsideRow, CheckedFile, check_file
from roadworthy.lifecycle.table_warnings import find_month, warn
from roadworthy.live import rows_to_bytes
from roadworthy.records import TableVersion

MERCHANTS = Contract(
    name="merchants",
    columns=(
        Column(name="merchant", type="text", role="identity"),
        Column(name="limit", type="number", range=(0, 1_000_000)),
        Column(name="tier", type="category", allowed=("a", "b"), missing=True),
        Column(name="since", type="date", missing=True),
        Column(name="open", type="boolean", missing=True),
    ),
)
FILE = b"merchant,limit,tier,since,open\nM1,1000,a,2020-01-01,true\nM2,2000,b,,false\nM3,3000,,,\n"


def check(data: bytes, contract: Contract = MERCHANTS, name: str = "merchants.csv") -> CheckedFile:
    return check_file(contract, data, name)


def rows(**columns: Any) -> Batch:
    checked = check_table(MERCHANTS, pa.table(columns))
    assert not len(checked.set_aside), checked.set_aside.violations()
    return checked.batch


def table(batch: Batch, effective: str = "2026-10-01") -> Table:
    return Table(rows=batch, key="merchant", effective=np.full(len(batch), effective, dtype="datetime64[us]"))


class TestReading:
    def test_csv_excel_and_parquet_of_the_same_rows_are_kept_alike(self) -> None:
        parquet, excel = io.BytesIO(), io.BytesIO()
        cells: dict[str, list[Any]] = {
            "merchant": ["M1", "M2", "M3"],
            "limit": [1000.0, 2000.0, 3000.0],
            "tier": ["a", "b", None],
            "since": [dt.date(2020, 1, 1), None, None],
            "open": [True, False, None],
        }
        pq.write_table(pa.table(cells), parquet)
        with xlsxwriter.Workbook(excel) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, list(cells))
            for column, values in enumerate(cells.values()):
                for row, value in enumerate(values, start=1):
                    if value is not None:
                        sheet.write(row, column, value.isoformat() if isinstance(value, dt.date) else value)
        kept = {rows_to_bytes(check(data).batch) for data in (FILE, parquet.getvalue(), excel.getvalue())}
        assert len(kept) == 1

    def test_what_is_kept_is_read_back_the_same(self) -> None:
        batch = check(FILE).batch
        with pa.ipc.open_stream(rows_to_bytes(batch)) as reader:
            again = check_table(MERCHANTS, reader.read_all())
        assert not len(again.set_aside)
        for name, values in batch.columns.items():
            np.testing.assert_array_equal(again.batch.columns[name], values)

    def test_a_bad_row_is_set_aside_with_its_rule_and_the_rest_go_on(self) -> None:
        checked = check(
            b"merchant,limit,tier,since,open\n"
            b"M1,1000,a,,\n"
            b"M2,much,a,,\n"  # no number
            b",500,a,,\n"  # no key
            b"M4,500,z,,\n"  # a category that nobody listed
            b"M1,700,a,,\n"  # the key of the first row
            b"M6,600,a,soon,\n"
        )
        assert checked.batch.columns["merchant"].tolist() == ["M1"]
        assert checked.batch.columns["limit"].tolist() == [1000.0]
        assert checked.aside == 5
        assert checked.set_aside == (
            AsideRow(2, "$.limit", "type", "is not a number"),
            AsideRow(3, "$.merchant", "missing", "is missing"),
            AsideRow(4, "$.tier", "allowed", "is not one of the allowed values"),
            AsideRow(5, "$.merchant", "duplicate_key", "is the key of an earlier row"),
            AsideRow(6, "$.since", "date", "is not a date: YYYY-MM-DD"),
        )

    def test_a_row_whose_first_is_set_aside_keeps_its_key(self) -> None:
        checked = check(b"merchant,limit\nM1,much\nM1,700\n")
        assert checked.batch.columns["limit"].tolist() == [700.0]
        assert [row.rule for row in checked.set_aside] == ["type"]

    @pytest.mark.parametrize("type_", ["number", "integer", "date", "category", "text"])
    def test_a_key_of_any_type_may_be_missing_and_repeated(self, type_: Any) -> None:
        allowed = ("1", "2") if type_ == "category" else None
        contract = Contract(
            name="t",
            columns=(
                Column(name="key", type=type_, role="identity", missing=True, allowed=allowed),
                Column(name="x", type="number"),
            ),
        )
        one, two = ("2026-01-01", "2026-01-02") if type_ == "date" else ("1", "2")
        checked = check(f"key,x\n{one},1\n,2\n{one},3\n{two},4\n".encode(), contract)
        assert checked.batch.columns["x"].tolist() == [1.0, 4.0]
        assert [row.rule for row in checked.set_aside] == ["missing", "duplicate_key"]

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"", "merchants.csv: is empty"),
            (b"merchant,limit\n", "header and no rows"),
            (b"merchant,limit\nM1,much\nM2,\n", "not one of its 2 rows keeps to the contract.*row 1, .*not a number"),
            (b"merchant,limt\nM1,5\n", "lacks limit and has limt"),
            (b"limit,tier\n5,a\n", "lacks merchant"),
            (b"merchant,limit,colour\nM1,5,red\n", "has colour, which the contract does not know"),
            (b"merchant,limit\nM1,5\nM2,6,7,8\n", "merchants.csv, line 3"),
            (b'merchant,limit\nM1,"5\nM2,6\n', "never ends"),
            (b"merchant,limit,limit\nM1,5,6\n", "two columns of one name"),
            (b"PAR1 and no more", "only the beginning of a Parquet file"),
            (b"PK\x03\x04 and no more", "cannot be read as a spreadsheet"),
            (b"\x80\x04\x95pickle", "pickle"),
            (b"\x00\x01\x02", "holds bytes that no text has"),
            (b'{"merchant": 1}', "is JSON"),
        ],
    )
    def test_what_is_no_table_is_refused_by_its_own_name(self, data: bytes, says: str) -> None:
        with pytest.raises(DataError) as caught:
            check(data)
        assert "roadworthy-upload" not in str(caught.value)
        assert str(caught.value).startswith("merchants.csv")
        assert re.search(says, str(caught.value)), str(caught.value)

    def test_what_is_too_large_is_refused_before_it_is_unpacked(self) -> None:
        bomb = io.BytesIO()
        with ZipFile(bomb, "w", ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", b"0" * 5_000_000)
        said = bomb.getvalue().replace((5_000_000).to_bytes(4, "little"), (LARGEST_UNPACKED + 1).to_bytes(4, "little"))
        with pytest.raises(DataError, match="unpacks to"):
            check(said)
        with patch.object(table_file, "LARGEST_FILE", 10), pytest.raises(DataError, match="bytes"):
            check(FILE)
        parquet = io.BytesIO()
        pq.write_table(pa.table({"merchant": ["M1", "M2", "M3"], "limit": [1, 2, 3]}), parquet)
        for data in (FILE, parquet.getvalue()):
            with patch.object(table_file, "MOST_ROWS", 2), pytest.raises(DataError, match="too many rows"):
                check(data)

    def test_of_many_lines_the_first_are_listed_and_all_are_counted(self) -> None:
        lines = "".join(f"M{i},{'x' if i else 1}\n" for i in range(1_501))
        checked = check(f"merchant,limit\n{lines}".encode())
        assert (checked.aside, len(checked.set_aside), len(checked.batch)) == (1_500, 1_000, 1)


CELLS = st.dictionaries(
    st.integers(0, 30), st.tuples(st.integers(-3, 3), st.sampled_from(["a", "b", None])), min_size=1
)


class TestDiff:
    def test_every_key_is_added_gone_changed_or_unchanged(self) -> None:
        old = table(rows(merchant=["M1", "M2", "M3", "M4"], limit=[1000, 2000, 3000, 0], tier=["a", "a", None, "b"]))
        new = rows(merchant=["M2", "M1", "M4", "M5"], limit=[2000, 1500, 10, 9], tier=["b", "a", "b", None])
        assert describe_diff(compare_rows(new, old, "merchant")) == Diff(
            added=1,
            gone=1,
            changed=3,
            unchanged=0,
            added_keys=("M5",),
            gone_keys=("M3",),
            changes=(
                Change(key="M1", column="limit", old=1000.0, new=1500.0, relative=0.5),
                Change(key="M4", column="limit", old=0.0, new=10.0),  # there is no share of nothing
                Change(key="M2", column="tier", old="a", new="b"),
            ),
        )

    def test_dates_booleans_and_gaps_are_compared_as_what_they_are(self) -> None:
        old = table(rows(merchant=["M1", "M2"], limit=[1, 1], since=["2020-01-01", None], open=[True, None]))
        new = rows(merchant=["M1", "M2"], limit=[1, 1], since=["2020-02-01", None], open=[None, None])
        assert describe_diff(compare_rows(new, old, "merchant")).changes == (
            Change(key="M1", column="since", old="2020-01-01", new="2020-02-01"),
            Change(key="M1", column="open", old=True, new=None),
        )

    def test_the_first_version_only_adds(self) -> None:
        diff = describe_diff(compare_rows(rows(merchant=["M1"], limit=[1]), None, "merchant"))
        assert (diff.added, diff.gone, diff.changed, diff.unchanged, diff.changes) == (1, 0, 0, 0, ())

    def test_each_key_is_compared_with_its_latest_row(self) -> None:
        batch = rows(merchant=["M1", "M1", "M2"], limit=[100, 200, 300])
        effective = np.array(["2026-09-01", "2026-10-01", "2026-09-01"], dtype="datetime64[us]")
        old = Table(rows=batch, key="merchant", effective=effective)
        new = rows(merchant=["M1", "M2"], limit=[200, 300])
        assert describe_diff(compare_rows(new, old, "merchant")).unchanged == 2

    @settings(max_examples=50)
    @given(CELLS, CELLS)
    def test_the_diff_is_that_of_two_dictionaries(self, before: dict[int, Any], after: dict[int, Any]) -> None:
        contract = Contract(
            name="t",
            columns=(
                Column(name="key", type="integer", role="identity"),
                Column(name="x", type="number"),
                Column(name="y", type="category", allowed=("a", "b"), missing=True),
            ),
        )

        def batch(cells: dict[int, Any]) -> Batch:
            x, y = zip(*cells.values(), strict=True)
            return check_table(contract, pa.table({"key": list(cells), "x": x, "y": pa.array(y, pa.string())})).batch

        old = Table(rows=batch(before), key="key", effective=np.zeros(len(before), dtype="datetime64[us]"))
        diff = describe_diff(compare_rows(batch(after), old, "key"))
        both = before.keys() & after.keys()
        changed = {key for key in both if before[key] != after[key]}
        assert set(diff.added_keys) == {str(key) for key in after.keys() - before.keys()}
        assert set(diff.gone_keys) == {str(key) for key in before.keys() - after.keys()}
        assert (diff.added, diff.gone) == (len(diff.added_keys), len(diff.gone_keys))
        assert (diff.changed, diff.unchanged) == (len(changed), len(both) - len(changed))
        told = {(change.key, change.column): (change.old, change.new) for change in diff.changes}
        assert told == {
            (str(key), column): (before[key][i], after[key][i])
            for key in both
            for i, column in enumerate("xy")
            if before[key][i] != after[key][i]
        }
        moves = [abs(change.relative) for change in diff.changes if change.relative is not None]
        assert moves == sorted(moves, reverse=True)


def warned(
    new: Batch,
    old: Table | None = None,
    *,
    file_name: str = "merchants.csv",
    effective: str = "2026-11-01",
    **terms: Any,
) -> str:
    in_force = TableVersion(version="1", step="uploaded", digest="rows-1", effective="2026-10-01", file="file-1")
    return "\n".join(
        warn(
            compare_rows(new, old, "merchant"),
            file=terms.get("file", "file-2"),
            rows=terms.get("rows", "rows-2"),
            file_name=file_name,
            effective=dt.date.fromisoformat(effective),
            versions={} if old is None else {"1": in_force},
            follows="" if old is None else "1",
        )
    )


HUNDRED = [f"M{i}" for i in range(100)]
LIMITS = [1_000.0 + 10 * i for i in range(100)]
OLD = table(rows(merchant=HUNDRED, limit=LIMITS))


class TestWarnings:
    def test_an_ordinary_month_is_not_warned_about(self) -> None:
        new = rows(merchant=[*HUNDRED[3:], "M100"], limit=[1.1 * limit for limit in LIMITS[3:]] + [500.0])
        assert warned(new, OLD) == ""
        assert warned(new, OLD, file_name="merchants_2026-11.csv") == ""
        assert warned(new) == ""

    def test_the_same_file_again_and_the_same_rows_again(self) -> None:
        new = rows(merchant=HUNDRED, limit=LIMITS)
        assert warned(new, OLD, file="file-1") == "this is the same file as version 1, uploaded for 2026-10-01"
        assert "rows are the same as those of version 1" in warned(new, OLD, rows="rows-1")

    @pytest.mark.parametrize(
        ("effective", "file_name", "says"),
        [
            ("2026-12-01", "merchants.csv", "so November 2026 comes next, and this takes effect in December 2026"),
            ("2026-10-15", "merchants.csv", "so November 2026 comes next"),
            ("2026-09-01", "merchants.csv", "before the version in force did"),
            ("2026-11-01", "merchants_2026-10.csv", "the file's name says October 2026"),
            ("2027-11-01", "november 2026 merchants.xlsx", "the file's name says November 2026"),
            ("2026-12-01", "merchants-202612.csv", ""),
        ],
    )
    def test_a_wrong_month(self, effective: str, file_name: str, says: str) -> None:
        said = warned(rows(merchant=HUNDRED, limit=LIMITS), OLD, effective=effective, file_name=file_name)
        assert says in said if says else said == ""

    @pytest.mark.parametrize(
        ("factor", "says"),
        [
            (100, "about 100 times what it was"),
            (0.01, "about one 100th of what it was"),
            (1_000, "about 1,000 times"),
            (0.001, "about one 1,000th"),
            (130, "about 100 times"),
        ],
    )
    def test_changed_units(self, factor: float, says: str) -> None:
        said = warned(rows(merchant=HUNDRED, limit=[factor * limit for limit in LIMITS]), OLD)
        assert says in said
        assert "times what was" not in said  # every value moved: said once

    def test_more_than_a_twentieth_of_the_keys_gone(self) -> None:
        assert warned(rows(merchant=HUNDRED[5:], limit=LIMITS[5:]), OLD) == ""
        assert "6 of 100 keys (merchant) are not in the file" in warned(
            rows(merchant=HUNDRED[6:], limit=LIMITS[6:]), OLD
        )

    def test_values_far_out(self) -> None:
        moved = [6_000.0 if i == 7 else 100.0 if i == 8 else limit for i, limit in enumerate(LIMITS)]
        assert warned(rows(merchant=HUNDRED, limit=moved), OLD) == (
            "limit: 2 values are more than 5 times what was, or less than a fifth; the furthest is merchant M8, "
            "from 1,080 to 100"
        )
        said = warned(rows(merchant=HUNDRED, limit=[*LIMITS[:-1], -1.0]), OLD)
        assert "limit: 1 value is outside the contract's range" in said

    def test_columns_of_zeros_and_gaps_are_no_cause_for_anything(self) -> None:
        nothing = rows(merchant=HUNDRED, limit=[0.0] * 100)
        assert warned(nothing, table(nothing)) == ""
        assert warned(nothing, OLD) == ""

    @pytest.mark.parametrize(
        ("name", "month"),
        [
            ("fees_11-2026.csv", "2026-11-01"), ("2026_11_05 fees.csv", "2026-11-01"), ("202611.csv", "2026-11-01"),
            ("fees (Nov2026).csv", "2026-11-01"), ("fees 2026 November.csv", "2026-11-01"), ("id_1202611.csv", None),
            ("fees.csv", None), ("fees_2026.csv", None), ("fees_2026-13.csv", None), ("", None),
        ],
    )  # fmt: skip
    def test_the_month_of_a_file_name(self, name: str, month: str | None) -> None:
        assert find_month(name) == (None if month is None else dt.date.fromisoformat(month))
