"""Any table a caller has becomes Arrow; what is none says so (R4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from roadworthy.contract import to_arrow
from roadworthy.errors import DataError

EXPECTED = {"age": [41, 19], "region": ["N", None]}


@pytest.mark.parametrize(
    "table",
    [
        EXPECTED,
        pa.table(EXPECTED),
        pa.RecordBatch.from_pydict(EXPECTED),
        pl.DataFrame(EXPECTED),
        pl.LazyFrame(EXPECTED),
        pd.DataFrame(EXPECTED),
        {"age": np.array([41, 19]), "region": pd.Series(["N", None])},
        {"age": range(41, 18, -22), "region": (region for region in ("N", None))},
    ],
)
def test_every_kind_of_table_gives_the_same_columns(table: Any) -> None:
    assert to_arrow(table).to_pydict() == EXPECTED


def test_nan_in_pandas_is_missing_and_integers_beside_it_stay_numbers() -> None:
    assert to_arrow(pd.DataFrame({"x": [1, np.nan]})).to_pydict() == {"x": [1.0, None]}


def test_a_column_of_several_types_becomes_text() -> None:
    mixed = [1, "x", None, 2.0, 2.5, np.nan, True, pd.NA]
    expected = {"x": ["1", "x", None, "2", "2.5", None, "True", None]}
    assert to_arrow(pd.DataFrame({"x": pd.Series(mixed, dtype=object)})).to_pydict() == expected
    assert to_arrow({"x": mixed}).to_pydict() == expected
    assert to_arrow(pl.DataFrame({"x": pl.Series(mixed, dtype=pl.Object)})).to_pydict() == expected


def test_whole_numbers_too_large_for_arrow_become_text() -> None:
    assert to_arrow({"x": [10**30, 1]}).to_pydict() == {"x": [str(10**30), "1"]}


def test_names_that_are_no_text_and_columns_of_one_name_are_kept() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=[0, "a", "a"])
    assert to_arrow(frame).column_names == ["0", "a", "a"]


def test_categorical_and_sparse_columns_keep_their_values() -> None:
    frame = pd.DataFrame({"c": pd.Categorical([2, 1, None]), "s": pd.arrays.SparseArray([0, 0, 1])})
    assert to_arrow(frame).to_pydict() == {"c": [2, 1, None], "s": [0, 0, 1]}


@pytest.mark.parametrize("thing", [None, 3, "loans.csv", [{"a": 1}], np.zeros((2, 2)), pd.Series([1])])
def test_what_is_no_table_is_refused_with_the_mend(thing: Any) -> None:
    with pytest.raises(DataError, match="is not a table") as caught:
        to_arrow(thing)
    assert caught.value.mend == "pass a pandas, polars or Arrow table, or a dict of columns"


@pytest.mark.parametrize("cells", [1, "abc", b"abc", None, np.zeros((2, 2))])
def test_a_column_that_is_no_list_of_values_is_named(cells: Any) -> None:
    with pytest.raises(DataError, match="column 'x' is not one value for each row"):
        to_arrow({"x": cells})


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(DataError, match="the columns are of unequal length: 1, 2"):
        to_arrow({"x": [1], "y": [1, 2]})
