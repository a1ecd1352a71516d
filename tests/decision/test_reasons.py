"""Stated reasons are true, and where none can be found nobody is declined without one (R27), on models made by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import MISSING, Batch, Column, Contract
from roadworthy.decision import Decisions, Release, decide
from roadworthy.decision.reasons import compare_with_reference
from roadworthy.decision.sheet import Sheet
from roadworthy.policy import DECLINE, REFER
from roadworthy.testing import make_applications, make_release

Releases = Callable[..., Release]
Rows = Callable[..., Batch]

TABLE_OF_THREE = ("", "a", "b", "c", "ab", "ac", "bc", "abc")


def stated(decisions: Decisions, row: int = 0) -> list[str | None]:
    return [decisions.catalogue[entry].column for entry in decisions.reason[row] if entry >= 0]


def test_the_largest_contributions_are_stated_and_lower_the_pd(release_of: Releases, rows_of: Rows) -> None:
    """Additive: a adds 0.3, b 0.1, c takes 0.05 off. With a and b at the reference the PD is 0.1 - 0.05 = 0.05."""
    step = {"a": 0.3, "b": 0.1, "c": -0.05}
    release = release_of("abc", {on: round(0.1 + sum(step[name] for name in on), 12) for on in TABLE_OF_THREE})
    decisions = decide(rows_of(release, [[1, 1, 1]]), release)
    assert decisions.answers().tolist() == ["decline"]
    assert stated(decisions) == ["a", "b"]
    np.testing.assert_allclose(decisions.contribution[0, :2], [0.3, 0.1], atol=1e-12)
    assert np.isnan(decisions.contribution[0, 2:]).all()
    assert decisions.pd_at_reference[0] == pytest.approx(0.05)
    assert not decisions.adjusted[0]
    assert decisions.quantity == "pd"


def test_where_the_largest_contributions_do_not_lower_the_pd_others_are_chosen(
    release_of: Releases, rows_of: Rows
) -> None:
    """Contributions: c 0.283, a 0.083, b -0.067. Without c and a the PD rises from 0.4 to 0.5; without a it is 0.1."""
    pd = {"": 0.1, "a": 0.2, "b": 0.5, "c": 0.9, "ab": 0.4, "ac": 0.7, "bc": 0.1, "abc": 0.4}
    release = release_of("abc", pd, most=2)
    decisions = decide(rows_of(release, [[1, 1, 1]]), release)
    assert decisions.answers().tolist() == ["decline"]
    assert stated(decisions) == ["a"]
    assert decisions.adjusted[0]
    assert (decisions.pd[0], decisions.pd_at_reference[0]) == (0.4, 0.1)


def test_two_columns_that_lower_the_pd_only_together_are_found(release_of: Releases, rows_of: Rows) -> None:
    """Contributions: a 0.233, b 0.083, c -0.017. No one column lowers 0.4, nor do a and b; a and c give 0.2.

    The idle column d changes nothing, and is not stated though moving it does no harm.
    """
    pd = {"": 0.1, "a": 0.5, "b": 0.2, "c": 0.4, "ab": 0.9, "ac": 0.5, "bc": 0.5, "abc": 0.4}
    release = release_of("abcd", {on + more: value for on, value in pd.items() for more in ("", "d")}, most=2)
    decisions = decide(rows_of(release, [[1, 1, 1, 1]]), release)
    assert stated(decisions) == ["a", "c"]
    assert decisions.adjusted[0]
    assert (decisions.pd[0], decisions.pd_at_reference[0]) == (0.4, 0.2)


def test_a_model_that_ignores_its_inputs_declines_nobody(release_of: Releases, rows_of: Rows) -> None:
    release = release_of("ab", dict.fromkeys(("", "a", "b", "ab"), 0.9))
    decisions = decide(rows_of(release, [[0, 0], [1, 0], [1, 1]]), release)
    assert decisions.answers().tolist() == ["refer"] * 3
    assert {row["rules"][0] for row in decisions.to_arrow().to_pylist()} == {"no_true_reason"}
    assert [reason["code"] for reason in decisions.row(0)["reasons"]] == ["no_true_reason"]
    assert np.isnan(decisions.pd_at_reference).all()
    assert not decisions.adjusted.any()


def test_who_is_better_than_the_reference_cannot_be_told_why_not(release_of: Releases, rows_of: Rows) -> None:
    release = release_of("a", {"": 0.9, "a": 0.5})
    decisions = decide(rows_of(release, [[1], [0]]), release)
    assert decisions.answers().tolist() == ["refer", "refer"]
    assert decisions.rules[:, decisions.rule_codes.index("no_true_reason")].all()


def test_who_is_approved_is_given_no_reason(release_of: Releases, rows_of: Rows) -> None:
    release = release_of("a", {"": 0.1, "a": 0.15})
    decisions = decide(rows_of(release, [[1]]), release)
    assert decisions.answers().tolist() == ["approve"]
    assert (stated(decisions), np.isnan(decisions.pd_at_reference[0])) == ([], True)


def test_a_referral_is_told_what_raised_the_pd_where_that_is_true(release_of: Releases, rows_of: Rows) -> None:
    release = release_of("ab", {"": 0.25, "a": 0.28, "b": 0.22, "ab": 0.25})
    decisions = decide(rows_of(release, [[1, 0], [0, 1]]), release)
    assert decisions.answers().tolist() == ["refer", "refer"]
    assert (stated(decisions, 0), stated(decisions, 1)) == (["a"], [])
    assert not decisions.rules.any()  # a person decides anyway: nothing has to be true for that


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_no_more_reasons_are_stated_than_the_policy_says(most: int, release_of: Releases, rows_of: Rows) -> None:
    names = "abcdef"
    pd = {"".join(on): 0.1 + 0.1 * len(on) for size in range(7) for on in combinations(names, size)}
    release = release_of(names, pd, most=most)
    decisions = decide(rows_of(release, [[1] * 6, [1] * 3 + [0] * 3]), release)
    assert decisions.reason.shape == (2, most)
    assert [len(stated(decisions, row)) for row in (0, 1)] == [most, min(most, 3)]
    for row, on in ((0, 6), (1, 3)):
        assert decisions.pd_at_reference[row] == pytest.approx(0.1 + 0.1 * (on - min(most, on)))


def test_a_rule_s_reasons_come_first_and_leave_the_rest_to_columns(release_of: Releases, rows_of: Rows) -> None:
    """Two reasons at most: one is the rule's, so that one column is stated, and the PD is that without this column."""
    rules = "{code: odd, when: a + b > 1, then: refer, reason: An odd pair}"
    release = release_of("ab", {"": 0.1, "a": 0.3, "b": 0.2, "ab": 0.9}, most=2, rules=rules)
    decisions = decide(rows_of(release, [[1, 1]]), release)
    assert decisions.answers().tolist() == ["refer"]
    assert [reason["code"] for reason in decisions.row(0)["reasons"]] == ["odd", "a"]
    assert decisions.pd_at_reference[0] == pytest.approx(0.2)
    full = release_of("ab", {"": 0.1, "a": 0.3, "b": 0.2, "ab": 0.9}, most=1, rules=rules)
    decisions = decide(rows_of(full, [[1, 1]]), full)
    assert [reason["code"] for reason in decisions.row(0)["reasons"]] == ["odd"]
    assert np.isnan(decisions.pd_at_reference[0])


