# ruff: noqa: S101  # asserts are what a test is made of, and chance in it need not be secret
"""One route, one epoch: every change is recorded, and of many at once one wins."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from roadworthy.errors import StaleEpoch
from roadworthy.records import (
    Live,
    Recorded,
    Store,
    open_store,
    verify_chain,
)
from roadworthy.testing.entries import Entries
from roadworthy.testing.store_tests import RACERS, StoreTests

__all__ = ["RouteTests"]


class RouteTests(StoreTests):
    """The route and its epoch: R13."""

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

        start = Barrier(RACERS)
        outcomes = self.race(change)
        (won,) = [outcome for outcome in outcomes if isinstance(outcome, Live)]
        assert [outcome.epoch for outcome in outcomes if isinstance(outcome, StaleEpoch)] == [1] * (RACERS - 1)
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
        for row in self.read_all(store):
            if row.kind == "decision":
                assert row.subject.split("-")[0] == str(row.epoch)
        by_slot: dict[int, list[int]] = {}
        for row in self.read_all(store):
            by_slot.setdefault(row.slot, []).append(row.epoch or 0)
        assert all(epochs == sorted(epochs) for epochs in by_slot.values())
        assert verify_chain(store)
