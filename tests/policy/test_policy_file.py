"""policy.yaml: each fault has its line, what is written reads back, and the digest is of what is said (R2, R12)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roadworthy.contract import Column, Contract
from roadworthy.errors import PolicyError
from roadworthy.policy import (
    ANSWERS,
    AnswerWords,
    Band,
    Case,
    Expected,
    Policy,
    Reasons,
    Rule,
    ScoreScale,
    StatedEconomics,
    StatedReason,
    StatedTerm,
    find_faults,
    policy_digest,
    policy_yaml,
)

SOUND = """\
name: loans
answer_words: {approve: accept, refer: review, decline: block}
score: {base_score: 500, base_odds: 20, pdo: 50}
bands:
  - {up_to: 0.05, answer: approve}
  - {up_to: 0.2, answer: refer}
  - {answer: decline}
rules:
  - code: under_age
    when: age < 18
    then: decline
    reason: Applicants must be at least 18
  - code: overstretched
    when: amount > 5 * income
    then: refer
    if_missing: pass
    reason: The amount is high for the income
reasons:
  max: 3
  texts:
    income: {higher: Income is too high, lower: Income is too low}
    region: The region
economics:
  currency: EUR
  horizon_months: 12
  terms:
    revenue: {value: 0.12 * amount, basis: assumed}
    funding: {value: 20, basis: measured}
    ead: {value: amount, basis: assumed}
    lgd: {value: 0.55, basis: assumed}
cases:
  - name: sound
    inputs: {age: 30, income: 1000, amount: 100, region: N, opened: 2020-05-01}
    pd: 0.01
    expect: {answer: approve, rules: []}
