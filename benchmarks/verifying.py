"""What it costs to verify every record, beside one bare SHA-256 a row of the same bytes.

    python benchmarks/verifying.py [--rows 50000] [--processes 1]

Records made-up decisions, each once under a key, in a SQLite store; backs it up, archives it, and restores the backup
into this machine's own PostgreSQL, started for the run and left out where there is none. One JSON line a place: rows a
second by the clock, microseconds of processor a row (of all processes, the database server's among them), and their
ratio to those of the bare hashes, taken right before and after. Only the ratios mean anything: the clock is shared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from roadworthy.records import (
    Store,
    Verified,
    archive,
    backup,
    create_store,
    open_store,
    restore,
    verify_archive,
    verify_backup,
    verify_chain,
)
from roadworthy.records.schema import records
from roadworthy.testing.entries import Entries

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.stores import running_postgres

AT_ONCE = 500
BARE = 20_000
HEADER = 137


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    processes: int = asked.processes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with create_store(f"sqlite:///{folder}/store.db", store_id="bench", at=datetime.now(UTC)) as store:
            fill(store, asked.rows)
            backup(store, folder / "backup.zip", at=datetime.now(UTC))
            archive(store, folder / "archive", at=datetime.now(UTC))
            messages = read_messages(store)
            measure("sqlite", processes, messages, lambda: verify_chain(store, processes=processes))
        zipped, parts = folder / "backup.zip", folder / "archive"
        measure("backup", processes, messages, lambda: verify_backup(zipped, processes=processes))
        measure("archive", processes, messages, lambda: verify_archive(parts, processes=processes))
        with running_postgres(fsync=False) as server:
            if server is None or server.process is None:
                return
            url, pid = server.make_database(), server.process.pid
            restore(zipped, url)
            measure("postgresql", processes, messages, lambda: verify_apart(url, processes), pid)


def fill(store: Store, rows: int) -> None:
    entries = Entries(1)
    for _ in range(-(-rows // AT_ONCE)):
        store.ledger.append([entries.decision(key=entries.record_id()) for _ in range(AT_ONCE)], epoch=0)


def read_messages(store: Store) -> list[bytes]:
    """As many bytes as a row is hashed over, of some thousand rows."""
    wanted = select(records).limit(BARE)
    with store.reading() as connection:
        return [
            bytes(HEADER)
            + "".join((row.record_id, row.kind, row.subject, row.actor, row.key_id or "")).encode()
            + row.payload
            + (row.sealed or b"")
            for row in connection.execute(wanted)
        ]


def verify_apart(url: str, processes: int) -> Verified:
    """Over connections that end with it: what a server's process used is told when it is gone."""
    with open_store(url) as store:
        return verify_chain(store, processes=processes)


def measure(
    place: str, processes: int, messages: list[bytes], verify: Callable[[], Verified], server: int | None = None
) -> None:
    before = hash_bare(messages)
    clock, used = time.perf_counter(), used_until_now(server)
    found = verify()
    seconds = time.perf_counter() - clock
    time.sleep(0.2 if server else 0.0)  # the server's processes end in their own time
    a_row = (used_until_now(server) - used) / found.records * 1e6
    bare = (before + hash_bare(messages)) / 2
    figures = {
        "benchmark": "verifying",
        "place": place,
        "processes": processes,
        "rows": found.records,
        "bytes_a_row": round(sum(map(len, messages)) / len(messages)),
        "rows_per_second": round(found.records / seconds),
        "cpu_us_a_row": round(a_row, 2),
        "bare_sha256_us_a_row": round(bare, 2),
        "ratio": round(a_row / bare, 2),
        "verified": found.fault is None,
    }
    print(json.dumps(figures), flush=True)


def hash_bare(messages: list[bytes]) -> float:
    """Microseconds of processor for one SHA-256 a row."""
    used = time.process_time()
    for message in messages:
        sha256(message).digest()
    return (time.process_time() - used) / len(messages) * 1e6


def used_until_now(server: int | None) -> float:
    """Seconds of processor of this process, of those it started that have ended, and of a server's with its own."""
    used = sum(
        spent.ru_utime + spent.ru_stime
        for spent in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    if server is not None:
        ticks = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[11:15]
        used += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return used


if __name__ == "__main__":
    main()
