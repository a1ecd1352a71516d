"""Keeps a store of this version for those to come: `python tests/golden/make_stores.py`, once at each release.

Writes tests/golden/stores/VERSION: a small SQLite store as its file, the backup of the same store, and what both held
(`facts.json`). They are never made again: what a later version must bring up is what this one wrote.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from pysqlite3 import dbapi2 as driver
from sqlalchemy import Connection

import roadworthy
from roadworthy.access import CONSOLE, Act, Actor, add_account, record_in
from roadworthy.records import (
    Approval,
    Once,
    Proposal,
    Store,
    approve,
    backup,
    create_store,
    keep_content,
    propose,
    verify_chain,
)
from roadworthy.records.migrating import wanted_revisions
from roadworthy.testing.entries import Entries

MADE = datetime(2026, 11, 1, 9, tzinfo=UTC)
STORES = Path(__file__).resolve().parent / "stores"


def main() -> None:
    folder = STORES / (sys.argv[1] if len(sys.argv) > 1 else roadworthy.__version__)
    folder.mkdir(parents=True)
    with create_store(f"sqlite:///{folder / 'store.db'}", store_id=f"golden-{folder.name}", at=MADE) as store:
        fill(store)
        manifest = backup(store, folder / "backup.zip", at=MADE)
        verified = verify_chain(store)
        assert verified
    alone = driver.connect(str(folder / "store.db"), isolation_level=None)
    for statement in ("PRAGMA journal_mode = DELETE", "VACUUM"):  # all of it in the one file
        alone.execute(statement)
    alone.close()
    facts = {
        "version": roadworthy.__version__,
        "revisions": wanted_revisions(),
        "records": verified.records,
        "heads": manifest.heads,
        "rows": {table.name: table.rows for table in manifest.tables},
    }
    (folder / "facts.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts)) + b"\n")


def fill(store: Store) -> None:
    """Something of everything that a store keeps."""
    entries = Entries(7)
    admin = Actor(account=CONSOLE, credential=CONSOLE, roles=frozenset({"admin"}))
    recorder = record_in(store.ledger, entries.record_id)

    def add(connection: Connection) -> None:
        for name, role in (("ana", "analyst"), ("ben", "approver")):
            add_account(Act(connection, admin, MADE, recorder), name, roles=(role,))

    store.transact(add)
    proposal = Proposal(
        proposal_id="P-1",
        kind="release",
        subject="1",
        digest="d" * 64,
        author="ana",
        author_credential="key:1",
        at=MADE,
    )
    verdict = Approval(
        approval_id="V-1", proposal_id="P-1", approver="ben", approver_credential="key:2", verdict="approve", at=MADE
    )
    store.transact(lambda connection: propose(connection, proposal))
    store.transact(lambda connection: approve(connection, verdict))
    store.transact(lambda connection: keep_content(connection, bytes(range(256)) * 20, "application/x-golden"))
    store.ledger.change_route(entries.route_change(), expected_epoch=0)
    for _ in range(4):
        batch = [entries.decision(key=entries.record_id()) for _ in range(15)]
        store.ledger.append([*batch, *(entries.final_answer(entry) for entry in batch[:5])], epoch=1)
        store.ledger.append([entries.outcome(entry.subject) for entry in batch[:3]])
    once = Once("webshop", "golden", b"the same body")
    store.ledger.append([msgspec.structs.replace(entries.decision("A-golden"), once=once)], epoch=1)


if __name__ == "__main__":
    main()
