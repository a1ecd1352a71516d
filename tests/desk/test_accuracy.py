"""How accurate we were: whose figures, what is unknown, what it was worth, and worked out once (R16-R18, R21)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import Any

import msgspec
import pytest

from roadworthy.access import EVERY_BRANCH, Branches
from roadworthy.desk import accuracy
from roadworthy.desk.accuracy import AccuracyLately, Asked
from roadworthy.desk.lately import Lately
from roadworthy.outcomes import Judged, judge_outcomes, record_outcomes
from roadworthy.records import Decision, Particulars, ReleaseRef, encode_payload
from tests.api.house import POLICY
from tests.desk.conftest import Desk, Person, open_desk, read_words
from tests.stores import Postgres

LONG_AGO = datetime.now(UTC) - timedelta(days=800)
MONEY = (
    POLICY
    + """
economics:
  currency: EUR
  horizon_months: 12
  terms:
    revenue: {value: amount * 0.1, basis: measured}
    funding: {value: 0, basis: measured}
    ead: {value: amount, basis: measured}
    lgd: {value: 0.5, basis: assumed}
"""
)


def season(desk: Desk) -> None:
    """At a PD of 5%: 200 lent to, 20 went bad; at 20%: 100, 40 went bad; at 30%: 50 declined; one lent to just now."""
    service = replace(desk.house.deed("service").by, branches=EVERY_BRANCH)
    entries, rows, booked = [], [], LONG_AGO + timedelta(days=1)
    past = [(0.05 + i % 2 / 1e6, i < 20) for i in range(200)] + [(0.2 + i % 2 / 1e6, i < 40) for i in range(100)]
    for i, (pd, bad) in enumerate(past):
        stated = Decision(answer="approve", pd=pd, score=600.0, release=ReleaseRef("1", "m", "p"), applied_at=LONG_AGO,
                          branch="NS"[i % 2])  # fmt: skip
        inputs = {} if i == 199 else {"amount": 1000.0}
        sealed = encode_payload(Particulars(inputs=msgspec.Raw(msgspec.json.encode(inputs))))
        deed = desk.house.services.deed(service, LONG_AGO + timedelta(seconds=i))
        entries.append(deed.entry(stated, f"old-{i}", sealed=sealed))
        rows.append({"application_id": f"old-{i}", "bad": int(bad), "at": LONG_AGO + timedelta(days=300),
                     "known_at": LONG_AGO + timedelta(days=301), "booked_at": booked})  # fmt: skip
    for i in range(50):
        stated = Decision(answer="decline", pd=0.3, score=500.0, release=ReleaseRef("1", "m", "p"),
                          applied_at=LONG_AGO, branch="N")  # fmt: skip
        entries.append(desk.house.services.deed(service, LONG_AGO).entry(stated, f"no-{i}"))
    young = datetime.now(UTC) - timedelta(days=30)
    stated = Decision(
        answer="approve", pd=0.05, score=600.0, release=ReleaseRef("2", "m", "p"), applied_at=young, branch="N"
    )
    desk.house.store.ledger.append([*entries, desk.house.services.deed(service, young).entry(stated, "young")])
    rows.append({"application_id": "young", "event": "booked", "at": young, "known_at": young})
    assert record_outcomes(desk.house.services.deed(service), rows).set_aside == ()


@contextmanager
def open_seasoned(url: str) -> Iterator[Desk]:
    with open_desk(url) as desk:
        desk.house.go_live(policy=MONEY)
        season(desk)
        yield desk


@pytest.fixture(scope="module")
def seasoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_seasoned(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}") as desk:
        yield desk


@pytest.fixture(scope="module")
def seasoned_on_postgresql(postgres: Postgres) -> Iterator[Desk]:
    with open_seasoned(postgres.make_database()) as desk:
        yield desk


def look(person: Person, **asked: str) -> str:
    """The page's words once they are worked out."""
    for _ in range(300):
        page = person.get("/accuracy", **asked)
        if "comes back by itself" not in page.text:
            break
    assert page.status_code == 200, page.text
    assert len(page.content) < 150_000
    return read_words(page.text)


@pytest.mark.parametrize("where", ["seasoned", "seasoned_on_postgresql"])
def test_every_figure_says_whose_it_is_and_what_is_unknown(where: str, request: pytest.FixtureRequest) -> None:
    desk: Desk = request.getfixturevalue(where)
    words = look(desk.come("analyst"))
    assert "300 booked and matured applications, booked" in words
    assert "bad is default, or 90 days past due, within 12 months of booking" in words
    assert "In no figure here, because no outcome can be judged: 1 immature, 50 declined" in words
    assert "below 12.00%: the policy approves 180 20 10.0% 1 unknown" in words
    assert "12.00% or above: it does not 60 40 40.0% 50 unknown" in words
    assert "they are unknown here, not bad" in words
    assert (
        "Always saying good would be right 80.0% of the time; the model at a cut-off of 0.12 is right 73.3%." in words
    )
    assert "1 50 20.0% 20.0% 20.0% 20 40.0% 16.7% 33.3%" in words, "the riskiest bucket of the gains table"
    assert "Worked out on" in words


