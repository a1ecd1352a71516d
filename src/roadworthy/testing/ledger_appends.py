# ruff: noqa: S101, S311  # asserts are what a test is made of, and chance in it need not be secret
"""What is appended is read back, in its order, and once for each key."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roadworthy.errors import UsageError
from roadworthy.records import (
    Conflict,
    Entry,
    Record,
    Recorded,
    Replayed,
    Store,
    open_store,
    rebuild_projections,
    verify_chain,
)
from roadworthy.testing.entries import Entries
from roadworthy.testing.store_tests import SEEDS, StoreTests

__all__ = ["AppendTests"]


class AppendTests(StoreTests):
    """Appending, reading, keys: R2, R28."""

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
        assert self.application(store, "A-1").final_answer == "withdrawn"

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
        entries = Entries(next(SEEDS))
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
        entries = Entries(next(SEEDS))
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
        told = self.race(write, 8)
        assert all(one == told[0] for one in told)
        decisions = [row.record_id for row in self.read_all(store) if row.kind == "decision"]
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
        self.race(write, 8)
        for subject in ("A-1", "A-2"):
            history = store.ledger.history(subject)
            assert [row.nth for row in history] == list(range(1, 49))
            assert self.application(store, subject).nth == 48
        before = self.projections(store)
        rebuild_projections(store)
        assert self.projections(store) == before
        assert verify_chain(store)