"""


def test_a_policy_file_is_read_whole(contract: Contract) -> None:
    policy = Policy.parse(SOUND)
    assert policy.answer_words == AnswerWords(approve="accept", refer="review", decline="block")
    assert policy.score == ScoreScale(base_score=500, base_odds=20, pdo=50)
    assert [band.up_to for band in policy.bands] == [0.05, 0.2, None]
    assert [rule.if_missing for rule in policy.rules] == ["refer", "pass"]
    assert policy.reasons.texts["income"] == StatedReason(higher="Income is too high", lower="Income is too low")
    assert policy.reasons.texts["region"] == "The region"
    assert policy.economics is not None
    assert policy.economics.terms["funding"] == StatedTerm(value=20.0, basis="measured")
    assert policy.cases[0].inputs["opened"] == "2020-05-01"
    assert policy.cases[0].expect == Expected(answer="approve", rules=())
    policy.compile(contract)


def test_what_is_left_out_has_its_default() -> None:
    policy = Policy.parse("{name: a, bands: [{answer: refer}]}")
    assert policy == Policy(name="a", bands=(Band(answer="refer"),))
    assert (policy.score.base_score, policy.score.base_odds, policy.score.pdo) == (600, 30, 20)
    assert policy.reasons.max == 4
    assert policy.economics is None


def edit(old: str, new: str) -> tuple[str, int]:
    """The sound policy with one piece changed, and the line where the piece stands."""
    assert SOUND.count(old) == 1
    return SOUND.replace(old, new), SOUND[: SOUND.index(old)].count("\n") + 1


ALONE: list[tuple[str, str, str, bool]] = [
    ("name: loans", "name: ' '", "no name", True),
    ("refer: review", "refer: accept", "three different words", True),
    ("refer: review", "refer: ''", "three different words", True),
    ("base_odds: 20", "base_odds: 0", "base_odds must be a finite number above 0, not 0", True),
    ("pdo: 50", "pdo: .inf", "pdo must be a finite number above 0", True),
    ("base_score: 500", "base_score: .nan", "base_score must be a finite number", True),
    ("base_score: 500", "base_score: many", "xpected `float`", True),
    ("up_to: 0.2", "up_to: 0.05", "bands must rise: 0.05 follows 0.05", True),
    ("up_to: 0.2", "up_to: 0.01", "bands must rise: 0.01 follows 0.05", True),
    ("up_to: 0.2", "up_to: 20", "up_to must lie between 0 and 1, not 20", True),
    ("up_to: 0.2", "up_to: .nan", "up_to must lie between 0 and 1", True),
    ("up_to: 0.05", "up_to: 0", "up_to must lie between 0 and 1", True),
    ("up_to: 0.05, ", "", "only the last band may be without up_to", True),
    ("{answer: decline}", "{up_to: 0.9, answer: decline}", "leave the PDs above it without an answer", True),
    ("{answer: decline}", "{answer: approve}", "approve follows refer", True),
    ("{answer: decline}", "{answer: block}", "nvalid enum value 'block'", True),
    ("{answer: decline}", "{answer: decline, colour: red}", "unknown field `colour`", True),
    ("code: overstretched", "code: under_age", "the code under_age is taken (policy.yaml, line 9)", True),
    ("code: overstretched", "code: over stretched", "cannot be a rule's code", True),
    ("code: overstretched", "code: engine_failed", "the code engine_failed is reserved", True),
    ("when: age < 18", "when: age ** 2 < 18", "`age ** 2` is not part of the rule language", True),
    ("when: age < 18", "when: true", "xpected `str`", True),
    ("then: decline", "then: approve", "nvalid enum value 'approve'", True),
    ("if_missing: pass", "if_missing: ignore", "nvalid enum value 'ignore'", True),
    ("reason: Applicants must be at least 18", "reason: ''", "rule under_age has no reason", True),
    ("max: 3", "max: 5", "max must be 1 to 4, not 5", True),
    ("max: 3", "max: 0", "max must be 1 to 4, not 0", True),
    ("region: The region", "region: [a]", "xpected", True),
    ("currency: EUR", "currency: euro", "'euro' is no currency", True),
    ("horizon_months: 12", "horizon_months: 0", "horizon_months must be 1 to 600, not 0", True),
    ("horizon_months: 12", "horizon_months: 1.5", "xpected `int`", True),
    ("    lgd: {value: 0.55, basis: assumed}\n", "", "lgd", False),
    ("lgd: {value", "lgt: {value", "lgt", False),
    ("value: 0.12 * amount", "value: amount ** 2", "revenue", True),
    ("value: 0.55", "value: 55", "lgd", True),
    ("value: 0.55", "value: .inf", "lgd", True),
    ("basis: measured", "basis: guessed", "nvalid enum value 'guessed'", True),
    ("name: sound", "name: ''", "every case needs a name", True),
    ("pd: 0.01", "pd: 1.5", "pd must lie in 0 to 1, not 1.5", True),
    ("rules: []", "rules: [under_ages]", "expects rule under_ages, which does not exist", True),
    ("expect: {answer: approve, rules: []}", "expect: {answer: maybe}", "nvalid enum value 'maybe'", True),
]


@pytest.mark.parametrize(("old", "new", "message", "on_its_line"), ALONE)
def test_a_fault_in_the_file_has_its_line(old: str, new: str, message: str, on_its_line: bool) -> None:
    text, line = edit(old, new)
    with pytest.raises(PolicyError) as refused:
        Policy.parse(text)
    assert message in refused.value.message
    if on_its_line:
        assert refused.value.where == f"policy.yaml, line {line}"


@pytest.mark.parametrize("text", ["", "# nothing", "- a", "a: [", "name: a\nname: b", "name: a", "42", "bands: []"])
def test_a_file_that_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match=r"policy\.yaml"):
        Policy.parse(text)


def test_no_bands_at_all_are_refused_with_an_example() -> None:
    with pytest.raises(PolicyError, match="there are no bands"):
        Policy.parse("{name: a, bands: []}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    income: {higher", "    incomes: {higher", "reason text for 'incomes': there is no such column"),
        ("value: 0.12 * amount", "value: 0.12 * amounts", "revenue: there is no column 'amounts' that is a number"),
        ("value: 0.12 * amount", "value: region", "revenue: there is no column 'region' that is a number"),
        ("code: overstretched", "code: income", "this is the reason code of column 'income'"),
        ("when: age < 18", "when: age < 'a'", "rule under_age: `age` (number)"),
    ],
)
def test_a_fault_against_the_contract_has_its_line(old: str, new: str, message: str, contract: Contract) -> None:
    text, line = edit(old, new)
    with pytest.raises(PolicyError) as refused:
        Policy.parse(text).compile(contract)
    assert message in refused.value.message
    assert refused.value.where == f"policy.yaml, line {line}"


def test_every_fault_is_found_at_once(tmp_path: Path, contract: Contract) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(SOUND)
    assert find_faults(path, contract) == []
    path.write_text(SOUND.replace("max: 3", "max: 9").replace("up_to: 0.2", "up_to: 2").replace("age < 18", "age <"))
    faults = [fault.where for fault in find_faults(path, contract)]
    assert faults == [f"policy.yaml, line {line}" for line in (6, 10, 19)]
    path.write_text(
        SOUND.replace("age < 18", "ages < 18").replace("5 * income", "5 * incomes").replace("region:", "r:")
    )
    faults = [fault.where for fault in find_faults(path, contract)]
    assert faults == [f"policy.yaml, line {line}" for line in (10, 14, 22)]
    path.write_text("bands: [")
    assert len(find_faults(path, contract)) == 1
    assert "there is no such file" in find_faults(tmp_path / "other.yaml", contract)[0].message


def test_a_policy_is_loaded_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert Policy.load(path) == Policy.load(str(path)) == Policy.parse(SOUND)
    with pytest.raises(PolicyError, match="no such file"):
        Policy.load(tmp_path / "polisy.yaml")


def test_a_policy_made_in_code_is_checked_too_and_its_faults_name_the_place(contract: Contract) -> None:
    policy = Policy(name="loans", bands=(Band(up_to=2, answer="approve"), Band(answer="decline")))
    with pytest.raises(PolicyError, match=r"policy 'loans', bands\.0\.up_to: up_to must lie between 0 and 1"):
        policy.compile(contract)


def test_a_rule_may_not_have_the_reason_code_of_a_column(policy_of: Callable[..., Policy]) -> None:
    contract = Contract(name="loans", columns=(Column(name="Rule 0", type="number"),))
    with pytest.raises(PolicyError, match="rule rule_0: this is the reason code of column 'Rule 0'"):
        policy_of("when: 'col(\"Rule 0\") < 1', then: refer").compile(contract)


def test_the_digest_hangs_on_what_is_said_and_not_on_how() -> None:
    policy = Policy.parse(SOUND)
    assert policy_digest(Policy.parse(policy_yaml(policy))) == policy_digest(policy)
    assert policy_digest(Policy.parse("# a comment\n" + SOUND.replace("value: 20,", "value: 20.0,"))) == policy_digest(
        policy
    )
    assert len(policy_digest(policy)) == 64
    others = [edit(old, new)[0] for old, new in (("0.2,", "0.21,"), ("age < 18", "age < 19"), ("rules: []", ""))]
    assert len({policy_digest(Policy.parse(text)) for text in [SOUND, *others]}) == 4


def test_a_written_policy_is_as_it_was_reviewed() -> None:
    """The stored file is the layout people see; a change of it shows as a diff."""
    golden = Path(__file__).parent / "golden" / "policy.yaml"
    assert policy_yaml(Policy.parse(SOUND)) == golden.read_text(encoding="utf-8")


def test_a_policy_without_economics_says_that_no_money_is_shown() -> None:
    text = policy_yaml(Policy.parse("{name: a, bands: [{answer: refer}]}"))
    assert "# economics: none are stated, so no money is shown." in text


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
CODES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
CONDITIONS = st.sampled_from(
    ["age < 18", "missing(income)", 'region in ("N", "S")', 'col("a: b #") == "#: \'x\'"', "true"]
)
AWKWARD = [
    "2020-01-01",
    "1e3",
    "yes",
    "null",
    "~",
    "0x1F",
    "1_000",
    ".inf",
    "12:30",
    "",
    " a",
    "a\nb",
    "- a",
    "a: b",
    "# a",
    "{a}",
    "'a",
    '"a',
]
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(AWKWARD),
)
RULES = st.builds(
    Rule,
    code=CODES,
    when=CONDITIONS,
    then=st.sampled_from(["decline", "refer"]),
    if_missing=st.sampled_from(["refer", "pass", "decline"]),
    reason=WORDS,
)
TERMS = st.builds(
    StatedTerm, value=st.floats(0, 1) | st.sampled_from(["amount", '0.1 * "a: b"']), basis=st.just("assumed")
)
SCALES = st.builds(ScoreScale, base_score=st.floats(-1e9, 1e9), base_odds=st.floats(1e-6, 1e6), pdo=st.floats(0.1, 99))
TEXTS = WORDS | st.builds(StatedReason, higher=WORDS, missing=st.none() | WORDS)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = draw(st.lists(RULES, max_size=3, unique_by=lambda rule: rule.code))
    cut_offs = sorted(draw(st.lists(st.floats(1e-12, 1 - 1e-9), max_size=3, unique=True)))
    answers = sorted(draw(st.lists(st.integers(0, 2), min_size=len(cut_offs) + 1, max_size=len(cut_offs) + 1)))
    codes = st.lists(st.sampled_from([rule.code for rule in rules]), unique=True) if rules else st.just([])
    cases = st.builds(
        Case,
        name=WORDS,
        inputs=st.dictionaries(WORDS, SCALARS, max_size=4),
        pd=st.none() | st.floats(0, 1),
        tables=st.dictionaries(WORDS, st.dictionaries(WORDS, SCALARS, max_size=2), max_size=2),
        expect=st.builds(Expected, answer=st.sampled_from(ANSWERS), rules=st.none() | codes.map(tuple)),
    )
    return Policy(
        name=draw(WORDS),
        score=draw(SCALES),
        bands=tuple(
            Band(up_to=up_to, answer=ANSWERS[answer]) for up_to, answer in zip([*cut_offs, None], answers, strict=True)
        ),
        rules=tuple(rules),
        reasons=draw(
            st.builds(
                Reasons,
                max=st.integers(1, 4),
                texts=st.dictionaries(WORDS, TEXTS, max_size=3),
            )
        ),
        economics=draw(
            st.none()
            | st.builds(
                StatedEconomics,
                currency=st.just("EUR"),
                horizon_months=st.integers(1, 600),
                terms=st.fixed_dictionaries(dict.fromkeys(("revenue", "funding", "ead", "lgd"), TERMS)),
            )
        ),
        cases=tuple(draw(st.lists(cases, max_size=2, unique_by=lambda case: case.name))),
    )


@settings(max_examples=20, deadline=None)  # YAML is slow to read
@given(policies())
@example(Policy(name="a\x85b", bands=(Band(answer="refer"),), reasons=Reasons(texts={"\x85": "\u2028 \ufeff"})))
@example(Policy(name="a", bands=(Band(answer="refer"),), score=ScoreScale(base_score=-0.0)))
def test_a_written_policy_reads_back_equal(policy: Policy) -> None:
    again = Policy.parse(policy_yaml(policy))
    assert again == policy
    assert policy_digest(again) == policy_digest(policy)