def test_a_decline_by_a_rule_states_the_rule_alone_and_mending_it_stops_the_rule(
    release_of: Releases, rows_of: Rows
) -> None:
    """R27 for knock-outs: whoever mends the rule's column is no longer declined by it."""
    rules = (
        "{code: no_b, when: b == 1, then: decline, reason: No b}, {code: no_c, when: c == 1, then: refer, reason: No c}"
    )
    release = release_of("abc", {on: 0.9 if "a" in on else 0.1 for on in TABLE_OF_THREE}, rules=rules)
    decisions = decide(rows_of(release, [[1, 1, 1], [1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]]), release)
    assert decisions.answers().tolist() == ["decline", "refer", "decline", "refer", "approve"]
    assert [[reason["code"] for reason in row["reasons"]] for row in decisions.to_arrow().to_pylist()] == [
        ["no_b"], ["no_c", "a"], ["a"], ["no_c"], [],
    ]  # fmt: skip
    assert [row["rules"] for row in decisions.to_arrow().to_pylist()] == [["no_b", "no_c"], ["no_c"], [], ["no_c"], []]


TABLES = st.lists(st.integers(1, 19), min_size=8, max_size=8)


@given(values=TABLES, most=st.integers(1, 3))
@settings(max_examples=150)
def test_on_any_model_whoever_is_declined_is_given_a_true_reason_and_nothing_idle(
    values: list[int], most: int, release_of: Releases, rows_of: Rows
) -> None:
    """Any PDs of three switches. True: the PD without the stated columns is lower. Nothing idle among adjusted ones.

    And who goes to a person for want of a reason: no one column alone would have lowered the PD.
    """
    pd = {on: value / 20 for on, value in zip(TABLE_OF_THREE, values, strict=True)}
    release = release_of("abc", pd, most=most)
    people = [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    decisions = decide(rows_of(release, people), release)
    untrue = decisions.rules[:, decisions.rule_codes.index("no_true_reason")]
    for row, switched in enumerate(people):
        on = "".join(name for name, value in zip("abc", switched, strict=True) if value)
        columns = stated(decisions, row)

        def without(columns: Any, on: str = on) -> float:
            return pd["".join(name for name in on if name not in columns)]

        if decisions.answer[row] == DECLINE:
            assert 1 <= len(columns) <= most
            assert without(columns) == decisions.pd_at_reference[row] < pd[on] == decisions.pd[row]
        if untrue[row]:
            assert decisions.answer[row] == REFER
            assert min(without(name) for name in "abc") >= pd[on] >= 0.3
        if decisions.adjusted[row] and len(columns) > 1:
            for name in columns:
                assert without([other for other in columns if other != name]) > without(columns)


def test_texts_say_how_the_value_lies_to_the_reference() -> None:
    """Numbers higher or lower, categories by themselves, what is missing as not given."""
    contract = Contract(
        name="texts",
        columns=(
            Column(name="x", type="number", missing=True),
            Column(name="word", type="category", allowed=("u", "v"), missing=True),
        ),
    )

    def batch_of(x: list[float], word: list[int]) -> Batch:
        n = len(x)
        nobody = np.full(n, None, dtype=object)
        columns = {"x": np.array(x), "word": np.array(word, dtype=np.int32)}
        return Batch(contract, columns, nobody, nobody.copy(), np.full(n, np.datetime64("NaT", "us")))

    batch, both = batch_of([2.0, 0.5, 1.0, np.nan], [1, 0, MISSING, 1]), np.array([[0, 1]] * 4)
    found = compare_with_reference(batch, batch_of([1.0], [0]), ("x", "word"), both)
    higher, lower, different, missing = 0, 1, 2, 3
    assert found.tolist() == [[higher, different], [lower, different], [different, missing], [missing, different]]
    against_missing = compare_with_reference(batch, batch_of([np.nan], [MISSING]), ("x", "word"), both)
    assert against_missing.tolist() == [[different, different]] * 2 + [[different, missing], [missing, different]]


def test_the_policy_s_own_texts_are_used_and_the_contract_s_description_else() -> None:
    text = """
name: texts
bands: [{up_to: 0.0001, answer: approve}, {answer: decline}]
reasons:
  texts:
    age: {lower: You are too young for the amount}
"""
    X, _ = make_applications(200, seed=51)
    release = make_release("scorecard", text)
    reasons = [reason for row in decide(X, release).to_arrow().to_pylist() for reason in row["reasons"]]
    said = {reason["text"] for reason in reasons}
    assert "You are too young for the amount" in said
    assert "Amount asked for is too high" in said
    assert {reason["code"] for reason in reasons} <= {column.name for column in release.package.contract.columns} | {
        "outside_contract", "no_true_reason",
    }  # fmt: skip


def test_a_rule_that_could_not_be_checked_says_what_may_be_missing() -> None:
    decisions = decide(make_applications(300, seed=52)[0], make_release("scorecard"))
    unknown = [
        row["reasons"][0]
        for row in decisions.to_arrow().to_pylist()
        if row["rules"] and row["reasons"] and "could not be checked" in row["reasons"][0]["text"]
    ]
    assert unknown
    assert unknown[0] == {
        "code": "overstretched",
        "text": "The amount is high for the income: could not be checked, amount or income is not given",
        "column": None,
        "contribution": None,
        "error": None,
        "close": False,
    }


def test_a_sheet_writes_from_left_to_right_until_it_is_full() -> None:
    sheet = Sheet(3, most=2)
    sheet.state(5, np.array([0, 2]))
    figures = np.array([[0.5], [0.25]])
    sheet.state_columns(np.array([[6], [7]]), np.array([0, 1]), figures, figures / 10, figures < 0.4)
    nothing = np.zeros((1, 2))
    sheet.state_columns(np.array([[-1, -1]]), np.array([2]), nothing, nothing, nothing > 0)
    sheet.state(8, np.array([0, 1, 2]))
    sheet.state(9, np.array([], dtype=np.int64))
    assert sheet.reason.tolist() == [[5, 6], [7, 8], [5, 8]]
    assert sheet.room.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(sheet.contribution, [[np.nan, 0.5], [0.25, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(sheet.error, [[np.nan, 0.05], [0.025, np.nan], [np.nan, np.nan]])
    assert sheet.close.tolist() == [[False, False], [True, False], [False, False]]
