"""Inputs put right by a decision made anew: linked, with evidence, the old one untouched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from roadworthy.access import Actor, Branches
from roadworthy.casework import correct, give_final_answer, read_decision
from roadworthy.errors import NotAllowed, NotFound, Refused, UsageError
from roadworthy.live import CurrentRoute, Decided, Envelope, NotDecided, decide_and_record
from roadworthy.records import Erasure, Store, new_id, verify_chain
from roadworthy.testing import make_applications, make_release
from roadworthy.testing.going_live import go_live
from tests.casework.conftest import NORTH, NOW, Branch, once

APPLIED = datetime(2026, 11, 3, 8, tzinfo=UTC)


class Live(Branch):
    """A branch whose decisions are made by a release."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        go_live(store, make_release("scorecard"), at=NOW)
        self.current = CurrentRoute(store)
        X, _ = make_applications(1, 3)
        self.inputs: dict[str, Any] = msgspec.json.decode(X.to_json(orient="records").encode())[0]
        self.officer = self.hire("olga", "officer", branches=Branches.of(str(self.inputs["region"])))

    def make(self, **inputs: Any) -> str:
        envelope = Envelope(
            record_id=new_id(self.now()), actor="shop", application_id="A-1", applicant_id="C-9", applied_at=APPLIED,
            inputs=msgspec.Raw(msgspec.json.encode(self.inputs | inputs)),
        )  # fmt: skip
        (made,) = decide_and_record(self.current, [envelope], now=self.now())
        assert isinstance(made, Decided)
        return made.record_id

    def correct(self, decision_id: str, by: Actor | None = None, **inputs: Any) -> str:
        made = correct(self.deed(by or self.officer), self.current, decision_id, inputs, "the payslip of October")
        assert isinstance(made, Decided)
        return made.record_id


@pytest.fixture
def live(store: Store) -> Live:
    return Live(store)


def test_the_application_is_decided_anew_and_both_decisions_remain(live: Live) -> None:
    old = live.make(age=19)
    before = live.store.ledger.find(old)
    new = live.correct(old, age=44, income=None)

    view = read_decision(live.deed(live.officer), new)
    assert live.store.ledger.find(old) == before
    assert (view.corrects, view.applied_at, view.applicant_id) == (old, APPLIED, "C-9")
    assert (view.inputs["age"], view.inputs["income"], view.inputs["amount"]) == (44, None, live.inputs["amount"])
    assert [item.kind for item in view.history] == ["decision", "decision", "correction"]
    said = view.history[-1]
    assert said.data == {
        "decision_id": old, "new_decision_id": new, "columns": ["age", "income"], "evidence": "the payslip of October",
    }  # fmt: skip
    assert said.sealed == {
        "before": {"age": 19, "income": live.inputs["income"]}, "after": {"age": 44, "income": None},
    }  # fmt: skip
    assert view.rules != read_decision(live.deed(live.officer), old).rules
    assert read_decision(live.deed(live.officer), old).latest == new
    assert verify_chain(live.store).fault is None


def test_what_is_sent_whole_is_corrected_where_it_differs(live: Live) -> None:
    new = live.correct(live.make(), **live.inputs | {"months": 36 if live.inputs["months"] != 36 else 48})
    assert read_decision(live.deed(live.officer), new).history[-1].data["columns"] == ["months"]


def test_a_persons_answer_does_not_carry_over(live: Live) -> None:
    old = live.make(age=19, amount=100)
    give_final_answer(live.deed(live.officer), old, "withdrawn")
    new = live.correct(old, age=44)
    view = read_decision(live.deed(live.officer), new)
    assert (view.final_by, live.application().final_answer) == (None, None)
    assert read_decision(live.deed(live.officer), old).final_answer == "withdrawn"


def test_only_the_last_decision_is_corrected_and_once(live: Live) -> None:
    old = live.make(age=30)
    new = live.correct(old, age=44)
    with pytest.raises(Refused, match="was corrected already, otherwise") as refused:
        live.correct(old, age=45)
    assert new in str(refused.value)
    third = live.correct(new, age=45)
    assert read_decision(live.deed(live.officer), old).latest == third
    assert live.kinds() == ["decision", "decision", "correction", "decision", "correction"]


def test_the_same_correction_again_gives_the_decision_it_led_to(live: Live) -> None:
    old = live.make(age=30)
    for key in (None, once("k")):
        first, again = (
            correct(live.deed(live.officer), live.current, old, {"age": 44}, "payslip", once=key) for _ in range(2)
        )
        assert isinstance(first, Decided)
        assert again == Decided(first.record_id, first.reply, replayed=True)
        old = first.record_id if key is None else old
        if key is None:
            live.correct(old, age=45)
            old = live.store.ledger.history("A-1")[-2].record_id
    with pytest.raises(Refused, match="corrected already"):
        correct(live.deed(live.officer), live.current, old, {"age": 50}, "payslip", once=once("k", "another body"))


def test_of_two_corrections_at_once_one_follows_the_decision(live: Live) -> None:
    old = live.make(age=30)

    def attempt(age: int) -> str:
        try:
            return live.correct(old, age=age)
        except Refused as refused:
            return refused.message

    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(attempt, range(40, 46)))
    assert sum("corrected" in each for each in said) == 5
    assert live.kinds() == ["decision", "decision", "correction"]


def test_what_breaks_the_contract_is_said_and_nothing_is_recorded(live: Live) -> None:
    old = live.make()
    made = correct(live.deed(live.officer), live.current, old, {"age": "old", "aeg": 1}, "payslip")
    assert isinstance(made, NotDecided)
    assert [(violation.path, violation.rule) for violation in made.violations] == [
        ("$.inputs.age", "type"), ("$.inputs.aeg", "unknown_column"),
    ]  # fmt: skip
    assert live.kinds() == ["decision"]
    live.correct(old, age=44)


def test_what_is_no_correction_is_refused(live: Live) -> None:
    old = live.make(age=30)
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    for inputs, evidence in (({"age": 44}, " "), ({"age": object()}, "payslip"), ({"age": deep}, "payslip")):
        with pytest.raises(UsageError):
            correct(live.deed(live.officer), live.current, old, inputs, evidence)
    with pytest.raises(Refused, match="nothing differs"):
        live.correct(old, age=30.0)
    with pytest.raises(NotAllowed, match="may not correct inputs"):
        live.correct(old, live.ida, age=44)
    with pytest.raises(NotFound, match="no such record"):
        live.correct(old, live.hire("una", "officer", branches=NORTH), age=44)
    live.deed().record(Erasure(ground="asked"), "A-1")
    with pytest.raises(Refused, match="erased"):
        live.correct(old, age=44)
