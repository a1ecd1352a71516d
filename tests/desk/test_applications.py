"""The applicant's page, and everything an officer does from it (R18, R20, R21, R22, R25)."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from roadworthy.access import Branches
from roadworthy.decision import decide
from roadworthy.desk.inputs import show_value
from roadworthy.model import ColumnReasons, choose_columns
from roadworthy.records import Erasure, OutcomeEvent
from tests.api.house import INPUTS
from tests.desk.conftest import Desk, Person, read_words

REFERRED: dict[str, Any] = {"late_payments": 2}
DECLINED: dict[str, Any] = {"late_payments": 5}
_NUMBERS = count(1)


@pytest.fixture
def officer(desk: Desk) -> Person:
    return desk.come("officer")


@pytest.fixture
def name() -> str:
    """An application of the test's own."""
    return f"app-{next(_NUMBERS)}"


def hire_once(desk: Desk, who: str, **how: Any) -> Person:
    """An officer of this name, whichever test needs them first."""
    return desk.come(who) if who in desk.people else desk.hire(who, "officer", **how)


def hidden(page: str, field: str) -> str:
    """What a form carries unseen."""
    found = re.search(rf'name="{field}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def test_the_answer_comes_first_and_all_that_led_to_it_follows(desk: Desk, officer: Person, name: str) -> None:
    decided = desk.decide(name, **DECLINED)
    page = officer.get(f"/applications/{name}")
    words = read_words(page.text)
    assert words.index("decline The policy's own answer") < words.index("How likely it goes bad") < words.index("Why")
    assert f"PD {decided['pd']:.1%}" in words
    assert f"Score {decided['score']:.0f}; higher is better" in words
    assert "within 12 months of booking" in words
    for reason in decided["reasons"]:
        assert reason["text"] in words
        value = show_value({**INPUTS, **DECLINED}[reason["column"]])
        assert f"{reason['text']}: {value} makes a bad outcome" in words
    assert "income 30,000" in words
    assert "amount 5,000" in words
    assert "makes a bad outcome likelier" in words
    assert "No rule fired; the PD alone decided" in words
    assert "Release 1, champion Model" in words
    assert "Asked for by service" in words
    assert "Nothing has been heard of it since" in words
    assert len(page.content) < 150_000


def test_reasons_chosen_anew_are_marked_in_words(
    desk: Desk, officer: Person, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R27: the largest contributions did not lower the PD together, so that others are stated."""
    plain = desk.decide(name, **DECLINED)
    assert plain["adjusted"] is False
    assert "chosen anew" not in read_words(officer.get(f"/applications/{name}").text)

    def choose_anew(*given: Any) -> ColumnReasons:
        found = choose_columns(*given)
        return replace(found, adjusted=found.true)

    monkeypatch.setattr(sys.modules[decide.__module__], "choose_columns", choose_anew)
    decided = desk.decide(f"{name}-anew", **DECLINED)
    assert decided["adjusted"] is True
    words = read_words(officer.get(f"/applications/{name}-anew").text)
    assert "chosen anew Other reasons than the largest are listed" in words


def test_a_rule_that_fired_is_named_with_what_it_says(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, age=20)
    words = read_words(officer.get(f"/applications/{name}").text)
    assert "under_age: Applicants must be at least 21 (when age < 21, then decline)" in words
    assert "a rule of the policy" in words


def test_without_outcomes_the_observed_rate_is_unknown_and_not_nought(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name)
    words = read_words(officer.get(f"/applications/{name}").text)
    assert "How applicants like this turned out is not known: no outcome can be judged yet" in words


def test_another_branchs_application_is_not_there_in_the_words_for_none(desk: Desk, name: str) -> None:
    desk.decide(name, region="S", **REFERRED)
    north = hire_once(desk, "north", branches=Branches.of("N"))
    for path in ("", "/final-answer", "/override", "/correct", "/review", "/what-if"):
        there = north.get(f"/applications/{name}{path}")
        nowhere = north.get(f"/applications/no-such{path}")
        assert (there.status_code, read_words(there.text)) == (nowhere.status_code, read_words(nowhere.text))
        assert there.status_code == 404
        assert "there is no such record among those you see" in read_words(there.text)
    before = desk.count_records()
    sent = north.send(f"/applications/{name}/final-answer", answer="approve")
    assert (sent.status_code, desk.count_records()) == (404, before)


@pytest.mark.parametrize("answer", ["approve", "decline", "withdrawn", "incomplete", "expired"])
def test_a_referral_gets_its_final_answer(answer: str, desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **REFERRED)
    assert "A person decides" in read_words(officer.get(f"/applications/{name}").text)
    page = officer.act(f"/applications/{name}/final-answer", answer=answer, note="seen in person")
    words = read_words(page.text)
    assert f"The final answer is recorded: {answer}" in words
    assert "officer gave this answer; the policy said refer" in words
    assert f"Final answer: {answer}" in words
    assert "seen in person" in words
    assert "Give the final answer" not in words


def test_a_counter_offer_says_its_terms(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **REFERRED)
    terms = {"amount": "3,000", "term": "18", "rate": "6.9", "conditions": "a guarantor signs"}
    words = read_words(officer.act(f"/applications/{name}/final-answer", answer="counter_offer", **terms).text)
    assert "counter offer 3,000 EUR, 18 months, 6.9% a year" in words
    assert "a guarantor signs" in words


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"answer": "counter_offer"}, "a counter-offer says its amount"),
        ({"answer": "counter_offer", "amount": "lots"}, "which is no number"),
        ({"answer": "decline", "amount": "500"}, "decline offers nothing"),
        ({"answer": ""}, "is no final answer"),
        ({"answer": "approve", "term": "1.5"}, "whole number of months"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    fields: dict[str, str], said: str, desk: Desk, officer: Person, name: str
) -> None:
    desk.decide(name, **REFERRED)
    before = desk.count_records()
    page = officer.send(f"/applications/{name}/final-answer", note="my note", **fields)
    assert page.status_code == 422
    assert said in read_words(page.text)
    assert "my note" in page.text
    assert desk.count_records() == before


def test_a_day_beyond_every_calendar_is_none(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name)
    answer = officer.send(f"/applications/{name}/review", view="Look again", until="9999-12-31")
    assert answer.status_code == 422
    assert "answered by: '9999-12-31' is no day" in read_words(answer.text)
    assert "Look again" in answer.text


def test_a_button_pressed_twice_answers_once(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **REFERRED)
    once = hidden(officer.get(f"/applications/{name}").text, "once")
    before = desk.count_records()
    for _ in range(2):
        assert officer.send(f"/applications/{name}/final-answer", answer="approve", once=once).status_code == 303
    assert desk.count_records() == before + 1


def test_an_answer_is_replaced_only_by_whoever_saw_the_one_that_stands(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **REFERRED)
    officer.act(f"/applications/{name}/final-answer", answer="approve")
    blind = officer.send(f"/applications/{name}/final-answer", answer="expired")
    assert blind.status_code == 409
    replaces = hidden(officer.get(f"/applications/{name}/final-answer").text, "replaces")
    words = read_words(officer.act(f"/applications/{name}/final-answer", answer="expired", replaces=replaces).text)
    assert "Final answer: approve" in words
    assert "Final answer: expired" in words


def test_going_against_the_policy_is_an_override_with_its_reason(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **DECLINED)
    refused = officer.send(f"/applications/{name}/final-answer", answer="approve")
    assert (refused.status_code, "is an override" in read_words(refused.text)) == (409, True)
    form = officer.get(f"/applications/{name}/override")
    assert "This is within your authority" in read_words(form.text)
    assert officer.send(f"/applications/{name}/override", answer="approve", words="pays well").status_code == 422
    words = read_words(
        officer.act(
            f"/applications/{name}/override", answer="approve", reason_code="verified_income", words="tax return seen"
        ).text
    )
    assert "the policy said decline, so this is an override" in words
    assert "income or assets were verified" in words
    assert "tax return seen" in words


def test_a_referral_has_nothing_to_override(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **REFERRED)
    assert "There is nothing to override" in read_words(officer.get(f"/applications/{name}/override").text)


@pytest.mark.parametrize(("verdict", "status"), [("confirm", "approve"), ("reject", "decline")])
def test_beyond_ones_authority_a_second_person_confirms_or_rejects(
    verdict: str, status: str, desk: Desk, name: str
) -> None:
    desk.decide(name, **DECLINED)
    junior = hire_once(desk, "junior", authority=100.0)
    assert "beyond your authority of 100 EUR" in read_words(junior.get(f"/applications/{name}/override").text)
    page = junior.act(f"/applications/{name}/override", answer="approve", reason_code="security", words="a house")
    words = read_words(page.text)
    assert "Proposed: nothing changes until a second person confirms it" in words
    assert "junior proposed to approve this" in words
    assert "decline The policy's own answer" in words
    approver = desk.come("approver")
    waiting = approver.get("/overrides")
    assert "a house" in read_words(waiting.text)
    card = waiting.text[waiting.text.index(f">{name}</a>") :]
    where = re.search(rf'action="(/overrides/[^"]+/{verdict})"', card)
    assert where is not None
    if verdict == "confirm":
        own = junior.send(where[1])
        assert own.status_code == 409, "the one who proposed it is no second person"
    assert name not in read_words(approver.act(where[1]).text)
    words = read_words(junior.get(f"/applications/{name}").text)
    assert ("Override: approve, confirmed by approver" in words) == (verdict == "confirm")
    again = approver.send(where[1])
    assert again.status_code == 409
    view = read_words(approver.get(f"/applications/{name}").text)
    assert f"{status} " in view[: view.index("How likely")]


def test_what_was_wrong_is_put_right_and_decided_anew_linked(desk: Desk, officer: Person, name: str) -> None:
    old = desk.decide(name, **DECLINED)
    form = officer.get(f"/applications/{name}/correct")
    assert 'name="in.late_payments" value="5"' in form.text
    sent = officer.send(
        f"/applications/{name}/correct", **{"in.late_payments": "0", "evidence": "bureau file of today"}
    )
    assert sent.status_code == 303
    new = officer.get(sent.headers["Location"])
    words = read_words(new.text)
    assert "Decided anew: approve, PD 3.8%. The decision before stays." in words
    assert "Corrected: late_payments" in words
    assert "bureau file of today" in words
    assert "late_payments: 5 → 0" in words
    assert old["decision_id"] in new.text
    before = read_words(officer.get(f"/applications/{old['decision_id']}").text)
    assert "This decision was corrected, so it is not the one that counts" in before
    assert "decline" in before[: before.index("How likely")]
    latest = read_words(officer.get(f"/applications/{name}").text)
    assert "Decided anew after a correction" in latest


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"in.late_payments": "0"}, 422, "evidence says nothing"),
        ({"in.age": "old", "evidence": "passport"}, 422, "is not a whole number"),
        ({"in.age": "", "evidence": "passport"}, 422, "is missing"),
        ({"evidence": "passport"}, 409, "nothing differs"),
    ],
)
def test_a_correction_that_cannot_be_is_said_beside_its_field(
    fields: dict[str, str], status: int, said: str, desk: Desk, officer: Person, name: str
) -> None:
    desk.decide(name, **DECLINED)
    before = desk.count_records()
    page = officer.send(f"/applications/{name}/correct", **fields)
    assert (page.status_code, said in read_words(page.text)) == (status, True)
    for field, value in fields.items():
        if field == "in.age":
            assert re.search(rf'name="in.age" value="{value}"[^>]* aria-invalid="true"', page.text)
    assert desk.count_records() == before


def test_what_if_answers_and_leaves_no_record(desk: Desk, officer: Person, name: str) -> None:
    decided = desk.decide(name, **DECLINED)
    before, page_before = desk.count_records(), officer.get(f"/applications/{name}").text
    same = read_words(officer.send(f"/applications/{name}/what-if").text)
    assert "With nothing changed" in same
    assert f"PD {decided['pd']:.2%} {decided['pd']:.2%}" in same
    better = read_words(officer.send(f"/applications/{name}/what-if", **{"in.late_payments": "0"}).text)
    assert "It would be approve" in better
    assert "late payments 0 in place of 5" in better
    assert f"PD {decided['pd']:.2%} 3.77%" in better
    middling = read_words(officer.send(f"/applications/{name}/what-if", **{"in.late_payments": "2"}).text)
    assert "It would be refer" in middling
    assert "Reasons it would state" in middling
    wrong = officer.send(f"/applications/{name}/what-if", **{"in.housing": "castle", "in.age": "x"})
    assert wrong.status_code == 422
    assert desk.count_records() == before
    once = re.compile(r'name="once" value="[^"]*"')
    assert once.sub("", officer.get(f"/applications/{name}").text) == once.sub("", page_before)


def test_an_analyst_may_ask_what_if_and_may_not_answer(desk: Desk, name: str) -> None:
    desk.decide(name, **REFERRED)
    analyst = desk.come("analyst")
    page = analyst.get(f"/applications/{name}")
    assert "Give the final answer" not in page.text
    assert analyst.send(f"/applications/{name}/what-if").status_code == 200
    for path in ("final-answer", "override", "correct"):
        assert analyst.get(f"/applications/{name}/{path}").status_code == 403
        assert analyst.send(f"/applications/{name}/{path}", answer="approve").status_code == 403


def test_the_applicant_asks_for_a_person_and_is_answered(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **DECLINED)
    late = officer.send(f"/applications/{name}/review", view="I paid", until="2020-01-01")
    assert (late.status_code, "I paid" in late.text) == (422, True)
    asked = read_words(officer.act(f"/applications/{name}/review", view="I paid it all", until="2099-12-31").text)
    assert "The applicant asked for a person to look again, to be answered by 2099-12-31 23:59" in asked
    assert "Override the policy" not in asked, "a review is answered first"
    form = read_words(officer.get(f"/applications/{name}/review").text)
    assert "The applicant says I paid it all" in form
    refused = officer.send(f"/applications/{name}/review/answer", words="so it is", answer="approve")
    assert (refused.status_code, "is an override" in read_words(refused.text)) == (409, True)
    done = read_words(
        officer.act(
            f"/applications/{name}/review/answer", words="it was paid", answer="approve", reason_code="data_error"
        ).text
    )
    assert "Review answered: the answer is approve" in done
    assert "it was paid" in done
    assert "so this is an override" in done


def test_a_review_may_leave_the_answer_as_it_stands(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name, **DECLINED)
    officer.act(f"/applications/{name}/review", view="I paid it all", until="2099-12-31")
    done = read_words(officer.act(f"/applications/{name}/review/answer", words="it was not", answer="").text)
    assert "Review answered: the answer stands" in done
    assert "which officer let stand after looking again at the applicant's request" in done


def test_an_id_that_is_no_step_of_a_path_is_found_by_its_decision(desk: Desk, officer: Person) -> None:
    decided = desk.decide("2026/17")
    found = officer.send("/search", application_id="2026/17")
    assert found.headers["Location"] == f"/applications/{decided['decision_id']}"
    assert "<h1>2026/17</h1>" in officer.get(found.headers["Location"]).text


def test_what_an_applicant_wrote_is_text_and_nothing_else(desk: Desk, officer: Person, name: str) -> None:
    hostile = '<script>alert("x")</script>'
    desk.decide(name, **DECLINED)
    page = officer.act(f"/applications/{name}/review", view=hostile, until="2099-12-31")
    assert hostile not in page.text
    assert "&lt;script&gt;" in page.text


def test_of_an_erased_applicant_the_answer_remains_and_nothing_they_told(
    desk: Desk, officer: Person, name: str
) -> None:
    decided = desk.decide(name, **DECLINED)
    desk.house.deed("officer").record(Erasure(ground="asked for"), name)
    words = read_words(officer.get(f"/applications/{name}").text)
    assert "The applicant's data were erased. What was decided stays on record" in words
    assert f"C-{name}" not in words
    assert "inputs, as they came" not in words
    assert "Override the policy" not in words
    for path in ("what-if", "correct"):
        assert officer.get(f"/applications/{name}/{path}").status_code == 410
        assert officer.send(f"/applications/{name}/{path}", evidence="x").status_code == 410
    assert officer.send(f"/applications/{name}/final-answer", answer="expired").status_code == 410
    assert decided["decision_id"] in words


def test_what_became_of_it_is_listed_as_it_became_known(desk: Desk, officer: Person, name: str) -> None:
    desk.decide(name)
    now = datetime.now(UTC)
    booked = OutcomeEvent(event="booked", at=now, known_at=now, amount=4_900.0)
    late = OutcomeEvent(event="days_past_due", at=now, known_at=now, days=31)
    for event in (booked, late):
        desk.house.deed("service").record(event, name)
    words = read_words(officer.get(f"/applications/{name}").text)
    day = f"{now:%Y-%m-%d}"
    assert f"booked {day} {day} 4,900 –" in words
    assert f"days past due {day} {day} – 31" in words


def test_who_may_makes_a_decision_again_from_its_page(desk: Desk, officer: Person, name: str) -> None:
    """R23: in words, where it is the same and where it is not; nothing of it is recorded."""
    desk.decide(name, **DECLINED)
    validator = desk.come("validator")
    assert "Make it again" in read_words(validator.get(f"/applications/{name}").text)
    assert "Make it again" not in read_words(officer.get(f"/applications/{name}").text)
    before = desk.count_records()
    again = validator.send(f"/applications/{name}/replay")
    assert again.status_code == 200
    assert "Made again the same, to the last bit" in read_words(again.text)
    assert officer.send(f"/applications/{name}/replay").status_code == 403
    assert desk.count_records() == before
