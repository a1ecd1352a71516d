# ruff: noqa: S101, S311  # asserts are what a test is made of, and chance in it need not be secret
"""What the database itself refuses; projections that can be made again; opening."""

from __future__ import annotations

import random
from functools import partial

import pytest
from sqlalchemy import Connection, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from roadworthy.errors import Refused, StoreError
from roadworthy.records import (
    Entry,
    Store,
    create_store,
    open_store,
    read_approvals,
    read_proposal,
    rebuild_projections,
)
from roadworthy.records.schema import approvals
from roadworthy.records.schema import store as store_table
from roadworthy.testing.entries import Entries
from roadworthy.testing.store_tests import MADE, StoreTests

__all__ = ["RefusalTests"]


class RefusalTests(StoreTests):
    """Four eyes, the trial, what lasts; projections; opening."""

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
        self.propose(store)
        self.approve(store, "ben", "key-b")
        with pytest.raises(DBAPIError, match="never"):
            store.transact(lambda connection: connection.execute(text(deed)))

    @pytest.mark.parametrize(("approver", "credential"), [("ana", "key-b"), ("ben", "key-a"), ("ana", "key-a")])
    def test_nobody_approves_their_own_proposal_nor_with_its_key(
        self, store: Store, approver: str, credential: str
    ) -> None:
        self.propose(store)
        with pytest.raises(Refused, match="proposed"):
            self.approve(store, approver, credential)
        with pytest.raises(IntegrityError, match="four_eyes"):
            store.transact(
                lambda connection: connection.execute(insert(approvals).values(**self.by_hand(approver, credential)))
            )
        with store.reading() as connection:
            assert read_approvals(connection, "P-1") == []
        self.approve(store, "ben", "key-b")

    def test_an_approval_cannot_lie_about_the_author_or_about_the_trial(self, store: Store) -> None:
        self.propose(store)
        for lie in ({"author": "eve"}, {"author_credential": "key-e"}, {"trial": True}, {"proposal_id": "P-2"}):
            row = insert(approvals).values(**self.by_hand("ben", "key-b") | lie)
            with pytest.raises(IntegrityError):
                store.transact(partial(Connection.execute, statement=row))

    def test_an_approval_is_read_back_and_given_once(self, store: Store) -> None:
        self.propose(store)
        approval = self.approve(store, "ben", "key-b")
        with pytest.raises(Refused):
            self.approve(store, "ben", "key-b", approval_id="again")
        with pytest.raises(Refused, match="no such proposal"):
            self.approve(store, "ben", "key-b", proposal_id="P-2")
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
        self.propose(store)
        self.approve(store, "ana", "key-a")

    def test_a_store_with_records_does_not_become_a_trial(self, store: Store, entries: Entries) -> None:
        store.ledger.append([entries.decision()])
        with pytest.raises(Refused, match="has records"):
            store.declare_trial()
        assert not store.facts().trial

    def test_an_application_shows_what_its_records_say(self, store: Store, entries: Entries) -> None:
        decision = entries.decision("A-1")
        store.ledger.append([decision])
        row = self.application(store, "A-1")
        assert (row.decision_id, row.decisions, row.final_answer) == (decision.record_id, 1, None)
        assert row.status in ("open", "answered")
        assert row.names is not None
        store.ledger.append([entries.final_answer(decision, "counter_offer", actor="ben"), entries.outcome("A-1")])
        row = self.application(store, "A-1")
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
        before = self.projections(store)
        assert all(before.values())
        assert rebuild_projections(store) == len(self.read_all(store))
        assert self.projections(store) == before

    def test_a_store_is_made_once_and_opened_as_it_is(self, store_url: str, store: Store) -> None:
        with pytest.raises(Refused, match="already"):
            create_store(store_url, store_id="another", at=MADE)
        with open_store(store_url) as again:
            assert again.facts() == store.facts()
            assert again.facts().store_id == "a-store"
            assert again.facts().created_at == MADE

    def test_what_is_no_store_is_not_opened(self, store_url: str) -> None:
        with pytest.raises(StoreError):
            open_store(store_url)
