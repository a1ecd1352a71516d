"""Bodies checked together say what each says alone (R5, R29)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roadworthy.contract import RESERVED, Batch, Column, Contract, check_bodies, check_body

_CONTRACT = Contract(
    name="every kind",
    columns=(
        Column(name="age", type="integer", range=(18, 100), outside="set_aside"),
        Column(name="income", type="number", missing=True),
        Column(name="employed", type="boolean", missing=True),
        Column(name="region", type="category", allowed=("N", "S", "1"), outside="set_aside", missing=True),
        Column(name="housing", type="category", allowed=("own", "rent")),
        Column(name="note", type="text", missing=True),
        Column(name="born", type="date", format="%d/%m/%Y", missing=True),
    ),
)
_CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(0, 120), st.floats(), st.text(max_size=4), st.just("x" * 5000),
    st.sampled_from(["N", " own", "own", "rent", "1", "N/A", "", "2024-02-30", "2024-01-31", "31/01/2024",
                     "2024-01-31T09:00:00+02:00", "2024-01-31T09:00:00.123456Z", "0999-01-01",
                     "9999-12-31T23:59:59-14:00",
                     "2024-01-31T24:00:00", "2024-01-31T09:00:60Z", "20240131", "\ud800"]),
    st.lists(st.none(), max_size=1), st.dates(), st.datetimes(timezones=st.none() | st.timezones()),
)  # fmt: skip
_INPUTS = st.dictionaries(st.sampled_from([*(column.name for column in _CONTRACT.columns), "other"]), _CELLS)
_GOOD = st.fixed_dictionaries(
    {"age": st.integers(18, 100), "housing": st.sampled_from(["own", "rent"])},
    optional={"income": st.floats(allow_nan=False, allow_infinity=False), "born": st.dates().map(str)},
)
_BODIES = st.one_of(
    _CELLS,
    st.fixed_dictionaries({"inputs": st.one_of(_GOOD, _INPUTS, _CELLS)}, optional=dict.fromkeys(RESERVED, _CELLS)),
    st.fixed_dictionaries({"inputs": _GOOD, "more": _CELLS}),
)


@given(st.lists(_BODIES, max_size=6))
@example([{"inputs": {"age": 10**400, "housing": "own"}}])
@example([{"inputs": {"age": 40, "housing": "own", "region": 1}}, {"inputs": {"age": 40, "housing": "own"}}])
def test_each_body_gets_among_others_what_it_gets_alone(bodies: list[Any]) -> None:
    checked = check_bodies(_CONTRACT, bodies)

    assert sorted([*checked.rows.tolist(), *checked.violations]) == list(range(len(bodies)))
    assert checked.rows.tolist() == sorted(checked.rows.tolist())
    for place, row in enumerate(checked.rows):
        alone = check_body(_CONTRACT, bodies[row])
        assert isinstance(alone, Batch)
        together = checked.batch.take(np.array([place]))
        for name, values in alone.columns.items():
            np.testing.assert_array_equal(together.columns[name], values)
            assert together.columns[name].dtype == values.dtype
        for name in RESERVED:
            np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))
    for row, violations in checked.violations.items():
        assert violations == check_body(_CONTRACT, bodies[row])


def test_bodies_with_times_are_read_together() -> None:
    """A day's applications from Python come with times, and go the quick way as those from HTTP do."""
    at = dt.datetime(2024, 1, 31, 9, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    bodies = [{"applied_at": at, "inputs": {"age": 40, "housing": "own"}}] * 3
    with mock.patch("roadworthy.contract.bodies.check_body", side_effect=AssertionError("alone")):
        checked = check_bodies(_CONTRACT, bodies)
    assert checked.batch.applied_at.tolist() == [dt.datetime(2024, 1, 31, 7)] * 3  # noqa: DTZ001 - a batch is in UTC


@pytest.mark.parametrize("sent", [False, True])
def test_a_time_that_its_offset_carries_beyond_the_calendar_is_no_date(sent: bool) -> None:
    at = dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=14)))
    body = {"applied_at": at.isoformat() if sent else at, "inputs": {"age": 40, "housing": "own"}}
    for violations in (check_body(_CONTRACT, body), check_bodies(_CONTRACT, [body]).violations[0]):
        assert isinstance(violations, list)
        assert [(one.path, one.rule) for one in violations] == [("$.applied_at", "date")]