def test_the_cut_off_is_told_in_money_with_its_assumptions_to_who_may_see_money(seasoned: Desk) -> None:
    """100 earned on a good, 500 lost on a bad: 179 goods and 20 bads at 5%, then 60 and 40 at 20%."""
    words = look(seasoned.come("analyst"))
    assert "has a profit of EUR 7,900" in words.replace("\u00a0", " ")
    assert "less 1 without a column that the money reads" in words
    assert "Assumed, and measured by nobody yet: lgd" in words
    assert "What the cut-off is worth" not in look(seasoned.come("officer"))


def test_a_day_before_the_outcomes_were_known_has_not_enough_evidence(seasoned: Desk) -> None:
    words = look(seasoned.come("analyst"), as_of=(LONG_AGO + timedelta(days=100)).date().isoformat())
    assert "Not enough evidence yet: no outcome can be judged yet" in words
    assert "Right and wrong" not in words
    first = re.search(r"The first window ended on (\d{4}-\d\d-\d\d): as known on that day", words)
    assert first is not None, words
    long_before = look(seasoned.come("analyst"), as_of="2001-01-01")
    assert first[0] in long_before, "also where nothing was decided by then"
    day = date.fromisoformat(first[1])
    assert "Not enough evidence yet" not in look(seasoned.come("analyst"), as_of=first[1])
    assert "Not enough evidence yet" in look(seasoned.come("analyst"), as_of=(day - timedelta(days=1)).isoformat())


def test_where_nothing_was_reported_lately_the_page_is_as_of_the_last_report_and_warns_of_later_days(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Windows that close after the last report would count as good unasked, and look better than it is."""
    with open_desk(f"sqlite:///{tmp_path_factory.mktemp('silent') / 'store.db'}") as desk:
        desk.house.go_live(policy=MONEY)
        service = replace(desk.house.deed("service").by, branches=EVERY_BRANCH)
        deed = desk.house.services.deed(service, LONG_AGO)
        stated = Decision(answer="approve", pd=0.1, score=600.0, release=ReleaseRef("1", "m", "p"), applied_at=LONG_AGO)
        desk.house.store.ledger.append([deed.entry(stated, "silent")])
        told = LONG_AGO + timedelta(days=90)
        booked = {"application_id": "silent", "event": "booked", "at": LONG_AGO, "known_at": told}
        assert record_outcomes(desk.house.services.deed(service, told), [booked]).set_aside == ()
        analyst, last = desk.come("analyst"), told.date().isoformat()
        words = look(analyst)
        assert f"Nothing of any loan was reported after {last}, so this is as known then." in words
        assert "1 immature" in words
        later = look(analyst, as_of=(datetime.now(UTC) - timedelta(days=1)).date().isoformat())
        assert f"Nothing of any loan was reported after {last}. A window that closed since counts as good" in later
        assert "1 booked and matured" in later


def test_a_release_with_nothing_matured_says_so_and_buckets_are_adjusted(seasoned: Desk) -> None:
    analyst = seasoned.come("analyst")
    assert "0 booked and matured applications of release 2" in look(analyst, release="2")
    assert "Table of the 4 buckets" in look(analyst)
    assert "Table of the 2 buckets" in look(analyst, buckets="2")


def test_an_officer_of_one_branch_sees_that_branch(seasoned: Desk) -> None:
    north = seasoned.hire("north", "officer", branches=Branches.of("N"))
    assert "150 booked and matured applications of the branches N, booked" in look(north)


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"as_of": "2999-01-01"}, "is no day of which anybody knows something"),
     ({"as_of": "soon"}, "as known on: 'soon' is no day"),
     ({"buckets": "1"}, "is no number of buckets"), ({"buckets": "٣"}, "is no number of buckets")],
)  # fmt: skip
def test_what_makes_no_sense_is_told_beside_the_form(seasoned: Desk, asked: dict[str, str], said: str) -> None:
    page = seasoned.come("analyst").get("/accuracy", **asked)
    assert page.status_code == 422
    assert said in read_words(page.text)
    assert '<form method="get" action="/accuracy"' in page.text


def test_the_decisions_are_read_once_for_a_day_whatever_is_asked_of_them(
    seasoned: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0

    def count(*args: Any, **terms: Any) -> Judged:
        nonlocal read
        read += 1
        return judge_outcomes(*args, **terms)

    monkeypatch.setattr(accuracy, "judge_outcomes", count)
    store, live, now = seasoned.house.store, seasoned.house.current.take().require(), datetime.now(UTC)
    lately = AccuracyLately()
    for buckets in (5, 10, 5):
        asked = Asked(now.date(), buckets, None)
        worked = lately.look(store, live, asked, EVERY_BRANCH, now, patience=60)
        assert worked is not None
        assert worked.at == now
    assert read == 1
    lately.look(store, live, asked, EVERY_BRANCH, now + timedelta(minutes=6), patience=60)
    assert read == 2, "after some minutes it is worked out anew"


def test_whoever_does_not_wait_finds_it_later_and_a_failure_is_not_kept() -> None:
    lately: Lately[int] = Lately()
    now, go = datetime.now(UTC), Event()

    def work() -> int:
        go.wait(30)
        return 7

    assert lately.look("slow", work, now=now, patience=0.01) is None
    go.set()
    found = lately.look("slow", work, now=now, patience=30)
    assert found is not None
    assert found.value == 7
    with pytest.raises(ZeroDivisionError):
        lately.look("wrong", lambda: 1 // 0, now=now, patience=30)
    mended = lately.look("wrong", lambda: 1, now=now, patience=30)
    assert mended is not None
