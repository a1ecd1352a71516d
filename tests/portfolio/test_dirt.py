"""Values go missing, some for a reason; a few rows are wrong, as in any bank's tables: R5 has what to set aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from roadworthy.portfolio import Portfolio, simulate


@pytest.fixture(scope="module")
def rows(portfolio: Portfolio) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(portfolio.applications))


def test_well_under_one_percent_of_the_rows_are_dirty(rows: pl.DataFrame) -> None:
    impossible = ~rows["age"].is_between(18, 100)
    impossible_work = rows["employment_years"].fill_null(0.0) > rows["age"]
    twice = rows["application_id"].is_duplicated()
    dirty = (impossible | impossible_work | twice).to_numpy()
    assert 0.001 < dirty.mean() < 0.005
    assert set(rows["age"].filter(impossible)) == {0, 7, 119, 199}
    assert impossible_work.filter(~impossible).to_numpy().any()


def test_a_row_entered_twice_is_the_same_row(rows: pl.DataFrame) -> None:
    twice = rows.filter(pl.col("application_id").is_duplicated())
    assert twice.unique().height == twice["application_id"].n_unique() == twice.height // 2
    assert 30 < twice.height // 2 < 150


def test_some_values_are_missing_by_accident(rows: pl.DataFrame, portfolio: Portfolio) -> None:
    truth = pl.DataFrame(pl.from_arrow(portfolio.truth)).select("application_id", "pd")
    joined = rows.join(truth, on="application_id")
    missing = joined["employment_years"].is_null().to_numpy()
    assert 0.01 < missing.mean() < 0.03
    pd = joined["pd"].to_numpy()
    assert abs(pd[missing].mean() - pd[~missing].mean()) < 4.0 * pd.std() / np.sqrt(missing.sum())


def test_some_values_are_missing_for_a_reason_that_bears_on_the_risk(rows: pl.DataFrame, portfolio: Portfolio) -> None:
    truth = pl.DataFrame(pl.from_arrow(portfolio.truth)).select("application_id", "pd")
    joined = rows.join(truth, on="application_id")
    missing = joined["savings"].is_null().to_numpy()
    pd = joined["pd"].to_numpy()
    assert pd[missing].mean() > 1.05 * pd[~missing].mean()  # who has none rather says nothing
    unstated = joined["income"].is_null().to_numpy()
    self_employed = (joined["employment_type"] == "self_employed").to_numpy()
    assert unstated[self_employed].mean() > 2.0 * unstated[~self_employed].mean()


def test_some_values_are_missing_because_there_is_nothing_to_know(rows: pl.DataFrame) -> None:
    through_merchants = rows["channel"] == "merchant"
    assert rows["merchant"].is_not_null().equals(through_merchants.alias("merchant"))
    none_on_file = rows.filter(pl.col("months_since_last_delinquency").is_null(), pl.col("delinquencies_24m") > 0)
    assert none_on_file.is_empty()
    recent = rows.filter(pl.col("delinquencies_24m") > 0)
    assert recent["months_since_last_delinquency"].is_between(1, 24).all()
    older = rows.filter(pl.col("delinquencies_24m") == 0)["months_since_last_delinquency"].drop_nulls()
    assert older.is_between(25, 84).all()


def test_when_the_bureau_is_down_all_its_columns_are_missing_together(rows: pl.DataFrame) -> None:
    down = rows.filter(pl.col("delinquencies_24m").is_null())
    assert 0.002 < len(down) / len(rows) < 0.008
    for name in ("bureau_score", "utilisation", "inquiries_6m", "months_since_last_delinquency", "existing_loans"):
        assert down[name].is_null().all()


def test_who_applies_again_is_known_to_be_the_same_person(rows: pl.DataFrame) -> None:
    by_person = (
        rows.unique("application_id")
        .group_by("applicant_id")
        .agg(count=pl.len(), regions=pl.col("region").n_unique(), ages=pl.col("age").sort_by("applied_at"))
    )
    returning = by_person.filter(pl.col("count") > 1)
    assert 0.04 < 1.0 - len(by_person) / rows["application_id"].n_unique() < 0.08
    assert (returning["regions"] == 1).all()
    plausible = returning.filter(pl.col("ages").list.min() >= 18, pl.col("ages").list.max() <= 100)
    assert (plausible["ages"].list.diff(null_behavior="drop").list.min() >= 0).all()  # nobody grows younger


def test_the_csv_variant_has_text_in_number_columns(tmp_path: Path) -> None:
    portfolio = simulate(30_000, seed=12)
    path = portfolio.write(tmp_path, format="csv")["applications"]
    assert path.name == "synthetic_applications.csv"
    table = pl.read_csv(path, infer_schema=False)
    assert table.height == portfolio.applications.num_rows
    for name, texts in {
        "income": {"n/a", "unknown", "approx. 2000"},
        "employment_years": {"n/a", "2 years", "since 2009"},
    }.items():
        numbers = table[name].cast(pl.Float64, strict=False)
        text = table.filter(table[name].is_not_null() & numbers.is_null())[name]
        assert set(text) == texts
        assert 0.0005 < len(text) / table.height < 0.002
        clean = pl.Series(portfolio.applications[name].to_pylist(), dtype=pl.Float64)
        assert (numbers == clean).drop_nulls().all()
