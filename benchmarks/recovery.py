"""How long a store takes until it writes again after its writer was killed in the middle of a commit.

    python benchmarks/recovery.py [--store sqlite:///COPY.db] [--records 1000000] [--kills 100]

One JSON line. A store on SQLite is filled with so many records, or a copy of one is brought: it is written to. Each
turn a process appends until its log has some size below that at which it is written back, and is killed with SIGKILL;
then the store is opened as a server opens it, its log made sure of, and one decision appended. Seconds from opening to
the acknowledgement: p50, p99 and the largest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from roadworthy.records import create_store, open_store
from roadworthy.testing.entries import Entries

AT_ONCE = 1_000
LOG = 30 << 20
"""Bytes of log before a kill: SQLite writes it back from 32 MB on."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.store or fill(f"sqlite:///{folder}/store.db", asked.records)
        with open_store(url) as store:
            records = sum(head.seq for head in store.ledger.heads())
        turns = [recover(url, turn) for turn in range(asked.kills)]
    seconds = sorted(took for took, _ in turns)
    figures = {
        "benchmark": "recovery",
        "records": records,
        "kills": len(turns),
        "log_mb_p50": round(statistics.median(size for _, size in turns) / 1e6, 1),
        "seconds_p50": round(statistics.median(seconds), 3),
        "seconds_p99": round(seconds[min(len(seconds) - 1, round(0.99 * len(seconds)))], 3),
        "seconds_max": round(seconds[-1], 3),
    }
    print(json.dumps(figures))


def fill(url: str, records: int) -> str:
    entries = Entries(0)
    with create_store(url, store_id="bench", at=datetime.now(UTC)) as store:
        for _ in range(records // AT_ONCE):
            store.ledger.append([entries.decision(key=entries.record_id()) for _ in range(AT_ONCE)])
    return url


def recover(url: str, turn: int) -> tuple[float, int]:
    """Seconds from opening to the first acknowledgement after a kill, and the size of the log that was found."""
    log = Path(f"{url.removeprefix('sqlite:///')}-wal")
    # Keys of their own: what was recorded before is not recorded again.
    seed, chance = time.time_ns() % 10**9, random.Random(turn)
    begin, wanted = seed * 1_000, chance.uniform(0, LOG)
    program = [sys.executable, "-m", "roadworthy.testing.ledger_writer", url, str(seed), str(begin)]
    writer = subprocess.Popen(program, stdout=subprocess.PIPE)
    for _ in writer.stdout or ():
        if log.stat().st_size >= wanted:
            break
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    found = log.stat().st_size
    began = time.perf_counter()
    with open_store(url) as store:
        store.ledger.append([Entries(seed + 1).decision(key=f"after {seed}")])
        took = time.perf_counter() - began
    return took, found


if __name__ == "__main__":
    main()
