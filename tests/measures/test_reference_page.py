"""docs/reference/measures.md says what is so: its examples run, and it speaks of everything public."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import roadworthy.measures as measures

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "measures.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_examples_on_the_page_run(page: str) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(code, {}, "measures.md", str(PAGE), 0)
    assert len(examples.examples) > 25
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    runner.run(examples, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_the_page_names_every_measure_and_every_term(page: str) -> None:
    functions = [name for name in measures.__all__ if name.islower() and name not in ("evaluate", "parse_term")]
    for name in [*functions, *measures.Economics(revenue=0, funding=0, ead=0, lgd=0).terms]:
        assert name in page, name


def test_the_page_says_of_every_measure_when_it_lies(page: str) -> None:
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    assert len(sections) == 13
    for section in sections:
        assert re.search(r"\*?(It lies|They lie)\*", section), section[:40]
