# ruff: noqa: S101, S311  # asserts are what a test is made of, and chance in it need not be secret
"""What every store must pass. A store's tests inherit `LedgerSuite` and give it a fixture `store_url`:

    class TestMyStore(LedgerSuite):
        @pytest.fixture
        def store_url(self) -> str: ...    # the address of a place without a store, another for each test

Needs pytest and hypothesis.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from threading import Barrier
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from roadworthy.errors import OutcomeUnknown, Refused, StaleEpoch, StoreError, UsageError
from roadworthy.records import (
    Approval,
    Conflict,
    Entry,
    Live,
    Proposal,
    Record,
    Recorded,
    Replayed,
    Store,
    approve,
    create_store,
    open_store,
    propose,
    read_approvals,
    read_proposal,
    rebuild_projections,
    verify_chain,
)
from roadworthy.records.projections import PROJECTIONS
from roadworthy.records.schema import applications, approvals
from roadworthy.records.schema import store as store_table
from roadworthy.testing.entries import Entries
from roadworthy.testing.faults import break_commit

__all__ = ["LedgerSuite"]

T = TypeVar("T")
_MADE = datetime(2026, 11, 1, 8, tzinfo=UTC)
_RACERS = 32
_KILLS = 5
_SEEDS = count(10_000)  # hypothesis tries examples again, and every record id is new


class LedgerSuite:
    """The contract of a store: R2, R13, R28."""

    @pytest.fixture
    def store_url(self) -> str:
        """The address of a place without a store."""
        raise NotImplementedError("a store's tests say where it can be made")

    @pytest.fixture
    def store(self, store_url: str) -> Iterator[Store]:
        """A fresh store."""
        with create_store(store_url, store_id="a-store", at=_MADE) as made:
            yield made

    @pytest.fixture
    def entries(self) -> Entries:
        """What to put in."""
        return Entries(seed=7)

    # Append and read.

    def test_what_is_appended_is_read_back_byte_for_byte(self, store: Store, entries: Entries) -> None:
        batch = [entries.decision(), entries.outcome("A-1"), entries.decision("A-1")]
        done = store.ledger.append(batch)
        assert [type(result) for result in done.results] == [Recorded] * 3
        for entry in batch:
            found = store.ledger.find(entry.record_id)
            assert found is not None
            assert (found.kind, found.subject, found.actor) == (entry.kind, entry.subject, entry.actor)
            assert (found.payload, found.sealed, found.key_id) == (entry.payload, entry.sealed, None)
            assert (found.at, found.epoch, found.trial) == (entry.at, None, False)
        assert store.ledger.find("00000000-0000-7000-8000-000000000000") is None

    def test_rows_of_a_slot_are_numbered_without_a_gap_and_chained(self, store: Store, entries: Entries) -> None:
        for size in (1, 5, 64):
            store.ledger.append([entries.decision() for _ in range(size)])
        page = store.ledger.read()
        assert [row.seq for row in page.records] == list(range(1, 72))
        for before, after in zip(page.records, page.records[1:], strict=False):
            assert after.previous == before.hash
        (head,) = store.ledger.heads()
        assert (head.seq, head.hash) == (71, page.records[-1].hash)
        assert page.records[0].kind == "slot_opened"
        assert verify_chain(store).records == 71

    def test_reading_in_pages_behind_a_cursor_misses_nothing(self, store: Store, entries: Entries) -> None:
        store.ledger.append([entries.decision() for _ in range(20)])
        seen: list[Record] = []
        page = store.ledger.read(limit=6)
        while page.records:
            assert len(page.records) <= 6
            seen += page.records
            page = store.ledger.read(page.cursor, limit=6)
        store.ledger.append([entries.decision()])
        assert [row.seq for row in store.ledger.read(page.cursor).records] == [22]
        assert [row.seq for row in seen] == list(range(1, 22))

    def test_an_empty_batch_leaves_nothing(self, store: Store) -> None:
        assert store.ledger.append([]).results == ()
        assert store.ledger.heads() == ()

    def test_history_goes_by_order_of_recording_and_not_by_the_clock(self, store: Store, entries: Entries) -> None:
        first = entries.decision("A-1")
        store.ledger.append([first])
        answers = [entries.final_answer(first, answer) for answer in ("decline", "approve", "withdrawn")]
        a_day = timedelta(days=1)
        for entry, step in zip(answers, (-a_day, a_day, -2 * a_day), strict=True):
            moved = Entry(**{name: getattr(entry, name) for name in entry.__struct_fields__} | {"at": entry.at + step})
            store.ledger.append([moved])
        history = store.ledger.history("A-1")
        assert [row.record_id for row in history] == [first.record_id, *(entry.record_id for entry in answers)]
        assert [row.nth for row in history] == [1, 2, 3, 4]
        assert self._application(store, "A-1").final_answer == "withdrawn"

    def test_entries_along_share_the_fate_of_their_entry(self, store: Store, entries: Entries) -> None:
        def correction(key: str) -> Entry:
            made = entries.decision("A-1", key=key)
            return Entry(
                **{name: getattr(made, name) for name in made.__struct_fields__}
                | {"along": (entries.final_answer(made), entries.outcome("A-1"))}
            )

        store.ledger.append([correction("k")])
        (again,) = store.ledger.append([correction("k")]).results
        assert isinstance(again, Replayed)
        assert [row.kind for row in store.ledger.history("A-1")] == ["decision", "final_answer", "outcome_event"]

    @pytest.mark.parametrize("field", ["subject", "actor", "kind"])
    @pytest.mark.parametrize("text_", ["", "x" * 256, "a\0b", "\ud800"])
    def test_text_that_no_store_can_keep_is_refused(
        self, store: Store, entries: Entries, field: str, text_: str
    ) -> None:
        made = entries.decision()
        bad = Entry(**{name: getattr(made, name) for name in made.__struct_fields__} | {field: text_})
        with pytest.raises(UsageError):
            store.ledger.append([entries.decision(), bad])
        assert store.ledger.heads() == ()

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_bytes_and_any_text_come_back_as_they_were(self, store: Store, data: st.DataObject) -> None:
        words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=255)
        entries = Entries(next(_SEEDS))
        made = entries.decision()
        changed = {
            "subject": data.draw(words),
            "actor": data.draw(words),
            "kind": "set_by_a_test",
            "payload": data.draw(st.binary()),
            "sealed": data.draw(st.binary() | st.none()),
            "at": data.draw(st.datetimes(timezones=st.just(UTC))),
        }
        if changed["sealed"] is not None:
            changed["key_id"] = data.draw(words | st.none())
        store.ledger.append([Entry(**{name: getattr(made, name) for name in made.__struct_fields__} | changed)])
        found = store.ledger.find(made.record_id)
        assert found is not None
        assert {name: getattr(found, name) for name in changed} == changed
        assert verify_chain(store)

    def test_a_record_id_is_used_once(self, store: Store, entries: Entries) -> None:
        entry = entries.decision()
        with pytest.raises(UsageError, match="same record id"):
            store.ledger.append([entry, entry])
        store.ledger.append([entry])
        with pytest.raises(UsageError, match="used before"):
            store.ledger.append([entries.decision(), entry])
        assert len(store.ledger.read().records) == 2
        assert verify_chain(store)

    def test_a_time_without_a_zone_is_refused(self, store: Store, entries: Entries) -> None:
        made = entries.decision()
        naive = Entry(
            **{name: getattr(made, name) for name in made.__struct_fields__} | {"at": made.at.replace(tzinfo=None)}
        )
        with pytest.raises(UsageError, match="time zone"):
            store.ledger.append([naive])

    # The route.

    def test_the_route_starts_empty_and_each_change_is_recorded(self, store: Store, entries: Entries) -> None:
        assert (store.ledger.live().epoch, store.ledger.live().route.champion) == (0, None)
        note = entries.decision("A-1")
        live = store.ledger.change_route(entries.route_change("7", along=(note,)), expected_epoch=0)
        assert live == store.ledger.live()
        assert (live.epoch, live.route.champion, live.route.tables) == (1, "7", {"rates": "2026-11"})
        kinds = [(row.kind, row.epoch) for row in store.ledger.read().records]
        assert kinds == [("slot_opened", 1), ("route_event", 1), ("decision", 1)]

    def test_a_batch_of_another_epoch_is_not_recorded(self, store: Store, entries: Entries) -> None:
        store.ledger.change_route(entries.route_change(), expected_epoch=0)
        store.ledger.append([entries.decision()], epoch=1)
        for epoch in (0, 2):
            with pytest.raises(StaleEpoch) as stale:
                store.ledger.append([entries.decision(key="k")], epoch=epoch)
            assert (stale.value.asked, stale.value.epoch) == (epoch, 1)
        assert len(store.ledger.read().records) == 3
        (fresh,) = store.ledger.append([entries.decision(key="k")], epoch=1).results
        assert isinstance(fresh, Recorded)

    def test_a_change_from_another_epoch_changes_nothing(self, store: Store, entries: Entries) -> None:
        store.ledger.change_route(entries.route_change("1"), expected_epoch=0)
        with pytest.raises(StaleEpoch):
            store.ledger.change_route(entries.route_change("2"), expected_epoch=0)
        assert store.ledger.live().route.champion == "1"
        assert len(store.ledger.read().records) == 2

    def test_who_was_live_when(self, store: Store, entries: Entries) -> None:
        noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
        for epoch, hours in enumerate((0, 2, 1)):  # the last one by a clock that was set back
            change = entries.route_change(str(epoch + 1), at=noon + timedelta(hours=hours))
            store.ledger.change_route(change, expected_epoch=epoch)

        def champion(hours: float) -> tuple[int, str | None]:
            live = store.ledger.who_was_live(noon + timedelta(hours=hours))
            return live.epoch, live.route.champion

        assert champion(-1) == (0, None)
        assert champion(0) == (1, "1")
        assert champion(0.5) == (1, "1")
        assert champion(1) == (3, "3")
        assert champion(9) == (3, "3")

    def test_of_32_changes_at_once_one_wins(self, store_url: str, store: Store) -> None:
        def change(racer: int) -> Live | StaleEpoch:
            with open_store(store_url) as own:
                start.wait()
                try:
                    return own.ledger.change_route(Entries(racer).route_change(str(racer)), expected_epoch=0)
                except StaleEpoch as stale:
                    return stale

        start = Barrier(_RACERS)
        outcomes = self._race(change)
        (won,) = [outcome for outcome in outcomes if isinstance(outcome, Live)]
        assert [outcome.epoch for outcome in outcomes if isinstance(outcome, StaleEpoch)] == [1] * (_RACERS - 1)
        assert store.ledger.live() == won
        assert len([row for row in store.ledger.read().records if row.kind == "route_event"]) == 1
        assert verify_chain(store)

    def test_switches_under_load_leave_no_record_of_another_epoch(self, store_url: str, store: Store) -> None:
        """Writers append under the epoch they read; whatever is recorded was live when it was recorded."""
        switches, writers = 20, 4

        def write(writer: int) -> int:
            entries, stale = Entries(1000 + writer), 0
            with open_store(store_url) as own:
                while (live := own.ledger.live()).epoch < switches:
                    try:
                        own.ledger.append([entries.decision(f"{live.epoch}-{writer}")], epoch=live.epoch)
                    except StaleEpoch:
                        stale += 1
            return stale

        with ThreadPoolExecutor(writers) as pool:
            running = [pool.submit(write, writer) for writer in range(writers)]
            for epoch in range(switches):
                store.ledger.change_route(Entries(epoch).route_change(str(epoch)), expected_epoch=epoch)
                time.sleep(0.01)
            for future in running:
                future.result()
        for row in self._read_all(store):
            if row.kind == "decision":
                assert row.subject.split("-")[0] == str(row.epoch)
        by_slot: dict[int, list[int]] = {}
        for row in self._read_all(store):
            by_slot.setdefault(row.slot, []).append(row.epoch or 0)
        assert all(epochs == sorted(epochs) for epochs in by_slot.values())
        assert verify_chain(store)

    # Once.

    def test_the_same_key_and_body_get_what_was_recorded_first(self, store: Store, entries: Entries) -> None:
        first = entries.decision(key="k", body="b")
        store.ledger.append([first])
        fresh, again, other = store.ledger.append(
            [entries.decision(key="n"), entries.decision(key="k", body="b"), entries.decision(key="k", body="c")]
        ).results
        assert isinstance(fresh, Recorded)
        assert isinstance(again, Replayed)
        assert isinstance(other, Conflict)
        assert again.record == other.record == store.ledger.find(first.record_id)
        assert store.ledger.find_once("webshop", "k") == again.record
        assert store.ledger.find_once("another", "k") is None
        assert [row.seq for row in store.ledger.read().records] == [1, 2, 3]

    def test_a_key_twice_in_one_batch_is_recorded_once(self, store: Store, entries: Entries) -> None:
        batch = [entries.decision(key=key, body=body) for key, body in (("k", "b"), ("l", "b"), ("k", "b"), ("k", "c"))]
        results = store.ledger.append(batch).results
        kinds = Counter(type(result) for result in results)
        assert kinds[Recorded] == 2
        assert isinstance(results[1], Recorded)
        assert len(store.ledger.read().records) == 3
        assert verify_chain(store)

    @settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(batches=st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), max_size=6), max_size=5))
    def test_keys_behave_as_a_dictionary_would(self, store: Store, batches: list[list[tuple[int, int]]]) -> None:
        entries = Entries(next(_SEEDS))
        world = entries.record_id()
        taken: dict[str, tuple[str, int]] = {}
        for batch in batches:
            made = [entries.decision(key=f"{world}-{key}", body=str(body)) for key, body in batch]
            results = store.ledger.append(made).results
            for entry, (key, body), result in zip(made, batch, results, strict=True):
                if isinstance(result, Recorded):
                    assert taken.setdefault(str(key), (entry.record_id, body)) == (entry.record_id, body)
            for (key, body), result in zip(batch, results, strict=True):
                winner, its_body = taken[str(key)]
                if not isinstance(result, Recorded):
                    assert result.record.record_id == winner
                    assert isinstance(result, Replayed) == (body == its_body)
        assert verify_chain(store)

    def test_many_writers_with_the_same_keys_record_each_once(self, store_url: str, store: Store) -> None:
        keys = [f"k{number}" for number in range(24)]

        def write(writer: int) -> dict[str, str]:
            entries, chance = Entries(writer), random.Random(writer)
            with open_store(store_url) as own:
                told = {}
                order = chance.sample(keys, len(keys))
                start.wait()
                for first in range(0, len(order), 6):
                    some = order[first : first + 6]
                    results = own.ledger.append([entries.decision(key=key) for key in some]).results
                    for key, result in zip(some, results, strict=True):
                        assert not isinstance(result, Conflict)
                        told[key] = result.record_id if isinstance(result, Recorded) else result.record.record_id
            return told

        start = Barrier(8)
        told = self._race(write, 8)
        assert all(one == told[0] for one in told)
        decisions = [row.record_id for row in self._read_all(store) if row.kind == "decision"]
        assert sorted(decisions) == sorted(told[0].values())
        assert verify_chain(store)

    def test_writers_about_the_same_subject_agree_on_its_order(self, store_url: str, store: Store) -> None:
        def write(writer: int) -> None:
            entries = Entries(writer)
            with open_store(store_url) as own:
                start.wait()
                for number in range(6):
                    pair = [entries.outcome("A-1"), entries.outcome("A-2")]
                    own.ledger.append(pair if (writer + number) % 2 else pair[::-1])

        start = Barrier(8)
        self._race(write, 8)
        for subject in ("A-1", "A-2"):
            history = store.ledger.history(subject)
            assert [row.nth for row in history] == list(range(1, 49))
            assert self._application(store, subject).nth == 48
        before = self._projections(store)
        rebuild_projections(store)
        assert self._projections(store) == before
        assert verify_chain(store)

    # Faults.

    @pytest.mark.parametrize("arrives", [True, False])
    def test_a_commit_that_breaks_off_fails_closed_and_the_same_key_settles_it(
        self, store: Store, entries: Entries, arrives: bool
    ) -> None:
        store.ledger.append([entries.decision()])
        first = entries.decision(key="k")
        with break_commit(store, arrives=arrives), pytest.raises(OutcomeUnknown):
            store.ledger.append([first])
        (again,) = store.ledger.append([entries.decision(key="k")]).results
        assert isinstance(again, Replayed if arrives else Recorded)
        assert (store.ledger.find(first.record_id) is not None) == arrives
        assert len(store.ledger.read().records) == 3
        assert verify_chain(store)

    def test_a_change_of_route_that_breaks_off_is_whole_or_not_at_all(self, store: Store, entries: Entries) -> None:
        with break_commit(store, arrives=False), pytest.raises(OutcomeUnknown):
            store.ledger.change_route(entries.route_change(), expected_epoch=0)
        assert store.ledger.epoch() == 0
        with break_commit(store, arrives=True), pytest.raises(OutcomeUnknown):
            store.ledger.change_route(entries.route_change(), expected_epoch=0)
        assert store.ledger.epoch() == 1
        assert len(store.ledger.read().records) == 2
        assert verify_chain(store)

    def test_work_that_fails_inside_a_transaction_takes_its_records_with_it(
        self, store: Store, entries: Entries
    ) -> None:
        def work(connection: Connection) -> None:
            store.ledger.append([entries.decision()], within=connection)
            raise Refused("not after all")

        with pytest.raises(Refused, match="not after all"):
            store.transact(work)
        assert store.ledger.heads() == ()
        store.ledger.append([entries.decision()])
        assert verify_chain(store).records == 2

    def test_killed_writers_lose_nothing_acknowledged_and_record_nothing_twice(
        self, store_url: str, store: Store
    ) -> None:
        """R28: kill -9 at any moment, two writers with the same keys each time."""
        acknowledged: dict[str, set[str]] = {}
        for kill in range(_KILLS):
            first = max(len(acknowledged) - 12, 0)  # some that were acknowledged, some that may have been recorded
            writers = [self._start_writer(store_url, 10 * kill + number, first) for number in range(2)]
            for writer in writers:
                assert writer.stdout is not None
                for line in [writer.stdout.readline() for _ in range(8)]:
                    key, record_id = line.split()
                    acknowledged.setdefault(key, set()).add(record_id)
            time.sleep(random.uniform(0.0, 0.25))
            for writer in writers:
                writer.send_signal(signal.SIGKILL)
            for writer in writers:
                assert writer.stdout is not None
                told = writer.stdout.read().splitlines(keepends=True)
                for line in told:
                    if line.endswith("\n"):
                        key, record_id = line.split()
                        acknowledged.setdefault(key, set()).add(record_id)
                writer.wait()
                writer.stdout.close()
        recorded: dict[str, list[str]] = {}
        for row in self._read_all(store):
            if row.kind == "decision":
                recorded.setdefault(row.subject, []).append(row.record_id)
        assert len(acknowledged) > 8 * _KILLS
        assert {key: ids for key, ids in recorded.items() if len(ids) > 1} == {}
        assert {key: ids for key, ids in acknowledged.items() if ids != set(recorded.get(key, ()))} == {}
        before = self._projections(store)
        rebuild_projections(store)
        assert self._projections(store) == before
        assert verify_chain(store)

    # What the database itself refuses.

    @pytest.mark.parametrize(
        "deed",
        [
            "UPDATE records SET actor = 'eve'",
            "DELETE FROM records",
            "UPDATE proposals SET author = 'eve'",
            "DELETE FROM proposals",
            "UPDATE approvals SET approver = 'eve'",
            "DELETE FROM approvals",
            "DELETE FROM store",
        ],
    )
    def test_what_lasts_is_not_changed_even_by_hand(self, store: Store, entries: Entries, deed: str) -> None:
        store.ledger.append([entries.decision()])
        self._propose(store)
        self._approve(store, "ben", "key-b")
        with pytest.raises(DBAPIError, match="never"):
            store.transact(lambda connection: connection.execute(text(deed)))

    @pytest.mark.parametrize(("approver", "credential"), [("ana", "key-b"), ("ben", "key-a"), ("ana", "key-a")])
    def test_nobody_approves_their_own_proposal_nor_with_its_key(
        self, store: Store, approver: str, credential: str
    ) -> None:
        self._propose(store)
        with pytest.raises(Refused, match="proposed"):
            self._approve(store, approver, credential)
        with pytest.raises(IntegrityError, match="four_eyes"):
            store.transact(
                lambda connection: connection.execute(insert(approvals).values(**self._by_hand(approver, credential)))
            )
        with store.reading() as connection:
            assert read_approvals(connection, "P-1") == []
        self._approve(store, "ben", "key-b")

    def test_an_approval_cannot_lie_about_the_author_or_about_the_trial(self, store: Store) -> None:
        self._propose(store)
        for lie in ({"author": "eve"}, {"author_credential": "key-e"}, {"trial": True}, {"proposal_id": "P-2"}):
            row = insert(approvals).values(**self._by_hand("ben", "key-b") | lie)
            with pytest.raises(IntegrityError):
                store.transact(partial(Connection.execute, statement=row))

    def test_an_approval_is_read_back_and_given_once(self, store: Store) -> None:
        self._propose(store)
        approval = self._approve(store, "ben", "key-b")
        with pytest.raises(Refused):
            self._approve(store, "ben", "key-b", approval_id="again")
        with pytest.raises(Refused, match="no such proposal"):
            self._approve(store, "ben", "key-b", proposal_id="P-2")
        with store.reading() as connection:
            assert read_approvals(connection, "P-1") == [approval]
            proposal = read_proposal(connection, "P-1")
            assert proposal is not None
            assert (proposal.author, proposal.digest) == ("ana", "d" * 64)
            assert read_proposal(connection, "P-2") is None

    def test_a_trial_is_declared_in_an_empty_store_and_never_undone(self, store: Store, entries: Entries) -> None:
        assert not store.facts().trial
        store.declare_trial()
        store.declare_trial()
        assert store.facts().trial
        with pytest.raises(DBAPIError, match="trial"):
            store.transact(lambda connection: connection.execute(update(store_table).values(trial=False)))
        store.ledger.append([entries.decision()])
        assert all(row.trial for row in store.ledger.read().records)
        self._propose(store)
        self._approve(store, "ana", "key-a")

    def test_a_store_with_records_does_not_become_a_trial(self, store: Store, entries: Entries) -> None:
        store.ledger.append([entries.decision()])
        with pytest.raises(Refused, match="has records"):
            store.declare_trial()
        assert not store.facts().trial

    # Projections.

    def test_an_application_shows_what_its_records_say(self, store: Store, entries: Entries) -> None:
        decision = entries.decision("A-1")
        store.ledger.append([decision])
        row = self._application(store, "A-1")
        assert (row.decision_id, row.decisions, row.final_answer) == (decision.record_id, 1, None)
        assert row.status in ("open", "answered")
        assert row.names is not None
        store.ledger.append([entries.final_answer(decision, "counter_offer", actor="ben"), entries.outcome("A-1")])
        row = self._application(store, "A-1")
        assert (row.status, row.final_answer, row.final_by) == ("final", "counter_offer", "ben")
        assert (row.last_event, row.nth) == ("booked", 3)

    def test_projections_made_again_are_the_same(self, store: Store) -> None:
        chance, entries = random.Random(3), Entries(seed=3)
        made: list[Entry] = []
        for epoch in range(3):
            store.ledger.change_route(entries.route_change(str(epoch)), expected_epoch=epoch)
            for _ in range(6):
                batch = [entries.decision(f"A-{chance.randrange(40)}") for _ in range(6)]
                made += batch
                batch += [entries.final_answer(chance.choice(made)) for _ in range(3)]
                batch += [entries.outcome(chance.choice(made).subject, "payment") for _ in range(4)]
                chance.shuffle(batch)
                store.ledger.append(batch)
        before = self._projections(store)
        assert all(before.values())
        assert rebuild_projections(store) == len(self._read_all(store))
        assert self._projections(store) == before

    # Opening.

    def test_a_store_is_made_once_and_opened_as_it_is(self, store_url: str, store: Store) -> None:
        with pytest.raises(Refused, match="already"):
            create_store(store_url, store_id="another", at=_MADE)
        with open_store(store_url) as again:
            assert again.facts() == store.facts()
            assert again.facts().store_id == "a-store"
            assert again.facts().created_at == _MADE

    def test_what_is_no_store_is_not_opened(self, store_url: str) -> None:
        with pytest.raises(StoreError):
            open_store(store_url)

    # How the tests look and act.

    def _race(self, work: Callable[[int], T], racers: int = _RACERS) -> list[T]:
        with ThreadPoolExecutor(racers) as pool:
            return list(pool.map(work, range(racers)))

    def _read_all(self, store: Store) -> list[Record]:
        page = store.ledger.read(limit=500)
        found: list[Record] = []
        while page.records:
            found += page.records
            page = store.ledger.read(page.cursor, limit=500)
        return found

    def _application(self, store: Store, application_id: str) -> Any:
        with store.reading() as connection:
            return connection.execute(select(applications).where(applications.c.application_id == application_id)).one()

    def _projections(self, store: Store) -> dict[str, list[tuple[Any, ...]]]:
        with store.reading() as connection:
            return {
                table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
                for table in PROJECTIONS
            }

    def _propose(self, store: Store) -> None:
        proposal = Proposal(
            proposal_id="P-1", kind="release", subject="1", digest="d" * 64, author="ana", author_credential="key-a",
            at=_MADE,
        )  # fmt: skip
        store.transact(lambda connection: propose(connection, proposal))

    def _approve(
        self, store: Store, approver: str, credential: str, *, approval_id: str = "V-1", proposal_id: str = "P-1"
    ) -> Approval:
        approval = Approval(
            approval_id=approval_id, proposal_id=proposal_id, approver=approver, approver_credential=credential,
            verdict="approve", at=_MADE,
        )  # fmt: skip
        store.transact(lambda connection: approve(connection, approval))
        return approval

    def _by_hand(self, approver: str, credential: str) -> dict[str, Any]:
        return {
            "approval_id": "V-9", "proposal_id": "P-1", "author": "ana", "author_credential": "key-a",
            "approver": approver, "approver_credential": credential, "verdict": "approve", "at_us": 0, "trial": False,
        }  # fmt: skip

    def _start_writer(self, url: str, seed: int, first: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "roadworthy.testing.ledger_writer", url, str(seed), str(first)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own writer
