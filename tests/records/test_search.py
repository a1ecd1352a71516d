"""Applications are found by what their records say (R20), and not once they are erased."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from roadworthy.records import (
    Application,
    Decision,
    Entry,
    Erasure,
    Particulars,
    ReleaseRef,
    Store,
    Wanted,
    count_applications,
    create_store,
    encode_payload,
    read_application,
    rebuild_projections,
    search_applications,
)
from roadworthy.testing.entries import Entries
from tests.stores import MADE

PEOPLE = {
    "A-1": ("Ana Núñez", "N", "approve", 1000.0),
    "A-2": ("Ben O'Hara", "N", "refer", 2000.0),
    "A-3": ("Anatole Nunes", "S", "decline", 3000.0),
    "A-4": ("李 小龙", "S", "approve", 4000.0),
}


@pytest.fixture
def entries() -> Entries:
    return Entries()


@pytest.fixture
def full(store: Store, entries: Entries) -> Store:
    store.ledger.append([decide(entries, *item) for item in PEOPLE.items()])
    return store


def decide(entries: Entries, application_id: str, facts: tuple[str, str, str, float]) -> Entry:
    name, branch, answer, amount = facts
    release = ReleaseRef("1", "m", "p")
    decision = Decision(answer=answer, pd=0.1, score=600.0, release=release, branch=branch)
    entry = entries.entry(decision, application_id)
    particulars = Particulars(applicant_id=f"C{application_id}", names=(name,), amount=amount)
    return msgspec.structs.replace(entry, sealed=encode_payload(particulars))


def find(store: Store, wanted: Wanted) -> list[str]:
    with store.reading() as connection:
        found = search_applications(connection, wanted)
        assert count_applications(connection, wanted) == len(found.applications)
    return [application.application_id for application in found.applications]


def test_no_more_are_counted_than_somebody_asks_about(full: Store) -> None:
    with full.reading() as connection:
        assert [count_applications(connection, Wanted(), most=most) for most in (2, 3, 4, 9)] == [3, 4, 4, 4]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["A-4", "A-3", "A-2", "A-1"]),
        (Wanted(application_ids=["A-2", "A-9"]), ["A-2"]),
        (Wanted(applicant_id="CA-3"), ["A-3"]),
        (Wanted(name="nunez"), ["A-1"]),
        (Wanted(name="NÚÑ"), ["A-3", "A-1"]),
        (Wanted(name="ana nun"), ["A-3", "A-1"]),
        (Wanted(name="nunez ana"), ["A-1"]),
        (Wanted(name="小龙"), ["A-4"]),
        (Wanted(name="o'hara"), ["A-2"]),
        (Wanted(name="%"), ["A-4", "A-3", "A-2", "A-1"]),
        (Wanted(name="zoe"), []),
        (Wanted(branches=["S"]), ["A-4", "A-3"]),
        (Wanted(branches=[]), []),
        (Wanted(statuses=["open"]), ["A-2"]),
        (Wanted(answers=["approve", "decline"], amount_from=1500.0), ["A-4", "A-3"]),
        (Wanted(amount_to=2000.0), ["A-2", "A-1"]),
        (Wanted(final_answers=["approve"]), []),
        (Wanted(releases=["1"], branches=["N"], name="ben"), ["A-2"]),
    ],
)
def test_what_is_asked_is_found_latest_first(full: Store, wanted: Wanted, found: list[str]) -> None:
    assert find(full, wanted) == found


def test_times_bound_the_search(full: Store) -> None:
    with full.reading() as connection:
        second = read_application(connection, "A-2")
    assert second is not None
    at = next(row.at for row in full.ledger.history("A-2"))
    assert find(full, Wanted(decided_from=at)) == ["A-4", "A-3", "A-2"]
    assert find(full, Wanted(decided_before=at)) == ["A-1"]
    assert find(full, Wanted(decided_from=at, decided_before=at + timedelta(microseconds=1))) == ["A-2"]


def test_pages_meet_without_a_gap_also_at_equal_times(store: Store, entries: Entries) -> None:
    at = entries.now()
    batch = [msgspec.structs.replace(entries.decision(f"A-{number:02}"), at=at) for number in range(25)]
    store.ledger.append(batch)
    found: list[Application] = []
    with store.reading() as connection:
        page = search_applications(connection, Wanted(), limit=10)
        found += page.applications
        while page.next is not None:
            page = search_applications(connection, Wanted(), limit=10, after=page.next)
            found += page.applications
    assert [application.application_id for application in found] == [f"A-{number:02}" for number in range(25)]


def test_a_decision_made_anew_is_found_under_its_new_name_only(full: Store, entries: Entries) -> None:
    full.ledger.append([decide(entries, "A-1", ("Ana Groß", "N", "approve", 1.0))])
    assert find(full, Wanted(name="nunez")) == []
    assert find(full, Wanted(name="gross")) == ["A-1"]
    with full.reading() as connection:
        application = read_application(connection, "A-1")
    assert application is not None
    assert (application.decisions, application.amount) == (2, 1.0)


def test_what_is_erased_is_found_no_more_and_stays_so(full: Store, entries: Entries) -> None:
    """R30: nothing about the person is left outside the ledger, and nothing comes back."""
    full.ledger.append([entries.outcome("A-1"), entries.entry(Erasure(key_ids=("k",)), "A-1")])
    full.ledger.append([entries.outcome("A-1", "default")])
    for _ in range(2):
        assert find(full, Wanted(name="nunez")) == []
        assert find(full, Wanted(application_ids=["A-1"])) == []
        with full.reading() as connection:
            application = read_application(connection, "A-1")
            events = connection.exec_driver_sql("SELECT count(*) FROM outcome_events").scalar_one()
        assert application == Application("A-1", nth=4, status="erased")
        assert events == 0
        rebuild_projections(full)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(statuses=["final"]),
        Wanted(branches=["north"], final_answers=["counter_offer"]),
        Wanted(releases=["2"], amount_from=100_000.0),
        Wanted(answers=["refer"], decided_before=MADE),
    ],
)
def test_sqlite_opens_no_application_that_does_not_fit(wanted: Wanted, tmp_path: Path) -> None:
    """Among a million of them, each condition is decided by the index that also gives the order."""
    plans: list[str] = []
    with create_store(f"sqlite:///{tmp_path / 'store.db'}", store_id="a", at=MADE) as store:
        driver = store.connections.reader.raw_connection()

        def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if "applications" in statement:  # and not where the transaction begins
                plan = driver.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", values)
                plans.append(" ".join(row[3] for row in plan))

        with store.reading() as connection:
            event.listen(connection, "before_cursor_execute", listen)
            search_applications(connection, wanted, after=(2**50, "A-1"))
            count_applications(connection, wanted, most=10)
        driver.close()
    assert "SEARCH applications USING INDEX ix_applications_decided (decided_us" in plans[0]
    assert "SEARCH applications USING COVERING INDEX ix_applications_decided (decided_us" in plans[1]
