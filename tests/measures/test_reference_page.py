"""docs/reference/measures.md leads to everything public, and each page says when its measure lies.

That the examples run is shown with those of all pages (conftest.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import roadworthy.measures as measures

INDEX = Path(__file__).resolve().parents[2] / "docs" / "reference" / "measures.md"
PAGES = sorted(INDEX.with_suffix("").glob("*.md"))
MEASURES = [name for name in measures.__all__ if name.islower() and name not in ("evaluate", "parse_term")]


@pytest.mark.parametrize("name", MEASURES)
def test_the_index_leads_from_a_question_to_a_page_that_speaks_of_the_measure(name: str) -> None:
    index = INDEX.read_text(encoding="utf-8")
    linked = re.findall(rf"\[[^\]]*`{name}`[^\]]*\]\((measures/[a-z_]+\.md)\)", index)
    assert linked, f"no question of the index leads to {name}"
    for page in linked:
        assert name in (INDEX.parent / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_where_its_measure_comes_from_and_when_it_lies(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert f"(measures/{page.name})" in INDEX.read_text(encoding="utf-8"), "the index leads here"
    for said in (r"\*Sources?\*", r"\*Use (it|them)\*", r"\*(It lies|They lie)\*", r"```python\n>>> "):
        assert re.search(said, text), said


def test_the_page_of_the_economics_names_every_term() -> None:
    text = (INDEX.with_suffix("") / "economics.md").read_text(encoding="utf-8")
    for term in measures.Economics(revenue=0, funding=0, ead=0, lgd=0).terms:
        assert re.search(rf"\b{term.replace('_', '.')}\b", text), term
