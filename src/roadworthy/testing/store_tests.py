# chance in it need not be secret
"""What all tests of a store have: a fresh store, entries, and ways to look."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from roadworthy.records import (
    Approval,
    Proposal,
    Record,
    Store,
    approve,
    create_store,
    propose,
)
from roadworthy.records.projections import PROJECTIONS
from roadworthy.records.schema import applications
from roadworthy.testing.entries import Entries

__all__ = ["MADE", "RACERS", "SEEDS", "StoreTests"]

T = TypeVar("T")
MADE = datetime(2026, 11, 1, 8, tzinfo=UTC)
RACERS = 32
SEEDS = count(10_000)  # hypothesis tries examples again, and every record id is new


class StoreTests:
    """Tests of a store that `store_url` gives the place of."""

    @pytest.fixture
    def store_url(self) -> str:
        """The address of a place without a store."""
        raise NotImplementedError("a store's tests say where it can be made")

    @pytest.fixture
    def store(self, store_url: str) -> Iterator[Store]:
        """A fresh store."""
        with create_store(store_url, store_id="a-store", at=MADE) as made:
            yield made

    @pytest.fixture
    def entries(self) -> Entries:
        """What to put in."""
        return Entries(seed=7)

    def race(self, work: Callable[[int], T], racers: int = RACERS) -> list[T]:
        with ThreadPoolExecutor(racers) as pool:
            return list(pool.map(work, range(racers)))

    def read_all(self, store: Store) -> list[Record]:
        page = store.ledger.read(limit=500)
        found: list[Record] = []
        while page.records:
            found += page.records
            page = store.ledger.read(page.cursor, limit=500)
        return found

    def application(self, store: Store, application_id: str) -> Any:
        with store.reading() as connection:
            return connection.execute(select(applications).where(applications.c.application_id == application_id)).one()

    def projections(self, store: Store) -> dict[str, list[tuple[Any, ...]]]:
        with store.reading() as connection:
            return {
                table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
                for table in PROJECTIONS
            }

    def propose(self, store: Store) -> None:
        proposal = Proposal(
            proposal_id="P-1", kind="release", subject="1", digest="d" * 64, author="ana", author_credential="key-a",
            at=MADE,
        )  # fmt: skip
        store.transact(lambda connection: propose(connection, proposal))

    def approve(
        self, store: Store, approver: str, credential: str, *, approval_id: str = "V-1", proposal_id: str = "P-1"
    ) -> Approval:
        approval = Approval(
            approval_id=approval_id, proposal_id=proposal_id, approver=approver, approver_credential=credential,
            verdict="approve", at=MADE,
        )  # fmt: skip
        store.transact(lambda connection: approve(connection, approval))
        return approval

    def by_hand(self, approver: str, credential: str) -> dict[str, Any]:
        return {
            "approval_id": "V-9", "proposal_id": "P-1", "author": "ana", "author_credential": "key-a",
            "approver": approver, "approver_credential": credential, "verdict": "approve", "at_us": 0, "trial": False,
        }  # fmt: skip

    def start_writer(self, url: str, seed: int, first: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "roadworthy.testing.ledger_writer", url, str(seed), str(first)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own writer
