"""contract.yaml: written with an explanation of every field, read back exactly, each fault with its line."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from roadworthy.contract.schema import Column, ColumnType, Contract, Outside, Role
from roadworthy.errors import ContractError
from roadworthy.yaml_file import Document, parse_document, read_document

__all__ = ["contract_digest", "contract_yaml", "parse_contract", "read_contract"]

_HEADING = """\
# What an application must look like. `roadworthy check` reads this file and names the line of every fault.
#
# Each column, under its name:
#   type         number, integer, boolean, category, text or date
#   role         input (the model reads it; the default), identity, money, time, or group (watched for fairness only)
#   range        [lowest, highest], both included; null leaves an end open
#   allowed      the values of a category; their order is kept in sealed models, so add new ones at the end
#   missing      true where a value may be missing; false is the default
#   outside      what becomes of a value outside range or allowed: refer (to a person; the default) or set_aside
#   format       how a date is written beside 2024-01-31, for example "%d/%m/%Y"
#   decimal      "," or ".", the decimal sign of numbers in text files; left out, each file's own values decide
#   description  what the column means
#   reason       what an applicant reads when this column counted against them
#   guessed      the fields above that were guessed from data; delete a field's name here once you have confirmed it
"""
_CHOICES: dict[str, tuple[str, ...]] = {
    "type": get_args(ColumnType),
    "role": get_args(Role),
    "outside": get_args(Outside),
    "decimal": (".", ","),
}
_FIELDS = tuple(field for field in Column.__struct_fields__ if field != "name")
_BARE = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_WORDS_WITH_A_MEANING = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def contract_yaml(contract: Contract) -> str:
    """The contract as the text of a contract.yaml; fields that have their default are left out.

    >>> contract = Contract(name="credit", columns=(Column(name="age", type="integer", range=(18, None)),))
    >>> contract_yaml(contract).splitlines()[-4:]
    ['columns:', '  age:', '    type: integer', '    range: [18, null]']
    """
    lines = [_HEADING + f"name: {_scalar(contract.name)}", "columns:" if contract.columns else "columns: {}"]
    for column in contract.columns:
        lines.append(f"  {_scalar(column.name)}:")
        fields: dict[str, Any] = msgspec.to_builtins(column)
        lines += [f"    {field}: {_value(fields[field])}" for field in _FIELDS if field in fields]
    return "\n".join(lines) + "\n"


def read_contract(path: Path) -> Contract:
    """Read a contract.yaml. Raises ContractError, with the line, for the first thing that is wrong."""
    return _from_document(read_document(path, ContractError))


def parse_contract(text: str, path: str = "contract.yaml") -> Contract:
    r"""The contract that the text of a contract.yaml says; `path` is its name in errors, which are `read_contract`'s.

    >>> parse_contract("name: credit\ncolumns:\n  age: {type: integer}").columns[0].type
    'integer'
    """
    return _from_document(parse_document(text, path, ContractError))


def _from_document(document: Document) -> Contract:
    data = document.data
    if not isinstance(data, dict):
        raise document.fault("holds no `name` and `columns`", mend="`roadworthy init` writes a whole one")
    for field in data:
        if field not in ("name", "columns"):
            raise document.fault(f"unknown field {field!r}", field, available=("name", "columns"))
    if not isinstance(data.get("name"), str):
        raise document.fault("`name` must be text" if "name" in data else "`name` is missing", "name")
    columns = data.get("columns")
    if not isinstance(columns, dict):
        raise document.fault("`columns` must map each column's name to its fields", "columns")
    return Contract(
        name=data["name"], columns=tuple(_column(document, name, fields) for name, fields in columns.items())
    )


def contract_digest(contract: Contract) -> str:
    """SHA-256, in hex, of everything the contract says, guesses and descriptions included.

    >>> contract_digest(Contract(name="credit", columns=()))[:8]
    'b5214fb8'
    """
    stated = msgspec.to_builtins(contract)
    for column in stated["columns"]:
        if "range" in column:
            # A bound written as 18 and one written as 18.0 are the same bound, and so are 0 and -0.
            column["range"] = [None if bound is None else bound + 0.0 for bound in column["range"]]
    exact = msgspec.convert(stated, Contract)
    return hashlib.sha256(msgspec.json.encode(exact, order="deterministic")).hexdigest()


def _column(document: Document, name: Any, fields: Any) -> Column:
    if not isinstance(name, str):
        raise document.fault(f"the column name {name!r} is not text", "columns", name, mend="put it in quotes")
    if not isinstance(fields, dict):
        raise document.fault(f"column {name!r} has no fields", "columns", name, mend="write at least `type: number`")
    for field, value in fields.items():
        if field not in _FIELDS:
            raise document.fault(f"unknown field {field!r}", "columns", name, field, available=_FIELDS)
        if field in _CHOICES and value not in _CHOICES[field]:
            message = f"{field} {value!r} is not one of its choices"
            raise document.fault(message, "columns", name, field, available=_CHOICES[field])
    try:
        return msgspec.convert({"name": name, **fields}, Column, strict=True)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        field = re.match(r"\.(\w+)", place)
        # A column's own rules name the field first.
        at = field[1] if field else message.split(" ", 1)[0]
        said = f"{at}: {message[:1].lower()}{message[1:]}" if field else message
        raise document.fault(said, "columns", name, at, mend=_MENDS.get(at)) from None


_MENDS = {
    "allowed": 'write the values as quoted text, each once, for example ["1", "2"]',
    "range": "write [lowest, highest], for example [0, 100] or [0, null]",
    "guessed": f"name only {', '.join(_FIELDS)}",
}


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)
    return _scalar(value)


def _scalar(text: str) -> str:
    """`text` bare where YAML cannot take it for anything else, and quoted everywhere else."""
    if _BARE.fullmatch(text) and text.lower() not in _WORDS_WITH_A_MEANING:
        return text
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
