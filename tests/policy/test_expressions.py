"""The rule language reads what it should, and refuses everything else with a PolicyError and its line (R2)."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roadworthy.errors import PolicyError
from roadworthy.policy import Policy, parse_expression, print_expression
from roadworthy.policy.expression import Among, Compare, Flag, Missing, Name, Negative, Number, Text, iter_names
from roadworthy.policy.parsing import MAX_CHARACTERS, MAX_DEPTH, MAX_TOKENS

POLICY = """\
name: loans
bands:
  - {{up_to: 0.05, answer: approve}}
  - {{answer: decline}}
rules:
  - code: rule
    when: {when}
    then: decline
    reason: a reason
"""


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("age<18", "age < 18"),
        ("18 <= age <65", "18 <= age < 65"),
        ("amount>(5*income)", "amount > 5 * income"),
        ("(a + b) * c - (d - e) > 1", "(a + b) * c - (d - e) > 1"),
        ("a - b - c > 1", "a - b - c > 1"),
        ("a / (b * c) > 1", "a / (b * c) > 1"),
        ("-a * b < -(a * b)", "-a * b < -(a * b)"),
        ("region in ('N','S')", 'region in ("N", "S")'),
        ("region in ('N')", 'region in ("N")'),
        ("region in ('N',)", 'region in ("N")'),
        ("region not in ('N')", 'region not in ("N")'),
        ("not (a and b) or c", "not (a and b) or c"),
        ("a or b and c", "a or b and c"),
        ("(a or b) and c", "(a or b) and c"),
        ("(a and b) and c", "(a and b) and c"),
        ("not not a", "not not a"),
        ("employed == True", "employed == true"),
        ("missing( income )", "missing(income)"),
        ("max(a,b,1.5)>abs(-c)", "max(a, b, 1.5) > abs(-c)"),
        ('col("annual income")<1e3', 'col("annual income") < 1000'),
        ('col("plain") < .5', "plain < 0.5"),
        ("merchants.limit < amount", "merchants.limit < amount"),
        ('col("merchants", "monthly limit") > 1e300', 'col("merchants", "monthly limit") > 1e+300'),
        ('col("class") == "a\\\\b\\"c"', 'col("class") == "a\\\\b\\"c"'),
        ("age\n  <\t18\u00a0", "age < 18"),
        ("Einkommen_€".replace("€", "é") + " < 1", "Einkommen_é < 1"),
    ],
)
def test_an_expression_is_printed_with_no_more_brackets_than_it_needs(text: str, printed: str) -> None:
    assert print_expression(parse_expression(text)) == printed
    assert parse_expression(printed) == parse_expression(text)


def test_an_expression_becomes_plain_values() -> None:
    assert parse_expression("0 < age < 18") == Compare(Number(0), (("<", Name("age")), ("<", Number(18))))
    assert parse_expression("region not in ('N', -5, true)") == Among(
        Name("region"), (Text("N"), Number(-5), Flag(True)), negated=True
    )
    assert parse_expression("missing(merchants.limit)") == Missing(Name("limit", "merchants"))
    assert parse_expression("-5") == Negative(Number(5))


def test_names_are_listed_in_the_order_written() -> None:
    names = iter_names(parse_expression('missing(c) and not col("a b") > min(x.y, -b) or c in (1, 2)'))
    assert [str(name) for name in names] == ["c", "a b", "x.y", "b", "c"]


HOSTILE = [
    "",
    "   ",
    "__import__('os').system('x')",
    "__import__('os')",
    "open('x')",
    "age.__class__.__bases__",
    "().__class__",
    "'x'.upper()",
    "(1).real",
    "age.real()",
    "lambda: 1",
    "(lambda x: x)(1)",
    "[x for x in y]",
    "{x for x in y}",
    "(x for x in y)",
    "{'a': 1}",
    "age[0]",
    "f'{age}'",
    "f '{age}'",
    "b'x' == note",
    "r'x' == note",
    "'a' 'b' == note",
    "(age := 5) > 3",
    "age = 5",
    "age; age",
    "age ** 2 > 1",
    "9**9**9**9 > age",
    "age // 2",
    "age % 2",
    "age & 1",
    "age | 1",
    "age ^ 1",
    "~age",
    "age << 2",
    "age @ age",
    "+age > 1",
    "age if age else age",
    "age is None",
    "age == None",
    "yield",
    "await age",
    "*age",
    "min(*age)",
    "min(a, key=b)",
    "min(a)",
    "min()",
    "abs(a, b)",
    "missing()",
    "missing(5)",
    "missing(a, b)",
    "missing(col)(a)",
    "col(a)",
    "col()",
    "col('a', 'b', 'c')",
    "col('a').b",
    "a.b.c",
    "...",
    "age <",
    "age < < 5",
    "age <> 5",
    "< 5",
    "age 5",
    "(age < 5",
    "age < 5)",
    "()",
    "age < (1, 2)",
    "age in ()",
    "age in 5 + 5",
    "age in (1, income)",
    "1 < age in (1, 2)",
    "age in (1, 2) in (3,)",
    "age < 1,000",
    "age < 1_000",
    "age < 0x1F",
    "age < 0b1",
    "age < 007",
    "age < 5j",
    "age < 5if",
    "age < 1e999",
    "age < " + "9" * 400,
    "age < 5 # comment",
    "age < 5 \\\n and true",
    "note == 'a\nb'",
    "note == 'a\x00b'",
    "note == '\\d'",
    "note == '\\x41'",
    "note == '\\N{DASH}'",
    "note == '\ud800'",
    "\ud800 < 5",
    "note == 'a",
    "note == “a”",
    "age < 18 AND age > 5",
    "Not age < 18",
    "age < 18 && age > 5",
    "age < 18 || age > 5",
    "!age",
    "\x00",
    "age < 5\x00",
    "import os",
    "del age",
    "assert age",
    "age < ٣",
    "²x < 5",
    "a" * (MAX_CHARACTERS + 1),
    " " * 1_000_000,
    "(" * 10_000 + "1" + ")" * 10_000,
    "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1),
    "(" * 900,
    ")" * 900,
    "-" * 450 + "a < 1",
    "not " * 450 + "a",
    "+".join("a" * 249) + " < 1",
    "a<" * 249 + "a" + "*a" * 200,
    "a<" * (MAX_TOKENS // 2) + "a" * 2,
    "min(" * 30 + "1" + ",1)" * 30 + "<" + "min(" * 30 + "1" + ",1)" * 100,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:30]))
def test_a_hostile_expression_is_refused_with_its_line_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_expression(text, where="policy.yaml, line 7")
    assert refused.value.where == "policy.yaml, line 7"
    str(refused.value).encode()


@pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 30_000], ids=lambda text: ascii(text[:30]))
def test_a_hostile_expression_in_a_file_is_refused_with_the_line_of_the_file(text: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Policy.parse(POLICY.format(when=json.dumps(text)))
    # A text that is no YAML at all is refused on the same line, before the language is asked.
    assert refused.value.where == "policy.yaml, line 7"
    str(refused.value).encode()


def test_an_expression_just_within_the_limits_is_read() -> None:
    parse_expression("(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1))
    parse_expression(" + ".join("a" * (MAX_DEPTH - 1)) + " < 1")
    parse_expression("a in (" + ", ".join(["1"] * ((MAX_TOKENS - 4) // 2)) + ")")
    parse_expression("a < 1".ljust(MAX_CHARACTERS))


def test_a_deep_expression_is_refused_even_where_the_stack_is_nearly_full() -> None:
    def descend(levels: int) -> None:
        if levels:
            descend(levels - 1)
        else:
            with pytest.raises(PolicyError):
                parse_expression("-" * 450 + "a < 1")

    depth = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    descend(sys.getrecursionlimit() - depth - 120)


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("age = 18", "=="),
        ("age < 18 AND income > 5", "and"),
        ("region in ['N']", "round brackets"),
        ("note == “N”", "straight quotes"),
        ("class == 1", 'col("class")'),
        ("income == None", "missing("),
        ("amount > 1,000", "thousands"),
        ("'N' 'S' == region", "comma"),
    ],
)
def test_a_usual_slip_is_answered_with_its_mend(text: str, mend: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_expression(text)
    assert mend in (refused.value.mend or "")


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="ab1 .,()<>=!+-*/'\"\\notindrmscl_e", max_size=60))
@example("0_0")
@example("a<1\x0c")
def test_any_text_is_read_or_refused_and_what_is_read_prints_and_reads_the_same(text: str) -> None:
    try:
        node = parse_expression(text, where="here")
    except PolicyError as refused:
        assert refused.where == "here"  # noqa: PT017  # what is read is checked below, so both ways are tested
        return
    assert parse_expression(print_expression(node)) == node
