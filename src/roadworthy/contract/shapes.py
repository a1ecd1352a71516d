"""The contract in other forms: a JSON Schema for callers, and a msgspec struct that decodes a body at full speed."""

from __future__ import annotations

import keyword
import re
from typing import Annotated, Any

import msgspec

from roadworthy.contract.check import describe_range
from roadworthy.contract.reading import LONGEST_TEXT
from roadworthy.contract.schema import ENVELOPE, Column, Contract
from roadworthy.contract.words import LARGEST_INTEGER, number_word
from roadworthy.errors import ContractError

__all__ = ["application_struct", "json_schema"]

_ATTRIBUTE = re.compile(r"(?!column_\d+$)[A-Za-z]\w*", re.ASCII)
_UNSENDABLE = re.compile(r'["\\\x00-\x1f]')

_Whole = Annotated[float, msgspec.Meta(multiple_of=1, ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
_Truth = Annotated[float, msgspec.Meta(multiple_of=1, ge=0, le=1)]


def json_schema(contract: Contract) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one application's body, as OpenAPI 3.1 takes it.

    Whatever it refuses breaks a rule of `check_body`, but for two things that are forgiven where a category's values
    are enumerated: space around a value, and a word such as "N/A" where a value may be missing. It cannot say that
    such a word is no value elsewhere, nor that a text is a date that exists; those rules are only in the check.

    >>> schema = json_schema(Contract(name="credit", columns=(Column(name="age", type="integer"),)))
    >>> schema["properties"]["inputs"]["properties"]["age"]
    {'type': 'integer', 'minimum': -9007199254740991, 'maximum': 9007199254740991}
    """
    inputs = {
        "type": "object",
        "properties": {column.name: _column_schema(column) for column in contract.columns},
        "required": [column.name for column in contract.columns if not column.missing],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": contract.name,
        "type": "object",
        "properties": {**{column.name: _column_schema(column) for column in ENVELOPE}, "inputs": inputs},
        "required": ["inputs"],
        "additionalProperties": False,
    }


def application_struct(contract: Contract) -> type[msgspec.Struct]:
    """The struct that msgspec decodes a body into: `application_id`, `applicant_id`, `applied_at` and `inputs`.

    It decodes exactly the bodies in which `check_body` finds no `type`, no `unknown_column` and no column that is
    absent or null without leave; the other rules are left to the check. A column's attribute bears its name where that
    is a plain ASCII identifier, and is `column_N`, N its place in the contract, where it is not.

    Raises ContractError where a name holds a quotation mark, a backslash or a control character: msgspec cannot look
    for it.

    >>> struct = application_struct(Contract(name="credit", columns=(Column(name="age", type="integer"),)))
    >>> msgspec.json.decode(b'{"inputs": {"age": 41}}', type=struct).inputs.age
    41.0
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    for position, column in enumerate(contract.columns):
        if _UNSENDABLE.search(column.name):
            raise ContractError(
                f"column {column.name!r} cannot be sent as JSON: its name holds a quotation mark, a backslash or a "
                "control character",
                mend="rename the column",
            )
        plain = _ATTRIBUTE.fullmatch(column.name) and not keyword.iskeyword(column.name)
        attribute = column.name if plain else f"column_{position}"
        rename[attribute] = column.name
        fields.append(_field(attribute, column))
    inputs = msgspec.defstruct("Inputs", fields, rename=rename, kw_only=True, forbid_unknown_fields=True)
    envelope = [_field(column.name, column) for column in ENVELOPE]
    return msgspec.defstruct("Application", [*envelope, ("inputs", inputs)], kw_only=True, forbid_unknown_fields=True)


def _field(attribute: str, column: Column) -> tuple[str, Any] | tuple[str, Any, Any]:
    kind: Any
    match column.type:
        case "number":
            kind = float
        case "integer":
            kind = _Whole
        case "boolean":
            kind = bool | _Truth
        case "category":
            kind = str | int | float if column.numeric_codes else str
        case "text":
            kind = str | int | float
        case "date":
            kind = str | float
    return (attribute, kind | None, None) if column.missing else (attribute, kind)


def _column_schema(column: Column) -> dict[str, Any]:
    schema = _value_schema(column)
    if column.missing:
        if "anyOf" in schema:
            schema["anyOf"].append({"type": "null"})
        elif "enum" in schema:
            schema["enum"].append(None)
        else:
            types = schema["type"]
            schema["type"] = [*([types] if isinstance(types, str) else types), "null"]
    said = _describe(column)
    return {**schema, "description": said} if said else schema


def _value_schema(column: Column) -> dict[str, Any]:
    set_aside = column.outside == "set_aside"
    match column.type:
        case "number":
            return {"type": "number", **(_bounds(column) if set_aside else {})}
        case "integer":
            widest = {"minimum": -int(LARGEST_INTEGER), "maximum": int(LARGEST_INTEGER)}
            return {"type": "integer", **widest, **(_bounds(column) if set_aside else {})}
        case "boolean":
            return {"type": ["boolean", "integer"], "minimum": 0, "maximum": 1}
        case "category" if set_aside:
            return {"enum": [*(column.allowed or ()), *_numbers_allowed(column)]}
        case "category":
            return {"type": ["string", "number"] if column.numeric_codes else "string", **_lengths(column)}
        case "text":
            return {"type": ["string", "number"], **_lengths(column)}
        case "date":
            written = {"type": "string"} if column.format else {"type": "string", "format": "date"}
            digits = {"type": "integer", "minimum": 10000101, "maximum": 99991231}
            return {"anyOf": [written, {"type": "string", "format": "date-time"}, digits]}


def _bounds(column: Column) -> dict[str, float]:
    low, high = column.range or (None, None)
    ends = {"minimum": low, "maximum": high}
    return {word: end for word, end in ends.items() if end is not None}


def _lengths(column: Column) -> dict[str, int]:
    empty = column.missing or "" in column.codes
    return {"maxLength": LONGEST_TEXT} if empty else {"minLength": 1, "maxLength": LONGEST_TEXT}


def _numbers_allowed(column: Column) -> list[float]:
    """The numbers that may stand for an allowed value: 1 for "1", but not for "01"."""
    if not column.numeric_codes:
        return []
    numbers = []
    for value in column.allowed or ():
        try:
            number = float(value)
        except ValueError:
            continue
        if number_word(number) == value:
            numbers.append(int(number) if number.is_integer() else number)
    return numbers


def _describe(column: Column) -> str:
    said = [column.description] if column.description else []
    if column.outside == "refer":
        if column.range is not None:
            said.append(f"A value that is not {describe_range(column)} is referred to a person.")
        if column.allowed:
            said.append(f"A value other than {', '.join(column.allowed)} is referred to a person.")
    if column.type == "date" and column.format:
        said.append(f"Written as {column.format} or in ISO 8601.")
    return " ".join(said)
