"""What the applicant got: once, by somebody who may, and never against the policy on the side."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from roadworthy.casework import FINAL_ANSWERS, Receipt, give_final_answer, override, read_decision
from roadworthy.errors import NotAllowed, Refused, RoadworthyError, UsageError
from roadworthy.records import Erasure, FinalAnswer, decode_payload
from tests.casework.conftest import Branch, once


def test_a_referral_gets_any_final_answer(branch: Branch) -> None:
    for answer in FINAL_ANSWERS:
        decision_id = branch.decide(answer, "refer")
        terms: dict[str, Any] = {"amount": 3000, "term": 24, "rate": 0.07, "conditions": "a guarantor signs"}
        offered = terms if answer == "counter_offer" else {}
        given = give_final_answer(branch.deed(), decision_id, answer, note=" seen ", **offered)
        record = branch.store.ledger.history(answer)[-1]
        said = decode_payload(record.payload, FinalAnswer)
        assert given == Receipt(record.record_id)
        assert (said.decision_id, said.answer, said.note, record.actor) == (decision_id, answer, "seen", "ana")
        assert (said.amount, said.term, said.rate) == ((3000.0, 24, 0.07) if offered else (None, None, None))
        application = branch.application(answer)
        assert (application.status, application.final_answer, application.overridden) == ("final", answer, False)


def test_going_against_the_policy_is_an_override(branch: Branch) -> None:
    cases = (
        ("approve", "approve", True),
        ("approve", "withdrawn", True),
        ("approve", "expired", True),
        ("approve", "counter_offer", True),
        ("approve", "decline", False),
        ("decline", "decline", True),
        ("decline", "incomplete", True),
        ("decline", "approve", False),
        ("decline", "counter_offer", False),
    )
    for policy, answer, may in cases:
        name = f"{policy}-{answer}"
        decision_id = branch.decide(name, policy)
        amount = 3000.0 if answer == "counter_offer" else None
        if may:
            give_final_answer(branch.deed(), decision_id, answer, amount=amount)
            assert branch.application(name).final_answer == answer
            continue
        with pytest.raises(Refused, match=f"the policy says {policy}, so {answer} is an override") as refused:
            give_final_answer(branch.deed(), decision_id, answer, amount=amount)
        assert "override it" in str(refused.value.mend)
        assert branch.kinds(name) == ["decision"]


def test_a_second_answer_says_which_one_it_replaces(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    first = give_final_answer(branch.deed(), decision_id, "approve")
    with pytest.raises(Refused, match="it has its final answer: approve, by ana") as refused:
        give_final_answer(branch.deed(), decision_id, "withdrawn")
    assert first.record_id in str(refused.value)
    second = give_final_answer(branch.deed(), decision_id, "withdrawn", replaces=first.record_id)
    with pytest.raises(Refused, match="withdrawn, by ana"):
        give_final_answer(branch.deed(), decision_id, "approve", replaces=first.record_id)
    give_final_answer(branch.deed(), decision_id, "decline", replaces=second.record_id)
    assert read_decision(branch.deed(), decision_id).final_answer == "decline"
    assert branch.kinds() == ["decision", "final_answer", "final_answer", "final_answer"]


def test_there_is_nothing_to_replace_before_the_first(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    with pytest.raises(Refused, match="no answer to replace"):
        give_final_answer(branch.deed(), decision_id, "approve", replaces=decision_id)


def test_after_an_override_its_answer_may_end_otherwise_but_not_come_back_unseen(branch: Branch) -> None:
    decision_id = branch.decide(answer="decline")
    over = override(branch.deed(), decision_id, "approve", reason_code="security", words="a guarantor signed")
    offer = give_final_answer(branch.deed(), decision_id, "counter_offer", amount=2000, replaces=over.record_id)
    back = give_final_answer(branch.deed(), decision_id, "decline", replaces=offer.record_id)
    with pytest.raises(Refused, match="so approve is an override"):
        give_final_answer(branch.deed(), decision_id, "approve", replaces=back.record_id)


def test_the_same_under_the_same_key_is_done_once_and_another_body_is_refused(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    first = give_final_answer(branch.deed(), decision_id, "approve", once=once("k"))
    again = give_final_answer(branch.deed(), decision_id, "approve", once=once("k"))
    assert (first.replayed, again) == (False, Receipt(first.record_id, replayed=True))
    with pytest.raises(Refused, match="key was used for something else"):
        give_final_answer(branch.deed(), decision_id, "decline", once=once("k", "another"))
    assert branch.kinds() == ["decision", "final_answer"]


def test_of_many_at_once_under_one_key_one_is_recorded_and_all_get_it(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    with ThreadPoolExecutor(8) as pool:
        receipts = list(
            pool.map(lambda _: give_final_answer(branch.deed(), decision_id, "approve", once=once("k")), range(8))
        )
    assert len({receipt.record_id for receipt in receipts}) == 1
    assert sum(not receipt.replayed for receipt in receipts) == 1
    assert branch.kinds() == ["decision", "final_answer"]


def test_of_many_people_at_once_one_answers(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")

    def give(answer: str) -> str:
        try:
            give_final_answer(branch.deed(), decision_id, answer)
        except Refused as refused:
            return refused.message
        return "given"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(give, ["approve", "decline"] * 4))
    assert said.count("given") == 1
    assert all("it has its final answer" in each for each in said if each != "given")
    assert branch.kinds() == ["decision", "final_answer"]


def test_what_is_no_answer_is_named_before_anything_is_looked_at(branch: Branch) -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"answer": "maybe"},
        {"answer": "counter_offer"},
        {"answer": "counter_offer", "amount": 0},
        {"answer": "counter_offer", "amount": math.nan},
        {"answer": "counter_offer", "amount": math.inf},
        {"answer": "counter_offer", "amount": True},
        {"answer": "counter_offer", "amount": 5, "term": 0},
        {"answer": "counter_offer", "amount": 5, "term": 1.5},
        {"answer": "counter_offer", "amount": 5, "rate": -0.1},
        {"answer": "decline", "amount": 5},
        {"answer": "withdrawn", "conditions": "none"},
        {"answer": "approve", "note": "x" * 5000},
        {"answer": "approve", "note": "\0"},
        {"answer": "approve", "note": "\ud800"},
    )
    for wrong in wrongs:
        with pytest.raises(UsageError) as refused:
            give_final_answer(branch.deed(), "no decision at all", **wrong)
        assert refused.value.mend or refused.value.available or "no text" in refused.value.message


def test_nothing_is_done_about_what_was_corrected_or_erased(branch: Branch) -> None:
    first = branch.decide(answer="refer")
    second = branch.decide(answer="refer", corrects=first)
    with pytest.raises(Refused, match="was corrected") as refused:
        give_final_answer(branch.deed(), first, "approve")
    assert second in str(refused.value)
    branch.deed().record(Erasure(ground="asked"), "A-1")
    with pytest.raises(Refused, match="erased"):
        give_final_answer(branch.deed(), second, "approve")


def test_only_officers_and_services_give_final_answers(branch: Branch) -> None:
    with pytest.raises(NotAllowed, match="may not record what the applicant got"):
        give_final_answer(branch.deed(branch.ida), branch.decide(answer="refer"), "approve")
    give_final_answer(branch.deed(branch.shop), branch.decide("A-2", answer="refer"), "expired")


def test_every_refusal_says_its_mend(branch: Branch) -> None:
    decision_id = branch.decide(answer="decline")
    with pytest.raises(RoadworthyError) as refused:
        give_final_answer(branch.deed(), decision_id, "approve")
    assert str(refused.value).count("mend:") == 1
