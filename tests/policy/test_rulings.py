"""From rules and PD to one answer: what comes first, what happens at a boundary, how points are scaled (R2, R18)."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.contract import Batch, Contract
from roadworthy.errors import UsageError
from roadworthy.policy import ANSWERS, APPROVE, DECLINE, NOT_FORCED, REFER, Band, CompiledPolicy, Policy, ScoreScale

THREE = "[{up_to: 0.05, answer: approve}, {up_to: 0.2, answer: refer}, {answer: decline}]"
RULES = (
    "when: age < 18, then: decline",
    "when: amount > 5 * income, then: refer",
    "when: note == 'pass', then: decline, if_missing: pass",
    "when: employed == false, then: refer, if_missing: decline",
)
SOUND = {"age": 30, "income": 1000, "amount": 100, "note": "x", "employed": True}


@pytest.fixture(scope="session")
def compiled(contract: Contract, policy_of: Callable[..., Policy]) -> CompiledPolicy:
    return policy_of(*RULES, bands=THREE).compile(contract)


@pytest.mark.parametrize(
    ("changes", "pd", "answer", "fired", "unknown"),
    [
        ({}, 0.01, "approve", [], []),
        ({}, 0.1, "refer", [], []),
        ({}, 0.9, "decline", [], []),
        ({"age": 17}, 0.01, "decline", [0], []),
        ({"amount": 6000}, 0.01, "refer", [1], []),
        ({"amount": 6000}, 0.9, "refer", [1], []),
        ({"amount": 6000, "age": 17}, 0.01, "decline", [0, 1], []),
        ({"income": None}, 0.01, "refer", [1], [1]),
        ({"income": None}, 0.9, "refer", [1], [1]),
        ({"income": None, "age": 17}, 0.01, "decline", [0, 1], [1]),
        ({"note": "pass"}, 0.01, "decline", [2], []),
        ({"note": None}, 0.01, "approve", [], []),
        ({"employed": False}, 0.01, "refer", [3], []),
        ({"employed": None}, 0.01, "decline", [3], [3]),
        ({"employed": None, "income": None}, 0.01, "decline", [1, 3], [1, 3]),
        ({}, math.nan, "refer", [], []),
        ({"age": 17}, math.nan, "decline", [0], []),
        ({"note": None}, math.nan, "refer", [], []),
        ({}, -0.1, "refer", [], []),
        ({}, 1.1, "refer", [], []),
        ({}, math.inf, "refer", [], []),
        ({}, 1.0, "decline", [], []),
        ({}, 0.0, "approve", [], []),
    ],
)
def test_declining_rules_beat_referring_rules_beat_bands_and_what_is_unknown_fails_safe(
    changes: dict[str, Any],
    pd: float,
    answer: str,
    fired: list[int],
    unknown: list[int],
    compiled: CompiledPolicy,
    batch_of: Callable[..., Batch],
) -> None:
    ruling = compiled.answer(batch_of({**SOUND, **changes}), np.array([pd]))
    assert ANSWERS[ruling.answer[0]] == answer
    assert np.flatnonzero(ruling.fired[0]).tolist() == fired
    assert np.flatnonzero(ruling.unknown[0]).tolist() == unknown


def test_firing_alone_tells_what_is_forced(compiled: CompiledPolicy, batch_of: Callable[..., Batch]) -> None:
    batch = batch_of(SOUND, {**SOUND, "age": 17}, {**SOUND, "income": None})
    fired = compiled.fire(batch)
    assert fired.answer.tolist() == [NOT_FORCED, DECLINE, REFER]
    assert fired.answer.dtype == np.int8
    assert fired.rules.shape == fired.unknown.shape == (3, 4)


def test_what_must_go_to_a_person_goes_there_unless_a_rule_declines(
    compiled: CompiledPolicy, batch_of: Callable[..., Batch]
) -> None:
    batch = batch_of(SOUND, SOUND, {**SOUND, "age": 17}, SOUND)
    refer = np.array([True, True, True, False])
    ruling = compiled.answer(batch, np.array([0.01, 0.9, 0.01, 0.9]), refer=refer)
    assert ruling.answer.tolist() == [REFER, REFER, DECLINE, DECLINE]


def test_a_pd_on_a_cut_off_belongs_to_the_riskier_band(
    compiled: CompiledPolicy, batch_of: Callable[..., Batch]
) -> None:
    pd = np.array([np.nextafter(0.05, 0), 0.05, np.nextafter(0.2, 0), 0.2])
    ruling = compiled.answer(batch_of(*[SOUND] * 4), pd)
    assert ruling.answer.tolist() == [APPROVE, REFER, REFER, DECLINE]


def test_one_band_answers_everybody_alike(contract: Contract, batch_of: Callable[..., Batch]) -> None:
    compiled = Policy(name="pilot", bands=(Band(answer="refer"),)).compile(contract)
    ruling = compiled.answer(batch_of(SOUND, SOUND), np.array([0.0, 1.0]))
    assert ruling.answer.tolist() == [REFER, REFER]
    assert ruling.fired.shape == (2, 0)


PDS = st.lists(st.floats(0, 1) | st.sampled_from([0.05, 0.2]), min_size=1, max_size=20)


@settings(deadline=None)
@given(
    pds=PDS,
    cut_offs=st.lists(st.floats(1e-9, 0.999) | st.sampled_from([0.05, 0.2]), min_size=3, max_size=3, unique=True),
)
def test_raising_the_cut_off_never_approves_fewer_and_never_declines_more(
    pds: list[float], cut_offs: list[float], contract: Contract, batch_of: Callable[..., Batch]
) -> None:
    low, middle, high = sorted(cut_offs)
    batch, pd = batch_of(*[SOUND] * len(pds)), np.array(pds)

    def answer(first: float, second: float) -> np.ndarray[Any, Any]:
        bands = (Band(up_to=first, answer="approve"), Band(up_to=second, answer="refer"), Band(answer="decline"))
        return Policy(name="loans", bands=bands).compile(contract).answer(batch, pd).answer

    assert np.all((answer(middle, high) == APPROVE) >= (answer(low, high) == APPROVE))
    assert np.all((answer(low, high) == DECLINE) <= (answer(low, middle) == DECLINE))


def test_a_pd_of_another_shape_is_refused(compiled: CompiledPolicy, batch_of: Callable[..., Batch]) -> None:
    with pytest.raises(UsageError, match=r"shape \(1,\), not \(2,\)"):
        compiled.answer(batch_of(SOUND), np.array([0.1, 0.2]))


def test_a_ruling_cannot_be_changed_afterwards(compiled: CompiledPolicy, batch_of: Callable[..., Batch]) -> None:
    ruling = compiled.answer(batch_of(SOUND), np.array([0.1]))
    for array in (ruling.answer, ruling.fired, ruling.unknown):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_score_scale_gives_the_textbook_points() -> None:
    """600 points at odds of 30:1, 20 points double the odds: factor 28.8539, offset 501.8622 (Siddiqi 2006, ch. 6)."""
    scale = ScoreScale(base_score=600, base_odds=30, pdo=20)
    odds = np.array([30.0, 60.0, 15.0, 1.0])
    assert scale.score(1 / (1 + odds)) == pytest.approx([600, 620, 580, 501.8622], abs=1e-4)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.floats(-1000, 1000),
    st.floats(0.01, 1000),
    st.floats(0.1, 500),
)
def test_a_higher_pd_never_scores_higher_and_points_go_back_to_the_pd(
    pds: list[float], base_score: float, base_odds: float, pdo: float
) -> None:
    scale = ScoreScale(base_score=base_score, base_odds=base_odds, pdo=pdo)
    pd = np.sort(np.array(pds))
    score = scale.score(pd)
    assert np.all(np.isfinite(score))
    assert np.all(np.diff(score) <= 0)
    assert scale.pd(score) == pytest.approx(np.clip(pd, 1e-6, 1 - 1e-6), abs=1e-6)
    assert score.tolist() == [float(scale.score(one)) for one in pd]


def test_a_pd_that_is_not_there_has_no_score() -> None:
    assert math.isnan(ScoreScale().score(math.nan))


def test_no_python_runs_for_each_row(compiled: CompiledPolicy, batch_of: Callable[..., Batch]) -> None:
    few = batch_of(*[SOUND] * 10)
    many = few.take(np.zeros(10_000, dtype=np.int64))

    def count_calls(batch: Batch) -> int:
        calls = 0

        def count(*_: Any) -> None:
            nonlocal calls
            calls += 1

        pd = np.full(len(batch), 0.1)
        sys.setprofile(count)
        try:
            compiled.answer(batch, pd)
        finally:
            sys.setprofile(None)
        return calls

    assert count_calls(many) == count_calls(few) > 0
