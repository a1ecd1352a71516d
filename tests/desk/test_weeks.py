"""Week by week: counted as searched, the odd week named by a stated rule, and found by its link (R10, R14, R20)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import httpx
import pytest

from roadworthy.access import Branches
from roadworthy.lifecycle import who_was_live
from tests.desk.conftest import Desk, Person, open_desk, read_words
from tests.desk.past import BEGIN, ODD, WEEKS, live_late, live_past
from tests.stores import another_store_url

ODD_MONDAY = (BEGIN + timedelta(weeks=ODD)).date()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def calm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with twenty weeks behind it, one of them odd, on each store."""
    with open_desk(another_store_url(request.param, request, tmp_path_factory.mktemp("weeks"))) as desk:
        desk.hire("early", "officer", branches=Branches.of("N", "E"))
        assert "Nothing was decided yet" in open_weeks(desk.come("early")).text
        live_past(desk.house.store)
        yield desk


@pytest.fixture
def analyst(calm: Desk) -> Person:
    return calm.come("analyst")


def open_weeks(person: Person, **asked: str) -> httpx.Response:
    """The page, once the weeks are counted."""
    while True:
        page = person.get("/weeks", **asked)
        if "are being counted" not in page.text:
            return page
        assert 'http-equiv="refresh"' in page.text


