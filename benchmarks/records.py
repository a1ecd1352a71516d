"""What the ledger costs: appends in batches of 64 beside a bare insert of the same bytes with the same durability.

    python benchmarks/records.py [--batches 200]

One JSON line a store: rows a second of each, taken in turns in one run, the ratios, and where the ledger's time goes. A
bare row is an id and the bytes; a record is numbered, chained, claimed by its key, and found by search. `encrypted` is
the same ledger with a key for each applicant, here a new one for every row: found by one read and kept by one insert a
batch. PostgreSQL is this machine's own, started for the run; it is left out where there is none. Only the ratios mean
anything.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.records import Entry, Store, create_store, new_wrapping_key, read_wrapping_text, verify_chain, whose
from roadworthy.testing.entries import Entries

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.stores import running_postgres

AT_ONCE = 64
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=200)
    batches = parser.parse_args().batches
    with tempfile.TemporaryDirectory() as folder:
        measure("sqlite", f"sqlite:///{folder}/store.db", f"sqlite:///{folder}/encrypted.db", batches)
    with running_postgres(fsync=True) as server:
        if server is not None:
            measure("postgresql", server.make_database(), server.make_database(), batches)


def measure(name: str, url: str, encrypted: str, batches: int) -> None:
    entries = Entries(1)
    keys = read_wrapping_text(new_wrapping_key(), "the benchmark")
    with (
        create_store(url, store_id="bench", at=datetime.now(UTC)) as store,
        create_store(encrypted, store_id="bench", at=datetime.now(UTC), keys=keys) as other,
    ):
        store.transact(make_bare)
        seconds = {"ledger": 0.0, "encrypted": 0.0, "bare": 0.0}
        cpu = dict(seconds)
        for turn in range(ROUNDS + 1):
            made = [make_batch(entries) for _ in range(batches // ROUNDS)]
            for kind, where, write in (
                ("ledger", store, write_ledger),
                ("encrypted", other, write_ledger),
                ("bare", store, write_bare),
            ):
                clock, used = time.perf_counter(), time.process_time()
                for batch in made:
                    write(where, batch)
                if turn:  # the first turn warms caches and prepared statements
                    seconds[kind] += time.perf_counter() - clock
                    cpu[kind] += time.process_time() - used
        rows = batches // ROUNDS * ROUNDS * AT_ONCE
        figures = {
            "benchmark": "records",
            "store": name,
            "rows": rows,
            "bytes_a_row": round(sum(len(entry.payload) + len(entry.sealed or b"") for entry in made[0]) / AT_ONCE),
            "ledger_rows_per_second": round(rows / seconds["ledger"]),
            "bare_rows_per_second": round(rows / seconds["bare"]),
            "ledger_to_bare": round(seconds["ledger"] / seconds["bare"], 2),
            "encrypted_rows_per_second": round(rows / seconds["encrypted"]),
            "encrypted_to_ledger": round(seconds["encrypted"] / seconds["ledger"], 2),
            "encrypted_cpu_us_a_row": round(cpu["encrypted"] / rows * 1e6, 1),
            "ledger_cpu_us_a_row": round(cpu["ledger"] / rows * 1e6, 1),
            "bare_cpu_us_a_row": round(cpu["bare"] / rows * 1e6, 1),
            "verified": verify_chain(store).fault is None,
        }
    print(json.dumps(figures))


def make_batch(entries: Entries) -> list[Entry]:
    made = [entries.decision(key=entries.record_id()) for _ in range(AT_ONCE)]
    return [msgspec.structs.replace(entry, whose=whose(None, entry.subject)) for entry in made]


def make_bare(connection: Any) -> None:
    kind = "BLOB" if connection.dialect.name == "sqlite" else "BYTEA"
    connection.exec_driver_sql(f"CREATE TABLE bare (id TEXT PRIMARY KEY, payload {kind}, sealed {kind})")


def write_ledger(store: Store, batch: list[Entry]) -> None:
    store.ledger.append(batch, epoch=0)


def write_bare(store: Store, batch: list[Entry]) -> None:
    rows = [(entry.record_id, entry.payload, entry.sealed) for entry in batch]
    place = "?" if store.url.startswith("sqlite") else "%s"
    sql = f"INSERT INTO bare VALUES ({place}, {place}, {place})"  # noqa: S608  # our own words
    store.transact(lambda connection: connection.exec_driver_sql(sql, rows))


if __name__ == "__main__":
    main()
