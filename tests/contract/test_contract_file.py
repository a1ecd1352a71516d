"""contract.yaml says what every field means, comes back exactly, and names the line of every fault (R4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roadworthy.contract import Column, ColumnType, Contract, contract_digest, contract_yaml, read_contract
from roadworthy.errors import ContractError
from roadworthy.yaml_file import parse_document

TYPES: tuple[ColumnType, ...] = ("number", "integer", "boolean", "category", "text", "date")
AWKWARD = (
    *(
        "yes",
        "null",
        "~",
        "1",
        "1e3",
        "0x1f",
        "2024-01-01",
        "#x",
        "a: b",
        "- a",
        "a #b",
        " a ",
        "\t",
        "\n",
        "\u2028",
        "é",
    ),
    *("é", "😀", "\t", "\n", "\u2028", "'", '"', "\\", "<<", "=", "!", "&a", "*a", "{}", "[", "%", "@", "`"),
)
texts = st.text(max_size=12) | st.sampled_from(AWKWARD)
bounds = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000).map(float)


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    type_ = draw(st.sampled_from(TYPES))
    fields: dict[str, Any] = {}
    if type_ in ("number", "integer"):
        low, high = sorted((draw(bounds), draw(bounds)))
        fields["range"] = draw(st.sampled_from([None, (low, high), (low, None), (None, high)]))
        fields["decimal"] = draw(st.sampled_from(["", ".", ","]))
    elif type_ == "category":
        fields["allowed"] = tuple(draw(st.lists(texts, min_size=1, max_size=4, unique=True)))
    elif type_ == "date":
        fields["format"] = draw(st.sampled_from(["", "%d/%m/%Y", "%Y %j"]))
    return Column(
        name=name,
        type=type_,
        role=draw(st.sampled_from(["input", "identity", "money", "time", "group"])),
        missing=draw(st.booleans()),
        outside=draw(st.sampled_from(["refer", "set_aside"])),
        description=draw(texts),
        reason=draw(texts),
        guessed=draw(st.sampled_from([(), ("type",), ("type", "range", "missing")])),
        **fields,
    )


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    names = draw(st.lists(texts, max_size=4, unique=True))
    return Contract(name=draw(texts), columns=tuple(draw(columns(name)) for name in names))


@settings(max_examples=80, deadline=None)
@given(contracts())
@example(Contract(name="", columns=(Column(name="", type="number", range=(0.0, -0.0)),)))
def test_a_contract_comes_back_exactly_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract
) -> None:
    path = tmp_path_factory.getbasetemp() / "contract.yaml"
    path.write_text(contract_yaml(contract), encoding="utf-8")
    read = read_contract(path)
    assert read == contract
    assert contract_digest(read) == contract_digest(contract)


def test_a_contract_file_reads_like_this() -> None:
    contract = Contract(
        name="credit",
        columns=(
            Column(name="age", type="integer", range=(18, None), guessed=("type", "range")),
            Column(name="net income", type="number", role="money", missing=True, range=(0.5, 1e6), decimal=","),
            Column(
                name="region",
                type="category",
                allowed=("1", "north", "no"),
                outside="set_aside",
                description="Where: home",
            ),
            Column(name="born", type="date", role="time", format="%d/%m/%Y"),
        ),
    )
    text = contract_yaml(contract)
    heading, _, body = text.partition("name: ")
    assert all(line.startswith("#") for line in heading.splitlines())
    for field in Column.__struct_fields__[1:]:
        assert f"#   {field} " in heading
    assert body == (
        "credit\n"
        "columns:\n"
        "  age:\n"
        "    type: integer\n"
        "    range: [18, null]\n"
        "    guessed: [type, range]\n"
        '  "net income":\n'
        "    type: number\n"
        "    role: money\n"
        "    range: [0.5, 1000000]\n"
        "    missing: true\n"
        '    decimal: ","\n'
        "  region:\n"
        "    type: category\n"
        '    allowed: ["1", north, "no"]\n'
        "    outside: set_aside\n"
        '    description: "Where: home"\n'
        "  born:\n"
        "    type: date\n"
        "    role: time\n"
        '    format: "%d/%m/%Y"\n'
    )


HEAD = "name: credit\ncolumns:\n  age:\n    type: integer\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (HEAD + "    rnge: [0, 1]\n", 5, "unknown field 'rnge'"),
        (HEAD + "    range: [10, 1]\n", 5, "range is reversed: 10 is more than 1"),
        (HEAD + "    range: [a, 1]\n", 5, "range: expected"),
        (HEAD + "    range: [0]\n", 5, "range: expected"),
        (HEAD + "    allowed: [a]\n", 5, "allowed is for categories"),
        (HEAD + "    missing: maybe\n", 5, "missing: expected"),
        (HEAD + "    role: inputs\n", 5, "role 'inputs' is not one of its choices"),
        (HEAD + "    guessed: [typ]\n", 5, "guessed names no field"),
        (HEAD.replace("integer", "int"), 4, "type 'int' is not one of its choices"),
        (HEAD.replace("integer", "[a]"), 4, "type ['a'] is not one of its choices"),
        (HEAD + "  home:\n    type: category\n    allowed: [a, b, a]\n", 7, "allowed lists twice: a"),
        (HEAD + "  home:\n    type: category\n", 5, "allowed must list a category's values"),
        (HEAD + "  home:\n    role: input\n", 5, "missing required field `type`"),
        (HEAD + "  home:\n", 5, "column 'home' has no fields"),
        (HEAD + "  2019:\n    type: number\n", 5, "the column name 2019 is not text"),
        (HEAD + "  age:\n    type: number\n", 5, "duplicate key"),
        (HEAD + "owner: me\n", 5, "unknown field 'owner'"),
        ("name: credit\ncolumns:\n  - age\n", 2, "`columns` must map"),
        ("columns: {}\n", 1, "`name` is missing"),
        ("name: [a]\ncolumns: {}\n", 1, "`name` must be text"),
        ("- a\n", 1, "holds no `name` and `columns`"),
    ],
)
def test_each_fault_names_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text)
    with pytest.raises(ContractError) as caught:
        read_contract(path)
    assert caught.value.where == f"contract.yaml, line {line}"
    assert says in str(caught.value)


def test_an_unknown_field_names_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(HEAD + "    rnge: [0, 1]\n")
    with pytest.raises(ContractError, match="available: type, role, range"):
        read_contract(path)


def test_the_digest_changes_with_what_the_contract_says_and_not_with_how() -> None:
    def digest(**fields: Any) -> str:
        return contract_digest(Contract(name="c", columns=(Column(name="x", type="number", **fields),)))

    assert digest(range=(0, 1)) == digest(range=(0.0, 1.0))
    assert (
        len({digest(), digest(missing=True), digest(range=(0, 1)), digest(reason="r"), digest(guessed=("type",))}) == 5
    )
    assert len(digest()) == 64


def test_the_written_file_holds_text_where_yaml_would_see_something_else() -> None:
    document = parse_document(
        contract_yaml(Contract(name="no", columns=(Column(name="on", type="category", allowed=("1", "true", "~")),))),
        "contract.yaml",
        ContractError,
    )
    assert document.data == {"name": "no", "columns": {"on": {"type": "category", "allowed": ["1", "true", "~"]}}}
