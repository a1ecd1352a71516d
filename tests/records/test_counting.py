"""Applications are counted by spans of time and by what waits, from indexes alone (R11, R20)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, text

from roadworthy.records import (
    Decision,
    Entry,
    HumanReview,
    Override,
    Particulars,
    ReleaseRef,
    Span,
    Store,
    Wanted,
    count_applications,
    count_spans,
    count_waiting,
    create_store,
    encode_payload,
    migrate_store,
    open_store,
    read_latest_moment,
)
from roadworthy.records.migrating import read_revisions, run_migrations, wanted_revisions
from roadworthy.records.store import connect_store, no_keys
from roadworthy.testing.entries import Entries
from tests.stores import MADE

MONDAYS = [datetime(2026, 10, day, tzinfo=UTC) for day in (5, 12, 19)]
MADE_UP = [
    # id, when, answer, PD, branch
    ("A-1", MONDAYS[0], "approve", 0.02, "N"),
    ("A-2", MONDAYS[0] + timedelta(days=3), "refer", 0.10, "N"),
    ("A-3", MONDAYS[1] - timedelta(microseconds=1), "decline", 0.30, "S"),
    ("A-4", MONDAYS[1], "refer", None, "S"),
    ("A-5", MONDAYS[2], "approve", 0.01, "S"),
]


@pytest.fixture
def entries() -> Entries:
    return Entries()


@pytest.fixture
def full(store: Store, entries: Entries) -> Store:
    store.ledger.append([decide(entries, *one) for one in MADE_UP])
    return store


def decide(entries: Entries, name: str, at: datetime, answer: str, pd: float | None, branch: str | None) -> Entry:
    decision = Decision(answer=answer, pd=pd, score=None, release=ReleaseRef("1", "m", "p"), branch=branch)
    entry = msgspec.structs.replace(entries.entry(decision, name), at=at)
    return msgspec.structs.replace(entry, sealed=encode_payload(Particulars(amount=1000.0)))


def spans(store: Store, branches: list[str] | None = None) -> tuple[Span, ...]:
    with store.reading() as connection:
        return count_spans(connection, MONDAYS, branches)


def test_each_span_counts_what_was_decided_in_it_and_not_at_its_end(full: Store) -> None:
    first, second = spans(full)
    assert (first.start, first.end) == (MONDAYS[0], MONDAYS[1])
    assert (first.decisions, first.approved, first.referred, first.declined) == (3, 1, 1, 1)
    assert first.mean_pd == pytest.approx((0.02 + 0.10 + 0.30) / 3)
    assert (second.decisions, second.referred, second.mean_pd) == (1, 1, None)


def test_only_the_branches_that_somebody_sees_are_counted(full: Store) -> None:
    first, second = spans(full, ["N"])
    assert (first.decisions, first.declined, second.decisions) == (2, 0, 0)
    assert [span.decisions for span in spans(full, [])] == [0, 0]


def test_overrides_and_corrections_are_counted_where_their_decision_is(full: Store, entries: Entries) -> None:
    decision = next(iter(full.ledger.history("A-3")))
    override = Override(decision_id=decision.record_id, answer="approve", reason_code="other")
    full.ledger.append([entries.entry(override, "A-3")])
    full.ledger.append([decide(entries, "A-1", MONDAYS[1], "decline", 0.4, "N")])
    first, second = spans(full)
    assert (first.decisions, first.overridden, first.corrected) == (2, 1, 0)
    assert (second.decisions, second.declined, second.corrected) == (2, 1, 1)


def test_many_spans_are_counted_in_their_order(full: Store) -> None:
    """More than one statement asks for them."""
    bounds = [MONDAYS[0] + timedelta(hours=2 * hour) for hour in range(131)]
    with full.reading() as connection:
        found = count_spans(connection, bounds)
    assert [span.start for span in found] == bounds[:-1]
    assert [place for place, span in enumerate(found) if span.decisions] == [0, 36, 83, 84]


def test_what_waits_is_counted_by_status(full: Store, entries: Entries) -> None:
    decision = next(iter(full.ledger.history("A-3")))
    asked = HumanReview(decision_id=decision.record_id, step="requested", deadline=MADE)
    full.ledger.append([entries.entry(asked, "A-3")])
    with full.reading() as connection:
        assert count_waiting(connection) == {"open": 2, "review": 1}
        assert count_waiting(connection, ["N"]) == {"open": 1}
        assert count_waiting(connection, []) == {}
        assert count_applications(connection, Wanted(statuses=["open", "review"])) == 3
        assert count_applications(connection, Wanted(statuses=["open", "answered"])) == 4


def test_the_latest_moment_is_that_of_the_branches_seen(full: Store) -> None:
    with full.reading() as connection:
        assert read_latest_moment(connection) == MONDAYS[2]
        assert read_latest_moment(connection, ["N"]) == MONDAYS[0] + timedelta(days=3)
        assert read_latest_moment(connection, ["W"]) is None


def test_sqlite_opens_no_application_to_count(tmp_path: Path) -> None:
    """The plan says so: a covering index, and a range of it."""
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "applications" in statement:
            asked.append((statement, values))

    with create_store(f"sqlite:///{tmp_path / 'store.db'}", store_id="a", at=MADE) as store:
        event.listen(store.connections.reader, "before_cursor_execute", listen)
        with store.reading() as connection:
            count_spans(connection, MONDAYS[:2], ["N"])
            count_waiting(connection, ["N"])
            count_applications(connection, Wanted(statuses=["open"]))
            plans = [
                " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values))
                for sql, values in list(asked)
            ]
    assert "SEARCH applications USING COVERING INDEX ix_applications_decided (decided_us>? AND decided_us<?" in plans[0]
    assert "USING COVERING INDEX ix_applications_waiting" in plans[1]
    assert "USING COVERING INDEX ix_applications_waiting" in plans[2]


def test_a_store_of_the_first_version_is_brought_up_to_date(store_url: str, entries: Entries) -> None:
    """Its decisions stay, and are counted."""
    with connect_store(store_url, no_keys, create=True) as old:
        old.transact(lambda connection: run_migrations(connection, ("records_1", "lifecycle_1")))
        at = 1_000_000
        made = text("INSERT INTO store (one, store_id, created_us, trial) VALUES (1, 'old', :at, false)")
        old.transact(lambda connection: connection.execute(made, {"at": at}))
        with old.reading() as connection:
            assert "records_2" not in read_revisions(connection)
    assert migrate_store(store_url) == wanted_revisions()
    with open_store(store_url) as store, store.reading() as connection:
        assert read_revisions(connection) == wanted_revisions()
        assert count_waiting(connection) == {}
