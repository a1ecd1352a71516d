"""The same declaration as JSON Schema, as msgspec struct and as a page (R5, R9)."""

from __future__ import annotations

import jsonschema_rs
import msgspec
import pytest

from roadworthy.contract import Column, Contract, application_struct, document_contract, json_schema
from roadworthy.errors import ContractError

CONTRACT = Contract(
    name="credit",
    columns=(
        Column(name="age", type="integer", range=(18, 100), outside="set_aside", description="Age in years."),
        Column(name="net income", type="number", range=(0, None), missing=True),
        Column(name="owner", type="boolean"),
        Column(name="region", type="category", allowed=("N", "S")),
        Column(name="grade", type="category", allowed=("1", "01", "2.5", "x"), outside="set_aside", missing=True),
        Column(name="born", type="date", format="%d/%m/%Y", missing=True),
        Column(name="note", type="text", missing=True, guessed=("type",)),
    ),
)


def test_the_json_schema_reads_like_this() -> None:
    inputs = json_schema(CONTRACT)["properties"]["inputs"]
    assert inputs["required"] == ["age", "owner", "region"]
    assert inputs["properties"] == {
        "age": {"type": "integer", "minimum": 18, "maximum": 100, "description": "Age in years."},
        "net income": {
            "type": ["number", "null"],
            "description": "A value that is not at least 0 is referred to a person.",
        },
        "owner": {"type": ["boolean", "integer"], "minimum": 0, "maximum": 1},
        "region": {
            "type": "string",
            "minLength": 1,
            "maxLength": 4096,
            "description": "A value other than N, S is referred to a person.",
        },
        "grade": {"enum": ["1", "01", "2.5", "x", 1, 2.5, None]},
        "born": {
            "anyOf": [
                {"type": "string"},
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": 10000101, "maximum": 99991231},
                {"type": "null"},
            ],
            "description": "Written as %d/%m/%Y or in ISO 8601.",
        },
        "note": {"type": ["string", "number", "null"], "maxLength": 4096},
    }


def test_the_json_schema_takes_a_whole_body_and_nothing_beside_it() -> None:
    validator = jsonschema_rs.validator_for(json_schema(CONTRACT))
    inputs = {"age": 41, "owner": True, "region": "N"}
    assert validator.is_valid({"application_id": "A-1", "applied_at": "2026-11-01T09:00:00Z", "inputs": inputs})
    assert not validator.is_valid({"inputs": inputs, "pd": 0.1})
    assert not validator.is_valid(inputs)


def test_the_struct_gives_each_value_by_its_columns_name_where_that_is_a_plain_one() -> None:
    struct = application_struct(CONTRACT)
    body = {"application_id": 7, "inputs": {"age": 41, "owner": True, "region": "N", "net income": 5, "grade": 1}}
    application = msgspec.json.decode(msgspec.json.encode(body), type=struct)
    assert application.application_id == 7  # type: ignore[attr-defined]  # the struct's fields are made from the contract
    inputs = application.inputs  # type: ignore[attr-defined]  # the same
    assert (inputs.age, inputs.column_1, inputs.owner, inputs.region, inputs.grade) == (41.0, 5.0, True, "N", 1)
    assert inputs.note is None


def test_a_name_that_json_cannot_carry_plainly_is_refused_with_the_mend() -> None:
    for name in ('a"b', "a\\b", "a\nb"):
        with pytest.raises(ContractError, match="cannot be sent as JSON") as caught:
            application_struct(Contract(name="c", columns=(Column(name=name, type="number"),)))
        assert caught.value.mend == "rename the column"


def test_the_page_shows_every_column_and_what_is_only_guessed() -> None:
    page = document_contract(CONTRACT)
    assert "| age | integer | input | between 18 and 100 | not allowed | set aside | Age in years. |" in page
    assert "| net income | number | input | at least 0 | allowed | referred to a person |  |" in page
    assert "| region | category | input | N, S | not allowed | referred to a person |  |" in page
    assert page.endswith("Guessed from data and not yet confirmed by a person:\n\n- note: type\n")


def test_signs_that_markdown_would_take_for_its_own_are_escaped() -> None:
    column = Column(name="a|b_c", type="text", description="first\nsecond <b>")
    page = document_contract(Contract(name="c", columns=(column,)))
    assert "| a\\|b\\_c | text | input |  | not allowed |  | first second \\<b\\> |" in page
