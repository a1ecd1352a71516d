"""A decision is shown with all that followed it, and to nobody of another branch."""

from __future__ import annotations

import msgspec
import pytest

from roadworthy.access import Actor
from roadworthy.casework import (
    ask_review,
    count_found,
    find_decisions,
    find_latest,
    give_final_answer,
    override,
    read_decision,
)
from roadworthy.errors import NotAllowed, NotFound, UsageError
from roadworthy.records import Correction, Erasure, OutcomeEvent, Particulars, Wanted
from tests.casework.conftest import NOW, Branch


def test_a_decision_is_shown_with_its_whole_history_in_order(branch: Branch) -> None:
    decision_id = branch.decide(rules=("under_age",))
    override(branch.deed(), decision_id, "approve", reason_code="security", words="a guarantor signed")
    ask_review(branch.deed(), decision_id, view="I wait too long", deadline=NOW.replace(year=2027))

    view = read_decision(branch.deed(branch.ida), decision_id)

    assert (view.answer, view.final_answer, view.final_by, view.overridden) == ("decline", "approve", "ana", True)
    assert (view.status, view.review_until) == ("review", NOW.replace(year=2027))
    assert (view.applicant_id, view.names, view.amount, view.inputs) == ("C-9", ("Ana Núñez",), 5_000.0, {"age": 41})
    assert [(item.kind, item.actor) for item in view.history] == [
        ("decision", "shop"), ("override", "ana"), ("human_review", "ana"),
    ]  # fmt: skip
    assert view.history[1].data["words"] == "a guarantor signed"
    assert view.history[2].sealed == {"view": "I wait too long"}
    assert view.history[0].sealed["inputs"] == {"age": 41}


@pytest.mark.parametrize(("answer", "final"), [("approve", "approve"), ("decline", "decline"), ("refer", None)])
def test_where_nobody_answered_the_policys_answer_is_final_and_a_referral_has_none(
    branch: Branch, answer: str, final: str | None
) -> None:
    view = read_decision(branch.deed(), branch.decide(answer=answer))
    assert (view.final_answer, view.final_by, view.overridden) == (final, None, False)


def test_another_branchs_decision_is_answered_like_one_that_does_not_exist(branch: Branch) -> None:
    hidden, nameless = branch.decide(), branch.decide("A-2", branch=None)
    outcome = branch.store.ledger.history("account:ana")[0].record_id
    words = set()
    for decision_id in (hidden, nameless, "01900000-0000-7000-8000-000000000000", "", "\0", "\ud800", outcome):
        with pytest.raises(NotFound) as refused:
            read_decision(branch.deed(branch.south), decision_id)
        words.add(refused.value.message)
        with pytest.raises(NotFound, match="no such record"):
            give_final_answer(branch.deed(branch.south), decision_id, "approve")
    assert words == {"there is no such record among those you see"}


def test_an_application_that_another_branch_decided_too_tells_each_its_own_part(branch: Branch) -> None:
    north = branch.decide(answer="refer")
    give_final_answer(branch.deed(), north, "approve")
    branch.deed().record(OutcomeEvent(event="booked", at=NOW, known_at=NOW), "A-1")
    south = str(branch.decide(branch="south", particulars=Particulars(inputs=msgspec.Raw(b'{"age":30}'))))

    def told(by: Actor, decision_id: str) -> list[str]:
        return [item.kind for item in read_decision(branch.deed(by), decision_id).history]

    assert told(branch.south, south) == ["decision"]
    assert told(branch.ana, north) == ["decision", "final_answer", "outcome_event"]
    assert told(branch.shop, south) == ["decision", "final_answer", "outcome_event", "decision"]
    (found,) = find_decisions(branch.deed(branch.south), Wanted()).applications
    assert (found.applicant_id, found.names, found.amount, found.branch) == (None, None, None, "south")
    assert find_decisions(branch.deed(branch.south), Wanted(name="nun")).applications == ()


