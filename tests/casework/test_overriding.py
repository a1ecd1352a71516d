"""Overrides (R20, R25): with a reason, within authority alone, beyond it by two people."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roadworthy.access import Actor, console_actor
from roadworthy.casework import (
    OVERRIDE_REASONS,
    confirm_override,
    give_final_answer,
    list_proposed_overrides,
    override,
    propose_override,
    read_decision,
    reject_override,
)
from roadworthy.errors import NotAllowed, NotFound, Refused, UsageError
from roadworthy.records import Override, create_store, decode_payload
from tests.casework.conftest import NOW, Branch, once

WHY: Any = {"reason_code": "security", "words": "a guarantor signed"}


def last(branch: Branch) -> tuple[str, Override]:
    record = branch.store.ledger.history("A-1")[-1]
    assert record.kind == "override"
    return record.actor, decode_payload(record.payload, Override)


@pytest.mark.parametrize(("policy", "answer"), [("decline", "approve"), ("approve", "decline")])
def test_within_authority_an_officer_overrides_alone(branch: Branch, policy: str, answer: str) -> None:
    decision_id = branch.decide(answer=policy, amount=10_000.0)
    override(branch.deed(), decision_id, answer, **WHY)
    assert last(branch) == ("ana", Override(decision_id=decision_id, answer=answer, **WHY))
    application = branch.application()
    assert (application.status, application.final_answer, application.overridden) == ("final", answer, True)


@pytest.mark.parametrize("amount", [10_000.01, None])
def test_beyond_authority_a_second_person_confirms(branch: Branch, amount: float | None) -> None:
    decision_id = branch.decide(amount=amount)
    for second, said in (
        (None, "beyond the authority of ana"),
        (branch.ana, "somebody else approves it"),
        (replace(branch.ida, credential="key:ana"), "one credential"),
        (replace(branch.ben, authority=10.0), "beyond the authority of ben too"),
    ):
        with pytest.raises(Refused, match=said):
            override(branch.deed(), decision_id, "approve", **WHY, second=second)
    with pytest.raises(NotAllowed):
        override(branch.deed(), decision_id, "approve", **WHY, second=branch.shop)
    with pytest.raises(NotFound, match="no such record"):
        override(branch.deed(), decision_id, "approve", **WHY, second=branch.south)
    assert branch.kinds() == ["decision"]
    override(branch.deed(), decision_id, "approve", **WHY, second=branch.ida)
    assert last(branch)[1].second == "ida"


def test_who_was_not_needed_as_a_second_person_is_not_said_to_have_confirmed(branch: Branch) -> None:
    override(branch.deed(), branch.decide(), "approve", **WHY, second=branch.shop)
    assert last(branch)[1].second is None


def test_what_is_no_override_is_refused_with_what_it_is(branch: Branch) -> None:
    referred, declined = branch.decide("A-2", "refer"), branch.decide()
    with pytest.raises(Refused, match="left this to a person") as refused:
        override(branch.deed(), referred, "approve", **WHY)
    assert "final answer" in str(refused.value.mend)
    with pytest.raises(Refused, match="the policy says decline itself"):
        override(branch.deed(), declined, "decline", **WHY)
    given = give_final_answer(branch.deed(), declined, "decline")
    with pytest.raises(Refused, match="it has its final answer: decline"):
        override(branch.deed(), declined, "approve", **WHY)
    override(branch.deed(), declined, "approve", **WHY, replaces=given.record_id)


def test_an_override_has_a_reason_of_the_list_and_words(branch: Branch) -> None:
    decision_id = branch.decide()
    for answer, reason, words in (
        ("counter_offer", "security", "yes"), ("approve", "because", "yes"), ("approve", "security", " . "),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            override(branch.deed(), decision_id, answer, reason_code=reason, words=words)
    assert {"other", "known_customer"} <= OVERRIDE_REASONS.keys()


def test_an_override_is_made_once_under_its_key(branch: Branch) -> None:
    decision_id = branch.decide()
    first = override(branch.deed(), decision_id, "approve", **WHY, once=once("k"))
    assert override(branch.deed(), decision_id, "approve", **WHY, once=once("k")).record_id == first.record_id
    assert branch.kinds() == ["decision", "override"]


def test_only_officers_override(branch: Branch) -> None:
    decision_id = branch.decide()
    for by in (branch.ida, branch.shop):
        with pytest.raises(NotAllowed, match="may not decide other than the policy"):
            override(branch.deed(by), decision_id, "approve", **WHY)
        with pytest.raises(NotAllowed):
            propose_override(branch.deed(by), decision_id, "approve", **WHY)


def test_in_two_steps_the_second_person_confirms_later_with_their_own_credential(branch: Branch) -> None:
    decision_id = branch.decide(amount=20_000.0)
    proposed = propose_override(branch.deed(), decision_id, "approve", **WHY)
    assert branch.kinds() == ["decision"]
    assert list_proposed_overrides(branch.deed(branch.ida)) == (proposed,)
    assert (proposed.by, proposed.amount, proposed.branch, proposed.words) == ("ana", 20_000.0, "north", WHY["words"])
    with pytest.raises(Refused, match="somebody else approves it"):
        confirm_override(branch.deed(), proposed.proposal_id)
    with pytest.raises(Refused, match="one credential"):
        confirm_override(branch.deed(replace(branch.ida, credential="key:ana")), proposed.proposal_id)
    confirmed = confirm_override(branch.deed(branch.ida), proposed.proposal_id)
    assert last(branch) == ("ana", Override(decision_id=decision_id, answer="approve", **WHY, second="ida"))
    assert branch.store.ledger.history("A-1")[-1].record_id == confirmed.record_id
    assert list_proposed_overrides(branch.deed(branch.ida)) == ()
    with pytest.raises(Refused, match="ida confirmed this already"):
        confirm_override(branch.deed(branch.ben), proposed.proposal_id)


def test_an_officer_of_enough_authority_confirms_and_one_of_less_does_not(branch: Branch) -> None:
    proposed = propose_override(branch.deed(), branch.decide(amount=20_000.0), "approve", **WHY)
    cai = branch.hire("cai", "officer", authority=15_000.0)
    with pytest.raises(Refused, match="authority of cai too"):
        confirm_override(branch.deed(cai), proposed.proposal_id)
    confirm_override(branch.deed(branch.ben), proposed.proposal_id)
    assert last(branch)[1].second == "ben"


def test_what_is_rejected_changes_nothing_and_may_be_proposed_again(branch: Branch) -> None:
    decision_id = branch.decide(amount=20_000.0)
    proposed = propose_override(branch.deed(), decision_id, "approve", **WHY)
    reject_override(branch.deed(branch.ida), proposed.proposal_id)
    assert branch.kinds() == ["decision"]
    with pytest.raises(Refused, match="ida rejected this already"):
        confirm_override(branch.deed(branch.ben), proposed.proposal_id)
    again = propose_override(branch.deed(), decision_id, "approve", **WHY)
    confirm_override(branch.deed(branch.ida), again.proposal_id)


def test_a_proposal_that_events_have_overtaken_is_not_confirmed(branch: Branch) -> None:
    decision_id = branch.decide(amount=20_000.0)
    proposed = propose_override(branch.deed(), decision_id, "approve", **WHY)
    give_final_answer(branch.deed(), decision_id, "decline")
    with pytest.raises(Refused, match="it has its final answer"):
        confirm_override(branch.deed(branch.ida), proposed.proposal_id)
    assert branch.kinds() == ["decision", "final_answer"]
    assert len(list_proposed_overrides(branch.deed(branch.ida))) == 1


def test_proposals_of_another_branch_are_nobodys(branch: Branch) -> None:
    proposed = propose_override(branch.deed(), branch.decide(amount=20_000.0), "approve", **WHY)
    assert list_proposed_overrides(branch.deed(branch.south)) == ()
    for proposal_id in (proposed.proposal_id, "P-0", "\0"):
        with pytest.raises(NotFound, match="no such record"):
            confirm_override(branch.deed(branch.south), proposal_id)
        with pytest.raises(NotFound, match="no such record"):
            reject_override(branch.deed(branch.south), proposal_id)
    with pytest.raises(NotAllowed, match="second person"):
        list_proposed_overrides(branch.deed(branch.shop))


def test_a_proposal_is_of_its_decisions_branch_wherever_the_application_went_since(branch: Branch) -> None:
    proposed = propose_override(branch.deed(), branch.decide(amount=20_000.0), "approve", **WHY)
    branch.decide("A-1", branch="south", amount=20_000.0)
    assert branch.application().branch == "south"
    (seen,) = list_proposed_overrides(branch.deed(branch.ida))
    assert (seen.proposal_id, seen.branch) == (proposed.proposal_id, "north")
    assert list_proposed_overrides(branch.deed(branch.south)) == ()


def test_in_a_trial_one_person_does_both_and_the_record_says_so(store_url: str) -> None:
    with create_store(store_url, store_id="a-trial", at=NOW, trial=True) as store:
        branch = Branch(store)
        with store.reading() as connection:
            console: Actor = console_actor(connection, trial=True)
        decision_id = branch.decide(amount=None)
        proposed = propose_override(branch.deed(console), decision_id, "approve", **WHY)
        confirm_override(branch.deed(console), proposed.proposal_id)
        other = branch.decide("A-2", amount=1e6)
        override(branch.deed(console), other, "approve", **WHY)
        assert read_decision(branch.deed(console), other).trial
        assert last(branch)[1].second == "console"


def test_the_page_about_what_happens_later_lists_every_reason_as_it_is() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/explanation/later.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))
    assert rows == dict(OVERRIDE_REASONS)
