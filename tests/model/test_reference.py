"""The reference applicant is a typical one, by hand; the profile is the inputs' shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.contract import Batch, Column, Contract, check_table, to_arrow
from roadworthy.model import move_to_reference, seal
from roadworthy.model.reference import find_medoid, profile_inputs
from roadworthy.testing import make_applications, make_contract, make_model

CONTRACT = Contract(
    name="few",
    columns=(
        Column(name="age", type="number", missing=True),
        Column(name="region", type="category", allowed=("N", "S"), missing=True),
    ),
)


def few(age: list[Any], region: list[Any]) -> Batch:
    return check_table(CONTRACT, to_arrow({"age": age, "region": region})).batch


def test_the_medoid_of_five_worked_by_hand() -> None:
    """Ranks .2 .4 .6 .8 1; gaps from the third: .4 .2 0 .2 .4 = 1.2, and region N three times of five: 2 apart."""
    batch = few([10, 20, 30, 40, 1_000], ["N", "S", "N", "S", "N"])
    everyone = np.ones(5, dtype=np.bool_)
    assert find_medoid(batch, ["age"], everyone) == 2
    assert find_medoid(batch, ["age", "region"], everyone) == 2
    # Among the first two and the last: the second's ranks lie between, yet it stands alone in the south.
    assert find_medoid(batch, ["age"], np.array([True, True, False, False, True])) == 1
    assert find_medoid(batch, ["age", "region"], np.array([True, True, False, False, True])) in (0, 4)


def test_a_missing_value_is_far_from_every_other_and_equal_to_a_missing_one() -> None:
    """Three of five are missing: each is 2 away from the others in all; a known one is at least 3 away."""
    batch = few([None, 20, None, 40, None], ["N"] * 5)
    assert find_medoid(batch, ["age"], np.ones(5, dtype=np.bool_)) in (0, 2, 4)
    assert find_medoid(few([10, 20, None], ["N"] * 3), ["age"], np.ones(3, dtype=np.bool_)) in (0, 1)


def test_without_a_row_there_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        find_medoid(few([10], ["N"]), ["age"], np.zeros(1, dtype=np.bool_))


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40), st.integers(0, 3))
def test_in_one_column_the_medoid_is_a_median(values: list[int], seed: int) -> None:
    batch = few([float(value) for value in values], ["N"] * len(values))
    found = values[find_medoid(batch, ["age"], np.ones(len(values), dtype=np.bool_), seed)]
    ordered = sorted(values)
    assert ordered[(len(values) - 1) // 2] <= found <= ordered[len(values) // 2]


def test_it_is_the_same_every_time() -> None:
    X, _ = make_applications(3_000, seed=1)
    batch = check_table(make_contract(), to_arrow(X)).batch
    chosen = np.ones(3_000, dtype=np.bool_)
    assert find_medoid(batch, list(X), chosen) == find_medoid(batch, list(X), chosen)


def test_sealing_takes_a_good_applicant_whom_the_lowest_cut_off_approves() -> None:
    X, bad = make_applications(800, seed=31)
    X = X.astype({"employed": "float64"})
    package = seal(make_model("boosted").fit(X, bad), X, bad, name="reference", cut_offs=(0.3, 0.1))
    pd = package.pd(package.reference)[0]
    assert pd < 0.1
    batch, alike = package.batch(X), np.ones(800, dtype=np.bool_)
    for name, values in batch.columns.items():
        wanted = package.reference.columns[name][0]
        alike &= (values == wanted) | ((values != values) & (wanted != wanted))
    assert (bad[alike] == 0).any()


def test_moving_to_the_reference_changes_the_marked_cells_only(batch_of: Callable[..., Batch]) -> None:
    batch, reference = batch_of(30, 1), batch_of(5, 2).take(slice(0, 1))
    names = ("age", "region")
    moved = np.random.default_rng(0).random((30, 2)) < 0.5
    changed = move_to_reference(batch, reference, names, moved)
    for name, values in batch.columns.items():
        mask = moved[:, names.index(name)] if name in names else np.zeros(30, dtype=np.bool_)
        wanted = np.where(mask, reference.columns[name][0], values)
        np.testing.assert_array_equal(changed.columns[name], wanted)
        assert changed.columns[name].dtype == values.dtype
    assert changed.application_id is batch.application_id


def test_the_profile_worked_by_hand() -> None:
    profile = profile_inputs(few([0, 10, 20, None], ["N", "S", "N", None]), ["age", "region"])
    assert profile["age"]["missing"] == 0.25
    assert profile["age"]["mean"] == 10.0
    assert profile["age"]["deciles"] == pytest.approx([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
    assert profile["region"] == {"missing": 0.25, "shares": {"N": 0.5, "S": 0.25}}


def test_the_profile_of_nothing_but_gaps_and_of_no_rows() -> None:
    gaps = profile_inputs(few([None, None], [None, "elsewhere"]), ["age", "region"])
    assert gaps["age"] == {"missing": 1.0, "mean": None, "deciles": []}
    assert gaps["region"] == {"missing": 0.5, "shares": {"N": 0.0, "S": 0.0}}
    nothing = profile_inputs(few([1.0], ["N"]).take(slice(0, 0)), ["age", "region"])
    assert nothing["region"]["shares"] == {"N": 0.0, "S": 0.0}