def test_a_correction_that_leaves_a_branch_is_told_to_neither_alone(branch: Branch) -> None:
    old = branch.decide()
    new = branch.decide(branch="south", corrects=old)
    correction = Correction(decision_id=old, new_decision_id=new, columns=("region",))
    branch.deed().record(correction, "A-1", sealed=b'{"before":{},"after":{}}')

    assert [item.record_id for item in read_decision(branch.deed(), old).history] == [old]
    assert [item.record_id for item in read_decision(branch.deed(branch.south), new).history] == [new]
    assert [item.kind for item in read_decision(branch.deed(branch.shop), new).history][-1] == "correction"


def test_only_who_may_read_decisions_does(branch: Branch) -> None:
    omar = branch.hire("omar", "operator")
    with pytest.raises(NotAllowed, match="may not find and open decisions"):
        read_decision(branch.deed(omar), branch.decide())
    with pytest.raises(NotAllowed, match="may not find and open decisions"):
        find_decisions(branch.deed(omar), Wanted())


def test_of_an_erased_applicant_the_answers_remain_and_nothing_they_told(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    branch.deed().record(Erasure(ground="asked"), "A-1")
    view = read_decision(branch.deed(), decision_id)
    assert (view.status, view.inputs, view.applicant_id, view.names) == ("erased", None, None, ())
    assert {item.sealed for item in view.history} == {None}


def test_only_the_branches_that_one_sees_are_searched(branch: Branch) -> None:
    for number, place in enumerate(("north", "north", "south", None)):
        branch.decide(f"A-{number}", branch=place)

    def found(by: Actor, **wanted: object) -> list[str]:
        page = find_decisions(branch.deed(by), Wanted(**wanted))  # type: ignore[arg-type]  # as the test says
        return sorted(application.application_id for application in page.applications)

    assert found(branch.ana) == ["A-0", "A-1"]
    assert found(branch.south) == ["A-2"]
    assert found(branch.shop) == ["A-0", "A-1", "A-2", "A-3"]
    assert found(branch.ana, branches=["south"]) == []
    assert found(branch.ana, branches=["south", "north"], name="nun") == ["A-0", "A-1"]
    first = find_decisions(branch.deed(branch.shop), Wanted(), 3)
    assert len(first.applications) == 3
    assert len(find_decisions(branch.deed(branch.shop), Wanted(), 3, first.next).applications) == 1


def test_a_search_that_no_store_can_do_is_refused(branch: Branch) -> None:
    for wanted in (Wanted(applicant_id="\0"), Wanted(statuses=["\ud800"])):
        with pytest.raises(UsageError, match="no text"):
            find_decisions(branch.deed(), wanted)
    with pytest.raises(UsageError, match="limit is 0"):
        find_decisions(branch.deed(), Wanted(), 0)


def test_an_application_leads_to_its_last_decision_and_a_decision_to_itself(branch: Branch) -> None:
    first = branch.decide("A-1")
    last = branch.decide("A-1", corrects=first)
    assert (find_latest(branch.deed(), "A-1"), find_latest(branch.deed(), first)) == (last, first)
    account = branch.store.ledger.history("account:ana")[0].record_id
    for nothing in ("A-9", "", "\0", "\ud800", "account:ana", account):
        with pytest.raises(NotFound, match="no such record among those you see"):
            find_latest(branch.deed(), nothing)
    with pytest.raises(NotAllowed, match="may not find and open decisions"):
        find_latest(branch.deed(branch.hire("omar", "operator")), "A-1")


def test_what_is_found_is_counted_in_the_branches_that_one_sees(branch: Branch) -> None:
    for i in range(3):
        branch.decide(f"A-{i}")
    assert count_found(branch.deed(), Wanted()) == 3
    assert count_found(branch.deed(), Wanted(application_ids=("A-1",))) == 1
    assert count_found(branch.deed(branch.south), Wanted()) == 0
    assert count_found(branch.deed(branch.south), Wanted(branches=("north",))) == 0


def test_a_decision_names_the_record_of_the_answer_that_stands(branch: Branch) -> None:
    decision_id = branch.decide(answer="refer")
    assert read_decision(branch.deed(), decision_id).final_id is None
    receipt = give_final_answer(branch.deed(), decision_id, "approve")
    standing = read_decision(branch.deed(), decision_id).final_id
    assert standing == receipt.record_id
    give_final_answer(branch.deed(), decision_id, "expired", replaces=standing)
