"""One call gives a portfolio: seeded, labelled, vectorised, in files that keep the truth apart."""

from __future__ import annotations

import cProfile
import pstats
from dataclasses import FrozenInstanceError
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from roadworthy.errors import UsageError
from roadworthy.portfolio import PERIODS, Portfolio, simulate


def test_the_same_seed_gives_identical_tables() -> None:
    one, two = simulate(5_000, seed=3), simulate(5_000, seed=3)
    for name in one.tables:
        assert getattr(one, name).equals(getattr(two, name), check_metadata=True), name


def test_another_seed_gives_other_applications_and_the_same_story() -> None:
    one, two = simulate(5_000, seed=3), simulate(5_000, seed=4)
    assert not one.applications.equals(two.applications)
    assert one.truth_by_month.equals(two.truth_by_month)


def test_a_portfolio_cannot_be_changed() -> None:
    portfolio = simulate(10, seed=1)
    with pytest.raises(FrozenInstanceError):
        portfolio.events = portfolio.truth  # type: ignore[misc]  # that it is an error is the point


def test_a_portfolio_says_what_it_is() -> None:
    assert repr(simulate(10, seed=1)).startswith("Portfolio(synthetic: 10 applications from 2016-01-01 to 2025-12-31")


def test_every_month_has_applications_in_order_of_time_and_office_hours(portfolio: Portfolio) -> None:
    applied_at = portfolio.applications["applied_at"].to_numpy().astype("datetime64[s]")
    assert (np.diff(applied_at) >= np.timedelta64(0, "s")).all()
    months = np.unique(applied_at.astype("datetime64[M]"), return_counts=True)
    assert len(months[0]) == 120
    assert months[1].min() > 500
    hour = (applied_at - applied_at.astype("datetime64[D]")).astype(np.int64) // 3600
    assert (hour.min(), hour.max()) == (8, 19)


def test_fewer_months_are_the_beginning_of_the_story() -> None:
    short, whole = simulate(500, seed=5, months=30), simulate(500, seed=5)
    assert short.end == date(2018, 6, 30)
    assert short.truth_by_month.equals(whole.truth_by_month.slice(0, 30))
    assert short.applications["applied_at"].to_pylist()[-1].date() <= short.end


def test_the_story_can_start_in_any_month() -> None:
    moved = simulate(500, seed=5, start=date(2009, 11, 1), months=24)
    assert (moved.start, moved.end) == (date(2009, 11, 1), date(2011, 10, 31))
    assert PERIODS["quiet"].days(moved.start) == (date(2009, 11, 1), date(2011, 1, 31))


@pytest.mark.parametrize("n", [1, 2, 7])
def test_a_few_applications_are_a_portfolio_too(n: int) -> None:
    portfolio = simulate(n, seed=9, months=1)
    assert portfolio.truth.num_rows == n
    assert portfolio.outcomes(portfolio.end, 24).num_rows <= n


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n": 0}, "n is 0: it is 1 to 20000000"),
        ({"n": 10.5}, "whole number"),
        ({"n": True}, "whole number"),
        ({"seed": -1}, "seed is -1: it is 0 or more"),
        ({"seed": None}, "whole number"),
        ({"months": 0}, "months is 0: it is 1 to 120"),
        ({"months": 121}, "months is 121: it is 1 to 120"),
        ({"start": date(2016, 1, 2)}, "months begin on their first day"),
        ({"start": "2016-01"}, "it is a date"),
        ({"start": datetime(2016, 1, 1)}, "it is a date"),  # noqa: DTZ001  that it has no zone is not what is wrong
    ],
)
def test_arguments_out_of_range_are_refused_with_the_range(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        simulate(**{"n": 10, "seed": 1, **arguments})


def test_every_table_and_every_parquet_file_says_that_it_is_synthetic(tmp_path: Path) -> None:
    portfolio = simulate(50, seed=1)
    paths = portfolio.write(tmp_path / "new" / "folder")
    assert set(paths) == {"applications", "events", "merchants", "branches", "truth", "truth_by_month"}
    for name, path in paths.items():
        assert path == tmp_path / "new" / "folder" / f"{name}.parquet"
        assert b"synthetic" in pyarrow.parquet.read_schema(path).metadata
        assert pyarrow.parquet.read_table(path).equals(getattr(portfolio, name), check_metadata=True)
    assert sorted(entry.name for entry in paths["truth"].parent.iterdir()) == sorted(p.name for p in paths.values())


def test_every_csv_file_says_so_in_its_name_and_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    portfolio = simulate(5_000, seed=1)
    first = {name: path.read_bytes() for name, path in portfolio.write(tmp_path, format="csv").items()}
    again = portfolio.write(tmp_path, format="csv")
    assert {path.name for path in again.values()} == {f"synthetic_{name}.csv" for name in first}
    assert {name: path.read_bytes() for name, path in again.items()} == first
    assert pyarrow.csv.read_csv(again["truth"]).num_rows == 5_000


def test_a_file_that_cannot_be_written_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portfolio = simulate(50, seed=1)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written to"):
        portfolio.write(blocked)
    with pytest.raises(UsageError, match="format is 'xlsx'"):
        portfolio.write(tmp_path, format="xlsx")  # type: ignore[arg-type]  # the wrong type is the point

    def fail_halfway(table: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", fail_halfway)
    with pytest.raises(UsageError, match="No space left"):
        portfolio.write(tmp_path / "full")
    assert list((tmp_path / "full").iterdir()) == []


def calls(n: int) -> int:
    profile = cProfile.Profile()
    profile.enable()
    simulate(n, seed=2)
    profile.disable()
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]  # in the docs, not in the stubs


def test_python_is_off_the_per_row_path() -> None:
    """Sixteen times the applications cost hardly a Python call more; seconds are for benchmarks/portfolio.py."""
    simulate(100, seed=2)  # compiles the kernel
    assert calls(16_000) < calls(1_000) + 300
