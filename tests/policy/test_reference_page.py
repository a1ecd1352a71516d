"""docs/reference/policy.md says what is so: its policy proves itself, its examples run, its lists are whole."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from roadworthy.contract import Column, Contract
from roadworthy.measures import Economics
from roadworthy.policy import RESERVED_CODES, Policy, parse_expression, run_cases

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "policy.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_policy_on_the_page_is_sound_and_its_cases_pass(page: str) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    columns = tuple(Column(name=name, type="number") for name in ("age", "income", "amount"))
    results = run_cases(Policy.parse(text), Contract(name="loans", columns=columns))
    assert [result.status for result in results] == ["passed", "passed"]


def test_the_expressions_on_the_page_are_in_the_language(page: str) -> None:
    expressions = re.findall(
        r"^    (\S.*)$", page.partition("### Expressions")[2].partition("| written")[0], re.MULTILINE
    )
    assert len(expressions) == 4
    for text in expressions:
        parse_expression(text)


def test_the_examples_on_the_page_run(page: str) -> None:
    examples = doctest.DocTestParser().get_doctest(page, {}, "policy.md", str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(examples)
    assert runner.summarize(verbose=False).failed == 0
    assert len(examples.examples) == 11


def test_the_page_names_every_field_term_and_reserved_code(page: str) -> None:
    # The months the PD looks ahead are the product's, and no part of a policy.
    terms = [name for name in Economics.__dataclass_fields__ if name not in ("currency", "pd_horizon_months")]
    for name in [*Policy.__struct_fields__, *terms, *RESERVED_CODES]:
        assert name in page
