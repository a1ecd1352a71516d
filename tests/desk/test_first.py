"""The first page: what waits for each role, what is live, and a trial's tour, no step of which leads to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from roadworthy.access import Branches
from roadworthy.lifecycle import create_release, stop_deciding
from roadworthy.testing import make_package
from tests.api.house import POLICY, PRODUCT
from tests.desk.conftest import Desk, Person, open_desk, read_words
from tests.desk.lender import Lender
from tests.desk.trial import open_trial

ROLES = ("officer", "analyst", "approver", "validator", "operator", "admin")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    with open_trial(tmp_path_factory.mktemp("trial")) as lender:
        open_first(lender.desk.come("analyst"))
        yield lender


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """No trial: four referrals, one of them in S, and a review with its deadline."""
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('real') / 'store.db'}") as desk:
        for place in range(4):
            desk.decide(f"R-{place}", late_payments=2, region="S" if place == 3 else "N")
        desk.decide("D-1", late_payments=5)
        desk.hire("sonja", "officer", branches=Branches.of("S"))
        yield desk


def open_first(person: Person) -> str:
    """The first page, once the weeks are counted."""
    while True:
        page = person.get("/").text
        if "which weeks look odd" not in page:
            return page


def part(page: str, name: str) -> str:
    """The words of a part of the page, by the id of its heading."""
    found = re.search(rf'aria-labelledby="{name}">(.*?)</section>', page, re.DOTALL)
    return "" if found is None else read_words(found[1])


def steps(page: str) -> list[tuple[str, str]]:
    """Where each step of the tour leads, and its sentence."""
    tour = re.search(r'class="tour".*?</section>', page, re.DOTALL)
    found = [] if tour is None else re.findall(r'<li><a href="([^"]+)">(.*?)</a></li>', tour[0])
    return [(unescape(where), unescape(said)) for where, said in found]


def test_what_waits_is_counted_in_the_branches_one_sees(real: Desk) -> None:
    page = real.come("officer").get("/").text
    assert "4 referrals wait for a final answer" in part(page, "waits")
    assert 'href="/search?status=open">4 referrals' in page
    assert "1 referral waits for a final answer" in part(real.come("sonja").get("/").text, "waits")


def test_nothing_waiting_says_so(real: Desk) -> None:
    for role in ("analyst", "admin", "operator"):
        assert "Nothing waits for you." in part(real.come(role).get("/").text, "waits"), role


def test_a_review_is_named_with_its_deadline(real: Desk) -> None:
    real.come("officer").act("/applications/D-1/review", view="I paid it all", until="2099-12-31")
    words = part(real.come("officer").get("/").text, "waits")
    assert "1 applicant asks for a person to look again" in words
    assert "D-1 is due by 2099-12-31" in words or "D-1 is due by 2100-01-01" in words
    assert "1 applicant asks" not in part(real.come("approver").get("/").text, "waits"), "who may not answer it"


def test_an_override_waits_for_others_and_not_for_whoever_proposed_it(real: Desk) -> None:
    real.decide("D-2", late_payments=5)
    junior = real.hire("junior", "officer", authority=1.0)
    junior.act("/applications/D-2/override", answer="approve", reason_code="security", words="a house")
    assert "override waits" not in part(junior.get("/").text, "waits")
    page = real.come("approver").get("/").text
    assert "1 override waits for a second person" in part(page, "waits")
    assert 'href="/overrides">1 override' in page


def test_releases_and_drafts_wait_for_whom_they_concern(real: Desk) -> None:
    made = create_release(
        real.house.deed("analyst"),
        package=make_package("scorecard").to_bytes(),
        policy=POLICY.replace("0.12", "0.11"),
        product=PRODUCT,
    )
    analyst, approver, operator = (real.come(role) for role in ("analyst", "approver", "operator"))
    assert "1 release of yours is not put up for approval" in part(analyst.get("/").text, "waits")
    analyst.act(f"/releases/{made.id}/submit", note="tighter")
    assert "not put up" not in part(analyst.get("/").text, "waits")
    page = approver.get("/").text
    assert "1 release waits for your approval release 2 of analyst" in part(page, "waits")
    assert f'href="/releases/{made.id}">1 release waits' in page
    approver.act(f"/releases/{made.id}/approve")
    assert f'href="/releases/{made.id}/promote">1 approved release waits to be made live' in operator.get("/").text


def test_what_is_live_is_said_with_its_cut_offs_and_a_stop(real: Desk) -> None:
    live = part(real.come("validator").get("/").text, "live")
    assert re.search(r"release 1, since \d{4}-\d\d-\d\d \d\d:\d\d by operator", live)
    assert "a PD below 12.0% is approved" in live
    assert "each application gets its answer at once" in live
    stop_deciding(real.house.deed("operator"), "the bureau is down")
    live = part(real.come("validator").get("/").text, "live")
    assert "stopped since" in live
    assert "by operator: the bureau is down" in live
    assert part(real.come("admin").get("/").text, "live") == ""


def test_there_is_no_tour_where_it_is_no_trial(real: Desk) -> None:
    for role in ROLES:
        page = real.come(role).get("/").text
        assert steps(page) == []
        assert "tour" not in read_words(page)


@pytest.mark.parametrize("role", ROLES)
def test_a_tour_has_three_to_six_steps_and_each_leads_somewhere(trial: Lender, role: str) -> None:
    person = trial.desk.come(role)
    found = steps(open_first(person) if role in ("analyst", "approver", "validator") else person.get("/").text)
    assert 3 <= len(found) <= 6, found
    assert len({where for where, _ in found}) == len(found), "no place twice"
    for where, said in found:
        page = person.get(where)
        assert page.status_code == 200, (where, page.status_code)
        assert page.text.count("<h1>") + page.text.count("<h1 ") == 1, where
        assert said.endswith("."), said
        assert not re.search(r"[{}]|None", said), said


def test_the_officers_tour_names_what_the_store_holds(trial: Lender) -> None:
    found = dict(steps(trial.officer.get("/").text))
    assert "A-2" in found["/applications/A-2"]
    assert "referrals wait" in found["/applications/A-2"]
    assert "/applications/A-2/what-if" in found
    assert "A-5 was declined" in found["/applications/A-5"]


def test_the_analyst_is_led_to_the_odd_week_the_warnings_and_the_challenger(trial: Lender) -> None:
    found = steps(open_first(trial.ana))
    assert found[0] == ("/weeks", "One week looks odd in the latest 26 weeks: find out which, and why.")
    assert "answer=decline" in found[1][0]
    assert "30 applications fit" in read_words(trial.ana.get(found[1][0]).text)
    table = dict(found)["/tables/regions/2"]
    assert re.fullmatch(
        r"An upload of the table regions waits for approval: look at its (\d+ warnings|warning)\.", table
    )
    assert "otherwise than release 1" in dict(found)["/releases/2"]


def test_a_tour_is_put_away_and_called_back_without_a_script(trial: Lender) -> None:
    ben, omar = trial.ben, trial.omar
    page = ben.act("/tour", away="yes").text
    assert steps(page) == []
    assert "Show the guided tour" in page
    assert steps(ben.get("/").text) == []
    assert steps(omar.get("/").text), "another's stays"
    shared = Person(trial.desk, "operator", ben.cookies | omar.cookies)
    assert steps(shared.get("/").text), "also in the same browser"
    assert steps(ben.act("/tour").text)


def test_the_tour_moves_on_with_what_is_done(trial: Lender) -> None:
    """Last, for it changes what is live."""
    assert "/releases/2/promote" in dict(steps(trial.ben.get("/").text))
    assert "/releases/rollback" not in dict(steps(trial.ben.get("/").text))
    trial.ben.act("/tables/regions/2/approve", read="yes")
    assert trial.promote("2", warned="yes", read="yes").status_code == 303
    found = dict(steps(trial.ben.get("/").text))
    assert found["/releases/rollback"].startswith("Roll back to release 1")
    assert not {"/releases/2/promote", "/tables/regions/2"} & set(found)


def test_each_role_finds_its_own_work_first(real: Desk) -> None:
    first = {}
    for role in ROLES:
        bar = re.search(r'aria-label="Pages">(.*?)</nav>', real.come(role).get("/").text, re.DOTALL)
        assert bar is not None
        first[role] = re.findall(r'href="([^"]+)"', bar[1])[0]
    assert first == {
        "officer": "/search",
        "analyst": "/weeks",
        "approver": "/releases",
        "validator": "/accuracy",
        "operator": "/releases",
        "admin": "/people",
    }
    assert 'href="/overrides"' in real.come("approver").get("/").text
    assert 'href="/purpose"' in real.come("analyst").get("/").text
