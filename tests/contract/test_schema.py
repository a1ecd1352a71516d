"""A contract cannot contradict itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from roadworthy.contract import Column, Contract


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "number", "range": (5, 1)}, "range is reversed: 5 is more than 1"),
        ({"type": "number", "range": (None, None)}, "range has two open ends"),
        ({"type": "number", "range": (0, float("inf"))}, "range has an end that is not finite"),
        ({"type": "text", "range": (0, 1)}, "range is for numbers and integers, not for a text"),
        ({"type": "category"}, "allowed must list a category's values"),
        ({"type": "category", "allowed": ()}, "allowed must list a category's values"),
        ({"type": "category", "allowed": ("a", "b", "a")}, "allowed lists twice: a"),
        ({"type": "number", "allowed": ("1",)}, "allowed is for categories, not for a number"),
        ({"type": "number", "format": "%d"}, "format is for dates, not for a number"),
        ({"type": "date", "format": "dd/mm/yyyy"}, "format needs a year, a month and a day in strptime signs"),
        ({"type": "date", "format": "%m/%Y"}, "format needs a year, a month and a day"),
        ({"type": "date", "format": "%d/%m/%Q"}, "format has an unknown sign, %Q; known are %Y"),
        ({"type": "date", "format": "%Y%m%d%"}, "format has an unknown sign, %;"),
        ({"type": "text", "decimal": ","}, "decimal is for numbers only"),
        ({"type": "number", "guessed": ("typ",)}, "guessed names no field of a column: typ"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused_naming_the_field(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Column(name="x", **fields)


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="columns declared twice: x"):
        Contract(name="c", columns=(Column(name="x", type="number"), Column(name="x", type="text")))


def test_a_column_is_found_by_its_name_and_the_index_is_no_part_of_the_value() -> None:
    columns = tuple(Column(name=f"c{position}", type="number") for position in range(3))
    contract, fresh = Contract(name="c", columns=columns), Contract(name="c", columns=columns)
    assert contract["c2"] is columns[2]
    assert "c2" in contract
    assert "c3" not in contract
    with pytest.raises(KeyError, match="c3"):
        contract["c3"]
    assert contract == fresh
    assert hash(contract) == hash(fresh)
    assert msgspec.json.encode(contract) == msgspec.json.encode(fresh)
