"""Human review on request: with a deadline, the applicant's own view, and an answer that nobody can lose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from roadworthy.casework import answer_review, ask_review, give_final_answer, override, propose_override, read_decision
from roadworthy.errors import NotAllowed, Refused, UsageError
from tests.casework.conftest import NOW, Branch, once

SOON = NOW + timedelta(days=30)


def ask(branch: Branch, decision_id: str, **more: Any) -> None:
    ask_review(branch.deed(branch.shop), decision_id, view="My income has doubled.", deadline=SOON, **more)


def test_the_applicants_view_is_sealed_and_the_deadline_is_not(branch: Branch) -> None:
    decision_id = branch.decide()
    ask(branch, decision_id)
    record = branch.store.ledger.history("A-1")[-1]
    assert b"doubled" not in record.payload
    assert b"doubled" in (record.sealed or b"")
    view = read_decision(branch.deed(), decision_id)
    assert (view.status, view.review_until) == ("review", SOON)


def test_while_a_review_is_asked_for_nothing_ends_on_the_side(branch: Branch) -> None:
    decision_id = branch.decide()
    ask(branch, decision_id)
    why: Any = {"reason_code": "security", "words": "a guarantor signed"}
    for attempt in (
        lambda: give_final_answer(branch.deed(), decision_id, "decline"),
        lambda: override(branch.deed(), decision_id, "approve", **why),
        lambda: propose_override(branch.deed(), decision_id, "approve", **why),
        lambda: ask(branch, decision_id),
    ):
        with pytest.raises(Refused, match="asked for a person to look again"):
            attempt()
    assert branch.application().status == "review"


def test_a_review_outlives_the_decision_that_it_was_asked_of(branch: Branch) -> None:
    """Whoever sends an application may send it again: the applicant waits for a person all the same."""
    old = branch.decide()
    ask(branch, old)
    new = branch.decide(answer="refer")
    assert branch.application().status == "review"
    assert read_decision(branch.deed(), new).review_until == SOON
    with pytest.raises(Refused, match="was corrected") as refused:
        answer_review(branch.deed(), old, words="We looked at all of it again.")
    assert new in str(refused.value.mend)
    with pytest.raises(Refused, match="asked for a person to look again"):
        give_final_answer(branch.deed(), new, "approve")
    answer_review(branch.deed(), new, words="We looked at all of it again.", answer="approve")
    view = read_decision(branch.deed(), new)
    assert (view.status, view.final_answer, view.review_until) == ("final", "approve", None)


@pytest.mark.parametrize("policy", ["decline", "approve"])
def test_a_decision_can_stand(branch: Branch, policy: str) -> None:
    decision_id = branch.decide(answer=policy)
    ask(branch, decision_id)
    answer_review(branch.deed(), decision_id, words="We looked at all of it again.")
    view = read_decision(branch.deed(), decision_id)
    assert (view.status, view.final_answer, view.final_by, view.review_until) == ("answered", policy, None, None)
    ask(branch, decision_id)


def test_a_final_answer_can_stand_or_be_replaced_by_another(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    give_final_answer(branch.deed(), decision_id, "decline")
    ask(branch, decision_id)
    answer_review(branch.deed(), decision_id, words="It stands.")
    assert (branch.application().status, branch.application().final_answer) == ("final", "decline")
    ask(branch, decision_id)
    answer_review(branch.deed(branch.ben), decision_id, words="Less is possible.", answer="counter_offer", amount=900)
    view = read_decision(branch.deed(), decision_id)
    assert (view.status, view.final_answer, view.final_by) == ("final", "counter_offer", "ben")
    assert view.history[-1].data["amount"] == 900.0
    assert branch.application().final_answer == "counter_offer"


def test_a_referral_without_an_answer_gets_one_with_its_review(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    ask(branch, decision_id)
    with pytest.raises(Refused, match="no answer yet"):
        answer_review(branch.deed(), decision_id, words="It stands.")
    answer_review(branch.deed(), decision_id, words="Yes.", answer="approve")
    assert branch.kinds() == ["decision", "human_review", "human_review", "final_answer"]


def test_against_the_policy_a_review_is_an_override_with_all_that_takes(branch: Branch) -> None:
    decision_id = branch.decide(amount=20_000.0)
    ask(branch, decision_id)
    with pytest.raises(Refused, match="so approve is an override"):
        answer_review(branch.deed(), decision_id, words="Income verified.", answer="approve")
    with pytest.raises(Refused, match="beyond the authority of ana"):
        answer_review(
            branch.deed(), decision_id, words="Income verified.", answer="approve", reason_code="verified_income"
        )
    answer_review(
        branch.deed(), decision_id, words="Income verified.", answer="approve", reason_code="verified_income",
        second=branch.ida,
    )  # fmt: skip
    view = read_decision(branch.deed(), decision_id)
    assert (view.status, view.final_answer, view.overridden) == ("final", "approve", True)
    assert view.history[-1].data["second"] == "ida"
    assert [item.kind for item in view.history][-2:] == ["human_review", "override"]


def test_what_is_wrong_with_a_request_or_an_answer_is_said(branch: Branch) -> None:
    decision_id = branch.decide()
    naive = datetime(2027, 1, 1)  # noqa: DTZ001  # the fault
    for view, deadline in (("", SOON), ("Look again", NOW), ("Look again", naive)):
        with pytest.raises(UsageError):
            ask_review(branch.deed(), decision_id, view=view, deadline=deadline)
    with pytest.raises(Refused, match="nobody asked for a review"):
        answer_review(branch.deed(), decision_id, words="It stands.")
    ask(branch, decision_id)
    wrongs: tuple[Any, ...] = ({"words": " "}, {"words": "No", "answer": "maybe"}, {"words": "No", "amount": 5.0})
    for wrong in wrongs:
        with pytest.raises(UsageError):
            answer_review(branch.deed(), decision_id, **wrong)


def test_a_request_and_its_answer_are_recorded_once_under_their_keys(branch: Branch) -> None:
    decision_id = branch.decide()
    for _ in range(2):
        ask(branch, decision_id, once=once("ask"))
    assert branch.kinds() == ["decision", "human_review"]
    for replayed in (False, True):
        assert answer_review(branch.deed(), decision_id, words="No.", once=once("no")).replayed is replayed
    assert branch.kinds() == ["decision", "human_review", "human_review"]


def test_officers_answer_and_services_only_ask(branch: Branch) -> None:
    decision_id = branch.decide()
    with pytest.raises(NotAllowed):
        ask_review(branch.deed(branch.ida), decision_id, view="Look again", deadline=SOON)
    ask(branch, decision_id)
    with pytest.raises(NotAllowed):
        answer_review(branch.deed(branch.shop), decision_id, words="It stands.")
