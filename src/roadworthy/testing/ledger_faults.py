# ruff: noqa: S101, S311  # asserts are what a test is made of, and chance in it need not be secret
"""Whatever breaks off or is killed, nothing acknowledged is lost and nothing is there twice."""

from __future__ import annotations

import random
import signal
import time

import pytest
from sqlalchemy import Connection

from roadworthy.errors import OutcomeUnknown, Refused
from roadworthy.records import (
    Recorded,
    Replayed,
    Store,
    rebuild_projections,
    verify_chain,
)
from roadworthy.testing.entries import Entries
from roadworthy.testing.faults import break_commit
from roadworthy.testing.store_tests import StoreTests

__all__ = ["FaultTests"]

KILLS = 5


class FaultTests(StoreTests):
    """Commits that break, work that fails, writers that are killed: R28."""

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
        for kill in range(KILLS):
            first = max(len(acknowledged) - 12, 0)  # some that were acknowledged, some that may have been recorded
            writers = [self.start_writer(store_url, 10 * kill + number, first) for number in range(2)]
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
        for row in self.read_all(store):
            if row.kind == "decision":
                recorded.setdefault(row.subject, []).append(row.record_id)
        assert len(acknowledged) > 8 * KILLS
        assert {key: ids for key, ids in recorded.items() if len(ids) > 1} == {}
        assert {key: ids for key, ids in acknowledged.items() if ids != set(recorded.get(key, ()))} == {}
        before = self.projections(store)
        rebuild_projections(store)
        assert self.projections(store) == before
        assert verify_chain(store)
