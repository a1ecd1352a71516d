"""Finding applications at the desk: what is asked, what is counted, and what stays out of URLs (R13, R20)."""

from __future__ import annotations

import re

import pytest

from roadworthy.access import Branches
from roadworthy.desk.pages import searching
from tests.desk.conftest import Desk, Person, read_words


def found(page: str) -> list[str]:
    """The applications that a page of results lists."""
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page)


@pytest.fixture(scope="module")
def officer(desk: Desk) -> Person:
    for i in range(52):
        desk.decide(f"many-{i:02d}", amount=7_777.0)
    desk.decide("find-1", amount=1_234.0)
    desk.decide("find-2", amount=1_234.0, late_payments=2, region="S")
    desk.decide("find-3", amount=1_234.0, late_payments=5, region="W")
    return desk.come("officer")


def test_a_page_holds_fifty_and_leads_on_to_the_rest(officer: Person) -> None:
    first = officer.get("/search", amount_from="7,777", amount_to="7777")
    assert "52 applications fit" in read_words(first.text)
    assert len(found(first.text)) == 50
    onward = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert onward is not None
    second = officer.get(onward[1].replace("&amp;", "&"))
    assert len(found(second.text)) == 2
    assert sorted(found(first.text) + found(second.text)) == [f"many-{i:02d}" for i in range(52)]
    assert 'rel="next"' not in second.text


def test_of_very_many_only_that_there_are_more_is_said(officer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_COUNTED", 51)
    asked = {"amount_from": "7777", "amount_to": "7777"}
    assert "More than 51 applications fit" in read_words(officer.get("/search", **asked).text)
    monkeypatch.setattr(searching, "_COUNTED", 52)
    assert "52 applications fit" in read_words(officer.get("/search", **asked).text)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"answer": "refer"}, {"find-2"}),
        ({"answer": "decline"}, {"find-3"}),
        ({"status": "open"}, {"find-2"}),
        ({"branch": "W"}, {"find-3"}),
        ({"branch": "w"}, {"find-3"}),
        ({"branch": "Nowhere"}, set()),
        ({"release": "1", "branch": "N"}, {"find-1"}),
        ({"release": "2"}, set()),
        ({"decided_from": "2020-01-01"}, {"find-1", "find-2", "find-3"}),
        ({"decided_to": "2020-01-01"}, set()),
    ],
)
def test_each_field_narrows_it(asked: dict[str, str], names: set[str], officer: Person) -> None:
    page = officer.get("/search", amount_from="1234", amount_to="1234", **asked)
    assert set(found(page.text)) == names
    assert f"{len(names)} application" in read_words(page.text)


def test_the_branches_are_offered_and_one_that_nobody_names_is_said(desk: Desk, officer: Person) -> None:
    page = officer.get("/search", branch="Nowhere").text
    offered = re.findall(r'<option value="([^"]+)">', page.split('<datalist id="branches">')[1].split("</datalist>")[0])
    assert {"N", "S", "W"} <= set(offered)
    assert "No application is of the branch Nowhere; there is: " in read_words(page)
    assert "No application is of the branch" not in read_words(officer.get("/search", branch="w", answer="refer").text)
    desk.hire("west", "officer", branches=Branches.of("W"))
    assert "<datalist" not in desk.come("west").get("/search").text, "who sees few chooses of those"


def test_whom_one_looks_for_stays_out_of_the_url(officer: Person) -> None:
    sent = officer.send("/search", applicant_id="C-find-3", status="answered")
    where = sent.headers["Location"]
    assert "C-find-3" not in where
    assert "status=answered" in where
    page = officer.get(where)
    assert found(page.text) == ["find-3"]
    assert 'value="C-find-3"' in page.text, "the form shows what was asked"


def test_the_url_alone_does_not_say_whom_and_says_so(desk: Desk, officer: Person) -> None:
    where = officer.send("/search", applicant_id="C-find-3").headers["Location"]
    other = desk.come("validator").get(where)
    assert other.status_code == 409
    assert "search again" in read_words(other.text)


def test_one_application_named_by_its_id_is_opened_at_once(officer: Person) -> None:
    assert officer.send("/search", application_id="find-1").headers["Location"] == "/applications/find-1"
    page = officer.act("/search", application_id="find-9")
    assert "0 applications fit" in read_words(page.text)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"amount_from": "much"}, "which is no number"),
        ({"decided_from": "yesterday"}, "is no day"),
        ({"amount_from": "9,000", "amount_to": "100"}, "amount from 9,000 to 100 leaves nothing between them"),
        ({"decided_from": "2026-02-01", "decided_to": "2026-01-01"}, "the earlier of the two in decided from"),
        ({"status": "lost"}, "is none"),
        ({"after": "nowhere"}, "no place in the results"),
        ({"named": "0123"}, "no longer known"),
    ],
)
def test_what_makes_no_sense_is_said_above_the_form(asked: dict[str, str], said: str, officer: Person) -> None:
    page = officer.get("/search", **asked)
    assert page.status_code in (409, 422)
    assert said in read_words(page.text)
    assert "<h1>Applications</h1>" in page.text


def test_an_officer_finds_the_applications_of_their_branches_alone(desk: Desk, officer: Person) -> None:
    desk.hire("south", "officer", branches=Branches.of("S"))
    south = desk.come("south")
    assert found(south.get("/search", amount_from="1234", amount_to="1234").text) == ["find-2"]
    assert found(south.get("/search", branch="W").text) == []
    assert found(south.act("/search", applicant_id="C-find-3").text) == []
    assert 'name="branch"><option value="">any</option>\n<option value="S"' in south.get("/search").text
