"""The reference page leaves nothing out; that its examples hold is shown by running them, as for every page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from roadworthy.contract import Column
from roadworthy.contract.check import Rule
from roadworthy.contract.reading import LONGEST_TEXT
from roadworthy.contract.words import MISSING_WORDS, TRUTH_WORDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "contract.md"


def listed(heading: str) -> set[str]:
    """The names in the first column of the table under `heading`."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE))


def test_the_page_lists_every_field_and_every_rule() -> None:
    assert listed("Fields") == set(Column.__struct_fields__) - {"name"}
    assert listed("Rules") == set(get_args(Rule))


def test_the_page_lists_every_word_and_limit() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = text.partition("\nMissing, in any case")[2].partition("\n\n")[0]
    assert {word.lower() for word in re.findall(r"`([^`]+)`", missing)} == MISSING_WORDS - {""}
    truth = text.partition("; text: ")[2].partition(" in any case")[0]
    assert set(re.split(r"/|, ", truth)) == set(TRUTH_WORDS)
    assert f"{LONGEST_TEXT:,} characters" in text