def rows(html: str) -> dict[str, list[str]]:
    """The cells of each week, by its name."""
    table = html[html.index('class="weeks"') :]
    found = {}
    for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]:
        cells = [read_words(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        found[cells[0].split()[0]] = cells[1:]
    return found


def test_an_odd_week_says_which_reasons_are_stated_oddly_often_in_the_branches_one_sees(
    calm: Desk, analyst: Person
) -> None:
    """R10: whoever asks why finds the cause, not only its applications."""
    words = read_words(open_weeks(analyst).text)
    assert "Stated oddly often, of 30 declines of the week and 72 in the twelve before:" in words
    assert "“Income is low”: 100.0% against 16.7% before" in words
    assert "“Debts are high”" not in words, "every decline states it, then and before"
    calm.hire("norman", "officer", branches=Branches.of("N"))
    assert "Stated oddly often" not in read_words(open_weeks(calm.come("norman")).text)


def test_each_week_has_its_counts_and_shares_up_to_the_latest_decision(analyst: Person) -> None:
    page = open_weeks(analyst)
    weeks = rows(page.text)
    assert page.text.count("<h1>") == 1
    assert len(weeks) == 26
    assert next(iter(weeks)) == "2026-W38", "the week of the latest decision is first"
    assert weeks["2026-W20"][:5] == ["60", "80.0% 48", "10.0% 6", "10.0% 6", "10.5%"]
    assert weeks["2026-W18"][0] == "0"
    assert "nothing decided" in weeks["2026-W18"][-1]
    assert "1,200 applications by their latest decision" in read_words(page.text)


def test_the_odd_week_is_named_in_words_with_the_rule(analyst: Person) -> None:
    words = read_words(open_weeks(analyst).text)
    assert "One week looks odd" in words
    assert (
        "2026-W36, 2026-08-31 to 2026-09-06: declines 50.0% against 10.0% in the twelve weeks before, "
        "60 decisions: far more than chance."
    ) in words
    assert "4 standard errors or more" in words
    assert "fewer than 50 decisions, or fewer than 200 in the twelve weeks before, a week is not judged" in words


def test_its_link_finds_exactly_its_applications(analyst: Person) -> None:
    page = open_weeks(analyst).text
    links = [unescape(link) for link in re.findall(r'href="(/search\?[^"]*answer=decline)"', page)]
    assert f"decided_from={ODD_MONDAY}&decided_to={ODD_MONDAY + timedelta(days=6)}" in links[0]
    assert "30 applications fit" in read_words(analyst.get(links[0]).text)
    week = re.search(r'<a href="(/search[^"]*)">2026-W36</a>', page)
    assert week is not None
    assert "60 applications fit" in read_words(analyst.get(unescape(week[1])).text)


def test_who_sees_one_branch_sees_its_weeks_alone(calm: Desk) -> None:
    """What is odd is in S: in N every week is as the others, and too small to judge besides."""
    calm.hire("norma", "officer", branches=Branches.of("N"))
    page = open_weeks(calm.come("norma"))
    weeks = rows(page.text)
    assert weeks["2026-W36"][0] == "30"
    assert "too few decisions to judge" in weeks["2026-W36"][-1]
    assert "No week here differs" in read_words(page.text)
    assert "of the branches you see: N" in read_words(page.text)
    calm.hire("nobody", "officer", branches=Branches())
    assert "Nothing was decided yet in the branches you see" in read_words(open_weeks(calm.come("nobody")).text)


def test_weeks_are_turned_over_without_a_gap(analyst: Person) -> None:
    page = open_weeks(analyst, **{"from": "2026-08-12", "until": "2026-09-02"})
    assert list(rows(page.text)) == ["2026-W36", "2026-W35", "2026-W34", "2026-W33"]
    older = re.search(r'rel="prev" href="([^"]+)"', page.text)
    newer = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert older is not None
    assert newer is not None
    assert list(rows(analyst.get(unescape(older[1])).text)) == ["2026-W32", "2026-W31", "2026-W30", "2026-W29"]
    last = analyst.get(unescape(newer[1])).text
    assert list(rows(last)) == ["2026-W38", "2026-W37"]
    assert 'rel="next"' not in last
    assert list(rows(open_weeks(analyst, **{"from": "2026-09-02"}).text)) == ["2026-W38", "2026-W37", "2026-W36"]


def test_what_changed_in_a_week_stands_beside_it(calm: Desk, analyst: Person) -> None:
    live_since = who_was_live(calm.house.store, calm.house.clock()).since
    assert live_since is not None
    day = live_since.date().isoformat()
    (cells,) = rows(open_weeks(analyst, **{"from": day, "until": day}).text).values()
    assert "release 1 live" in cells[-1]


def test_the_chart_has_words_and_its_table(analyst: Person) -> None:
    page = open_weeks(analyst).text
    while "The chart is being drawn" in page:
        assert 'http-equiv="refresh"' in page
        page = open_weeks(analyst).text
    alternative = re.search(r'<img class="broad" src="data:image/svg\+xml;base64,[^"]+" alt="([^"]+)"', page)
    assert alternative is not None
    assert "50.0% declined in the week of 31 Aug 2026" in alternative[1]
    assert len(page) < 150_000


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"from": "yesterday"}, "is no day"),
        ({"until": "9999-12-31"}, "is no day"),
        ({"from": "2026-09-01", "until": "2026-08-01"}, "is after"),
        ({"from": "2020-01-01", "until": "2026-08-01"}, "more than 104 weeks"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_mend(asked: dict[str, str], said: str, analyst: Person) -> None:
    page = open_weeks(analyst, **asked)
    assert page.status_code == 422
    assert said in read_words(page.text)
    assert "<h1>Week by week</h1>" in page.text


def test_whoever_may_not_search_sees_no_weeks(calm: Desk) -> None:
    assert calm.come("admin").get("/weeks").status_code == 403
    assert calm.come("operator").get("/weeks").status_code == 403


def test_every_week_is_there_once(analyst: Person) -> None:
    assert len(rows(open_weeks(analyst, **{"from": BEGIN.date().isoformat()}).text)) == WEEKS


def test_after_a_long_pause_the_weeks_before_it_are_still_shown(calm: Desk) -> None:
    """The last test here: it adds to what was decided."""
    live_late(calm.house.store, WEEKS + 40, "S")
    calm.hire("south", "officer", branches=Branches.of("S"))
    page = open_weeks(calm.come("south"))
    weeks = rows(page.text)
    assert len(weeks) == WEEKS + 1
    assert [weeks[name][0] for name in list(weeks)[:2]] == ["1", "30"]
    assert "Weeks in which nothing was decided are left out" in read_words(page.text)
    assert "601 applications by their latest decision, 2026-05-04 to 2027-07-04" in read_words(page.text)
    calm.hire("late", "officer", branches=Branches.of("N", "S"))
    for _ in range(600):
        page = open_weeks(calm.come("late"))
        if "is being drawn" not in page.text:
            break
    assert f"Line chart of the shares declined and referred in {WEEKS + 1} weeks" in page.text
    words = read_words(page.text)
    assert "Weeks of fewer than 50 decisions are not drawn" in words, "one of one would flatten the others"
